# References to a store that lies somewhere else now.

# A closed store in a folder of its own, with x.rds and the serialized bytes.
shipped <- function() {
  folder <- tempfile("home-")
  dir.create(folder)
  path <- file.path(folder, "store.bin")
  store <- open_fmalloc(path)
  x <- stored(as.numeric(1:10), store)
  saveRDS(x, file.path(folder, "x.rds"))
  bytes <- serialize(x, NULL)
  rm(x)
  cleanup_fmalloc(store)
  rm(store)
  gc()
  list(folder = folder, path = path, rds = file.path(folder, "x.rds"), bytes = bytes)
}

new_folder <- function() {
  folder <- tempfile("away-")
  dir.create(folder)
  folder
}

move_to <- function(folder, ...) {
  for (file in c(...)) file.rename(file, file.path(folder, basename(file)))
}

within_folder <- function(folder, code) {
  back <- setwd(folder)
  on.exit(setwd(back))
  eval(substitute(code), parent.frame())
}

# The sum; afterwards the store is closed, as nobody refers to it any more. (A promise
# that was forced would keep the vector, so the argument is evaluated here.)
total <- function(code) {
  result <- sum(eval(substitute(code), parent.frame()))
  gc()
  result
}

expect_lost <- function(x, class = "fmalloc_no_file") {
  gc()
  expect_error(x, class = class)
}

test_that("first way: an open store, wherever it lies", {
  s <- shipped()
  away <- new_folder()
  file.rename(s$path, file.path(away, "renamed.bin"))
  expect_error(unserialize(s$bytes), class = "fmalloc_no_file")
  store <- open_fmalloc(file.path(away, "renamed.bin"), access = "read")
  expect_identical(total(unserialize(s$bytes)), 55)
  expect_identical(total(readRDS(s$rds)), 55)
  cleanup_fmalloc(store)
})

test_that("second way: the path in the reference", {
  s <- shipped()
  away <- new_folder()
  move_to(away, s$rds)
  expect_identical(total(readRDS(file.path(away, "x.rds"))), 55)
  expect_identical(total(unserialize(s$bytes)), 55)
})

test_that("third way: beside the file that is being read", {
  s <- shipped()
  away <- new_folder()
  move_to(away, s$rds, s$path)
  expect_error(unserialize(s$bytes), class = "fmalloc_no_file")
  rds <- file.path(away, "x.rds")
  expect_identical(total(readRDS(rds)), 55)
  connection <- gzfile(rds)
  expect_identical(total(readRDS(connection)), 55)
  close(connection)
  expect_identical(total(within_folder(dirname(away),
    readRDS(file.path(basename(away), "x.rds")))), 55)
  expect_identical(total(lapply(c(a = rds), readRDS)$a), 55)
  link <- file.path(new_folder(), "link.rds")
  file.symlink(rds, link)
  expect_identical(total(readRDS(link)), 55)
})

test_that("third way: load() of what save() has written", {
  s <- shipped()
  x <- readRDS(s$rds)
  data <- file.path(s$folder, "x.RData")
  save(x, file = data)
  rm(x)
  gc()
  away <- new_folder()
  move_to(away, data, s$path)
  there <- new.env()
  load(file.path(away, "x.RData"), there)
  expect_identical(total(there$x), 55)
})

test_that("third way: ~ is the home folder", {
  s <- shipped()
  away <- new_folder()
  move_to(away, s$rds, s$path)
  expect_identical(
    in_new_r(c(sprintf("Sys.setenv(HOME = %s)", quoted(away)), "cat(sum(readRDS('~/x.rds')))")),
    "55")
})

test_that("third way: the working folder", {
  s <- shipped()
  away <- new_folder()
  move_to(away, s$path)
  expect_identical(total(within_folder(away, unserialize(s$bytes))), 55)
  expect_identical(total(within_folder(away, readRDS(s$rds))), 55)
  expect_lost(readRDS(s$rds))
})

test_that("fourth way: the folders of the option", {
  s <- shipped()
  away <- new_folder()
  move_to(away, s$path)
  back <- options(Rfmalloc.path = c(new_folder(), paste0(away, "/")))
  on.exit(options(back))
  expect_identical(total(unserialize(s$bytes)), 55)
  expect_identical(total(readRDS(s$rds)), 55)
  for (odd in list(NULL, NA_character_, 7, "", character(), list(away))) {
    options(Rfmalloc.path = odd)
    expect_lost(unserialize(s$bytes))
  }
  expect_identical(in_new_r(c(
    sprintf("Sys.setenv(HOME = %s)", quoted(away)), "options(Rfmalloc.path = '~')",
    sprintf("cat(sum(readRDS(%s)))", quoted(s$rds)))), "55")
  expect_identical(total(within_folder(dirname(away), {
    options(Rfmalloc.path = basename(away))
    unserialize(s$bytes)
  })), 55)
})

