live <- function(store) sum(list_fmalloc_allocations(store)$state == "temporary")

test_that("R's collector returns temporaries to the store", {
  store <- new_store()
  x <- create_fmalloc_vector("numeric", 1000, store)
  y <- x + 1
  z <- x[1:500]
  expect_identical(live(store), 2L)
  rm(y)
  gc()
  expect_identical(live(store), 1L)
  rm(z)
  gc()
  expect_identical(live(store), 0L)
  expect_identical(nrow(list_fmalloc_allocations(store)), 1L)
})

test_that("room that came back is used again, last freed first", {
  store <- new_store()
  x <- create_fmalloc_vector("numeric", 1e5, store)
  y <- x + 1
  where <- info_of(y)$offset
  rm(y)
  gc()
  y <- x + 2
  expect_identical(info_of(y)$offset, where)
})

test_that("200 rounds of temporaries leave a 256 MB store no larger", {
  path <- tempfile()
  store <- open_fmalloc(path, size_gb = 0.25)
  x <- create_fmalloc_vector("numeric", 1e6, store)
  x[] <- as.numeric(1:1e6)
  before <- file.size(path)
  expect_identical(before, 2^28)
  for (round in 1:200) {
    y <- x + 1
    z <- y[1:500000]
    y[1] <- 0
  }
  expect_identical(file.size(path), before)
  expect_identical(c(y[1], y[2], z[1]), c(0, 3, 2))
  rm(y, z)
  gc()
  expect_identical(live(store), 0L)
  expect_true(check_fmalloc(path)$sound)
})

test_that("temporaries do not survive the session, records do", {
  path <- tempfile()
  store <- open_fmalloc(path)
  x <- create_fmalloc_vector("numeric", 1000, store)
  y <- x + 1
  found <- check_fmalloc(path)
  expect_identical(found$report$live, 1)
})

test_that("many small vectors come and go", {
  store <- new_store(mode = "scratch")
  for (round in 1:3) {
    l <- lapply(1:5000, function(k) create_fmalloc_vector("integer", 10, store))
    for (k in seq_along(l)) l[[k]][1] <- k
    expect_identical(vapply(l, function(x) x[1], 1L), 1:5000)
  }
  rm(l)
  gc()
  expect_identical(.Call(Rfmalloc:::rfm_c_info, store)$temporaries, 0)
})
