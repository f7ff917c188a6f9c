# Vectors of the catalog share a finalizer with others: groups (chapter "Who keeps whom
# alive").

live_count <- function(store) sum(list_fmalloc_allocations(store)$state == "committed")

test_that("vectors of one group die one by one, and the others stay", {
  store <- new_store()
  xs <- lapply(1:200, function(k) {
    x <- create_fmalloc_vector("integer", 3, store)
    x[] <- k
    x
  })
  xs <- xs[seq(1, 200, by = 7)]
  invisible(gc())
  expect_identical(vapply(xs, `[[`, 1L, 3L), seq(1L, 200L, by = 7L))
  expect_equal(live_count(store), 200)
})

test_that("a store closes for good when all vectors of all groups are dead", {
  path <- tempfile(fileext = ".bin")
  store <- new_store(path = path)
  for (k in 1:100) x <- create_fmalloc_vector("raw", 1, store)
  rm(x)
  cleanup_fmalloc(store)
  held <- Sys.readlink(list.files("/proc/self/fd", full.names = TRUE))
  expect_false(normalizePath(path) %in% held)            # where there is a /proc
  again <- new_store(path = path, mode = "persistent")  # not locked, not open
  expect_equal(live_count(again), 100)
  expect_false(attr(again, "initialized"))
  expect_error(list_fmalloc_allocations(store), class = "fmalloc_closed")
})

test_that("the last vector of a group keeps the store open after cleanup", {
  store <- new_store()
  for (k in 1:10) x <- create_fmalloc_vector("integer", 2, store)
  x[] <- 8:9
  cleanup_fmalloc(store)
  invisible(gc())
  expect_identical(x[[2]], 9L)
  expect_match(capture.output(.Internal(inspect(x)))[1], "runtime=closed")
})

test_that("a place whose payload could not be had stays empty, and hurts nobody", {
  store <- new_store()
  x <- create_fmalloc_vector("integer", 2, store)
  expect_error(create_fmalloc_vector("integer", 2^50, store), class = "fmalloc_error")
  y <- create_fmalloc_vector("integer", 2, store)
  y[] <- 1:2
  expect_identical(x[[1]], 0L)
  expect_identical(y[[2]], 2L)
  destroy_fmalloc_vector(x, unsafe = TRUE)
  expect_error(x[[1]], class = "fmalloc_closed")
  expect_identical(y[[2]], 2L)
})

test_that("a finalizer may make vectors in the store that it belongs to", {
  store <- new_store()
  made <- NULL
  for (round in 1:3) {
    e <- new.env()
    e$x <- create_fmalloc_vector("integer", 4, store)
    e$x[] <- round
    reg.finalizer(e, function(e) {
      y <- create_fmalloc_vector("integer", 4, store)
      y[] <- e$x[] + 1L
      made <<- c(made, list(y))
    })
    rm(e)
    invisible(gc())
  }
  invisible(gc())
  expect_identical(lapply(made, function(y) y[[4]]), list(2L, 3L, 4L))
})

test_that("a vector that is looked at after its group has gone is closed", {
  seen <- character()
  local({
    e <- new.env()
    e$store <- new_store()
    e$x <- create_fmalloc_vector("integer", 4, e$store)
    reg.finalizer(e, function(e) {
      seen <<- tryCatch(as.character(e$x[[1]]), fmalloc_closed = function(c) "closed")
    })
  })
  for (k in 1:3) invisible(gc())
  expect_true(seen %in% c("0", "closed"))
})

test_that("scratch vectors and temporaries return their room one by one", {
  store <- new_store(mode = "scratch")
  before <- .Call(Rfmalloc:::rfm_c_info, store)$temporary_bytes
  keep <- create_fmalloc_vector("numeric", 1e5, store)
  for (k in 1:10) x <- create_fmalloc_vector("numeric", 1e5, store)
  rm(x)
  invisible(gc())
  invisible(gc())
  expect_lt(.Call(Rfmalloc:::rfm_c_info, store)$temporary_bytes - before, 2 * 8e5)
})
