columns <- c("record_offset", "generation", "state", "type", "length", "payload_offset",
  "payload_nbytes", "flags", "recoverable")

test_that("a fresh store lists nothing, in the right columns", {
  rows <- list_fmalloc_allocations(new_store())
  expect_s3_class(rows, "data.frame")
  expect_identical(dim(rows), c(0L, 9L))
  expect_named(rows, columns)
})

test_that("every vector has a row that says what it is", {
  store <- new_store()
  kept <- lapply(names(samples), create_fmalloc_vector, length = 1000, runtime = store)
  rows <- list_fmalloc_allocations(store)
  expect_named(rows, columns)
  expect_identical(rows$state, rep("committed", 5))
  expect_identical(rows$type, names(samples))
  expect_identical(as.numeric(rows$length), rep(1000, 5))
  expect_identical(as.numeric(rows$payload_nbytes), c(4000, 4000, 8000, 16000, 1000))
  expect_identical(anyDuplicated(rows$generation), 0L)
  expect_identical(rows$recoverable, rep(TRUE, 5))
  expect_true(all(rows$record_offset > 0))
  expect_true(all(rows$payload_offset %% 64 == 0))
  expect_identical(rows$payload_offset, vapply(kept, function(x) info_of(x)$offset, 0))
  ends <- rows$payload_offset + rows$payload_nbytes
  o <- order(rows$payload_offset)
  expect_true(all(ends[o][-5] <= rows$payload_offset[o][-1]))
})

test_that("states follow a vector's life", {
  store <- new_store()
  x <- stored(as.numeric(1:10), store)
  y <- x + 1
  rows <- list_fmalloc_allocations(store)
  expect_identical(rows$state, c("committed", "temporary"))
  expect_identical(rows$flags[1], 0)
  saved <- serialize(x, NULL)
  expect_identical(list_fmalloc_allocations(store)$flags[1], 1)
  saved <- serialize(y, NULL)
  rows <- list_fmalloc_allocations(store)
  expect_identical(rows$state, c("committed", "committed"))
  destroy_fmalloc_vector(x, unsafe = TRUE)
  rows <- list_fmalloc_allocations(store)
  expect_identical(rows$state, c("tombstone", "committed"))
  expect_identical(rows$recoverable, c(FALSE, TRUE))
})

# proves I9
test_that("generations are never used again", {
  path <- tempfile()
  seen <- numeric()
  for (round in 1:3) {
    store <- open_fmalloc(path)
    for (k in 1:5) {
      x <- create_fmalloc_vector("integer", 10, store)
      seen <- c(seen, max(list_fmalloc_allocations(store)$generation))
      destroy_fmalloc_vector(x, unsafe = TRUE)
    }
    rm(x)
    cleanup_fmalloc(store)
    gc()
  }
  expect_identical(anyDuplicated(seen), 0L)
  expect_identical(seen, sort(seen))
})

test_that("records outlive their R objects and the session's handle", {
  path <- tempfile()
  store <- open_fmalloc(path)
  create_fmalloc_vector("raw", 5, store)
  gc()
  expect_identical(nrow(list_fmalloc_allocations(store)), 1L)
  before <- list_fmalloc_allocations(store)
  cleanup_fmalloc(store)
  gc()
  expect_identical(list_fmalloc_allocations(open_fmalloc(path))[columns[-1]], before[columns[-1]])
})

test_that("scratch stores list no rows", {
  store <- new_store(mode = "scratch")
  x <- create_fmalloc_vector("integer", 10, store)
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
})
