test_that("a new store is a file of 32 MB, an old one is opened again", {
  path <- tempfile(fileext = ".bin")
  store <- open_fmalloc(path)
  expect_s3_class(store, "fmalloc_runtime")
  expect_type(store, "externalptr")
  expect_true(attr(store, "initialized"))
  expect_identical(attr(store, "mode"), "persistent")
  expect_match(attr(store, "uuid"), "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")
  expect_identical(file.size(path), 33554432)
  uuid <- attr(store, "uuid")
  cleanup_fmalloc(store)

  store <- open_fmalloc(path)
  expect_false(attr(store, "initialized"))
  expect_identical(attr(store, "uuid"), uuid)
  expect_identical(file.size(path), 33554432)
})

test_that("size_gb is the size of a new file", {
  path <- tempfile()
  open_fmalloc(path, size_gb = 1 / 1024)
  expect_identical(file.size(path), 2^20)
})

test_that("no two stores have one uuid", {
  uuids <- vapply(1:20, function(k) attr(new_store(size_gb = 2^-10), "uuid"), "")
  expect_identical(anyDuplicated(uuids), 0L)
})

test_that("one store, opened twice, by another path or a link, is one store", {
  folder <- tempfile("folder-")
  dir.create(folder)
  path <- file.path(folder, "a.bin")
  first <- open_fmalloc(path)
  link <- file.path(folder, "link.bin")
  expect_true(file.symlink(path, link))
  second <- open_fmalloc(link)
  third <- open_fmalloc(file.path(folder, ".", "a.bin"))
  expect_identical(attr(second, "uuid"), attr(first, "uuid"))
  expect_false(attr(second, "initialized"))
  x <- create_fmalloc_vector("integer", 3, second)
  expect_identical(nrow(list_fmalloc_allocations(first)), 1L)
  expect_identical(list_fmalloc_allocations(third), list_fmalloc_allocations(first))
})

test_that("a store is open in one mode only", {
  path <- tempfile()
  store <- open_fmalloc(path)
  expect_error(open_fmalloc(path, mode = "scratch"), "already open with mode persistent",
    class = "fmalloc_mode")
  path <- tempfile()
  store <- open_fmalloc(path, mode = "scratch")
  expect_error(open_fmalloc(path), "already open with mode scratch", class = "fmalloc_mode")
})

test_that("a persistent store is not taken for scratch", {
  path <- tempfile()
  cleanup_fmalloc(open_fmalloc(path))
  before <- md5(path)
  expect_error(open_fmalloc(path, mode = "scratch"), class = "fmalloc_mode")
  expect_identical(md5(path), before)
})

test_that("a scratch store removes the file it made", {
  path <- tempfile()
  store <- open_fmalloc(path, mode = "scratch")
  expect_true(file.exists(path))
  cleanup_fmalloc(store)
  expect_false(file.exists(path))
})

test_that("unknown modes and accesses are refused", {
  expect_error(open_fmalloc(tempfile(), mode = "other"), "should be one of")
  expect_error(open_fmalloc(tempfile(), access = "append"), "should be one of")
})

test_that("init_fmalloc sets a default, cleanup_fmalloc removes it", {
  cleanup_fmalloc()
  expect_error(create_fmalloc_vector("integer", 1), "fmalloc not initialized",
    class = "fmalloc_argument")
  expect_error(list_fmalloc_allocations(), "fmalloc not initialized")
  expect_error(sync_fmalloc(), "fmalloc not initialized")
  path <- tempfile()
  expect_true(init_fmalloc(path))
  x <- create_fmalloc_vector("integer", 1)
  expect_identical(nrow(list_fmalloc_allocations()), 1L)
  expect_warning(again <- init_fmalloc(tempfile()), "already initialized")
  expect_false(again)
  expect_identical(nrow(list_fmalloc_allocations()), 1L)
  expect_null(cleanup_fmalloc())
  expect_error(create_fmalloc_vector("integer", 1), "fmalloc not initialized")
  rm(x)
  expect_false(init_fmalloc(path))
  expect_identical(nrow(list_fmalloc_allocations()), 1L)
  cleanup_fmalloc()
})

