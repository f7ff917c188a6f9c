# A sealed vector knows whether it is sorted and free of NA; here R acts on that.

orders <- function(x) {
  list(
    anyNA(x), is.unsorted(x), is.unsorted(x, na.rm = TRUE), order(x),
    order(x, decreasing = TRUE), order(x, na.last = FALSE), plain(sort(x)),
    plain(sort(x, decreasing = TRUE)), plain(sort(x, na.last = TRUE)),
    plain(sort(x, na.last = FALSE)), match(1, unclass(x))
  )
}

test_that("what is known of sealed vectors is true", {
  store <- new_store()
  values <- expand.grid(a = c(NA, 1, 2), b = c(NA, 1, 2), c = c(NA, 1, 2), d = c(NA, 2))
  for (k in seq_len(nrow(values))) {
    numbers <- as.numeric(values[k, ])
    for (v in list(numbers, as.integer(numbers), numbers > 1)) {
      x <- stored(v, store)
      serialize(x, NULL)
      expect_identical(info_of(x)$state, "sealed")
      for (again in 1:2) expect_identical(orders(x), orders(v))
    }
  }
})

test_that("what is known of long sealed vectors is true, and copies forget it", {
  store <- new_store()
  n <- 5000L
  for (v in list(seq_len(n), rev(seq_len(n)), c(seq_len(n), NA), c(NA, seq_len(n)),
    c(rev(seq_len(n)), NA), c(seq_len(n), NaN), c(NaN, seq_len(n)), rep(3, n))) {
    x <- stored(v, store)
    serialize(x, NULL)
    expect_identical(orders(x), orders(v))
    x[2L] <- v[2L] <- v[n] + v[n]
    expect_identical(orders(x), orders(v))
  }
})

test_that("the smallest integer is out of reach", {
  store <- new_store()
  low <- -.Machine$integer.max
  x <- stored(c(-2147483648, 2147483648, low), store)
  expect_warning(y <- as.integer(x), "NAs introduced by coercion to integer range")
  expect_identical(y[], c(NA, NA, low))
  for (bad in c(-2147483648, 2147483648)) {
    expect_warning(as.integer(stored(c(1, bad), store)), "coercion to integer range")
  }
  x <- stored(c(low, 1L), store)
  expect_warning(y <- x - 1L, "NAs produced by integer overflow")
  expect_identical(plain(y), c(NA, 0L))
})

test_that("a vector that may change is looked at each time", {
  store <- new_store()
  for (v in list(1:100, as.numeric(1:100))) {
    # without a class: then anyNA() does not dispatch and leaves x unshared
    x <- create_fmalloc_vector(typeof(v), 100, store, plain = TRUE)
    x[] <- v
    before <- anyNA(x)
    x[50L] <- NA
    after <- anyNA(x)
    expect_identical(c(before, after), c(FALSE, TRUE))
    expect_identical(info_of(x)$state, "committed") # it was changed in place
    v[50L] <- NA
    expect_identical(orders(x), orders(v))
  }
})