# proves I9
test_that("a wrong store of the same name is refused, and the right one is found behind it", {
  s <- shipped()
  away <- new_folder()
  move_to(away, s$path)
  wrong <- open_fmalloc(s$path)
  y <- stored(as.numeric(11:20), wrong)
  saved <- serialize(y, NULL)
  rm(y)
  cleanup_fmalloc(wrong)
  rm(wrong)
  gc()
  before <- md5(s$path)
  e <- tryCatch(unserialize(s$bytes), error = identity)
  expect_s3_class(e, "fmalloc_mismatch")
  expect_match(conditionMessage(e), "is another store", fixed = TRUE)
  expect_match(conditionMessage(e), s$path, fixed = TRUE)
  expect_identical(e$path, s$path)
  # nobody holds the wrong file: a writer may have it, and reuse what is free
  expect_identical(in_new_r(c(sprintf("s <- open_fmalloc(%s)", quoted(s$path)),
    "cat(Rfmalloc:::sync_policy(s))")), "close")
  expect_identical(total(within_folder(away, unserialize(s$bytes))), 55)
  expect_identical(total(unserialize(saved)), 155)
  expect_identical(check_fmalloc(s$path)$report$live, 1)
  # a wrong store tells more than a path at which there is nothing
  elsewhere <- new_folder()
  gc()
  move_to(elsewhere, s$path)
  expect_error(within_folder(elsewhere, unserialize(s$bytes)), "is another store",
    class = "fmalloc_mismatch")
})

# proves I14
test_that("files that are no stores are tried, told of, and not touched", {
  s <- shipped()
  away <- new_folder()
  move_to(away, s$path)
  writeLines("not a store", s$path)
  dir.create(file.path(s$folder, "sub"))
  dir.create(file.path(s$folder, "sub", "store.bin"))
  before <- md5(s$path)
  back <- options(Rfmalloc.path = c(file.path(s$folder, "sub"), file.path(s$folder, "none")))
  on.exit(options(back))
  e <- tryCatch(within_folder(new_folder(), unserialize(s$bytes)), error = identity)
  expect_s3_class(e, "fmalloc_foreign")
  said <- conditionMessage(e)
  expect_match(said, "File too small", fixed = TRUE)
  expect_match(said, "sub/store.bin is not a regular file", fixed = TRUE)
  expect_match(said, "none/store.bin", fixed = TRUE)
  expect_match(said, "away-[^ ]*/store.bin")
  expect_match(said, "open_fmalloc()", fixed = TRUE)
  expect_match(said, "Rfmalloc.path", fixed = TRUE)
  expect_identical(md5(s$path), before)
})

test_that("a hundred folders do not break the message", {
  s <- shipped()
  file.rename(s$path, paste0(s$path, ".gone"))
  back <- options(Rfmalloc.path = sprintf("/nowhere/%d/%s", 1:100, strrep("x", 200)))
  on.exit(options(back))
  e <- tryCatch(unserialize(s$bytes), error = identity)
  expect_s3_class(e, "fmalloc_no_file")
  expect_match(conditionMessage(e), "Rfmalloc.path", fixed = TRUE)
})

test_that("a store in a folder behind a link, and a linked store, are found", {
  s <- shipped()
  link <- tempfile("link-")
  file.symlink(s$folder, link)
  store <- open_fmalloc(file.path(link, "store.bin"))
  expect_identical(attr(store, "uuid"), info_of(unserialize(s$bytes))$uuid)
  cleanup_fmalloc(store)
  rm(store)
  gc()
  away <- new_folder()
  move_to(away, s$path)
  file.symlink(file.path(away, "store.bin"), s$path)
  expect_identical(total(unserialize(s$bytes)), 55)
  unlink(s$path)
  expect_lost(unserialize(s$bytes))
})

test_that("a relative path in open_fmalloc is not lost when the folder changes", {
  s <- shipped()
  saved <- within_folder(s$folder, {
    store <- open_fmalloc("store.bin")
    saved <- serialize(stored(1:3, store), NULL)
    cleanup_fmalloc(store)
    rm(store)
    saved
  })
  gc()
  expect_identical(total(unserialize(saved)), 6L)
})

test_that("looking for candidates never fails", {
  candidates <- Rfmalloc:::reference_candidates
  expect_identical(candidates("/a/b.bin"), file.path(getwd(), "b.bin"))
  expect_identical(candidates(NA), character())
  expect_identical(within_folder("/", candidates("/b.bin")), character())
})