test_that("cleanup with nothing open is silent, and may be repeated", {
  expect_silent(cleanup_fmalloc())
  store <- new_store()
  expect_silent(cleanup_fmalloc(store))
  expect_silent(cleanup_fmalloc(store))
  expect_invisible(cleanup_fmalloc(store))
})

test_that("the default outlives other handles on the same store", {
  path <- tempfile()
  init_fmalloc(path)
  cleanup_fmalloc(open_fmalloc(path))
  expect_length(create_fmalloc_vector("integer", 2), 2)
  expect_warning(init_fmalloc(path), "already initialized")
  cleanup_fmalloc()
  expect_error(create_fmalloc_vector("integer", 2), "fmalloc not initialized")
})

# proves I11
test_that("a closed handle refuses work, its vectors go on", {
  store <- new_store()
  x <- stored(as.numeric(1:100), store)
  cleanup_fmalloc(store)
  expect_error(create_fmalloc_vector("integer", 1, store), "runtime is closed",
    class = "fmalloc_closed")
  expect_error(sync_fmalloc(store), "runtime is closed", class = "fmalloc_closed")
  expect_error(list_fmalloc_allocations(store), "runtime is closed", class = "fmalloc_closed")
  expect_identical(sum(x), 5050)
  expect_identical(x[50], 50)
  expect_identical(plain(x[1:3]), c(1, 2, 3))
  y <- x
  y[1] <- 0
  expect_identical(c(x[1], y[1]), c(1, 0))
  expect_identical(sum(x + 1), 5150)
  x[2] <- 0
  expect_identical(sum(x), 5048)
})

test_that("a handle from another session is closed", {
  store <- new_store()
  ghost <- unserialize(serialize(store, NULL))
  expect_error(create_fmalloc_vector("integer", 1, ghost), "runtime is closed",
    class = "fmalloc_closed")
  expect_silent(cleanup_fmalloc(ghost))
  expect_length(create_fmalloc_vector("integer", 1, store), 1)
})

test_that("what is no handle is refused", {
  for (bad in list(1, "x", list(), globalenv())) {
    expect_error(create_fmalloc_vector("integer", 1, bad), "handle from open_fmalloc",
      class = "fmalloc_argument")
    expect_error(cleanup_fmalloc(bad), "handle from open_fmalloc")
    expect_error(sync_fmalloc(bad), "handle from open_fmalloc")
  }
})

test_that("a handle that only looks like one is refused", {
  fake <- structure(list(), class = "fmalloc_runtime")
  expect_error(sync_fmalloc(fake), class = "fmalloc_error")
  expect_error(create_fmalloc_vector("raw", 1, fake), class = "fmalloc_error")
})

test_that("sync gives the handle, and closing a store syncs it", {
  path <- tempfile()
  store <- open_fmalloc(path)
  x <- stored(1:10, store)
  expect_invisible(sync_fmalloc(store))
  expect_identical(sync_fmalloc(store), store)
  expect_identical(check_fmalloc(path)$report$uncommitted, 0)
  x <- stored(1:10, store)
  rm(x)
  cleanup_fmalloc(store)
  gc()
  found <- check_fmalloc(path)
  expect_true(found$report$clean)
  expect_identical(found$report$live, 2)
})

test_that("to read a store needs one", {
  path <- tempfile()
  expect_error(open_fmalloc(path, access = "read"), class = "fmalloc_no_file")
  expect_false(file.exists(path))
})

test_that("a store opened for reading shows what is there and changes nothing", {
  path <- tempfile()
  store <- open_fmalloc(path)
  x <- stored(c(1.5, 2.5, 3.5), store)
  saved <- serialize(x, NULL)
  rm(x)
  cleanup_fmalloc(store)
  gc()
  before <- md5(path)

  reader <- open_fmalloc(path, access = "read")
  expect_identical(list_fmalloc_allocations(reader)$state, "committed")
  y <- unserialize(saved)
  expect_identical(plain(y), c(1.5, 2.5, 3.5))
  y[1] <- 0
  expect_identical(plain(y + 1), c(1, 3.5, 4.5))
  expect_identical(plain(unserialize(saved)), c(1.5, 2.5, 3.5))
  cleanup_fmalloc(reader)
  rm(y)
  gc()
  expect_identical(md5(path), before)
})
