# R's collector at every third allocation (gctorture2), while functions that are known
# for holding on to strings and elements that nothing protects work on vectors in a
# store. Each result must equal R's on ordinary vectors. Run by `make torture`, as it
# is and under valgrind. What it can see is limited by R: an object that was freed too
# early keeps its bytes until R uses the place again, and valgrind does not know R's heap
# unless R was built for it (--with-valgrind-instrumentation=2). Debian's is not. So
# tests/client/test_client.R has R use these places again.

source("tests/process/tap.R")

# Compiling functions meanwhile would be most of the work.
invisible(compiler::enableJIT(0))
step <- as.integer(Sys.getenv("RFM_TORTURE_STEP", "3"))
# 60 make vectors of more than 64 elements, which R wraps; fewer are for valgrind.
few <- as.integer(Sys.getenv("RFM_TORTURE_WORDS", "60"))
base_seed <- seed()
store <- open_fmalloc(file.path(work_folder(), "store.bin"))

# The operands are made when they are needed and forgotten again: a string that some
# ordinary vector holds would be kept alive by that, and a missing protection not noticed.
# Strings at the limits of a cell (12 and 13 bytes), empty, NA, not ASCII, repeated.
words <- function() {
  set.seed(base_seed)
  sample(c("", NA, "a", "twelve bytes", "thirteen bytes", "d\u00e9j\u00e0 vu",
    "\u65e5\u672c\u8a9e\u306e\u6587\u5b57\u5217", strrep("long ", 30),
    sprintf("word %d", sample(100, few))))
}
other <- function() sample(c(words(), "zebra", "absent"))
backwards <- function() rev(words())
numbers <- function() {
  set.seed(base_seed)
  c(stats::rnorm(few), NA, NaN, Inf, -Inf)
}
whole <- function() {
  set.seed(base_seed)
  c(sample.int(few), NA)
}
whole_backwards <- function() rev(whole())

stored <- function(values, plain = FALSE) {
  x <- create_fmalloc_vector(typeof(values), length(values), store)
  x[] <- values
  if (plain) oldClass(x) <- NULL
  x
}
ours <- function(x) .Call(Rfmalloc:::rfm_c_is_fmalloc, x)
# An ordinary R object with the same values: what may be compared.
ordinary <- function(x) {
  if (is.null(x)) return(NULL)
  if (is.list(x)) return(lapply(seq_along(x), function(k) ordinary(x[[k]])))
  y <- vector(typeof(x), length(x))
  for (k in seq_along(y)) y[k] <- x[[k]]
  y
}

tortured <- function(what, f, ...) {
  makers <- list(...)
  for (plain in c(FALSE, TRUE)) {
    mine <- lapply(makers, function(make) stored(make(), plain))
    if (!all(vapply(mine, ours, NA))) stop("not in the store: ", what)
    gc()
    gctorture2(step)
    got <- tryCatch(do.call(f, mine), error = function(e) e)
    gctorture(FALSE)
    problem <- if (inherits(got, "error")) {
      conditionMessage(got)
    } else if (!identical(ordinary(got), ordinary(do.call(f, lapply(makers, function(make) make()))))) {
      "another result than R's"
    }
    ok(is.null(problem), what, if (plain) " (plain)", ": ", problem)
  }
}

has <- function(type) !inherits(try(create_fmalloc_vector(type, 1, store), silent = TRUE), "try-error")

tortured("order of numbers", function(x) order(x), numbers)
tortured("match of integers", function(x, y) match(x, y), whole, whole_backwards)
tortured("paste of integers", function(x) paste(x, "th"), whole)
tortured("arithmetic", function(x) sqrt(abs(x)) + 1, numbers)

if (has("character")) {
  tortured("substr", function(x) substr(x, 2, 5), words)
  tortured("charmatch", function(x, y) charmatch(x, y), words, other)
  tortured("pmatch", function(x, y) pmatch(x, y, duplicates.ok = TRUE), words, other)
  tortured("order", function(x) order(x), words)
  tortured("order by radix", function(x) order(x, method = "radix"), words)
  tortured("sort", function(x) sort(x), words)
  tortured("match", function(x, y) match(x, y), words, other)
  tortured("%in%", function(x, y) x %in% y, words, other)
  tortured("paste", function(x) paste(x, "and more"), words)
  tortured("paste, collapsed", function(x) paste(x, collapse = "|"), words)
  tortured("toupper", function(x) toupper(x), words)
  tortured("nchar", function(x) nchar(x), words)
  tortured("unique", function(x) unique(x), words)
  tortured("duplicated", function(x) duplicated(x), words)
  tortured("factor", function(x) as.integer(factor(x)), words)
  tortured("table", function(x) as.integer(table(x)), words)
  tortured("rank", function(x) rank(x), words)
  tortured("==", function(x, y) x == y, words, backwards)
  tortured("subset", function(x) x[c(3:20, NA)], words)
  tortured("assignment", function(x) { x[5:9] <- paste0("new ", 5:9, " and long enough"); x }, words)
  tortured("rev and c", function(x) c(rev(x), "end"), words)
  tortured("strsplit", function(x) lengths(strsplit(x, " ")), words)
  tortured("gsub", function(x) gsub("o", "0", x), words)
} else skip("strings", "no character vectors in this version")

# A list is filled before the torture, and read during it.
list_of <- function() {
  l <- create_fmalloc_vector("list", 5, store)
  l[[1]] <- stored(numbers())
  l[[2]] <- stored(whole())
  if (has("character")) l[[3]] <- stored(words())
  l[[5]] <- stored(numbers() > 0)
  l
}
on_list <- function(what, f) {
  l <- list_of()
  gc()
  gctorture2(step)
  got <- tryCatch(f(l), error = identity)
  gctorture(FALSE)
  expected <- f(ordinary(l))
  ok(identical(ordinary(got), ordinary(expected)), what, ": ",
    if (inherits(got, "error")) conditionMessage(got))
}
if (has("list")) {
  on_list("vapply over a list", function(l) vapply(l, length, 1L))
  on_list("vapply that reads elements", function(l)
    vapply(l, function(e) if (length(e)) as.character(e[[1]]) else "none", ""))
  on_list("lapply", function(l) lapply(l, function(e) e[seq_len(min(3, length(e)))]))
  on_list("subset of a list", function(l) l[c(2, 4, 1)])
  on_list("rapply", function(l) length(rapply(lapply(l, ordinary), as.character, how = "unlist")))
  # Recovered lazily, in the middle of the torture.
  again <- unserialize(serialize(list_of(), NULL))
  gctorture2(step)
  n <- vapply(again, length, 1L)
  gctorture(FALSE)
  ok(identical(n, vapply(list_of(), length, 1L)), "a list that is read back")
} else skip("lists", "no lists in this version")
cleanup_fmalloc(store)
finish()
