test_that("match() compares values, not text", {
  store <- new_store()
  for (v in samples) {
    x <- stored(v, store)
    expect_identical(match(v, x), match(v, v))
    expect_identical(match(x, rev(v)), match(v, rev(v)))
    expect_identical(v[2] %in% x, TRUE)
  }
  expect_identical(match(1, stored(c(FALSE, TRUE), store)), 2L)
  expect_identical(match(2L, stored(c(0.5, 2), store)), 2L)
})
