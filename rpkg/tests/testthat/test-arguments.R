test_that("a path must be one non-empty string", {
  expect_error(open_fmalloc(""), "cannot be empty", class = "fmalloc_argument")
  expect_error(init_fmalloc(""), "cannot be empty", class = "fmalloc_argument")
  expect_error(check_fmalloc(""), "cannot be empty", class = "fmalloc_argument")
  for (bad in list(1, NULL, NA_character_, c("a", "b"), character())) {
    expect_error(open_fmalloc(bad), "one character string", class = "fmalloc_argument")
  }
})

test_that("a size must be a positive number that a store can have", {
  path <- tempfile()
  for (bad in list(0, -1, NA, NA_real_, NaN, "1", c(1, 2), numeric())) {
    expect_error(open_fmalloc(path, size_gb = bad),
      "size_gb must be a positive numeric value", class = "fmalloc_argument")
  }
  for (huge in c(1e6, 1e300, Inf)) {
    expect_error(open_fmalloc(path, size_gb = huge), "size_gb too large",
      class = "fmalloc_argument")
  }
  expect_error(open_fmalloc(path, size_gb = 1e-6), "File too small",
    class = "fmalloc_argument")
  expect_false(file.exists(path))
})

test_that("the type must be one of those that exist", {
  store <- new_store()
  for (bad in list("foo", "bytes", "factor", "", NA_character_, 1, NULL, c("raw", "raw"))) {
    expect_error(create_fmalloc_vector(bad, 1, store), "Unsupported vector type",
      class = "fmalloc_argument")
  }
  expect_error(create_fmalloc_matrix("factor", 1, 1, runtime = store),
    "Unsupported vector type 'factor'")
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
})

test_that("a length must be a non-negative integer-valued number", {
  store <- new_store()
  create <- function(length) create_fmalloc_vector("raw", length, store)
  for (bad in list(-1, -1L, NA, NA_integer_, NaN, -Inf, "1", numeric(), 1:2, NULL)) {
    expect_error(create(bad), "non-negative", class = "fmalloc_argument")
  }
  for (bad in c(0.5, 1e-300, 7.25)) {
    expect_error(create(bad), "integer-valued", class = "fmalloc_argument")
  }
  for (bad in c(Inf, 2^52, 2^53, 1e300)) {
    expect_error(create(bad), class = "fmalloc_too_large")
  }
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
})

# proves I13
test_that("a length that overflows in bytes, or fits no store, is an error", {
  store <- new_store()
  expect_error(create_fmalloc_vector("complex", 2^52, store), class = "fmalloc_too_large")
  expect_error(create_fmalloc_vector("numeric", 2^50, store), class = "fmalloc_too_large")
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
  expect_length(create_fmalloc_vector("complex", 3, store), 3)
})

test_that("flags must be TRUE or FALSE", {
  store <- new_store()
  x <- create_fmalloc_vector("raw", 1, store)
  for (bad in list(NA, "yes", 1, logical(), c(TRUE, FALSE))) {
    expect_error(create_fmalloc_vector("raw", 1, store, zero_initialize = bad),
      "zero_initialize.* must be TRUE or FALSE", class = "fmalloc_argument")
    expect_error(destroy_fmalloc_vector(x, unsafe = bad),
      "unsafe must be TRUE or FALSE", class = "fmalloc_argument")
  }
})

test_that("errors name the function that was called", {
  e <- tryCatch(open_fmalloc(""), error = identity)
  expect_identical(as.character(conditionCall(e)[[1]]), "open_fmalloc")
  e <- tryCatch(create_fmalloc_vector("raw", -1), error = identity)
  expect_identical(as.character(conditionCall(e)[[1]]), "create_fmalloc_vector")
})

# R evaluates arguments late: then the caller is not what lies next on the stack.
test_that("errors name that function also if the argument was looked at elsewhere", {
  store <- new_store()
  called <- function(expr) {
    e <- tryCatch(expr, fmalloc_argument = identity)
    as.character(conditionCall(e)[[1L]])
  }
  expect_identical(called(put_fmalloc(1, 1, store)), "put_fmalloc")
  expect_identical(called(put_fmalloc("a", 1, store, description = NA)), "put_fmalloc")
  expect_identical(called(exists_fmalloc(NA, store)), "exists_fmalloc")
  expect_identical(called(list_fmalloc("store")), "list_fmalloc")
  expect_identical(called(create_fmalloc_matrix("raw", -1, 1, runtime = store)),
    "create_fmalloc_matrix")
  expect_identical(called(as_fmalloc_matrix(1:4, 2)), "as_fmalloc_matrix")
  expect_identical(called(fmalloc_sizes(1:3)), "fmalloc_sizes")
  expect_identical(called(store[[1]]), "[[.fmalloc_runtime")
  within <- function() transaction_fmalloc(store, store[[1]])
  expect_identical(called(within()), "[[.fmalloc_runtime")
})

test_that("errors from C name that function, too, and hold nothing large", {
  path <- tempfile()
  cleanup_fmalloc(open_fmalloc(path))
  store <- open_fmalloc(path, access = "read")
  call_of <- function(expr) conditionCall(tryCatch(expr, fmalloc_error = identity))
  expect_identical(call_of(rename_fmalloc("a", "b", store))[[1L]], quote(rename_fmalloc))
  expect_identical(call_of(put_fmalloc("a", 1, store))[[1L]], quote(put_fmalloc))
  large <- as.list(1:1000)
  expect_lt(object.size(call_of(store$a <- large)), 10000)
  expect_lt(object.size(call_of(store[[1]] <- large)), 10000)
  cleanup_fmalloc(store)
  expect_identical(call_of(list_fmalloc(store))[[1L]], quote(list_fmalloc))
  expect_identical(call_of(store$a)[[1L]], quote(`$.fmalloc_runtime`))
  x <- create_fmalloc_vector("raw", 3, new_store())
  destroy_fmalloc_vector(x)
  expect_identical(call_of(print(x))[[1L]], quote(print.fmalloc))
})
