test_that("one element is an ordinary scalar, more lie in the store", {
  store <- new_store()
  for (type in names(samples)) {
    values <- samples[[type]]
    x <- stored(values, store)
    expect_identical(x[3], values[3])
    expect_identical(x[[3]], values[[3]])
    expect_null(attributes(x[3]))
    for (i in list(1:3, c(7, 1, 1), -1, c(TRUE, FALSE), 2:9, c(1, NA, 3), c(0, 5, 6))) {
      y <- x[i]
      expect_true(is_backed(y))
      expect_identical(class(y), class(x))
      expect_identical(plain(y), values[i])
    }
    expect_identical(x[0], values[0])
    expect_identical(x[10], values[10])
    expect_identical(plain(x[]), values)
  }
})

test_that("long subsets of every shape of index agree with R", {
  store <- new_store()
  values <- as.numeric(1:5000)
  x <- stored(values, store)
  set.seed(2)
  for (i in list(1:5000, 5000:1, 17:4000, sample(5000), sample(6000, 3000, TRUE),
    as.numeric(2:3000), -(1:10), values > 2500, c(NA, 1:100), seq(1, 5000, by = 7))) {
    expect_identical(plain(x[i]), values[i])
  }
})

test_that("indices that R refuses are refused in R's words", {
  store <- new_store()
  x <- stored(1:5, store)
  m <- stored_matrix(matrix(1:6, 2), store)
  expect_error(x[[6]], "subscript out of bounds")
  expect_error(x[c(-1, 1)], "subscripts")
  expect_error(m[3, 1], "subscript out of bounds")
  expect_error(m[1, 4], "subscript out of bounds")
  expect_error(m[, "a"], "no 'dimnames' attribute")
  expect_error(x[1, 2], "incorrect number of dimensions")
})

test_that("names choose and are kept", {
  store <- new_store()
  x <- stored(c(1, 2, 3), store)
  names(x) <- c("a", "b", "c")
  expect_identical(plain(x[c("c", "a")]), c(c = 3, a = 1))
  expect_identical(x["b"], c(b = 2))
  expect_identical(x[["b"]], 2)
})

test_that("a matrix gives matrices, vectors and scalars as R's do", {
  store <- new_store()
  values <- matrix(as.numeric(1:12), 3, dimnames = list(letters[1:3], LETTERS[1:4]))
  m <- stored_matrix(values, store)
  agree <- function(ours, theirs) expect_identical(plain(ours), theirs)
  agree(m[1:2, ], values[1:2, ])
  agree(m[, 2:3], values[, 2:3])
  agree(m[, 2], values[, 2])
  agree(m[2, ], values[2, ])
  agree(m[2, , drop = FALSE], values[2, , drop = FALSE])
  agree(m[-1, c("D", "A")], values[-1, c("D", "A")])
  agree(m[c(TRUE, FALSE, TRUE), 1:2], values[c(TRUE, FALSE, TRUE), 1:2])
  agree(m[c(1, NA), 1:2], values[c(1, NA), 1:2])
  agree(m[, ], values[, ])
  agree(m[], values[])
  agree(m[2:5], values[2:5])
  agree(m[m > 6], values[values > 6])
  agree(m[cbind(1:3, 2:4)], values[cbind(1:3, 2:4)])
  expect_identical(m[2, 3], values[2, 3])
  expect_identical(m["b", "C"], values["b", "C"])
  expect_identical(m[[2, 3]], values[[2, 3]])
  expect_identical(plain(m[0, ]), values[0, ])
  expect_identical(class(m[1:2, ]), class(m))
  expect_identical(class(m[, 1]), c("fmalloc_vector", "fmalloc", "numeric"))
  expect_true(is_backed(m[1:2, ]))
  expect_true(is_backed(m[, 1]))
})

