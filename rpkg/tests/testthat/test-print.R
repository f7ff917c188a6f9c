test_that("vectors print as vectors", {
  store <- new_store()
  for (values in samples) {
    x <- stored(values, store)
    expect_identical(capture.output(print(x)), capture.output(print(values)))
    expect_identical(format(x), format(values))
  }
  x <- stored(c(1.23456, 2), store)
  expect_identical(capture.output(print(x, digits = 2)), capture.output(print(c(1.23456, 2), digits = 2)))
  names(x) <- c("a", "b")
  expect_identical(capture.output(x), capture.output(c(a = 1.23456, b = 2)))
  expect_identical(capture.output(print(create_fmalloc_vector("integer", 0, store))), "integer(0)")
  expect_invisible(print(x))
})

test_that("matrices print as matrices", {
  store <- new_store()
  values <- matrix(c(1.5, NA, -3, 4, 5, 6), 2, dimnames = list(NULL, c("a", "b", "c")))
  m <- stored_matrix(values, store)
  expect_identical(capture.output(print(m)), capture.output(print(values)))
  expect_output(str(m), "num \\[1:2, 1:3\\] 1.5")
  expect_identical(capture.output(head(m, 1)), capture.output(head(values, 1)))
})

test_that("long vectors and matrices are cut as R cuts them", {
  store <- new_store()
  x <- stored(as.numeric(1:500), store)
  expect_identical(capture.output(print(x, max = 20))[1], capture.output(print(as.numeric(1:20))))
  expect_output(print(x, max = 20), "omitted 480 entries")
  old <- options(max.print = 30)
  on.exit(options(old))
  expect_output(print(x), "omitted 470 entries")
  m <- stored_matrix(matrix(1:500, 100), store)
  expect_output(print(m), "omitted 94 rows")
  expect_identical(capture.output(print(m))[1:7],
    capture.output(print(matrix(1:500, 100)[1:6, ]))[1:7])
})

test_that("an object of another class on top prints as that class does", {
  store <- new_store()
  day <- stored(as.numeric(as.Date("2001-02-03") + 0:2), store)
  class(day) <- "Date"
  expect_identical(capture.output(print(day)), capture.output(print(as.Date("2001-02-03") + 0:2)))
  expect_identical(format(day, "%Y"), rep("2001", 3))
})

test_that("how much to print must be a number", {
  x <- stored(1:3, new_store())
  for (bad in list(-1, NA, "a", c(1, 2), numeric())) {
    expect_error(print(x, max = bad), "invalid 'max' argument", class = "fmalloc_argument")
  }
  expect_output(print(x, max = 0), "omitted 3 entries")
})
