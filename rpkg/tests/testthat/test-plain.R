test_that("plain vectors are identical to ordinary ones", {
  store <- new_store()
  for (type in names(samples)) {
    x <- create_fmalloc_vector(type, 7, store, plain = TRUE)
    x[] <- samples[[type]]
    expect_true(is_fmalloc(x))
    expect_identical(x, samples[[type]])
    expect_null(attributes(x))
    expect_identical(capture.output(print(x)), capture.output(print(samples[[type]])))
  }
  m <- create_fmalloc_matrix("integer", 2, 3, runtime = store, plain = TRUE)
  m[] <- 1:6
  expect_identical(m, matrix(1:6, 2))
  a <- create_fmalloc_array("integer", c(2, 3), runtime = store, plain = TRUE)
  a[] <- 1:6
  expect_identical(a, matrix(1:6, 2))
})

test_that("the option decides where nobody else does", {
  store <- new_store()
  old <- options(Rfmalloc.plain = TRUE)
  on.exit(options(old))
  expect_false(is.object(create_fmalloc_vector("raw", 1, store)))
  expect_false(is.object(create_fmalloc_matrix("raw", 1, 1, runtime = store)))
  expect_false(is.object(create_fmalloc_array("raw", 1, runtime = store)))
  expect_s3_class(create_fmalloc_array("raw", 1, runtime = store, plain = FALSE), "fmalloc")
  offset <- list_fmalloc_allocations(store)$record_offset[1]
  gc()
  expect_false(is.object(recover_fmalloc_vector(store, offset)))
  gc()
  expect_s3_class(recover_fmalloc_vector(store, offset, plain = FALSE), "fmalloc")
  expect_s3_class(as_fmalloc(1:3, store, plain = FALSE), "fmalloc")
})
