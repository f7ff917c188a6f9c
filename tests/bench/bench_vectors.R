# What common operations cost on vectors in a store, beside ordinary vectors. Run by
# `make bench`; the best of several runs each, so that other load shows little.

suppressPackageStartupMessages(library(Rfmalloc))

path <- tempfile(fileext = ".bin")
store <- open_fmalloc(path, size_gb = 1)
n <- 1e7
ordinary <- as.numeric(seq_len(n))
x <- create_fmalloc_vector("numeric", n, store)
x[] <- ordinary
y <- x + 1
rm(y)

best <- function(expr, times, runs = 5) {
  expr <- substitute(expr)
  frame <- parent.frame()
  loop <- eval(bquote(function() for (k in seq_len(.(times))) .(expr)), frame)
  loop <- compiler::cmpfun(loop)
  min(replicate(runs, system.time(loop(), gcFirst = FALSE)[["elapsed"]])) / times
}

row <- function(what, ours, base, unit, scale) {
  cat(sprintf("%-34s %10.2f %10.2f %-3s %6.1f\n", what, ours * scale, base * scale, unit,
    ours / base))
}

cat(sprintf("%-34s %10s %10s %-3s %6s\n", "", "store", "R", "", "ratio"))
row("create 10 integers", best(create_fmalloc_vector("integer", 10, store), 1e5),
  best(vector("integer", 10), 1e5), "us", 1e6)
row("x[k], one element", best(x[5L], 1e5), best(ordinary[5L], 1e5), "us", 1e6)
row("x[[k]], one element", best(x[[5L]], 1e5), best(ordinary[[5L]], 1e5), "us", 1e6)
row("x[1:10]", best(x[1:10], 1e4), best(ordinary[1:10], 1e4), "us", 1e6)
row("x[1:5e6]", best(x[1:5e6], 3), best(ordinary[1:5e6], 3), "ms", 1e3)
row("x + 1", best(x + 1, 3), best(ordinary + 1, 3), "ms", 1e3)
row("x * x", best(x * x, 3), best(ordinary * ordinary, 3), "ms", 1e3)
row("x > 3", best(x > 3, 3), best(ordinary > 3, 3), "ms", 1e3)
row("sqrt(x)", best(sqrt(x), 3), best(sqrt(ordinary), 3), "ms", 1e3)
row("sum(x)", best(sum(x), 3), best(sum(ordinary), 3), "ms", 1e3)
row("mean(x)", best(mean(x), 3), best(mean(ordinary), 3), "ms", 1e3)
row("serialize(x, NULL)", best(serialize(x, NULL), 10), best(serialize(ordinary, NULL), 1), "ms", 1e3)

small <- best({
  v <- create_fmalloc_vector("integer", 10, store)
  sync_fmalloc(store)
}, 50)
cat(sprintf("%-34s %10.2f ms\n", "create 10 integers and sync", small * 1e3))
cleanup_fmalloc(store)
unlink(path)
