# One writer and its readers: a second writer is refused with a message that names
# the first; a reader beside the writer sees what was there, its own writes stay
# its own, and what the writer destroys meanwhile is not reused under it: proves I6,
# and proves I12.

source("tests/process/tap.R")

writer <- function(folder) {
  path <- file.path(folder, "store.bin")
  store <- open_fmalloc(path)
  x <- create_fmalloc_vector("numeric", 1e5, store)
  x[] <- as.numeric(1:1e5)
  saveRDS(x, file.path(folder, "x.rds"))
  saveRDS(x + 1, file.path(folder, "y.rds"))
  sync_fmalloc(store)
  say("ready")
  await(file.path(folder, "reader-is-there"))
  y <- readRDS(file.path(folder, "y.rds"))
  destroy_fmalloc_vector(y, unsafe = TRUE)
  sync_fmalloc(store)
  # As much as was freed, many times: if freed room were reused, here it would be.
  for (k in 1:20) {
    z <- create_fmalloc_vector("numeric", 1e5, store)
    z[] <- -1
  }
  saveRDS(z, file.path(folder, "z.rds"))
  x[1] <- -5
  sync_fmalloc(store)
  say("changed")
  await(file.path(folder, "stop"))
  say(x[1], " ", sum(readRDS(file.path(folder, "x.rds"))))
}

observer <- function() {
  folder <- work_folder()
  path <- file.path(folder, "store.bin")
  process <- start("writer", folder)
  ok(hear(process) == "ready", "a process has the store open for writing")

  e <- error_of(open_fmalloc(path))
  ok(inherits(e, "fmalloc_locked"), "a second writer is refused with fmalloc_locked")
  ok(grepl(process$pid, conditionMessage(e)), "the message names process ", process$pid,
    ": ", conditionMessage(e))

  reader <- open_fmalloc(path, access = "read")
  x <- readRDS(file.path(folder, "x.rds"))
  y <- readRDS(file.path(folder, "y.rds"))
  sums <- c(sum(x), sum(y))
  ok(identical(sums, c(5000050000, 5000150000)), "a reader beside the writer sees the values")
  w <- x
  w[1] <- 100
  ok(sum(w) == sums[1] + 99 && x[1] == 1, "a reader may write: the values stay its own")
  v <- x * 2
  ok(v[1e5] == 2e5, "a reader may compute")
  ok(inherits(error_of(sync_fmalloc(reader)), "fmalloc_read_only") ||
    is.null(error_of(sync_fmalloc(reader))), "sync by a reader changes nothing, or is refused")

  go(file.path(folder, "reader-is-there"))
  ok(hear(process) == "changed", "the writer destroyed a vector and made twenty others")
  ok(identical(c(sum(x), sum(y)), sums), "the reader's vectors are as they were")
  z <- readRDS(file.path(folder, "z.rds"))
  ok(sum(z) == -1e5, "the reader finds what was saved since it opened the store")
  ok(check_fmalloc(path)$sound, "the store is sound while both are there")

  go(file.path(folder, "stop"))
  ok(identical(told(process), "-5 5000050000"), "the writer never saw the reader's values")
  ok(rfm_check(path) == 0, "rfm-check: sound")

  rm(w, v, x, y, z)
  cleanup_fmalloc(reader)
  gc(full = TRUE)
  store <- open_fmalloc(path)
  ok(inherits(store, "fmalloc_runtime"), "when the writer is gone, the store can be written again")
  finish()
}

if (length(arguments)) writer(arguments[2]) else observer()
