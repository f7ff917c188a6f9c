# A data frame in a store, sent to workers of four kinds: what is sent is a reference of
# some hundred bytes a column, and the workers compute what this process computes.

source("tests/process/tap.R")
library(parallel)

mb <- as.numeric(Sys.getenv("RFM_WORKERS_MB", "100"))
workers <- 4

folder <- work_folder()
path <- file.path(folder, "store.bin")
store <- open_fmalloc(path, size_gb = max(0.25, mb / 900))
rows <- floor(mb * 2^20 / (2 * 8 + 2 * 4))
d <- create_fmalloc_data_frame(list(
  t = create_fmalloc_vector("numeric", rows, store, plain = TRUE),
  x = create_fmalloc_vector("numeric", rows, store, plain = TRUE),
  g = create_fmalloc_vector("integer", rows, store, plain = TRUE),
  n = create_fmalloc_vector("integer", rows, store, plain = TRUE)
))
d$t[] <- seq_len(rows) / 4
d$x[] <- (seq_len(rows) %% 1000) / 8
d$g[] <- seq_len(rows) %% 7L
d$n[] <- rev(seq_len(rows))
invisible(gc())

sums <- function(d) vapply(d, function(column) sum(as.numeric(column)), 0)
expected <- sums(d)
bytes <- length(serialize(d, NULL))
per_column <- bytes / ncol(d)
ok(per_column < 500, "a data frame of ", round(mb), " MB is ", bytes, " bytes on the wire, ",
  round(per_column), " a column")

# Kilobytes of memory that a process has for itself, the pages of files not counted.
own_memory <- function() {
  lines <- grep("^(RssAnon|RssFile|RssShmem):", readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", lines[1]))
}

# ---- parallel: processes of their own ----

cluster <- makePSOCKcluster(workers, rscript_args = "--vanilla")
invisible(clusterEvalQ(cluster, suppressPackageStartupMessages(library(Rfmalloc))))
clusterExport(cluster, c("sums", "own_memory"))
sent <- system.time(clusterExport(cluster, "d"))[["elapsed"]]
where <- clusterEvalQ(cluster, vapply(d, Rfmalloc::is_fmalloc, NA))
ok(all(unlist(where)), "the columns that came to ", workers, " workers lie in the store")
plain <- system.time(clusterCall(cluster, function(x) length(x), numeric(2^20)))[["elapsed"]]
note(sprintf("PSOCK: %d workers have the data frame after %.3f s; 8 MB by value take %.3f s",
  workers, sent, plain))
before <- unlist(clusterEvalQ(cluster, own_memory()))
took <- system.time(results <- clusterEvalQ(cluster, vapply(d, sum, 0)))[["elapsed"]]
after <- unlist(clusterEvalQ(cluster, own_memory()))
ok(all(vapply(results, function(r) isTRUE(all.equal(r, expected)), NA)),
  "each worker has the right sums")
note(sprintf("PSOCK: all sums by each of %d workers: %.2f s", workers, took))
ok(all(after - before < 30 * 1024), "and needs ", max(after - before), " KB of memory for it")
changed <- clusterEvalQ(cluster, {
  d$g[1] <- -1L
  sum(d$g)
})
ok(all(unlist(changed) == expected[["g"]] - 2) && identical(sums(d), expected),
  "what a worker assigns stays with him")

# A part for each, and what comes back by value.
parts <- clusterSplit(cluster, seq_len(rows))
ranges <- lapply(parts, range)
partial <- clusterApply(cluster, ranges, function(r) sum(as.numeric(d$n[r[1]:r[2]])))
ok(isTRUE(all.equal(sum(unlist(partial)), expected[["n"]])), "a quarter each makes the whole")
refused <- clusterEvalQ(cluster, tryCatch(destroy_fmalloc_vector(d$t, unsafe = TRUE),
  fmalloc_read_only = function(e) "read only"))
ok(all(unlist(refused) == "read only"), "a worker destroys nothing")
made <- create_fmalloc_vector("numeric", 1000, store)
made[] <- 1:1000
ok(all(unlist(clusterCall(cluster, sum, made)) == 500500),
  "a vector made after the workers opened the store is found by them, unsynced")
stopCluster(cluster)

# ---- parallel: children ----

took <- system.time(
  results <- mclapply(seq_len(workers), function(k) vapply(d, sum, 0), mc.cores = workers)
)[["elapsed"]]
ok(all(vapply(results, function(r) isTRUE(all.equal(r, expected)), NA)),
  "children have the right sums")
note(sprintf("fork: all sums by each of %d children: %.2f s", workers, took))
back <- mclapply(1:2, function(k) d, mc.cores = 2)
ok(all(vapply(back, function(b) isTRUE(all.equal(sums(b), expected)), NA)),
  "and what they send back is right")

# ---- future and mirai, where they are ----

if (requireNamespace("future", quietly = TRUE)) {
  future::plan("multisession", workers = 2)
  f <- lapply(1:2, function(k) future::future(vapply(d, sum, 0), packages = "Rfmalloc"))
  ok(all(vapply(f, function(r) isTRUE(all.equal(future::value(r), expected)), NA)),
    "futures have the right sums")
  future::plan("sequential")
} else {
  skip("futures have the right sums", "the package future is not installed")
}

if (requireNamespace("mirai", quietly = TRUE)) {
  mirai::daemons(2)
  m <- lapply(1:2, function(k) {
    mirai::mirai({ library(Rfmalloc); vapply(d, sum, 0) }, d = d)
  })
  ok(all(vapply(m, function(r) isTRUE(all.equal(mirai::call_mirai(r)$data, expected)), NA)),
    "mirai daemons have the right sums")
  mirai::daemons(0)
} else {
  skip("mirai daemons have the right sums", "the package mirai is not installed")
}

ok(identical(sums(d), expected), "the data frame is what it was")
rm(d, made)
cleanup_fmalloc(store)
invisible(gc())
ok(rfm_check(path) == 0, "the store is sound")
finish()
