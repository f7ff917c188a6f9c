# Children of parallel::mclapply() that read, write, allocate, collect and serialize
# the parent's vectors: they compute what they should, and the parent's vectors,
# its file and its catalogue are as before: proves I12.

source("tests/process/tap.R")
library(parallel)

folder <- work_folder()
path <- file.path(folder, "store.bin")
store <- open_fmalloc(path, size_gb = 0.125)
n <- 2e5
x <- create_fmalloc_vector("numeric", n, store)
x[] <- as.numeric(1:n)
temporary <- x * 2
sealed <- create_fmalloc_vector("integer", 1000, store)
sealed[] <- 1:1000
file <- file.path(folder, "sealed.rds")
saveRDS(sealed, file)
sync_fmalloc(store)
expected <- list(as.numeric(1:n), as.numeric(1:n) * 2, 1:1000)
unchanged <- function() {
  identical(as.numeric(x[]), expected[[1]]) &&
    identical(as.numeric(temporary[]), expected[[2]]) &&
    identical(as.integer(sealed[]), expected[[3]])
}
rows <- list_fmalloc_allocations(store)

child <- function(k) {
  set.seed(k)
  for (round in 1:5) {
    x[sample(n, 1000)] <- -k
    temporary[] <- k
    y <- x + temporary
    z <- y[1:1000]
    w <- create_fmalloc_vector("numeric", 1e5, store)
    w[] <- k
    rm(y, z)
    gc()
  }
  c(sum(temporary), sum(w), sum(readRDS(file)), sum(x == -k))
}
out <- mclapply(1:8, child, mc.cores = 4, mc.preschedule = FALSE)
for (k in 1:8) {
  ok(is.numeric(out[[k]]) && identical(out[[k]][1:3], c(n * k, 1e5 * k, 500500)) &&
    out[[k]][4] > 3000, "child ", k, " worked on values of its own")
}
ok(unchanged(), "the parent's vectors are unchanged")
after <- list_fmalloc_allocations(store)
ok(identical(after[after$state == "committed", ], rows[rows$state == "committed", ]),
  "the parent's catalogue is unchanged")
ok(check_fmalloc(path)$sound, "the store is sound")

job <- mcparallel({
  before <- sum(temporary)
  await(file.path(folder, "parent-went-on"))
  c(before, sum(temporary), sum(x))
})
sums <- c(sum(temporary), sum(temporary), sum(x))
rm(temporary)
invisible(gc())
for (k in 1:30) {
  y <- x + k
  z <- create_fmalloc_vector("numeric", n, store)
  z[] <- -1
  destroy_fmalloc_vector(z, unsafe = TRUE)
  sync_fmalloc(store)
}
go(file.path(folder, "parent-went-on"))
ok(identical(mccollect(job)[[1]], sums),
  "what a child still reads is not reused, though the parent freed, allocated and synced")

got <- mclapply(1:2, function(k) x[1:100] * k, mc.cores = 2)
ok(identical(as.numeric(got[[2]][]), as.numeric(1:100) * 2), "a child's result reaches the parent")
in_child <- function(expr) mccollect(mcparallel(expr))[[1]]
refused <- in_child(class(error_of(sync_fmalloc(store)))[1])
ok(refused %in% c("fmalloc_forked", "NULL"), "sync in a child: ", refused)
destroyed <- in_child(class(error_of(destroy_fmalloc_vector(sealed, unsafe = TRUE)))[1])
ok(identical(sum(sealed), 500500L) && sum(readRDS(file)) == 500500,
  "a child's destroy (", destroyed, ") leaves the parent's vector alone")
done <- in_child(cleanup_fmalloc(store))
ok(length(create_fmalloc_vector("raw", 10, store)) == 10, "a child's cleanup leaves the parent's store open")
x[1] <- 0
ok(x[1] == 0, "the parent writes on")
cleanup_fmalloc(store)
rm(x, y, z, sealed, store, job)
invisible(gc(full = TRUE))
ok(rfm_check(path) == 0 && check_fmalloc(path)$report$clean, "rfm-check: sound, closed cleanly")
finish()
