test_that("a matrix has dimensions, names and the class", {
  store <- new_store()
  for (type in names(samples)) {
    m <- create_fmalloc_matrix(type, 2, 3, runtime = store)
    expect_identical(class(m), c("fmalloc_matrix", "fmalloc", type))
    expect_identical(dim(m), 2:3)
    expect_true(is.matrix(m))
    expect_identical(plain(m), matrix(vector(typeof(m), 1), 2, 3))
  }
  names <- list(c("a", "b"), c("x", "y", "z"))
  m <- create_fmalloc_matrix("numeric", 2, 3, names, store)
  expect_identical(dimnames(m), names)
  m["b", "y"] <- 5
  expect_identical(m[2, 2], 5)
})

test_that("matrices of no rows or columns exist", {
  store <- new_store()
  expect_identical(dim(create_fmalloc_matrix("raw", 0, 3, runtime = store)), c(0L, 3L))
  expect_identical(dim(create_fmalloc_matrix("raw", 3, 0, runtime = store)), c(3L, 0L))
})

test_that("rows and columns must be counts", {
  store <- new_store()
  create <- function(...) create_fmalloc_matrix("integer", ..., runtime = store)
  expect_error(create(2), "nrow and ncol are required", class = "fmalloc_argument")
  expect_error(create(ncol = 2), "nrow and ncol are required", class = "fmalloc_argument")
  expect_error(create(-1, 2), "nrow must be", class = "fmalloc_argument")
  expect_error(create(1.5, 2), "nrow must be", class = "fmalloc_argument")
  expect_error(create(NA, 2), "nrow must be", class = "fmalloc_argument")
  expect_error(create(2, -1), "ncol must be", class = "fmalloc_argument")
  expect_error(create(2^31, 1), "nrow must be", class = "fmalloc_argument")
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
})

test_that("wrong dimnames are refused before anything is made", {
  store <- new_store()
  create <- function(names) create_fmalloc_matrix("raw", 2, 3, names, store)
  expect_error(create(c("a", "b")), "must be a list", class = "fmalloc_argument")
  expect_error(create(list(letters[1:3], NULL)), "not equal to array extent",
    class = "fmalloc_argument")
  expect_error(create(list(NULL, NULL, NULL)), "must match that of 'dims'",
    class = "fmalloc_argument")
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
  expect_identical(dimnames(create(list(NULL, letters[1:3]))), list(NULL, letters[1:3]))
})

test_that("a vector is copied into a matrix, or becomes one in place", {
  store <- new_store()
  x <- stored(as.numeric(1:6), store)
  m <- as_fmalloc_matrix(x, 2, 3)
  expect_identical(plain(m), matrix(as.numeric(1:6), 2))
  expect_identical(class(m), c("fmalloc_matrix", "fmalloc", "numeric"))
  expect_null(dim(x))
  expect_false(info_of(m)$offset == info_of(x)$offset)
  expect_identical(nrow(list_fmalloc_allocations(store)), 2L)
  m[1, 1] <- 100
  expect_identical(x[1], 1)

  names <- list(NULL, c("a", "b", "c"))
  where <- info_of(x)$offset
  y <- as_fmalloc_matrix(x, 2, dimnames = names, copy = FALSE)
  expect_identical(info_of(y)$offset, where)
  expect_identical(dim(x), 2:3)
  expect_identical(class(x), c("fmalloc_matrix", "fmalloc", "numeric"))
  expect_identical(dimnames(y), names)
  expect_identical(y[[2, "b"]], 4)
  expect_identical(nrow(list_fmalloc_allocations(store)), 2L)
})

