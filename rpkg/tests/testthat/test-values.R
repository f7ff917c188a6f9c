# Vectors are values: what is written through one name never shows in another.

test_that("assignment copies when it must, not before", {
  store <- new_store()
  for (n in c(1, 2, 63, 64, 65, 5000)) {
    x <- stored(as.numeric(seq_len(n)), store)
    y <- x
    expect_identical(info_of(y)$offset, info_of(x)$offset)
    y[1] <- 100
    expect_identical(c(x[1], y[1]), c(1, 100))
    expect_true(is_backed(y))
    where <- info_of(y)$offset
    y[1] <- 101
    expect_identical(info_of(y)$offset, where)
  }
})

test_that("functions get values", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  f <- function(v) { v[1] <- 0; sum(v) }
  expect_identical(f(x), 5)
  expect_identical(x[1], 1)
  l <- list(a = x)
  l$a[2] <- 0
  expect_identical(x[2], 2)
  e <- new.env()
  e$x <- x
  e$x[3] <- 0
  expect_identical(x[3], 3)
})

test_that("wrappers are seen through, at every length", {
  store <- new_store()
  for (n in c(62:66, 128)) {
    for (type in names(samples)) {
      x <- create_fmalloc_vector(type, n, store)
      y <- x
      names(y) <- as.character(seq_len(n))
      z <- structure(x, class = c("mine", class(x)))
      w <- x
      dim(w) <- c(1L, n)
      for (v in list(x, y, z, w)) {
        expect_true(is_backed(v))
        if (n >= 64) expect_identical(info_of(v)$offset, info_of(x)$offset)
        expect_identical(info_of(unserialize(serialize(v, NULL)))$offset, info_of(v)$offset)
      }
      expect_null(names(x))
      expect_null(dim(x))
    }
    x <- stored(as.numeric(seq_len(n)), store)
    y <- x
    names(y) <- as.character(seq_len(n))
    expect_identical(plain(y + 1), setNames(as.numeric(seq_len(n)) + 1, seq_len(n)))
    expect_true(is_backed(y + 1))
    y[1] <- 9
    expect_identical(x[1], 1)
    x[2] <- 9
    expect_identical(y[[2]], 2)
    expect_true(destroy_fmalloc_vector(x))
  }
})

# proves I11
test_that("a vector stays usable in a list that outlives its variable", {
  store <- new_store()
  l <- lapply(1:50, function(k) stored(rep(k, 100), store))
  gc()
  expect_identical(vapply(l, sum, 0), (1:50) * 100)
  rm(store)
  gc()
  expect_identical(vapply(l, sum, 0), (1:50) * 100)
})
