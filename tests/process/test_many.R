# Many small vectors: a million creates in a row, in a store that then holds a
# million records, is closed, checked, reopened, and still finds its first vector.

source("tests/process/tap.R")

reopener <- function(folder) {
  path <- file.path(folder, "store.bin")
  seconds <- system.time(store <- open_fmalloc(path))[["elapsed"]]
  say(format(seconds))
  say(nrow(list_fmalloc_allocations(store)))
  say(sum(readRDS(file.path(folder, "first.rds"))))
  x <- create_fmalloc_vector("integer", 10, store)
  say(nrow(list_fmalloc_allocations(store)))
}

observer <- function() {
  folder <- work_folder()
  path <- file.path(folder, "store.bin")
  store <- open_fmalloc(path)
  first <- create_fmalloc_vector("integer", 10, store)
  first[] <- 1:10
  n <- 1e6
  seconds <- system.time(
    for (k in seq_len(n - 1)) create_fmalloc_vector("integer", 10, store)
  )[["elapsed"]]
  rows <- list_fmalloc_allocations(store)
  ok(nrow(rows) == n, "a million create_fmalloc_vector(\"integer\", 10): ",
    format(1e6 * seconds / n, digits = 3), " us each")
  ok(!anyDuplicated(rows$generation), "no identifier is used twice")
  ends <- sort(rows$payload_offset)
  ok(all(diff(ends) >= 40), "no two vectors overlap")
  saveRDS(first, file.path(folder, "first.rds"))
  rm(first, rows)
  cleanup_fmalloc(store)
  gc(full = TRUE)
  ok(rfm_check(path) == 0, "rfm-check: sound, ", format(file.size(path) / 2^20, digits = 3), " MB")
  said <- told(start("reopener", folder))
  note("a store with a million records opens in ", said[1], " s")
  ok(identical(as.numeric(said[2:4]), c(n, 55, n + 1)),
    "another process finds the million, and the first one's values")
  ok(rfm_check(path) == 0, "rfm-check: sound")

  scratch <- open_fmalloc(file.path(folder, "scratch.bin"), mode = "scratch")
  for (k in seq_len(n)) create_fmalloc_vector("integer", 10, scratch)
  gc(full = TRUE)
  ok(file.size(file.path(folder, "scratch.bin")) <= 2^28,
    "a million creates in a scratch store return as they come: ",
    format(file.size(file.path(folder, "scratch.bin")) / 2^20), " MB")
  finish()
}

if (length(arguments)) reopener(arguments[2]) else observer()
