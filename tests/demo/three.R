# Session three: how long it takes to have the large matrix again, through the store
# and through an ordinary .rds file of the same data.

source("tests/demo/telling.R")

heading("Session three: having it again")

tell("One more R process. First the matrix from its store, then the same data from an
  ordinary, uncompressed .rds file (which we must write for that, once).")
heap_before <- gc(reset = TRUE)["Vcells", 6] * 2^20
seconds <- seconds_of({
  store <- open_fmalloc(large_path)
  sample_rows <- store$resampled
  first <- sample_rows[1, ]
})
heap <- max(0, heap_bytes() - heap_before)
ordinary <- matrix(0, nrow(sample_rows), ncol(sample_rows), dimnames = dimnames(sample_rows))
for (k in seq_len(ncol(ordinary))) ordinary[, k] <- sample_rows[, k]
path <- file.path(out, "ordinary.rds")
saveRDS(ordinary, path, compress = FALSE)
rm(ordinary)
heap_before <- gc(reset = TRUE)["Vcells", 6] * 2^20
seconds_ordinary <- seconds_of(ordinary <- readRDS(path))
same <- identical(ordinary[nrow(ordinary), ], as.numeric(sample_rows[nrow(sample_rows), ])) ||
  isTRUE(all.equal(unname(ordinary[nrow(ordinary), ]), as.numeric(sample_rows[nrow(sample_rows), ])))
if (!same) stop("the two differ")
show(
  sprintf("%-28s %10s %16s", "", "time", "R's memory"),
  sprintf("%-28s %10s %16s", "open_fmalloc(), store$name", duration(seconds), megabytes(heap)),
  sprintf("%-28s %10s %16s", "readRDS(), ordinary file", duration(seconds_ordinary),
    megabytes(heap_bytes() - heap_before))
)
file.remove(path) -> removed
tell("The store is %s times as fast to come back to, for a simple reason: nothing is
  read until somebody asks for it.", number(signif(seconds_ordinary / seconds, 2)))
tell("Everything is in %s: the two stores (*.bin), the references (*.rds, %s) and the picture.
  Try it: start `tools/run R`, then", out, megabytes(file.size(references_path)))
show("library(Rfmalloc)", sprintf("store <- open_fmalloc(\"%s\")", store_path),
  "with(store, tail(sort(tapply(strikes$cost, strikes$species, sum)), 3))")
