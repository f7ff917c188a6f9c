# What may happen while the runtime makes room: it runs R's collector, and that runs
# anybody's finalizers.

test_that("a finalizer may close the store that is being asked for room", {
  store <- new_store(size_gb = 131072 / 2^30)
  x <- create_fmalloc_vector("raw", 30000, store)
  y <- x[1:20000]
  closer <- new.env()
  reg.finalizer(closer, function(e) cleanup_fmalloc(store))
  rm(x, y, closer)
  told <- tryCatch(create_fmalloc_vector("raw", 1e6, store), error = identity)
  expect_s3_class(told, "fmalloc_closed")
  expect_match(conditionMessage(told), "runtime is closed", fixed = TRUE)
})

test_that("a collection comes before growth, and growth before an error", {
  path <- tempfile(fileext = ".bin")
  store <- new_store(path = path, size_gb = 131072 / 2^30)
  x <- create_fmalloc_vector("raw", 10000, store)
  x[] <- as.raw(1:200)
  invisible(gc())
  for (k in 1:20) y <- x[1:10000]
  expect_identical(file.size(path), 131072)
  kept <- lapply(1:8, function(k) x[1:10000])
  expect_gt(file.size(path), 131072)
  expect_identical(as.integer(kept[[8]][1:3]), 1:3)
  told <- tryCatch(create_fmalloc_vector("complex", 2^45, store), error = identity)
  expect_s3_class(told, "fmalloc_too_large")
  expect_identical(as.integer(x[200]), 200L)
})
