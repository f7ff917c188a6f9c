test_that("a vector's size on disk is its extent, and it is in memory once touched", {
  store <- new_store()
  x <- stored(as.numeric(1:10), store)
  s <- fmalloc_sizes(x)
  expect_s3_class(s, "data.frame", exact = TRUE)
  expect_named(s, c("on_disk", "resident", "materialised"))
  expect_identical(unlist(s, use.names = FALSE), c(128, 80, 0))
  expect_identical(fmalloc_sizes(stored(as.numeric(1:1000), store))$on_disk, 8192)
})

test_that("pages that nobody has touched are not in memory", {
  path <- tempfile()
  store <- open_fmalloc(path, size_gb = 0.125)
  x <- create_fmalloc_vector("numeric", 8e6, store, zero_initialize = FALSE)
  sizes <- fmalloc_sizes(x)
  expect_identical(sizes$on_disk, 64000000)
  expect_lt(sizes$resident, 8e6)
  x[] <- 1
  expect_identical(fmalloc_sizes(x)$resident, 64000000)
})

test_that("a data frame has a row for each column, ordinary or not", {
  store <- new_store()
  d <- data.frame(x = as_fmalloc(1:1000, store), y = rnorm(1000))
  sizes <- fmalloc_sizes(d)
  expect_identical(rownames(sizes), c("x", "y"))
  expect_identical(sizes$on_disk, c(4032, 0))
  expect_identical(sizes$resident, c(4000, 0))
  expect_identical(sizes$materialised, c(0, as.numeric(object.size(d$y))))
  expect_identical(dim(fmalloc_sizes(data.frame())), c(0L, 3L))
  names(d) <- c("x", "x")
  expect_identical(rownames(fmalloc_sizes(d)), c("x", "x.1"))
})

test_that("other things have no sizes", {
  store <- new_store()
  for (bad in list(1:3, NULL, sum, list(1))) {
    expect_error(fmalloc_sizes(bad), "lives in an fmalloc store", class = "fmalloc_argument")
  }
  x <- stored(1:3, store)
  destroy_fmalloc_vector(x)
  expect_error(fmalloc_sizes(x), "closed fmalloc ALTREP vector handle", class = "fmalloc_closed")
})

test_that("strings and lists count with all that belongs to them", {
  store <- new_store()
  x <- as_fmalloc(sprintf("this is line number %4d", 1:100), store)
  sizes <- fmalloc_sizes(x)
  expect_gte(sizes$on_disk, 1600 + 24 * 100)
  before <- sizes$materialised
  nchar(x)
  order(x)
  expect_gt(fmalloc_sizes(x)$materialised, max(before, 800))
  y <- as_fmalloc(list(a = 1:1000, b = list(c = 1:1000)), store)
  expect_identical(fmalloc_sizes(y)$on_disk, 2 * 4032 + 2 * 64)
})
