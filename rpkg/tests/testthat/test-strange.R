# Every C function that .Call() can reach, with arguments that it does not expect.
# It may refuse them, by an R error; it may not crash, nor harm what it was not given.

doors <- function() getDLLRegisteredRoutines("Rfmalloc")$.Call

# One of everything that an argument could be by mistake. Files are made here.
odd_arguments <- function(store, folder) {
  closed <- open_fmalloc(file.path(folder, "closed.bin"))
  cleanup_fmalloc(closed)
  gone <- create_fmalloc_vector("integer", 3, store)
  destroy_fmalloc_vector(gone)
  list(
    NULL, NA, TRUE, 0, 1, -1, 2.5, NaN, Inf, 3L, NA_integer_, 1e300, 2^40, 1i, as.raw(1),
    "numeric", "raw", "scratch", file.path(folder, "a file"), "", NA_character_, character(),
    c("+", "sum"), "+", list(), list(1, "a"), 1:3, c(2, 2), quote(x), new.env(), sum, mean,
    store, closed, unserialize(serialize(store, NULL)), gone,
    stored(c(1.5, 2, NA), store), stored(1:130, store), stored(as.raw(1:9), store),
    stored(c("a", "something longer than a cell", NA), store),
    as_fmalloc(list(1:3, c(a = "b"), NULL), store),
    stored_matrix(matrix(1:4, 2), store), structure(list(), class = "fmalloc")
  )
}

test_that("doors refuse what they do not expect, and survive it", {
  folder <- tempfile("doors-")
  dir.create(folder)
  old <- setwd(folder)
  on.exit({
    setwd(old)
    cleanup_fmalloc()
    unlink(folder, recursive = TRUE)
  })
  path <- file.path(folder, "store.bin")
  store <- open_fmalloc(path)
  witness <- stored(c(3, 1, 4, 1, 5), store)
  set.seed(20240131)
  strange <- character()
  refusals <- 0
  for (door in doors()) {
    given <- odd_arguments(store, folder)
    for (k in 1:150) {
      arguments <- sample(given, door$numParameters, replace = TRUE)
      told <- tryCatch({
        suppressWarnings(do.call(.Call, c(list(door), arguments), quote = TRUE))
        NULL
      }, error = identity)
      refusals <- refusals + !is.null(told)
      if (inherits(told, "error") && !nzchar(conditionMessage(told))) {
        strange <- c(strange, door$name)
      }
      if (!.Call(Rfmalloc:::rfm_c_is_open, store)) {
        store <- open_fmalloc(path)
        given <- odd_arguments(store, folder)
      }
    }
  }
  expect_identical(strange, character())
  expect_gt(refusals, 1000)
  expect_identical(plain(witness), c(3, 1, 4, 1, 5))
  sync_fmalloc(store)
  expect_true(check_fmalloc(path)$sound)
  cleanup_fmalloc(store)
})
