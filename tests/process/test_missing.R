# Files that moved, are gone, are others, may not be written or not be read: a new
# process gets an error that names the path and says what to do, and makes nothing.

source("tests/process/tap.R")

reader <- function(folder) {
  e <- error_of(x <- readRDS(file.path(folder, "x.rds")))
  say(if (is.null(e)) paste("sum", sum(x)) else paste(class(e)[1], gsub("\n", " ", conditionMessage(e))))
}

writer <- function(folder) {
  e <- error_of(store <- open_fmalloc(file.path(folder, "store.bin")))
  say(if (is.null(e)) "opened" else paste(class(e)[1], conditionMessage(e)))
}

observer <- function() {
  folder <- work_folder()
  path <- file.path(folder, "store.bin")
  store <- open_fmalloc(path)
  x <- create_fmalloc_vector("numeric", 1000, store)
  x[] <- as.numeric(1:1000)
  saveRDS(x, file.path(folder, "x.rds"))
  rm(x)
  cleanup_fmalloc(store)
  gc(full = TRUE)

  ask <- function(what) told(start(what, folder))
  ok(identical(ask("reader"), "sum 500500"), "another process reads the reference")

  moved <- file.path(folder, "moved.bin")
  file.rename(path, moved)
  said <- ask("reader")
  ok(grepl("^fmalloc_no_file", said), "a moved store: ", said)
  ok(grepl(path, said, fixed = TRUE), "the message names the path")
  ok(grepl("open_fmalloc", said, fixed = TRUE), "the message says how to point to the new place")
  ok(!file.exists(path), "nothing was made at the old path")

  store <- open_fmalloc(moved)
  ok(sum(readRDS(file.path(folder, "x.rds"))) == 500500, "with the moved store open the reference works")
  cleanup_fmalloc(store)
  gc(full = TRUE)

  cleanup_fmalloc(open_fmalloc(path))
  gc(full = TRUE)
  before <- tools::md5sum(path)
  said <- ask("reader")
  ok(grepl("^fmalloc_mismatch", said), "another store at the old path: ", said)
  ok(identical(tools::md5sum(path), before), "that other store is unchanged")
  unlink(path)

  writeLines(rep("these are my notes", 1000), path)
  before <- tools::md5sum(path)
  said <- ask("reader")
  ok(grepl("^fmalloc_foreign", said), "notes at the old path: ", said)
  ok(identical(tools::md5sum(path), before), "the notes are unchanged")
  unlink(path)

  file.rename(moved, path)
  Sys.chmod(path, "0444")
  if (file.access(path, 2) == 0) {
    as_root_reads_only(folder)
  } else {
    said <- ask("writer")
    ok(grepl("^fmalloc_permission", said), "a read-only file is not opened for writing: ", said)
  }
  ok(identical(ask("reader"), "sum 500500"), "a read-only file is read")
  Sys.chmod(path, "0644")
  ok(rfm_check(path) == 0, "rfm-check: sound")
  finish()
}

# Root may write a file whatever its mode says: so try as somebody who may not.
as_root_reads_only <- function(folder) {
  Sys.chmod(folder, "0755")
  out <- suppressWarnings(system2("setpriv", c("--reuid=65534", "--regid=65534", "--clear-groups",
    "Rscript", "--vanilla", "tests/process/test_missing.R", "writer", shQuote(folder)),
    stdout = TRUE, stderr = TRUE))
  said <- out[length(out)]
  if (length(out) < 2 || !grepl("^[0-9]+$", out[1])) {
    skip("a read-only file is not opened for writing", paste("cannot become another user:", said))
  } else {
    ok(grepl("^fmalloc_permission", said), "a read-only file is not opened for writing: ", said)
  }
}

if (!length(arguments)) {
  observer()
} else {
  match.fun(arguments[1])(arguments[2])
}
