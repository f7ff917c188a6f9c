# Large vectors: one of 8 GB reopened by a new process in milliseconds, one of 40 GB
# in a sparse store of 50 GB. The disk must have the room, for space is reserved
# before a vector is handed out; where it has not, the test says so and skips.

source("tests/process/tap.R")

reopener <- function(folder) {
  gc()
  seconds <- system.time({
    x <- readRDS(file.path(folder, "x.rds"))
    first <- x[1]
  })[["elapsed"]]
  again <- system.time(y <- readRDS(file.path(folder, "x.rds"))[1])[["elapsed"]]
  say(first)
  say(x[length(x)])
  say(length(x))
  say(format(1000 * seconds))
}

free_gb <- function(folder) {
  line <- system2("df", c("-Pk", shQuote(folder)), stdout = TRUE)[2]
  as.numeric(strsplit(line, " +")[[1]][4]) / 2^20
}

large <- function(folder, gb, store_gb, what) {
  room <- free_gb(folder)
  if (room < gb + 4) {
    skip(what, sprintf("needs %g GB of disk, %s has %.0f", gb + 4, folder, room))
    return()
  }
  path <- file.path(folder, "store.bin")
  store <- open_fmalloc(path, size_gb = store_gb)
  n <- gb * 2^27
  seconds <- system.time(x <- create_fmalloc_vector("numeric", n, store))[["elapsed"]]
  x[1] <- 1
  x[n] <- 2
  x[n / 2] <- 3
  ok(length(x) == n && x[1] == 1 && x[n] == 2 && x[n / 2] == 3 && x[n / 2 + 1] == 0,
    what, ": made in ", format(seconds), " s, first, middle and last element written and read")
  part <- x[(n - 999):n]
  ok(sum(part) == 2, what, ": a part from its end")
  saveRDS(x, file.path(folder, "x.rds"))
  rm(x)
  cleanup_fmalloc(store)
  gc(full = TRUE)
  said <- told(start("reopener", folder))
  ok(identical(said[1:3], c("1", "2", format(n, scientific = FALSE))) ||
    identical(as.numeric(said[1:3]), c(1, 2, n)), what, ": another process finds it by its reference")
  note(what, ": reopened, and its first element read, in ", said[4], " ms")
  ok(rfm_check(path) == 0, what, ": rfm-check: sound")
  unlink(c(path, file.path(folder, "x.rds")))
}

observer <- function() {
  folder <- work_folder()
  large(folder, 8, 9, "a vector of 8 GB")
  large(folder, 40, 50, "a vector of 40 GB in a store of 50 GB")
  finish()
}

if (length(arguments)) reopener(arguments[2]) else observer()
