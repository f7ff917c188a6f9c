test_that("a data frame keeps its columns' payloads", {
  store <- new_store()
  x <- stored(1:100, store)
  y <- stored(as.numeric(1:100) / 7, store)
  d <- create_fmalloc_data_frame(x, speed = y)
  expect_s3_class(d, "data.frame", exact = TRUE)
  expect_named(d, c("x", "speed"))
  expect_identical(info_of(d$x)$id, info_of(x)$id)
  expect_identical(info_of(d$speed)$id, info_of(y)$id)
  expect_identical(nrow(list_fmalloc_allocations(store)), 2L)
  expect_true(is_fmalloc(d))
  ordinary <- data.frame(x = 1:100, speed = (1:100) / 7)
  expect_identical(collect_fmalloc(d), ordinary)
  expect_equal(colMeans(d), colMeans(ordinary))
  expect_identical(lapply(split(d$speed, d$x %% 3), sum),
    lapply(split(ordinary$speed, ordinary$x %% 3), sum))
})

test_that("row names, check.names and ordinary columns are as for data.frame()", {
  store <- new_store()
  x <- stored(1:3, store)
  make <- list(create_fmalloc_data_frame, as_fmalloc_data_frame)
  for (f in make) {
    d <- f(`a b` = x, z = c("p", "q", "r"), row.names = c("i", "j", "k"))
    expect_named(d, c("a.b", "z"))
    expect_identical(rownames(d), c("i", "j", "k"))
    expect_identical(is_backed(d$z), FALSE)
    expect_named(f(`a b` = x, check.names = FALSE), "a b")
    expect_s3_class(f(z = c("p", "q"), stringsAsFactors = TRUE)$z, "factor")
    expect_error(f(x, y = 1:2), "differing number of rows")
  }
  expect_identical(dim(create_fmalloc_data_frame()), c(0L, 0L))
})

test_that("plain columns have no class of ours, share their data and stay values", {
  store <- new_store()
  for (n in c(3L, 63L, 64L, 65L)) {
    x <- stored(seq_len(n), store)
    d <- create_fmalloc_data_frame(x, plain = TRUE)
    expect_identical(d$x, seq_len(n))
    expect_identical(info_of(d$x)$id, info_of(x)$id)
    expect_s3_class(x, "fmalloc")
    x[1] <- 50L
    expect_identical(d$x[1], 1L)
    d$x[2] <- 60L
    expect_identical(x[2], 2L)
  }
  old <- options(Rfmalloc.plain = TRUE)
  on.exit(options(old))
  expect_identical(class(create_fmalloc_data_frame(x)$x), "integer")
  expect_s3_class(create_fmalloc_data_frame(x, plain = FALSE)$x, "fmalloc")
  options(Rfmalloc.plain = "yes")
  expect_error(create_fmalloc_data_frame(x), "Rfmalloc.plain.* TRUE or FALSE",
    class = "fmalloc_argument")
})

test_that("a data frame is saved as references and comes back in another process", {
  path <- tempfile()
  file <- tempfile(fileext = ".rds")
  store <- open_fmalloc(path)
  d <- create_fmalloc_data_frame(x = stored(as.numeric(1:1e5), store), plain = TRUE)
  saveRDS(d, file)
  expect_lt(file.size(file), 2000)
  rm(d)
  cleanup_fmalloc(store)
  gc()
  told <- in_new_r(c(paste0("d <- readRDS(", quoted(file), ")"),
    "cat(is_fmalloc(d), identical(collect_fmalloc(d), data.frame(x = as.numeric(1:1e5))))"))
  expect_identical(tail(told, 1), "TRUE TRUE")
})
