arithmetic <- c("+", "-", "*", "/", "^", "%%", "%/%")
comparison <- c("==", "!=", "<", ">", "<=", ">=")
logic <- c("&", "|")

# Both ways must give the same value, or fail with the same words.
outcome <- function(expr) {
  tryCatch(
    suppressWarnings(one_missing(plain(expr))),
    error = function(e) paste("error:", conditionMessage(e))
  )
}

test_that("operators on all pairs of types agree with R", {
  store <- new_store()
  for (left in names(samples)) {
    for (right in names(samples)) {
      a <- samples[[left]]
      b <- rev(samples[[right]])
      x <- stored(a, store)
      y <- stored(b, store)
      for (op in c(arithmetic, comparison, logic)) {
        f <- match.fun(op)
        what <- paste(left, op, right)
        expect_identical(outcome(f(x, y)), outcome(f(a, b)), label = what)
        expect_identical(outcome(f(x, b)), outcome(f(a, b)), label = what)
        expect_identical(outcome(f(a, y)), outcome(f(a, b)), label = what)
        expect_identical(outcome(f(x, b[2])), outcome(f(a, b[2])), label = what)
        expect_identical(outcome(f(a[1], y)), outcome(f(a[1], b)), label = what)
      }
    }
  }
})

test_that("results lie in the store and have our class", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  for (y in list(x + 1, 1 + x, x + x, -x, x > 2, !x, x & TRUE, sqrt(x), cumsum(x))) {
    expect_true(is_backed(y))
    expect_identical(class(y)[1:2], c("fmalloc_vector", "fmalloc"))
  }
  expect_identical(class(x > 2), c("fmalloc_vector", "fmalloc", "logical"))
  expect_identical(class(stored(1:3, store) / 2L)[3], "numeric")
  m <- stored_matrix(matrix(c(1, 2, 3, 4), 2, dimnames = list(NULL, c("a", "b"))), store)
  for (y in list(m + 1, 2 * m, m + m, m == 1, -m, exp(m), m + c(1, 2))) {
    expect_true(is_backed(y))
    expect_identical(class(y)[1:2], c("fmalloc_matrix", "fmalloc"))
    expect_identical(dim(y), c(2L, 2L))
    expect_identical(dimnames(y), list(NULL, c("a", "b")))
  }
})

test_that("one element gives an ordinary scalar", {
  store <- new_store()
  x <- stored(4, store)
  expect_identical(x + 1, 5)
  expect_identical(sqrt(x), 2)
  expect_identical(x > 3, TRUE)
})

test_that("lengths that span blocks, and recycling, agree with R", {
  store <- new_store()
  set.seed(3)
  for (n in c(2, 1023, 1024, 1025, 16384, 16385, 40000)) {
    values <- rnorm(n)
    x <- stored(values, store)
    expect_identical(plain(x + 1), values + 1)
    expect_identical(plain(2 - x * x), 2 - values * values)
    expect_identical(plain(x > 0), values > 0)
    expect_identical(plain(x + values), values + values)
    expect_identical(plain(round(x, 1)), round(values, 1))
    expect_identical(plain(cumsum(x)), cumsum(values))
    expect_identical(plain(cumprod(x / 2)), cumprod(values / 2))
    expect_identical(suppressWarnings(plain(x * c(1, 10))), suppressWarnings(values * c(1, 10)))
  }
  x <- stored(as.numeric(1:30000), store)
  expect_identical(plain(x + (1:7500)), (1:30000) + as.numeric(1:7500))
  expect_identical(plain((1:7500) - x), as.numeric(1:7500) - (1:30000))
})

test_that("operands of no elements give none", {
  store <- new_store()
  x <- create_fmalloc_vector("numeric", 0, store)
  y <- stored(c(1, 2), store)
  expect_identical(plain(x + 1), numeric())
  expect_identical(plain(y + numeric()), numeric())
  expect_identical(plain(y > x), logical())
  expect_identical(y + NULL, c(1, 2) + NULL)
  expect_identical(plain(sqrt(x)), numeric())
})

test_that("warnings come once, and are R's", {
  store <- new_store()
  n <- 50000
  x <- stored(rep(.Machine$integer.max, n), store)
  warnings <- capture_warnings(y <- x + 1L)
  expect_identical(warnings, capture_warnings(rep(.Machine$integer.max, n) + 1L))
  expect_identical(plain(y), rep(NA_integer_, n))
  expect_identical(capture_warnings(sqrt(stored(rep(-1, n), store))),
    capture_warnings(sqrt(rep(-1, n))))
  expect_identical(capture_warnings(stored(as.numeric(1:5), store) + 1:2),
    capture_warnings(1:5 + 1:2))
})

test_that("errors are R's", {
  store <- new_store()
  x <- stored(c(1, 2), store)
  expect_error(x + "a", "non-numeric argument to binary operator")
  expect_error(stored(as.raw(1:3), store) + as.raw(1:3), "non-numeric argument")
  expect_error(-stored(as.raw(1:3), store), "invalid argument to unary operator")
  expect_error(stored_matrix(matrix(1:4, 2), store) + matrix(1:6, 2), "non-conformable arrays")
})