test_that("large parts of a matrix are gathered in the store, with the same result", {
  store <- new_store()
  values <- matrix(as.numeric(1:4000), 100,
    dimnames = list(paste0("r", 1:100), paste0("c", 1:40)))
  m <- stored_matrix(values, store)
  old <- Rfmalloc:::block_elements
  small <- function(code) {
    testthat::with_mocked_bindings(code, block_elements = 150, .package = "Rfmalloc")
  }
  agree <- function(ours, theirs) {
    expect_true(is_backed(ours))
    expect_identical(plain(ours), theirs)
  }
  small({
    agree(m[, 3:17], values[, 3:17])
    agree(m[, 3:17, drop = FALSE], values[, 3:17, drop = FALSE])
    agree(m[, c(40, 2, 2)], values[, c(40, 2, 2)])
    agree(m[5:90, ], values[5:90, ])
    agree(m[100:1, -1], values[100:1, -1])
    agree(m[c(TRUE, FALSE), c("c3", "c9", "c40", "c1")],
      values[c(TRUE, FALSE), c("c3", "c9", "c40", "c1")])
    agree(m[rep(1:100, 2), "c7"], values[rep(1:100, 2), "c7"])
    agree(m[rep(3, 200), 5, drop = FALSE], values[rep(3, 200), 5, drop = FALSE])
    agree(m[c(1:100, NA, 5:60), 2:3], values[c(1:100, NA, 5:60), 2:3])
    agree(m[1, rep(1:40, 5)], values[1, rep(1:40, 5)])
    expect_error(m[, 39:41], "subscript out of bounds")
    expect_error(m[c(1:100, 101), 1:3], "subscript out of bounds")
  })
})

test_that("to read a part leaves no reference that would make a write copy", {
  # No helper may touch x: R's compiler keeps a reference to what it sees a closure do.
  store <- new_store()
  away <- file(nullfile(), "w")
  x <- stored(as.numeric(1:1000), store)
  where <- .Call(Rfmalloc:::rfm_c_vector_info, x)$offset
  a <- x[1:10]
  b <- x[5]
  x[1] <- b + 1
  for (k in 1:20) x[k] <- x[k] + 1
  s <- x + 1
  s <- -x
  s <- sqrt(x)
  x[2] <- 0
  sink(away)
  print(x)
  sink()
  x[3] <- 0
  expect_identical(.Call(Rfmalloc:::rfm_c_vector_info, x)$offset, where)
  m <- stored_matrix(matrix(1:200, 20), store)
  where <- .Call(Rfmalloc:::rfm_c_vector_info, m)$offset
  a <- m[1:3, ]
  b <- m[2, 2]
  m[1, 1] <- 0L
  sink(away)
  print(m)
  sink()
  m[2, ] <- 1L
  expect_identical(.Call(Rfmalloc:::rfm_c_vector_info, m)$offset, where)
  close(away)
})

test_that("subsets of a closed store's vector are ordinary", {
  store <- new_store()
  m <- stored_matrix(matrix(1:200, 20), store)
  cleanup_fmalloc(store)
  expect_identical(m[1:2, 3:4], matrix(c(41L, 42L, 61L, 62L), 2))
})

test_that("assignment takes every shape of index", {
  store <- new_store()
  x <- stored(as.numeric(1:10), store)
  values <- as.numeric(1:10)
  x[c(2, 4)] <- c(-1, -2); values[c(2, 4)] <- c(-1, -2)
  x[x > 7] <- NA; values[values > 7] <- NA
  x[-1] <- rev(x[-1]); values[-1] <- rev(values[-1])
  x[[3]] <- 99; values[[3]] <- 99
  expect_identical(plain(x), values)
  expect_true(is_backed(x))
  i <- stored(1:3, store)
  i[2] <- 2.5
  expect_identical(plain(i), c(1, 2.5, 3))
})

# R asks with doubles when a position is beyond the integers.
test_that("positions beyond 2^31 give NA, and the others their elements", {
  store <- new_store()
  positions <- c(2, 3e9, 1, NA, 3)
  for (values in c(samples, list(c("a", "b", "a string beyond the cell", NA)))) {
    x <- stored(values, store)
    y <- x[positions]
    expect_true(is_backed(y))
    expect_identical(plain(y), values[positions])
  }
  l <- create_fmalloc_vector("list", 3, store)
  l[[2]] <- x
  y <- l[positions]
  expect_true(is_backed(y))
  expect_identical(plain(y[[1]]), values)
  expect_identical(lengths(y), c(4L, 0L, 0L, 0L, 0L))
})
