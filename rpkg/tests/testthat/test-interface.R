# The arguments and defaults that older programs rely on. More arguments may follow them.
promised <- list(
  open_fmalloc = alist(filepath = , size_gb = NULL, mode = c("persistent", "scratch")),
  init_fmalloc = alist(filepath = , size_gb = NULL, mode = c("persistent", "scratch")),
  cleanup_fmalloc = alist(runtime = NULL),
  create_fmalloc_vector = alist(type = "integer", length = , runtime = NULL,
    zero_initialize = TRUE),
  create_fmalloc_matrix = alist(type = "integer", nrow = , ncol = , dimnames = NULL,
    runtime = NULL, zero_initialize = TRUE),
  create_fmalloc_array = alist(type = "integer", dim = , dimnames = NULL, runtime = NULL,
    zero_initialize = TRUE),
  create_fmalloc_data_frame = alist(... = , row.names = NULL, check.names = TRUE,
    stringsAsFactors = FALSE),
  as_fmalloc_matrix = alist(x = , nrow = NULL, ncol = NULL, dimnames = NULL, copy = TRUE),
  as_fmalloc_array = alist(x = , dim = NULL, dimnames = NULL, copy = TRUE),
  as_fmalloc_data_frame = alist(... = , row.names = NULL, check.names = TRUE,
    stringsAsFactors = FALSE),
  destroy_fmalloc_vector = alist(x = , unsafe = FALSE),
  diagnose_fmalloc_runtime = alist(runtime = NULL),
  list_fmalloc_allocations = alist(runtime = NULL),
  recover_fmalloc_vector = alist(runtime = NULL, record_offset = ),
  as_fmalloc = alist(x = , runtime = NULL),
  is_fmalloc = alist(x = ),
  collect_fmalloc = alist(x = ),
  fmalloc_sizes = alist(x = ),
  put_fmalloc = alist(name = , x = , runtime = NULL, description = "", serialize = FALSE),
  get_fmalloc = alist(name = , runtime = NULL),
  exists_fmalloc = alist(name = , runtime = NULL),
  remove_fmalloc = alist(names = , runtime = NULL),
  rename_fmalloc = alist(from = , to = , runtime = NULL, replace = FALSE),
  list_fmalloc = alist(runtime = NULL),
  transaction_fmalloc = alist(runtime = NULL, expr = )
)

test_that("every promised function is exported, with its arguments and defaults", {
  exported <- getNamespaceExports("Rfmalloc")
  for (name in names(promised)) {
    expect_true(name %in% exported, label = paste(name, "is exported"))
    formal <- as.list(formals(getExportedValue("Rfmalloc", name)))
    arguments <- promised[[name]]
    expect_identical(formal[seq_along(arguments)], arguments, label = name)
  }
})

test_that("constructors end in plain = FALSE", {
  for (name in c("vector", "matrix", "array", "data_frame")) {
    formal <- formals(getExportedValue("Rfmalloc", paste0("create_fmalloc_", name)))
    expect_identical(tail(as.list(formal), 1), list(plain = FALSE))
  }
})
