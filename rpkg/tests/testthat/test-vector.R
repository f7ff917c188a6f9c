test_that("a vector has the type, the length, the class, and zeros", {
  store <- new_store()
  for (type in names(samples)) {
    x <- create_fmalloc_vector(type, 100, store)
    expect_true(is_backed(x))
    expect_identical(class(x), c("fmalloc_vector", "fmalloc", type))
    expect_identical(typeof(x), typeof(samples[[type]]))
    expect_length(x, 100)
    expect_identical(plain(x), vector(typeof(x), 100))
  }
  expect_identical(class(create_fmalloc_vector("double", 1, store)),
    c("fmalloc_vector", "fmalloc", "numeric"))
  expect_type(create_fmalloc_vector(length = 1, runtime = store), "integer")
})

test_that("values of every type come back, NA and all", {
  store <- new_store()
  for (type in names(samples)) {
    x <- stored(samples[[type]], store)
    expect_identical(plain(x), samples[[type]])
    expect_identical(vapply(seq_along(x), function(k) x[[k]], samples[[type]][1]),
      samples[[type]])
    expect_identical(rev(plain(rev(x))), samples[[type]])
  }
})

test_that("bits of NaN and NA are kept", {
  store <- new_store()
  x <- stored(c(NA_real_, NaN), store)
  expect_identical(plain(is.na(x)), c(TRUE, TRUE))
  expect_identical(plain(is.nan(x)), c(FALSE, TRUE))
})

test_that("vectors may have no elements", {
  store <- new_store()
  for (type in names(samples)) {
    x <- create_fmalloc_vector(type, 0, store)
    expect_length(x, 0)
    expect_identical(class(x)[1:2], c("fmalloc_vector", "fmalloc"))
    expect_length(x[0], 0)
    expect_true(is_backed(x))
  }
  x <- create_fmalloc_vector("numeric", 0, store)
  expect_identical(sum(x), 0)
  expect_length(x + 1, 0)
})

test_that("zero_initialize = FALSE gives a vector to fill", {
  store <- new_store()
  x <- create_fmalloc_vector("numeric", 1e5, store, zero_initialize = FALSE)
  x[] <- as.numeric(1:1e5)
  expect_identical(sum(x), sum(as.numeric(1:1e5)))
})

test_that("room that is used again is zeroed", {
  store <- new_store(mode = "scratch")
  for (k in 1:5) {
    x <- create_fmalloc_vector("integer", 1e5, store)
    expect_identical(range(x), c(0L, 0L))
    x[] <- 1L
    destroy_fmalloc_vector(x)
  }
})

test_that("base R and its packages read the vectors", {
  store <- new_store()
  set.seed(1)
  values <- round(rnorm(1000), 2)
  x <- stored(values, store)
  expect_identical(sum(x), sum(values))
  expect_identical(mean(x), mean(values))
  expect_identical(range(x), range(values))
  expect_identical(order(x), order(values))
  expect_identical(plain(sort(x)), sort(values))
  expect_identical(match(values[7], x), match(values[7], values))
  expect_identical(which.max(x), which.max(values))
  expect_identical(plain(unique(x)), unique(values))
  expect_identical(unname(table(x)), unname(table(values)), ignore_attr = TRUE)
  expect_identical(var(x), var(values))
  expect_equal(quantile(x), quantile(values))
  expect_identical(median(x), median(values))
  expect_identical(cut(x, -5:5), cut(values, -5:5))
  expect_identical(tapply(x, rep(1:4, 250), sum), tapply(values, rep(1:4, 250), sum))
  expect_identical(unlist(lapply(x, identity)), values)
  expect_equal(coef(lm(x ~ seq_along(x))), coef(lm(values ~ seq_along(values))),
    ignore_attr = TRUE)
  expect_identical(as.character(x[1:3]), as.character(values[1:3]))
  expect_identical(all.equal(x, x), TRUE)
  expect_true(identical(x, stored(values, store)))
})

test_that("vectors go into data frames and models", {
  store <- new_store()
  x <- stored(as.numeric(1:50), store)
  y <- stored(as.numeric(1:50) * 2 + 1, store)
  d <- data.frame(x = x, y = y)
  expect_identical(dim(d), c(50L, 2L))
  expect_equal(unname(coef(lm(y ~ x, d))), c(1, 2))
  expect_output(str(x), "num")
  expect_output(print(summary(d)), "Median")
})

test_that("a vector is a million elements as well as one", {
  store <- new_store()
  for (n in c(1, 2, 511, 512, 513, 65536, 1e6)) {
    x <- create_fmalloc_vector("integer", n, store)
    x[n] <- 5L
    expect_identical(x[n], 5L)
    expect_identical(sum(x), 5L)
  }
})

test_that("the file grows when it must, and vectors stay where they are", {
  path <- tempfile()
  store <- open_fmalloc(path, size_gb = 2^-10)
  x <- stored(as.numeric(1:1000), store)
  before <- info_of(x)$offset
  y <- create_fmalloc_vector("numeric", 2^20, store)
  y[2^20] <- 1
  expect_gt(file.size(path), 8 * 2^20)
  expect_identical(info_of(x)$offset, before)
  expect_identical(sum(x), 500500)
  expect_identical(sum(y), 1)
})

