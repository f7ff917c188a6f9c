test_that("errors from R and from C have the same shape", {
  path <- tempfile()
  writeLines("not a store", path)
  from_r <- tryCatch(open_fmalloc(""), error = identity)
  from_c <- tryCatch(open_fmalloc(path), error = identity)
  expect_identical(class(from_r), c("fmalloc_argument", "fmalloc_error", "error", "condition"))
  expect_identical(class(from_c), c("fmalloc_foreign", "fmalloc_error", "error", "condition"))
  for (e in list(from_r, from_c)) {
    expect_type(e$message, "character")
    expect_type(e$path, "character")
    expect_type(e$status, "character")
    expect_identical(paste0("fmalloc_", e$status), class(e)[1])
    expect_length(e$errno, 1)
  }
  expect_identical(basename(from_c$path), basename(path))
  expect_match(from_c$message, basename(path), fixed = TRUE)
})

test_that("errors of the system carry its number", {
  folder <- tempfile()
  e <- tryCatch(open_fmalloc(file.path(folder, "x.bin")), error = identity)
  expect_s3_class(e, "fmalloc_no_file")
  expect_match(e$message, "Cannot create file", fixed = TRUE)
  expect_gt(e$errno, 0)
  expect_false(file.exists(folder))
})

test_that("what happens is told only when asked for", {
  path <- tempfile()
  expect_silent(cleanup_fmalloc(open_fmalloc(path)))
  old <- options(Rfmalloc.verbose = TRUE)
  on.exit(options(old))
  expect_message(store <- open_fmalloc(path), "fmalloc: opened")
  expect_message(cleanup_fmalloc(store), "fmalloc: closed")
  expect_message(store <- open_fmalloc(tempfile()), "fmalloc: made")
})
