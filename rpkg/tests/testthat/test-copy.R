test_that("a copy that is broken off leaves no record behind", { # proves I13
  path <- tempfile(fileext = ".bin")
  clean_up <- function() {
    setTimeLimit()
    cleanup_fmalloc()
    unlink(path)
  }
  on.exit(clean_up())
  init_fmalloc(path)
  # 120 MB that take no memory here, and longer to copy than the time allowed
  setTimeLimit(elapsed = 0.02, transient = TRUE)
  expect_error(as_fmalloc_matrix(1:3e7, nrow = 1e4), "time limit")
  setTimeLimit()
  expect_false("committed" %in% list_fmalloc_allocations()$state)
  m <- as_fmalloc_matrix(1:6, nrow = 2)
  expect_identical(sum(m), 21L)
})
