# What operations cost on vectors in a store, as a ratio to the same operations on
# ordinary vectors: `make bench`. Each line is measured in rounds, and each round takes
# the ordinary vector, the classed and the plain one in turn, so that other load on the
# machine falls on all three; the times are medians of the rounds, after one that is not
# counted. They are processor times, because the machine may have other work; the last
# ratio is that of the elapsed times of the classed vector, for a machine that has none.
# R's collector runs before each measurement, outside it. Not a test: what exceeds its
# limit is marked, and the exit status is 0.
#   RFM_SEED=…   the same data again      RFM_ONLY=REGEX   some of the lines
#   RFM_SCALE=0.1   vectors a tenth as long

suppressPackageStartupMessages(library(Rfmalloc))

seed <- as.integer(Sys.getenv("RFM_SEED", sample.int(1e9, 1)))
scale <- as.numeric(Sys.getenv("RFM_SCALE", "1"))
only <- Sys.getenv("RFM_ONLY", ".")
set.seed(seed)
# The numbers of the issue at scale 1; all counts below are multiples of these.
n <- 1e7 * scale
strings <- 1e6 * scale
side <- round(sqrt(n))
path <- tempfile(fileext = ".bin")
store <- open_fmalloc(path, size_gb = 2)
rds <- tempfile(fileext = ".rds")

# ---- The three kinds of operand -------------------------------------------------

classed <- function(values) {
  x <- if (is.null(dim(values))) create_fmalloc_vector(typeof(values), length(values), store)
       else create_fmalloc_matrix(typeof(values), nrow(values), ncol(values), runtime = store)
  x[] <- values
  x
}
plain <- function(values) {
  x <- classed(values)
  oldClass(x) <- NULL
  x
}
kinds <- c("R", "classed", "plain")
operand <- function(values) {
  list(R = values, classed = classed(values), plain = plain(values))
}
characters <- function(values) {
  tryCatch(list(R = values, classed = classed(values), plain = plain(values)),
    error = function(e) NULL)
}

# R's own ALTREP vector around an ordinary one. R takes an element at a time from it as from
# a plain vector of ours, so it shows what of a plain vector's time is R's way there.
wrapped <- function(values) .Internal(wrap_meta(values, NA, FALSE))

# ---- Measuring --------------------------------------------------------------------

# The seconds of one evaluation, processor and elapsed: `times` of them in a loop.
timed <- function(loop, times) {
  gc()
  start <- proc.time()
  loop(times)
  spent <- proc.time() - start
  c(spent[["user.self"]] + spent[["sys.self"]], spent[["elapsed"]]) / times
}
same <- function(a, b) {
  isTRUE(all.equal(as.vector(a), as.vector(b), tolerance = 1e-12))
}

results <- list()
# One line of the table. `expr` uses x (and y, m, s …), which `on` gives for each kind.
line <- function(what, expr, on, base = NULL, limit = 1.3, compare = TRUE, least = 0.06) {
  if (!grepl(only, what)) return(invisible())
  expr <- substitute(expr)
  base <- substitute(base)
  loops <- lapply(kinds, function(kind) {
    f <- function(times) for (.k in seq_len(times)) NULL
    body(f)[[4]] <- if (kind == "R" && !is.null(base)) base else expr
    environment(f) <- list2env(lapply(on, `[[`, kind), parent = globalenv())
    compiler::cmpfun(f)
  })
  names(loops) <- kinds
  first <- max(timed(loops$R, 1)[1], 1e-7)
  for (kind in kinds[-1]) loops[[kind]](1)
  times <- max(1, min(1e5, ceiling(least / first)))
  differs <- compare && !all(vapply(kinds[-1], function(kind) {
    same(eval(body(loops$R)[[4]], environment(loops$R)),
      eval(body(loops[[kind]])[[4]], environment(loops[[kind]])))
  }, NA))
  began <- proc.time()[["elapsed"]]
  rounds <- list()
  while (length(rounds) < 3 ||
    length(rounds) < 11 && proc.time()[["elapsed"]] - began < 5) {
    round <- matrix(NA_real_, 2, 3)
    # each kind goes first in its turn
    for (k in (length(rounds) + 0:2) %% 3 + 1) round[, k] <- timed(loops[[k]], times)
    rounds[[length(rounds) + 1]] <- round
  }
  medians <- apply(simplify2array(rounds), 1:2, stats::median)
  report(what, medians, limit, if (differs) "RESULT DIFFERS")
}

unit <- function(seconds) {
  if (is.na(seconds)) "-"
  else if (seconds >= 0.1) sprintf("%.2f s", seconds)
  else if (seconds >= 1e-4) sprintf("%.2f ms", seconds * 1e3)
  else if (seconds >= 1e-7) sprintf("%.2f us", seconds * 1e6)
  else if (seconds > 0) sprintf("%.0f ns", seconds * 1e9)
  else "< 1 ms"
}
report <- function(what, medians, limit, note = NULL) {
  limit <- rep(limit, length.out = 2)
  ratios <- medians[1, 2:3] / medians[1, 1]
  over <- !is.na(ratios) & ratios > limit
  marks <- c(paste0(c("classed", "plain")[over], " over ", limit[over])[any(over)], note)
  cat(sprintf("%-24s %10s %10s %7.2f %10s %7.2f %8.2f   %s\n", what,
    unit(medians[1, 1]), unit(medians[1, 2]), ratios[1], unit(medians[1, 3]), ratios[2],
    medians[2, 2] / medians[2, 1], paste(marks, collapse = ", ")))
  flush(stdout())
  results[[what]] <<- list(ratios = ratios, over = any(over), note = note)
}
skipped <- function(what, why) {
  if (grepl(only, what)) cat(sprintf("%-24s skipped: %s\n", what, why))
}

