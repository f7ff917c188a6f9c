# What a thousand appends of a thousand rows cost, as a ratio to one put of the million:
# `make bench`. Five columns: times, integers, numbers, and strings short and long. Three rounds,
# each with new stores; processor times, and the lengths of the closed files. Not a test.
#   RFM_SEED=…   the same data again      RFM_SCALE=0.1   appends of a tenth as many rows

suppressPackageStartupMessages(library(Rfmalloc))

seed <- as.integer(Sys.getenv("RFM_SEED", sample.int(1e9, 1)))
set.seed(seed)
each <- 1000 * as.numeric(Sys.getenv("RFM_SCALE", "1"))
n <- 1000 * each
d <- data.frame(
  when = as.POSIXct(1.7e9, tz = "UTC") + 60 * seq_len(n), count = sample.int(1000L, n, TRUE),
  id = paste0("id-", sample.int(1e5, n, TRUE)),
  remark = sample(c("short", "a longer string than twelve bytes", NA, "none"), n, TRUE),
  size = rnorm(n)
)
pieces <- lapply(1:1000, function(k) d[(k - 1) * each + seq_len(each), ])

# Processor seconds of f(store) on a new store, and the length of its file afterwards.
cost <- function(f) {
  path <- tempfile(fileext = ".bin")
  store <- open_fmalloc(path)
  gc()
  seconds <- sum(system.time(f(store))[1:2])
  cleanup_fmalloc(store)
  bytes <- file.size(path)
  unlink(path)
  c(seconds, bytes)
}
cat(sprintf("seed %d; %d appends of %d rows, load %s\n\n", seed, length(pieces), each,
  sub(" .*", "", readLines("/proc/loadavg"))))
cat("one put   appends   ratio   file, to that of the put   limits 2 and 1.5\n")
for (round in 1:3) {
  put <- cost(function(store) store$d <- d)
  append <- cost(function(store) for (piece in pieces) append_fmalloc("d", piece, store))
  cat(sprintf("%5.2f s   %5.2f s   %5.2f   %5.2f\n", put[1], append[1], append[1] / put[1],
    append[2] / put[2]))
}