test_that("mathematical functions agree with R", {
  store <- new_store()
  one <- c("abs", "sign", "sqrt", "floor", "ceiling", "trunc", "round", "signif", "exp",
    "log", "log2", "log10", "expm1", "log1p", "cos", "sin", "tan", "cospi", "sinpi",
    "tanpi", "acos", "asin", "atan", "cosh", "sinh", "tanh", "acosh", "asinh", "atanh",
    "lgamma", "gamma", "digamma", "trigamma", "cumsum", "cumprod", "cummax", "cummin")
  for (type in names(samples)) {
    values <- samples[[type]]
    x <- stored(values, store)
    for (name in one) {
      f <- match.fun(name)
      expect_identical(outcome(f(x)), outcome(f(values)), label = paste(name, type))
    }
  }
  values <- c(123.456, -0.5, 1e6)
  x <- stored(values, store)
  expect_identical(plain(round(x, 2)), round(values, 2))
  expect_identical(plain(round(x, digits = -1)), round(values, digits = -1))
  expect_identical(plain(signif(x, 2)), signif(values, 2))
  expect_identical(suppressWarnings(plain(log(x, base = 2))), suppressWarnings(log(values, base = 2)))
  expect_identical(suppressWarnings(plain(log(x, 10))), suppressWarnings(log(values, 10)))
})

test_that("attributes follow base R's rules", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  y <- x
  names(y) <- c("a", "b", "c")
  expect_identical(names(y + x), c("a", "b", "c"))
  expect_identical(names(x + y), c("a", "b", "c"))
  expect_identical(names(y > 2), c("a", "b", "c"))
  expect_identical(names(sqrt(y)), c("a", "b", "c"))
  attr(y, "unit") <- "m"
  expect_identical(attr(y + 1, "unit"), "m")
  expect_null(attr(y > 1, "unit"))
})

test_that("operands of two stores work: the result lies in one of them", {
  one <- new_store()
  two <- new_store()
  y <- stored(c(1, 2), one) + stored(c(10, 20), two)
  expect_identical(plain(y), c(11, 22))
  expect_true(is_backed(y))
})

test_that("objects that only carry the class are computed by R", {
  store <- new_store()
  m <- t(stored_matrix(matrix(c(1, 2, 3, 4), 2), store))
  class(m) <- c("fmalloc_matrix", "fmalloc", "numeric")
  expect_identical(plain(m + 1), matrix(c(2, 4, 3, 5), 2))
  fake <- structure(c(1, 4), class = c("fmalloc_vector", "fmalloc", "numeric"))
  expect_identical(fake + 1, c(2, 5))
  expect_identical(-fake, c(-1, -4))
  expect_identical(sqrt(fake), c(1, 2))
  expect_identical(fake[2], 4, ignore_attr = TRUE)
})

# proves I13
test_that("an interrupt in a long computation leaves everything in order", {
  path <- tempfile()
  store <- open_fmalloc(path, size_gb = 0.25)
  x <- create_fmalloc_vector("numeric", 2e6, store)
  x[] <- 1
  started <- Sys.time()
  stopped <- tryCatch({
    setTimeLimit(elapsed = 0.3, transient = TRUE)
    repeat y <- sin(x) + cos(x) * x
  }, error = conditionMessage, finally = setTimeLimit())
  expect_match(stopped, "elapsed time limit")
  rm(list = intersect("y", ls()))
  gc()
  expect_identical(sum(x), 2e6)
  expect_identical(list_fmalloc_allocations(store)$state, "committed")
  expect_true(check_fmalloc(path)$sound)
  expect_identical(sum(x + 1), 4e6)
})

test_that("range agrees with R", {
  store <- new_store()
  for (values in c(samples, list(double = c(2, -1, NaN, 5), empty = numeric()))) {
    x <- stored(values, store)
    for (na.rm in c(TRUE, FALSE)) {
      expect_identical(outcome(range(x, na.rm = na.rm)), outcome(range(values, na.rm = na.rm)))
    }
  }
  x <- stored(samples$numeric, store)
  expect_identical(range(x, finite = TRUE), range(samples$numeric, finite = TRUE))
  expect_identical(range(x[1:2], 7, -9), c(-9, 7))
})

test_that("operands of other classes have their own say", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  day <- as.Date("2001-02-03")
  expect_identical(day + x, day + c(1, 2, 3))
  expect_identical(x + day, c(1, 2, 3) + day)
  expect_identical(as.Date(x, origin = "1970-01-01"), as.Date("1970-01-01") + 1:3)
  hours <- as.difftime(2, units = "hours")
  expect_identical(hours * x, hours * c(1, 2, 3))
  expect_identical(x == factor(2), c(FALSE, TRUE, FALSE))
})

test_that("text is compared as text, whatever its encoding", {
  store <- new_store()
  values <- c("B\u00fc", "a", NA, "", "a string that does not fit into its cell")
  x <- stored(values, store)
  latin <- iconv(values, "UTF-8", "latin1")
  expect_identical(Encoding(latin)[1], "latin1")
  for (op in c("==", "!=")) {
    f <- match.fun(op)
    expect_identical(plain(f(x, latin)), f(values, latin))
    expect_identical(plain(f(latin[1], x)), f(latin[1], values))
    expect_identical(plain(f(x, rev(x))), f(values, rev(values)))
    expect_identical(plain(f(x, "a")), f(values, "a"))
    expect_identical(plain(f(x, as.character(5:1))), f(values, as.character(5:1)))
    expect_true(is_backed(f(x, x)))
  }
  unknown <- values[2:1]
  Encoding(unknown) <- "bytes"
  y <- stored(unknown, store)
  expect_identical(outcome(y == values[1:2]), outcome(unknown == values[1:2]))
})