cat(sprintf("seed %d; %s elements, %s strings, matrices of %d x %d (products of %d x %d)\n",
  seed, format(n, big.mark = ","), format(strings, big.mark = ","), side, side,
  side %/% 4, side %/% 4))
cat(sprintf("%s, %s\n\n", R.version.string, paste("load", strsplit(
  tryCatch(readLines("/proc/loadavg"), error = function(e) "?", warning = function(w) "?"),
  " ")[[1]][1])))
cat(sprintf("%-24s %10s %10s %7s %10s %7s %8s   limit 1.3 if nothing else is said\n", "",
  "R", "classed", "ratio", "plain", "ratio", "elapsed"))

# ---- Numbers ------------------------------------------------------------------------

x <- operand(rnorm(n))
y <- operand(runif(n))
random <- sample.int(n, n / 10)
half <- n / 2
line("sum(x)", sum(x), list(x = x))
line("mean(x)", mean(x), list(x = x))
line("range(x)", range(x), list(x = x))
line("max(x)", max(x), list(x = x))
line("x + 1", x + 1, list(x = x))
line("x * y", x * y, list(x = x, y = y))
line("sqrt(abs(x))", sqrt(abs(x)), list(x = x))
line("exp(x)", exp(x), list(x = x))
line("x > 0", x > 0, list(x = x))
line("cumsum(x)", cumsum(x), list(x = x))
line("x[1:5e6]", x[1:half], list(x = x))
line("x[random 1e6]", x[random], list(x = x))
line("x[x > 1]", x[x > 1], list(x = x))
line("anyNA(x)", anyNA(x), list(x = x))
line("var(x)", var(x), list(x = x))
line("sort(x)", sort(x), list(x = x))
line("x[[k]] in a loop", for (k in 1:10000) x[[k]], list(x = x), limit = c(5, 1.3),
  compare = FALSE)
# What R alone takes for finding that a class of three words has no method.
x$R <- structure(x$R, class = oldClass(x$classed))
line("x[[k]], R's classed too", for (k in 1:10000) x[[k]], list(x = x), compare = FALSE)
rm(x, y)

i <- operand(sample.int(n))
line("sum(integers)", sum(i), list(i = i))
line("range(integers)", range(i), list(i = i))
line("integers + 1L", i + 1L, list(i = i))
i$R <- wrapped(i$R)
line("range(i), R's wrapper", range(i), list(i = i), compare = FALSE)
rm(i)

m <- operand(matrix(rnorm(side^2), side))
line("colSums(m)", colSums(m), list(m = m))
line("rowSums(m)", rowSums(m), list(m = m))
line("t(m)", t(m), list(m = m))
rm(m)
p <- operand(matrix(rnorm((side %/% 4)^2), side %/% 4))
line("p %*% p", p %*% p, list(p = p))
rm(p)

# ---- Strings --------------------------------------------------------------------------

words <- c("nchar(s)", "unique(s)", "s == u", "order(s)")
id <- sample.int(strings)
s <- characters(sprintf(ifelse(id %% 2, "id%07d", "a longer name, number %07d"), id))
if (is.null(s)) {
  for (what in words) skipped(what, "no character vectors in this version")
} else {
  u <- characters(sample(s$R))
  line(words[1], nchar(s), list(s = s))
  line(words[2], unique(s), list(s = s))
  line(words[3], s == u, list(s = s, u = u))
  line(words[4], order(s), list(s = s))
  s$R <- wrapped(s$R)
  u$R <- wrapped(u$R)
  line("unique(s), R's wrapper", unique(s), list(s = s), compare = FALSE)
  line("s == u, R's wrapper", s == u, list(s = s, u = u), compare = FALSE)
  rm(u)
}
rm(s)

# ---- Making and saving ------------------------------------------------------------------

create <- compiler::cmpfun(function(times) {
  for (k in seq_len(times)) create_fmalloc_vector("integer", 10, store)
})
ordinary <- compiler::cmpfun(function(times) for (k in seq_len(times)) integer(10))
if (grepl(only, "small create")) {
  create(1000)
  ordinary(1000)
  seconds <- replicate(9, cbind(timed(ordinary, 1e5), timed(create, 1e4), NA))
  report("small create", apply(seconds, 1:2, stats::median), 8)
}
big <- operand(rnorm(2 * n))
line("saveRDS(160 MB)", saveRDS(x, rds), list(x = big), compare = FALSE)
files <- lapply(kinds, function(kind) {
  file <- paste0(rds, kind)
  if (grepl(only, "readRDS")) saveRDS(big[[kind]], file)
  file
})
names(files) <- kinds
line("readRDS(160 MB)", readRDS(f), list(f = files))

# ---- The verdict ------------------------------------------------------------------------

over <- vapply(results, function(r) r$over, NA)
wrong <- vapply(results, function(r) !is.null(r$note), NA)
cat(sprintf("\n%d lines, %d over their limit%s; x[[k]] of a classed vector may take 5 times as long, a small create 8 times\n",
  length(results), sum(over),
  if (any(over)) paste0(" (", paste(names(results)[over], collapse = "; "), ")") else ""))
if (any(wrong)) {
  cat("RESULTS DIFFER FROM R'S: ", paste(names(results)[wrong], collapse = "; "), "\n", sep = "")
}
cleanup_fmalloc(store)
unlink(c(path, rds, unlist(files)))
