# A file that is not a sound store gives an error of its own and is left as it is.
refused <- function(path, class) {
  before <- md5(path)
  time <- file.mtime(path)
  for (mode in c("persistent", "scratch")) {
    expect_error(open_fmalloc(path, mode = mode), class = class)
    expect_error(init_fmalloc(path, mode = mode), class = class)
  }
  expect_error(open_fmalloc(path, access = "read"), class = class)
  expect_identical(md5(path), before)
  expect_identical(file.mtime(path), time)
}

store_bytes <- function() {
  path <- tempfile()
  store <- open_fmalloc(path, size_gb = 2^-10)
  x <- stored(as.numeric(1:1000), store)
  rm(x)
  cleanup_fmalloc(store)
  gc()
  readBin(path, "raw", file.size(path))
}

file_of <- function(bytes) {
  path <- tempfile()
  writeBin(bytes, path)
  path
}

# proves I14
test_that("random bytes, text, a program, an empty file and zeros are no stores", {
  set.seed(4)
  refused(file_of(as.raw(sample(0:255, 2^20, TRUE))), "fmalloc_foreign")
  refused(file_of(charToRaw("hello, world\n")), "fmalloc_foreign")
  refused(file_of(raw()), "fmalloc_foreign")
  refused(file_of(raw(2^20)), "fmalloc_foreign")
  elf <- tempfile()
  file.copy(file.path(R.home("bin"), "exec", "R"), elf)
  skip_if_not(file.exists(elf))
  refused(elf, "fmalloc_foreign")
})

# proves I14
test_that("a directory is no store", {
  folder <- tempfile()
  dir.create(folder)
  expect_error(open_fmalloc(folder), class = "fmalloc_foreign")
  expect_error(open_fmalloc(folder, access = "read"), class = "fmalloc_foreign")
  expect_identical(list.files(folder), character())
})

# proves I14
test_that("a truncated store is refused, wherever it was cut", {
  path <- tempfile()
  store <- open_fmalloc(path, size_gb = 2^-10)
  x <- stored(as.numeric(1:1e5), store)
  rm(x)
  cleanup_fmalloc(store)
  rm(store)
  gc()
  bytes <- readBin(path, "raw", file.size(path))
  for (keep in c(length(bytes) - 1, length(bytes) - 65536, 700000, 655360, 131072, 65536)) {
    refused(file_of(bytes[seq_len(keep)]), "fmalloc_damaged")
  }
  for (keep in c(4096, 100)) refused(file_of(bytes[seq_len(keep)]), "fmalloc_error")
})

test_that("a store of another format version is refused as such", {
  bytes <- store_bytes()
  text <- tryCatch(open_fmalloc(file_of(bytes)), error = conditionMessage)
  expect_s3_class(text, "fmalloc_runtime")
  for (k in seq_len(128)) {
    changed <- bytes
    changed[k] <- xor(changed[k], as.raw(0xff))
    changed[4096 + k] <- xor(changed[4096 + k], as.raw(0xff))
    refused(file_of(changed), "fmalloc_error")
  }
})

test_that("flipped bytes never crash R", {
  bytes <- store_bytes()
  set.seed(5)
  for (round in 1:200) {
    changed <- bytes
    at <- sample(70000, 3)
    changed[at] <- as.raw(sample(0:255, 3, TRUE))
    path <- file_of(changed)
    store <- tryCatch(open_fmalloc(path), fmalloc_error = function(e) NULL)
    if (!is.null(store)) {
      expect_s3_class(list_fmalloc_allocations(store), "data.frame")
      cleanup_fmalloc(store)
    } else {
      expect_identical(readBin(path, "raw", length(changed)), changed)
    }
    unlink(path)
  }
})

test_that("a missing folder, and a file that may not be written", {
  expect_error(open_fmalloc(file.path(tempfile(), "x.bin")), "Cannot create file",
    class = "fmalloc_no_file")
  path <- tempfile()
  cleanup_fmalloc(open_fmalloc(path))
  Sys.chmod(path, "0444")
  skip_if(file.access(path, 2) == 0, "root may write everything")
  expect_error(open_fmalloc(path), class = "fmalloc_permission")
})
