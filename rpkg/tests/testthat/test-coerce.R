test_that("a vector that changes its type stays in its store", {
  store <- new_store()
  x <- stored(1:5, store)
  x[1] <- 2.5
  expect_true(is_backed(x))
  expect_identical(plain(x), c(2.5, 2, 3, 4, 5))
  expect_identical(class(x + 1), c("fmalloc_vector", "fmalloc", "numeric"))
  y <- stored(c(TRUE, NA), store)
  y[2] <- 7L
  expect_true(is_backed(y))
  expect_identical(plain(y), c(1L, 7L))
  m <- stored_matrix(matrix(1:4, 2, dimnames = list(NULL, c("a", "b"))), store)
  m[2, 2] <- 0.5
  expect_true(is_backed(m))
  expect_identical(plain(m), matrix(c(1, 2, 3, 0.5), 2, dimnames = list(NULL, c("a", "b"))))
})

test_that("each row of the catalog has a number of its own", {
  store <- new_store()
  x <- stored(1:5, store)
  kept <- list(x + 1L, x[2:3], sqrt(x))
  rows <- list_fmalloc_allocations(store)
  expect_gte(sum(rows$state == "temporary"), 3)
  expect_false(anyDuplicated(rows$generation) > 0)
})
