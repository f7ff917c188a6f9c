# Copies of a store that is in use.

filled_store <- function() {
  store <- new_store()
  d <- as_fmalloc(data.frame(n = c(1.5, 2.5), s = c("a", strrep("long ", 20))), store)
  l <- as_fmalloc(list(1:3, list("x", TRUE)), store)
  list(store = store, saved = serialize(list(d, l), NULL),
    values = list(collect_fmalloc(d), collect_fmalloc(l)))
}

values_of <- function(saved) lapply(unserialize(saved), collect_fmalloc)

# Where the file system shares blocks (btrfs, XFS) a copy is there at once: nothing is read,
# there is nothing to interrupt, and what is free in the store is not left out.
skip_if_blocks_are_shared <- function() {
  store <- filled_store()$store
  copied <- FALSE
  testthat::with_mocked_bindings(
    snapshot_fmalloc(store, tempfile()), .package = "Rfmalloc",
    new_meter = function(n) {
      copied <<- copied || n > 0
      list(close = function() NULL, add = function(bytes) NULL)
    }
  )
  testthat::skip_if_not(copied, "this file system shares blocks, and copies nothing")
}

# Replaces the store by the copy, as one restores a backup.
restore <- function(path, copy) {
  gc()
  unlink(path)
  file.rename(copy, path)
}

# A reference to what was made in another copy.
expect_unknown <- function(saved) {
  e <- tryCatch(unserialize(saved), error = identity)
  expect_true(inherits(e, c("fmalloc_no_record", "fmalloc_tombstone")))
}

# proves I8
test_that("a copy holds what the store held, for references of before", {
  s <- filled_store()
  path <- path_of(s$store)
  copy <- tempfile(fileext = ".bin")
  expect_invisible(snapshot_fmalloc(s$store, copy))
  expect_identical(dir(dirname(copy), "part$"), character())
  expect_true(check_fmalloc(copy)$sound)
  expect_identical(check_fmalloc(copy)$report$live, check_fmalloc(path)$report$live)
  expect_identical(check_fmalloc(copy)$report$uncommitted, 0)

  later <- as_fmalloc(c(9, 9), s$store)
  saved <- serialize(later, NULL)
  rm(later)
  cleanup_fmalloc(s$store)
  restore(path, copy)
  expect_identical(values_of(s$saved), s$values)
  expect_unknown(saved)
  store <- open_fmalloc(path)
  expect_identical(attr(store, "uuid"), attr(s$store, "uuid"))
  expect_identical(values_of(s$saved), s$values)
})

# proves I9
test_that("what is made after the copy is never confused", {
  s <- filled_store()
  path <- path_of(s$store)
  copies <- tempfile(c("copy-", "copy-"), fileext = ".bin")
  for (copy in copies) snapshot_fmalloc(s$store, copy)
  stores <- c(list(s$store), lapply(copies, open_fmalloc))
  made <- lapply(1:3, function(k) serialize(as_fmalloc(c(k, 10 * k), stores[[k]]), NULL))
  gc()
  for (k in 1:3) {
    expect_identical(collect_fmalloc(unserialize(made[[k]])), c(k, 10 * k))
    # the old ones are in all three
    expect_identical(values_of(s$saved), s$values)
  }
  for (open in 1:3) {
    lapply(stores, cleanup_fmalloc)
    gc()
    stores <- list(open_fmalloc(c(path, copies)[open]))
    expect_identical(values_of(s$saved), s$values)
    for (k in 1:3) {
      if (k == open) {
        expect_identical(collect_fmalloc(unserialize(made[[k]])), c(k, 10 * k))
      } else {
        expect_unknown(made[[k]])
      }
      gc()
    }
  }
})

test_that("a copy of a copy is a copy", {
  s <- filled_store()
  first <- tempfile(fileext = ".bin")
  second <- tempfile(fileext = ".bin")
  snapshot_fmalloc(s$store, first)
  copy <- open_fmalloc(first)
  x <- as_fmalloc(c(4, 5), copy)
  saved <- serialize(x, NULL)
  rm(x)
  snapshot_fmalloc(copy, second)
  path <- path_of(s$store)
  cleanup_fmalloc(copy)
  cleanup_fmalloc(s$store)
  restore(path, second)
  unlink(first)
  store <- open_fmalloc(path)
  expect_identical(values_of(s$saved), s$values)
  expect_identical(collect_fmalloc(unserialize(saved)), c(4, 5))
})

