# c(), rep(), cbind(), rbind() and products of matrices: that they give what base R
# gives is test-equality.R's affair; here it is where the results lie, what they cost,
# and what happens at the edges of blocks and of stores.

# The most that R's heap held while an expression was evaluated, above what it holds
# before, in MB.
heap_of <- function(expression) {
  before <- sum(gc(reset = TRUE)[, 2L])
  force(expression)
  sum(gc()[, 6L]) - before
}

# Some 32 MB are the ballast of a temporary and some more R's garbage, whatever the size.
test_that("large results are made in the store, in bounded memory", {
  store <- new_store(size_gb = 0.5)
  n <- 6e6
  x <- create_fmalloc_vector("numeric", n, store)
  x[] <- 1
  m <- create_fmalloc_matrix("numeric", n / 3, 3, runtime = store)
  m[] <- 2
  i <- create_fmalloc_vector("integer", n, store)
  few <- rep(c(3, 1), n / 2)
  small <- stored(as.numeric(1:3600), store)
  column <- as_fmalloc_matrix(stored(rep(c(1, NA), 2500), store), ncol = 1)
  calls <- expression(c(x, x), c(i, x), cbind(x, 1), cbind(i, x), cbind(m, m, 1:2),
    rbind(x, i), rbind(m, m), rep(x, 2), rep(x, each = 2), rep(m, length.out = 2 * n),
    rep(x, few), rep_len(i, 4 * n), tcrossprod(small), column %*% t(column))
  for (call in as.list(calls)) {
    y <- NULL
    held <- heap_of(y <- eval(call))
    size <- fmalloc_sizes(y)$on_disk
    expect_true(is_backed(y), label = deparse1(call))
    expect_gt(size, 90e6, label = deparse1(call))
    expect_lt(held * 2^20, 0.85 * size, label = deparse1(call))
    rm(y)
    gc()
  }
  expect_identical(sum(c(x, x)), 2 * n)
  expect_identical(sum(rbind(x, i)), n)
  expect_identical(sum(rep(x, few)), 2 * n)
  expect_identical(bare(rbind(x, i)[, n]), c(x = 1, i = 0))
})

test_that("text of all sizes goes from vector to vector", {
  store <- new_store()
  set.seed(5)
  values <- vapply(sample(c(0:14, 200), 9000, TRUE), function(n) {
    paste(sample(letters, n, TRUE), collapse = "")
  }, "")
  values[sample(9000, 100)] <- NA
  values[3] <- "B\u00fc"
  x <- stored(values, store)
  latin <- iconv(c("B\u00fc", "caf\u00e9"), "UTF-8", "latin1")
  expect_identical(bare(c(x, x, "z", x)), c(values, values, "z", values))
  expect_identical(bare(c(x, latin)), c(values, latin))
  expect_identical(bare(rep(x, 5)), rep(values, 5))
  expect_identical(bare(rep(x, each = 2)), rep(values, each = 2))
  expect_identical(bare(rep(x, 9000:1 %% 3)), rep(values, 9000:1 %% 3))
  expect_identical(bare(rbind(x, 1:9000)), rbind(x = values, 1:9000))
  expect_identical(bare(cbind(x, 1.5, latin)), cbind(x = values, 1.5, latin))
  expect_identical(bare(cbind(1:3, x)), cbind(1:3, x = values))
  y <- c(x, x)
  y[1] <- "another one, longer than its cell"
  expect_identical(y[c(1, 9001)], c("another one, longer than its cell", values[1]),
    ignore_attr = TRUE)
  expect_identical(bare(x), values)
  # A vector that was sorted in place, through its address, is ahead of its cells.
  z <- c(sort(x), x)
  expect_identical(bare(z), c(sort(values), values))
  expect_true(check_fmalloc(path_of(store))$sound)
})

test_that("lists of one store are joined there, others in memory", {
  store <- new_store()
  other <- new_store()
  one <- stored(c(1, 2), store)
  l <- create_fmalloc_vector("list", 2, store)
  l[[1]] <- one
  k <- create_fmalloc_vector("list", 1, other)
  k[[1]] <- stored(7L, other)
  y <- c(l, l, NULL)
  expect_true(is_backed(y))
  expect_identical(class(y), c("fmalloc_vector", "fmalloc", "list"))
  expect_identical(length(y), 4L)
  expect_identical(bare(y[[3]]), c(1, 2))
  expect_null(y[[4]])
  expect_true(is_backed(rep(l, 3)))
  expect_true(is_backed(cbind(l, l)))
  for (z in list(c(l, k), c(l, list(5)), c(l, 1), rbind(l, k))) {
    expect_false(is_backed(z))
    expect_identical(bare(z[[1]]), c(1, 2))
  }
  expect_error(destroy_fmalloc_vector(one, unsafe = TRUE), "parent reference")
})

