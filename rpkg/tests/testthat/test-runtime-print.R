test_that("a handle is printed with path, mode, size, use, what lives and last sync", {
  path <- tempfile()
  store <- open_fmalloc(path)
  text <- format(store)
  expect_match(text[1], basename(path), fixed = TRUE)
  expect_match(text[2], "mode +persistent")
  expect_match(text[3], "size +32 MB, .* used")
  expect_match(text[4], "live +0 vectors")
  expect_match(text[5], "last sync +not in this session")

  x <- create_fmalloc_vector("numeric", 2^18, store)
  y <- x + 1
  z <- serialize(stored(1:3, store), NULL)
  text <- format(store)
  expect_match(text[3], "32 MB, 4.* MB used")
  expect_match(text[4], "2 vectors (2 MB, 1 sealed), 1 temporary (2 MB)", fixed = TRUE)
  sync_fmalloc(store)
  expect_match(format(store)[5], "last sync +20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9:]{8}$")
  x <- create_fmalloc_vector("raw", 1, store)
  expect_match(format(store)[5], ", 1 record since$")

  expect_identical(capture.output(print(store)), format(store))
  expect_invisible(print(store))
})

test_that("a reader's and a scratch store's handles say so", {
  path <- tempfile()
  cleanup_fmalloc(open_fmalloc(path))
  expect_match(format(open_fmalloc(path, access = "read"))[2], "persistent, read only")
  expect_match(format(new_store(mode = "scratch"))[2], "scratch")
})

test_that("a closed handle, and one from another session, print as closed", {
  store <- new_store()
  ghost <- unserialize(serialize(store, NULL))
  cleanup_fmalloc(store)
  expect_output(print(store), "<fmalloc_runtime: closed>", fixed = TRUE)
  expect_output(print(ghost), "<fmalloc_runtime: closed>", fixed = TRUE)
})

test_that("sizes are told in the unit that fits", {
  expect_identical(describe_bytes(0), "0 bytes")
  expect_identical(describe_bytes(1023), "1023 bytes")
  expect_identical(describe_bytes(1024), "1 KB")
  expect_identical(describe_bytes(1.5 * 2^30), "1.5 GB")
  expect_identical(describe_bytes(2^46), "64 TB")
})