test_that("a copy is sparse, and has no temporaries", {
  skip_if_blocks_are_shared()
  store <- new_store(size_gb = 0.25)
  x <- create_fmalloc_vector("numeric", 2^17, store)
  y <- numeric(2^20) + x[1:2^17][1]
  x[] <- 1
  big <- as_fmalloc(runif(2^21), new_store(mode = "scratch"))
  z <- create_fmalloc_vector("numeric", 2^22, store)
  copy <- tempfile(fileext = ".bin")
  snapshot_fmalloc(store, copy)
  expect_identical(file.size(copy), file.size(path_of(store)))
  blocks <- as.numeric(system2("du", c("-k", shQuote(copy)), stdout = TRUE) |> sub("\t.*", "", x = _))
  expect_gt(blocks, 1000)
  expect_lt(blocks, 2000)
})

# proves I13
test_that("an existing file, a missing folder and odd names are refused", {
  s <- filled_store()
  there <- tempfile()
  writeLines("mine", there)
  before <- dir(tempdir())
  e <- tryCatch(snapshot_fmalloc(s$store, there), error = identity)
  expect_s3_class(e, "fmalloc_argument")
  expect_match(conditionMessage(e), "exists already", fixed = TRUE)
  expect_match(conditionMessage(e), there, fixed = TRUE)
  expect_identical(readLines(there), "mine")
  expect_error(snapshot_fmalloc(s$store, path_of(s$store)), "exists already",
    class = "fmalloc_argument")
  expect_error(snapshot_fmalloc(s$store, file.path(tempfile(), "copy.bin")),
    class = "fmalloc_no_file")
  expect_error(snapshot_fmalloc(s$store, ""), "to cannot be empty", class = "fmalloc_argument")
  expect_error(snapshot_fmalloc(s$store, 7), "to must be one", class = "fmalloc_argument")
  expect_error(snapshot_fmalloc(new_store(mode = "scratch"), tempfile()), "scratch",
    class = "fmalloc_mode")
  cleanup_fmalloc(s$store)
  expect_error(snapshot_fmalloc(s$store, tempfile()), class = "fmalloc_closed")
  expect_identical(grep("part$", dir(tempdir()), value = TRUE), character())
})

test_that("the default store can be copied, ~ and relative paths are understood", {
  cleanup_fmalloc()
  init_fmalloc(tempfile())
  folder <- tempfile("folder-")
  dir.create(folder)
  back <- setwd(folder)
  on.exit(setwd(back))
  snapshot_fmalloc(to = "copy.bin")
  expect_true(check_fmalloc(file.path(folder, "copy.bin"))$sound)
  cleanup_fmalloc()
})

# proves I13
test_that("what is interrupted leaves no file, and the store goes on", {
  skip_if_blocks_are_shared()
  store <- new_store()
  x <- as_fmalloc(as.numeric(1:5e5), store)
  folder <- tempfile("folder-")
  dir.create(folder)
  for (how in 1:2) {
    e <- testthat::with_mocked_bindings(
      tryCatch(snapshot_fmalloc(store, file.path(folder, "copy.bin")),
        error = identity, interrupt = identity),
      snapshot_step = 2^20, .package = "Rfmalloc",
      new_meter = function(total) {
        list(close = function() NULL, add = function(bytes) {
          expect_length(dir(folder, "copy.bin.*part$"), 1)
          if (how == 1) stop("enough")
          tools::pskill(Sys.getpid(), tools::SIGINT)
          Sys.sleep(0.2)
        })
      }
    )
    expect_s3_class(e, c("simpleError", "interrupt")[how])
    expect_identical(dir(folder), character())
  }
  snapshot_fmalloc(store, file.path(folder, "copy.bin"))
  expect_identical(dir(folder), "copy.bin")
  expect_identical(sum(x), sum(as.numeric(1:5e5)))
})

test_that("a copy tells how far it is", {
  skip_if_blocks_are_shared()
  store <- new_store()
  x <- as_fmalloc(as.numeric(1:5e5), store)
  steps <- numeric()
  total <- 0
  testthat::with_mocked_bindings(
    snapshot_fmalloc(store, tempfile()),
    snapshot_step = 2^20, .package = "Rfmalloc",
    new_meter = function(n) {
      total <<- n
      list(close = function() NULL, add = function(bytes) steps <<- c(steps, bytes))
    }
  )
  expect_identical(sum(steps), total)
  expect_gte(length(steps), 4)
  expect_gte(total, 4e6)
})

test_that("the doors of copies believe nothing", {
  for (bad in list(NULL, 1, globalenv(), new_store())) {
    expect_error(.Call(Rfmalloc:::rfm_c_snapshot_step, bad, 1), class = "fmalloc_argument")
    expect_error(.Call(Rfmalloc:::rfm_c_snapshot_finish, bad), class = "fmalloc_argument")
    expect_error(.Call(Rfmalloc:::rfm_c_snapshot_left, bad), class = "fmalloc_argument")
    expect_null(.Call(Rfmalloc:::rfm_c_snapshot_drop, bad))
  }
})
