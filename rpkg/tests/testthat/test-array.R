test_that("an array of every type has dimensions, names and class", {
  store <- new_store()
  for (type in names(samples)) {
    labels <- list(c("a", "b"), NULL, letters[1:4])
    a <- create_fmalloc_array(type, c(2, 3, 4), labels, runtime = store)
    expect_identical(class(a), c("fmalloc_array", "fmalloc", type))
    expect_identical(dim(a), 2:4)
    expect_identical(dimnames(a), labels)
    expect_true(is_fmalloc(a))
    a[] <- rep_len(samples[[type]], 24)
    b <- array(rep_len(samples[[type]], 24), 2:4, labels)
    expect_identical(collect_fmalloc(a), b)
    expect_identical(collect_fmalloc(a[2, , ]), b[2, , ])
    expect_identical(a[["b", 3, "d"]], b[["b", 3, "d"]])
  }
})

test_that("arrays of one and of two dimensions are arrays, too", {
  store <- new_store()
  expect_s3_class(create_fmalloc_array("raw", 5, runtime = store), "fmalloc_array")
  m <- create_fmalloc_array("integer", c(2, 3), list(NULL, c("x", "y", "z")), runtime = store)
  expect_identical(class(m), c("fmalloc_array", "fmalloc", "integer"))
  expect_identical(dimnames(m), list(NULL, c("x", "y", "z")))
  expect_true(is.matrix(m))
  expect_identical(dim(create_fmalloc_array("raw", c(0, 4, 2), runtime = store)), c(0L, 4L, 2L))
})

# proves I13
test_that("dimensions that make no sense are refused, and nothing is made", {
  store <- new_store()
  make <- function(...) create_fmalloc_array("raw", ..., runtime = store)
  expect_error(make(), "dim is required", class = "fmalloc_argument")
  for (bad in list(NULL, integer(), "2", list(2))) {
    expect_error(make(bad), "invalid 'dims'", class = "fmalloc_argument")
  }
  for (bad in list(-1, c(2, NA), NaN, -Inf)) {
    expect_error(make(bad), "invalid 'dims'.*non-negative", class = "fmalloc_argument")
  }
  expect_error(make(c(2, 2.5)), "integer-valued", class = "fmalloc_argument")
  expect_error(make(c(2, Inf)), "at most 2147483647", class = "fmalloc_argument")
  expect_error(make(rep(2^31 - 1, 3)), class = "fmalloc_too_large")
  expect_error(make(2, dimnames = list(1:3)), "not equal to array extent",
    class = "fmalloc_argument")
  expect_error(make(2, plain = NA), "plain.* must be TRUE or FALSE", class = "fmalloc_argument")
  expect_error(create_fmalloc_array("foo", 2, runtime = store), "Unsupported vector type",
    class = "fmalloc_argument")
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
})

test_that("as_fmalloc_array copies, or shapes in place", {
  store <- new_store()
  x <- stored(1:12, store)
  a <- as_fmalloc_array(x, c(2, 3, 2), list(c("u", "v"), NULL, NULL))
  expect_identical(class(a), c("fmalloc_array", "fmalloc", "integer"))
  expect_identical(collect_fmalloc(a), array(1:12, c(2, 3, 2), list(c("u", "v"), NULL, NULL)))
  expect_null(dim(x))
  expect_false(info_of(a)$id == info_of(x)$id)
  expect_identical(info_of(a)$state, "committed")
  a[1] <- 99L
  expect_identical(x[1], 1L)

  same <- x
  b <- as_fmalloc_array(x, c(3, 4), copy = FALSE)
  expect_identical(info_of(b)$id, info_of(x)$id)
  expect_identical(dim(x), 3:4)
  expect_identical(dim(same), 3:4)
  expect_s3_class(same, "fmalloc_array")
  expect_identical(nrow(list_fmalloc_allocations(store)), 2L)
})

test_that("without dim, an array keeps its own and a vector gets one", {
  store <- new_store()
  a <- create_fmalloc_array("raw", 2:4, list(c("a", "b"), NULL, NULL), runtime = store)
  b <- as_fmalloc_array(a)
  expect_identical(dim(b), 2:4)
  expect_identical(dimnames(b), list(c("a", "b"), NULL, NULL))
  x <- stored(c(1, 2, 3), store)
  names(x) <- c("p", "q", "r")
  y <- as_fmalloc_array(x)
  expect_identical(dim(y), 3L)
  expect_identical(dimnames(y), list(c("p", "q", "r")))
  expect_null(dimnames(as_fmalloc_array(a, c(6, 4))))
})

test_that("an ordinary vector goes into the default store", {
  path <- tempfile()
  init_fmalloc(path)
  a <- as_fmalloc_array(1:8, c(2, 2, 2))
  expect_identical(info_of(a)$path, normalizePath(path))
  expect_identical(collect_fmalloc(a), array(1:8, c(2, 2, 2)))
  cleanup_fmalloc()
  expect_error(as_fmalloc_array(1:8), "fmalloc not initialized", class = "fmalloc_argument")
})

test_that("as_fmalloc_array refuses what does not fit", {
  store <- new_store()
  x <- stored(1:12, store)
  expect_error(as_fmalloc_array(x, c(5, 2)), "do not match the length of object [12]",
    fixed = TRUE, class = "fmalloc_argument")
  expect_error(as_fmalloc_array(x, -12), "invalid 'dims'", class = "fmalloc_argument")
  expect_error(as_fmalloc_array(1:12, 12, copy = FALSE), "lives in an fmalloc store",
    class = "fmalloc_argument")
  expect_error(as_fmalloc_array(x, 12, copy = NA), "copy must be TRUE or FALSE",
    class = "fmalloc_argument")
  expect_error(as_fmalloc_array(sum, 1), "Unsupported vector type", class = "fmalloc_argument")
  expect_null(dim(x))
})

test_that("an array is printed by whole slices", {
  store <- new_store()
  a <- create_fmalloc_array("integer", c(2, 2, 3), list(NULL, c("a", "b"), NULL), runtime = store)
  a[] <- 1:12
  b <- array(1:12, c(2, 2, 3), list(NULL, c("a", "b"), NULL))
  expect_identical(capture.output(print(a)), capture.output(print(b)))
  text <- capture.output(print(a, max = 8))
  expect_identical(sum(grepl("^, , ", text)), 2L)
  expect_match(text[length(text)], "omitted 1 slices")
})

test_that("a data frame of an array has its columns", {
  store <- new_store()
  a <- create_fmalloc_array("integer", c(2, 2, 2), runtime = store)
  a[] <- 1:8
  expect_identical(as.data.frame(a), as.data.frame(array(1:8, c(2, 2, 2))),
    ignore_attr = TRUE)
  expect_identical(dim(as.data.frame(a)), c(2L, 4L))
})