test_that("the inspector names the class, the place and the store's state", {
  store <- new_store()
  for (type in names(samples)) {
    x <- create_fmalloc_vector(type, 10, store)
    text <- paste(capture.output(.Internal(inspect(x))), collapse = "\n")
    expect_match(text, "fmalloc_altrep")
    expect_match(text, "payload_offset=[0-9]+")
    expect_match(text, "open")
  }
})

test_that("destroying a vector closes it and every alias", {
  store <- new_store()
  x <- stored(as.numeric(1:100), store)
  y <- x
  expect_true(destroy_fmalloc_vector(x))
  expect_false(destroy_fmalloc_vector(x))
  expect_false(destroy_fmalloc_vector(y))
  expect_error(sum(x), "closed fmalloc ALTREP vector handle", class = "fmalloc_closed")
  expect_error(x[1], "closed fmalloc ALTREP vector handle")
  expect_error(y[1:2], "closed fmalloc ALTREP vector handle")
  expect_error(y[3] <- 1, "closed fmalloc ALTREP vector handle")
  expect_error(y + 1, "closed fmalloc ALTREP vector handle")
  expect_error(serialize(y, NULL), "closed fmalloc ALTREP vector handle")
})

test_that("a safe destroy keeps the record and what was saved", {
  store <- new_store()
  x <- stored(1:10, store)
  saved <- serialize(x, NULL)
  expect_true(destroy_fmalloc_vector(x))
  expect_identical(list_fmalloc_allocations(store)$state, "committed")
  expect_identical(plain(unserialize(saved)), 1:10)
})

test_that("an unsafe destroy leaves a tombstone that no reference passes", {
  store <- new_store()
  x <- stored(1:10, store)
  saved <- serialize(x, NULL)
  expect_true(destroy_fmalloc_vector(x, unsafe = TRUE))
  rows <- list_fmalloc_allocations(store)
  expect_identical(rows$state, "tombstone")
  expect_identical(rows$recoverable, FALSE)
  expect_error(unserialize(saved), "tombstone", class = "fmalloc_tombstone")
})

test_that("only vectors in a store can be destroyed", {
  for (bad in list(1:3, NULL, list(), "x", structure(1, class = c("fmalloc_vector", "fmalloc")))) {
    expect_error(destroy_fmalloc_vector(bad), "lives in an fmalloc store",
      class = "fmalloc_argument")
  }
})

test_that("a plain vector has no class of ours, and is identical to an ordinary one", {
  store <- new_store()
  x <- create_fmalloc_vector("integer", 10, runtime = store, plain = TRUE)
  x[] <- 1:10
  expect_true(identical(x, 1:10))
  expect_true(is_backed(x))
  m <- create_fmalloc_matrix("numeric", 2, 3, runtime = store, plain = TRUE)
  expect_identical(class(m), c("matrix", "array"))
})

test_that("the option decides when plain is not given, and only then", {
  store <- new_store()
  old <- options(Rfmalloc.plain = TRUE)
  on.exit(options(old))
  expect_null(attributes(create_fmalloc_vector("raw", 1, runtime = store)))
  expect_s3_class(create_fmalloc_vector("raw", 1, store, plain = FALSE), "fmalloc")
  options(Rfmalloc.plain = NA)
  expect_error(create_fmalloc_vector("raw", 1, store), class = "fmalloc_argument")
  expect_error(create_fmalloc_vector("raw", 1, store, plain = 1), class = "fmalloc_argument")
})

test_that("vectors do not share what is done to their class", {
  store <- new_store()
  x <- create_fmalloc_vector("integer", 2, runtime = store)
  y <- create_fmalloc_vector("integer", 2, runtime = store)
  attr(x, "unit") <- "cm"
  class(x) <- "other"
  expect_identical(attributes(y), list(class = c("fmalloc_vector", "fmalloc", "integer")))
  expect_identical(attributes(create_fmalloc_vector("integer", 2, store)), attributes(y))
})

test_that("vectors of every type become dates and times as ordinary ones do", {
  store <- new_store()
  for (v in list(c(19000L, NA), c(19000.5, NA), c(NA, NA), c("2024-02-29", NA), rep(19000L, 70))) {
    x <- stored(v, store)
    expect_identical(collect_fmalloc(as.Date(x)), as.Date(v))
    expect_identical(collect_fmalloc(as.POSIXct(x, tz = "UTC")), as.POSIXct(v, tz = "UTC"))
    expect_identical(as.POSIXlt(x, tz = "UTC"), as.POSIXlt(v, tz = "UTC"))
    expect_identical(collect_fmalloc(as.Date(x, tz = "UTC")), as.Date(v, tz = "UTC"))
    expect_identical(plain(x), v)
  }
  expect_identical(as.POSIXct(stored(0L, store), "UTC"), as.POSIXct(0L, "UTC"))
})