test_that("an ordinary vector goes into the default store", {
  cleanup_fmalloc()
  expect_error(as_fmalloc_matrix(1:6, 2), "fmalloc not initialized")
  init_fmalloc(tempfile())
  m <- as_fmalloc_matrix(matrix(1:6, 2, dimnames = list(c("a", "b"), NULL)))
  expect_identical(plain(m), matrix(1:6, 2, dimnames = list(c("a", "b"), NULL)))
  expect_identical(plain(as_fmalloc_matrix(m, nrow = 3)), matrix(1:6, 3))
  expect_identical(plain(as_fmalloc_matrix(c(a = TRUE, b = NA), ncol = 2)),
    matrix(c(TRUE, NA), 1))
  expect_identical(plain(as_fmalloc_matrix(letters, 2)), matrix(letters, 2))
  expect_error(as_fmalloc_matrix(expression(a, b), 2), "Unsupported vector type")
  expect_error(as_fmalloc_matrix(1:6, 2, copy = FALSE), "lives in an fmalloc store")
  cleanup_fmalloc()
})

test_that("dimensions must fit the vector", {
  store <- new_store()
  x <- stored(1:6, store)
  expect_error(as_fmalloc_matrix(x), "nrow and ncol are required", class = "fmalloc_argument")
  expect_error(as_fmalloc_matrix(x, 4), "do not match the length", class = "fmalloc_argument")
  expect_error(as_fmalloc_matrix(x, 2, 2), "do not match the length")
  expect_error(as_fmalloc_matrix(x, 0), "do not match the length")
  expect_error(as_fmalloc_matrix(x, -2), "nrow must be")
  expect_error(as_fmalloc_matrix(x, 2.5), "nrow must be")
  expect_error(as_fmalloc_matrix(x, 2, copy = NA), "copy must be")
  expect_null(dim(x))
})

test_that("matrix algebra gives what base R gives", {
  store <- new_store()
  values <- matrix(c(2, 1, 0, 1, 3, 1, 0, 1, 4), 3)
  m <- stored_matrix(values, store)
  expect_identical(plain(m %*% m), values %*% values)
  expect_identical(plain(crossprod(m)), crossprod(values))
  expect_equal(plain(solve(m)), solve(values))
  expect_identical(plain(t(m)), t(values))
  expect_identical(apply(m, 1, sum), apply(values, 1, sum))
  expect_identical(rowSums(m), rowSums(values))
  expect_identical(colMeans(m), colMeans(values))
  expect_error(m %*% 1:2, "non-conformable")
})

test_that("a matrix goes into a data frame by columns", {
  store <- new_store()
  values <- matrix(c(1.5, 2, 3, 4), 2, dimnames = list(NULL, c("a", "b")))
  m <- stored_matrix(values, store)
  expect_identical(lapply(as.data.frame(m), as.numeric), lapply(as.data.frame(values), as.numeric))
  expect_identical(dim(data.frame(m, c = 1:2)), c(2L, 3L))
  expect_named(data.frame(m, c = 1:2), c("a", "b", "c"))
  expect_identical(summary(m), summary(values))
})

# R finds its methods for matrices by the class that ours have not.
test_that("functions that have methods for matrices see a matrix", {
  store <- new_store()
  for (m in list(matrix(c(1L, 2L, 3L, 2L, 5L, 6L, 3L, 6L, 9L), 3, dimnames = list(NULL, letters[1:3])),
    matrix(c(1.5, 2, NA, 4), 2))) {
    x <- stored_matrix(m, store)
    rows <- c(TRUE, rep(FALSE, nrow(m) - 1))
    few <- 1:2
    expect_identical(plain(subset(x, !rows)), subset(m, !rows))
    expect_identical(plain(subset(x, select = few)), subset(m, select = few))
    expect_true(is_backed(subset(x, select = few)))
    expect_identical(isSymmetric(x), isSymmetric(m))
    expect_identical(boxplot(x, plot = FALSE), boxplot(m, plot = FALSE))
  }
  expect_identical(plain(subset(x, c(TRUE, FALSE))), subset(m, c(TRUE, FALSE)))
  expect_identical(plain(subset(x, select = 2)), subset(m, select = 2))
})