test_that("when the store is closed, results are ordinary", {
  store <- new_store()
  x <- stored(as.numeric(1:6), store)
  m <- stored_matrix(matrix(as.numeric(1:6), 2), store)
  a <- stored_matrix(matrix(c(1, NA, 3), 3), store)
  cleanup_fmalloc(store)
  expect_identical(bare(c(x, x)), rep(as.numeric(1:6), 2))
  expect_identical(bare(cbind(x, 1L)), cbind(x = as.numeric(1:6), 1))
  expect_identical(bare(rep(x, 1:6)), rep(as.numeric(1:6), 1:6))
  expect_identical(bare(m %*% a), matrix(as.numeric(1:6), 2) %*% c(1, NA, 3))
  expect_identical(bare(crossprod(m)), crossprod(matrix(as.numeric(1:6), 2)))
  expect_false(is_backed(c(x, x)))
})

test_that("operands of two stores, and ordinary ones, work together", {
  one <- new_store()
  two <- new_store()
  x <- stored(c("a", "a string beyond its cell"), one)
  y <- stored(c("b", "another one beyond its cell"), two)
  expect_identical(bare(c(x, y)), c("a", "a string beyond its cell", "b",
    "another one beyond its cell"))
  expect_identical(info_of(c(x, y))$path, info_of(x)$path)
  expect_true(is_backed(cbind(1:2, x)))
  m <- stored_matrix(diag(2), two)
  expect_true(is_backed(matrix(1:4, 2) %*% m))
  expect_true(is_backed(rbind(1, m)))
})

test_that("methods of other classes have their say, as without this package", {
  store <- new_store()
  x <- stored(c(1, 2), store)
  registerS3method("cbind", "loud_thing", function(..., deparse.level = 1) "loud")
  loud <- structure(1:2, class = "loud_thing")
  expect_identical(cbind(x, loud), "loud")
  expect_identical(cbind(loud, x), "loud")
  expect_identical(bare(rbind(x, loud)), rbind(x = c(1, 2), loud = c(1, 2)))
  expect_s3_class(cbind(x, data.frame(q = 1:2)), "data.frame")
  expect_s3_class(rbind(stored(1, store), data.frame(q = 1:2)), "data.frame")
})

test_that("the last bits of products are R's", {
  store <- new_store()
  set.seed(8)
  a <- matrix(rnorm(70 * 41), 70)
  b <- matrix(rnorm(41 * 53), 41)
  x <- stored_matrix(a, store)
  y <- stored_matrix(b, store)
  expect_identical(bare(x %*% y), a %*% b)
  expect_identical(bare(x %*% b[, 1]), a %*% b[, 1])
  expect_identical(bare(a[1, ] %*% y), a[1, ] %*% b)
  expect_identical(bare(crossprod(x)), crossprod(a))
  expect_identical(bare(tcrossprod(x)), tcrossprod(a))
  expect_identical(bare(crossprod(y, t(x))), crossprod(b, t(a)))
  expect_identical(bare(tcrossprod(x, t(y))), tcrossprod(a, t(b)))
  expect_identical(bare(crossprod(x, a[, 2])), crossprod(a, a[, 2]))
  # One value is missing, in one column: R goes another way for all of them.
  b[5, 50] <- NA
  a[2, 3] <- 1e308
  a[3, 3] <- 1e308
  for (block in c(40, 200, 2^20)) {
    local_mocked_bindings(block_elements = block, .package = "Rfmalloc")
    y <- stored_matrix(b, store)
    x <- stored_matrix(a, store)
    expect_identical(bare(x %*% y), a %*% b)
    expect_identical(bare(crossprod(y, t(x))), crossprod(b, t(a)))
    expect_identical(bare(tcrossprod(x, t(y))), tcrossprod(a, t(b)))
    expect_identical(bare(tcrossprod(y)), tcrossprod(b))
    expect_identical(bare(crossprod(x)), crossprod(a))
    expect_identical(bare(tcrossprod(x[, 3])), tcrossprod(a[, 3]))
    expect_true(is_backed(x %*% y))
  }
})

test_that("the doors refuse what makes no sense", {
  store <- new_store()
  x <- stored(c(1, 2), store)
  bind <- function(...) .Call(Rfmalloc:::rfm_c_bind, ..., NULL, NULL)
  times <- function(...) .Call(Rfmalloc:::rfm_c_product, "%*%", x, NULL, ..., NULL, NULL)
  expect_error(bind(x, 2, 1), "must be a list", class = "fmalloc_argument")
  expect_error(bind(list(x), 2L, 1), "a number for each part", class = "fmalloc_argument")
  expect_error(bind(list(x), c(2, 3), 1), "a number for each", class = "fmalloc_argument")
  expect_error(bind(list(x), -1, 1), "cannot give", class = "fmalloc_argument")
  expect_error(bind(list(x), NaN, 1), "cannot give", class = "fmalloc_argument")
  expect_error(bind(list(x, numeric()), c(2, 2), 1), "cannot give", class = "fmalloc_argument")
  expect_error(bind(list(x), 2, -1), "non-negative", class = "fmalloc_argument")
  expect_null(bind(list(x), 2, 2^52))
  expect_null(bind(rep(list(x), 5), rep(2^52, 5), 1))
  expect_null(bind(list(x, sum), c(2, 1), 1))
  expect_null(bind(list(1, 2), c(1, 1), 1))
  expect_error(times(1:3), "four integers", class = "fmalloc_argument")
  expect_null(times(c(3L, 1L, 1L, 1L)))
  expect_null(times(c(-2L, -1L, -1L, -1L)))
})
