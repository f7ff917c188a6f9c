offset_of <- function(x, store) {
  rows <- list_fmalloc_allocations(store)
  rows$record_offset[rows$generation == info_of(x)$id]
}

test_that("every committed record comes back, of every type", {
  path <- tempfile()
  store <- open_fmalloc(path)
  for (type in names(samples)) stored(samples[[type]], store)
  cleanup_fmalloc(store)
  gc()
  store <- open_fmalloc(path)
  rows <- list_fmalloc_allocations(store)
  for (k in seq_len(nrow(rows))) {
    x <- recover_fmalloc_vector(store, rows$record_offset[k])
    expect_identical(class(x), c("fmalloc_vector", "fmalloc", rows$type[k]))
    expect_identical(collect_fmalloc(x), samples[[rows$type[k]]])
    expect_identical(recover_fmalloc_vector(store, rows$record_offset[k], plain = TRUE),
      samples[[rows$type[k]]])
  }
})

test_that("a record that nobody uses can be changed in place", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  id <- info_of(x)$id
  offset <- offset_of(x, store)
  rm(x)
  gc()
  y <- recover_fmalloc_vector(store, offset)
  y[2] <- 20
  expect_identical(info_of(y)$id, id)
  rm(y)
  gc()
  expect_identical(recover_fmalloc_vector(store, offset, plain = TRUE), c(1, 20, 3))
})

# proves I7
test_that("a record in use stays a value for both", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  y <- recover_fmalloc_vector(store, offset_of(x, store))
  x[1] <- 10
  expect_identical(y[1], 1)
  y[2] <- 20
  expect_identical(x[2], 2)
  saved <- serialize(x, NULL)
  z <- recover_fmalloc_vector(store, offset_of(x, store))
  expect_identical(info_of(z)$id, info_of(x)$id)
  z[3] <- 30
  expect_identical(c(x[3], unserialize(saved)[3]), c(3, 3))
})

test_that("destroying what was recovered destroys the record", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  offset <- offset_of(x, store)
  y <- recover_fmalloc_vector(store, offset)
  expect_identical(info_of(y)$state, "temporary")
  expect_true(destroy_fmalloc_vector(y))
  expect_error(x[1], "closed fmalloc ALTREP vector handle")
  y <- recover_fmalloc_vector(store, offset)
  expect_true(destroy_fmalloc_vector(y, unsafe = TRUE))
  expect_identical(list_fmalloc_allocations(store)$state, "tombstone")
  z <- stored(c(1, 2, 3), store)
  y <- recover_fmalloc_vector(store, offset_of(z, store))
  destroy_fmalloc_vector(z, unsafe = TRUE)
  expect_true(destroy_fmalloc_vector(y, unsafe = TRUE))
  expect_false(destroy_fmalloc_vector(y))
})

# proves I9
test_that("what is no committed record is an error", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  y <- x + 1
  offset <- offset_of(x, store)
  for (none in c(0, 1, offset + 1, offset + 8, 2^40)) {
    expect_error(recover_fmalloc_vector(store, none), "No vector's record",
      class = "fmalloc_no_record")
  }
  destroy_fmalloc_vector(x, unsafe = TRUE)
  expect_error(recover_fmalloc_vector(store, offset), "destroyed", class = "fmalloc_tombstone")
  for (bad in list(-1, NA, "1", NULL, c(1, 2), NaN)) {
    expect_error(recover_fmalloc_vector(store, bad), "non-negative", class = "fmalloc_argument")
  }
  expect_error(recover_fmalloc_vector(store, 0.5), "integer-valued", class = "fmalloc_argument")
  expect_error(recover_fmalloc_vector(store), "record_offset is required",
    class = "fmalloc_argument")
  expect_error(recover_fmalloc_vector(store, offset, plain = 1), "plain must be TRUE or FALSE",
    class = "fmalloc_argument")
  cleanup_fmalloc(store)
  expect_error(recover_fmalloc_vector(store, offset), "runtime is closed",
    class = "fmalloc_closed")
})

test_that("a vector that was destroyed mildly is recovered", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  offset <- offset_of(x, store)
  destroy_fmalloc_vector(x)
  expect_error(x[1], "closed fmalloc ALTREP vector handle")
  expect_identical(recover_fmalloc_vector(store, offset, plain = TRUE), c(1, 2, 3))
})

test_that("a reader recovers, too, and changes nothing", {
  path <- tempfile()
  store <- open_fmalloc(path)
  x <- stored(c(1, 2, 3), store)
  offset <- offset_of(x, store)
  rm(x)
  cleanup_fmalloc(store)
  gc()
  before <- md5(path)
  reader <- open_fmalloc(path, access = "read")
  y <- recover_fmalloc_vector(reader, offset)
  y[1] <- 9
  expect_identical(collect_fmalloc(y), c(9, 2, 3))
  expect_identical(md5(path), before)
})
