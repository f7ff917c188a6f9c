# Lists and processes: a process that builds lists of lists, saves some and destroys some
# is killed with -9 at a random moment, 40 times on one store. After every reopening each
# list that was saved must have its elements, with their values and attributes, whatever
# was in flight; rfm-check must call the store sound: proves I4, I10. Then a forked
# child reads, copies and changes lists, and the parent's stay as they were: proves I12.
# Last come packages whose C code asks for the address of a list.

source("tests/process/tap.R")

# The vector that belongs to a number; every third one has names.
vector_of <- function(number, store) {
  n <- number %% 70 + 1
  x <- create_fmalloc_vector(if (number %% 2) "numeric" else "integer", n, store)
  x[] <- if (number %% 2) as.numeric(seq_len(n) + number) else seq_len(n) + as.integer(number)
  if (number %% 3 == 0) names(x) <- paste0("n", seq_len(n))
  x
}
sum_of <- function(number) {
  n <- number %% 70 + 1
  sum(seq_len(n) + number)
}
fits <- function(x, number) {
  sum(x) == sum_of(number) && (number %% 3 == 0) == !is.null(names(x))
}

# ---- the process that is killed

# A saved list has its numbers as a second file beside it; both are there or neither is
# believed.
victim <- function(folder, seed) {
  set.seed(as.integer(seed))
  store <- open_fmalloc(file.path(folder, "store.bin"))
  count <- 0
  say("ready")
  repeat {
    count <- count + 1
    name <- paste0(seed, "-", count)
    n <- sample(c(0, 1, 3, 20), 1)
    numbers <- sample.int(1e5, n, replace = TRUE)
    inner <- create_fmalloc_vector("list", n, store)
    for (k in seq_len(n)) {
      x <- vector_of(numbers[k], store)
      inner[[k]] <- if (length(x) > 1 && runif(1) < 0.3) x[] else x
    }
    outer <- create_fmalloc_vector("list", 3, store)
    outer[[1]] <- inner
    if (n > 1) outer[[2]] <- inner[n:1]
    if (runif(1) < 0.3 && n) inner[1] <- list(NULL)
    file <- file.path(folder, paste0(name, ".rds"))
    saveRDS(outer, file)
    saveRDS(numbers, file.path(folder, paste0(name, ".part")))
    file.rename(file.path(folder, paste0(name, ".part")),
      file.path(folder, paste0(name, ".numbers")))
    if (runif(1) < 0.2) sync_fmalloc(store)
    if (runif(1) < 0.3) {
      file.remove(file.path(folder, paste0(name, ".numbers")))
      destroy_fmalloc_vector(outer, unsafe = TRUE)
    }
    if (runif(1) < 0.1) gc()
  }
}

# ---- the process that kills and looks

complaints <- function(folder) {
  wrong <- character()
  for (file in list.files(folder, "[.]numbers$", full.names = TRUE)) {
    numbers <- readRDS(file)
    l <- error_or(readRDS(sub("numbers$", "rds", file)))
    if (inherits(l, "error")) {
      wrong <- c(wrong, paste(basename(file), conditionMessage(l)))
      next
    }
    n <- length(numbers)
    good <- length(l) == 3 && is.null(l[[3]]) && length(l[[1]]) == n &&
      (n < 2 || length(l[[2]]) == n)
    for (k in sample.int(n, min(n, 4))) {
      good <- good && fits(l[[1]][[k]], numbers[k]) &&
        (n < 2 || fits(l[[2]][[n + 1 - k]], numbers[k]))
    }
    if (!good) wrong <- c(wrong, paste("values of", basename(file)))
  }
  wrong
}

error_or <- function(expr) tryCatch(expr, error = identity)

kills <- function(seed, rounds) {
  folder <- work_folder()
  references <- function() list.files(folder, "[.]numbers$", full.names = TRUE)
  kill_rounds(folder, seed, rounds, function(store, path) {
    wrong <- complaints(folder)
    saved <- references()
    rows <- list_fmalloc_allocations(store)
    # forget half of it, so that the store has holes
    for (file in saved[runif(length(saved)) >= 0.5]) {
      l <- error_or(readRDS(sub("numbers$", "rds", file)))
      if (!inherits(l, "error")) destroy_fmalloc_vector(l, unsafe = TRUE)
      file.remove(file, sub("numbers$", "rds", file))
    }
    list(wrong = wrong, found = paste0(length(saved), " lists, ",
      sum(rows$state == "committed"), " records"))
  })
}

# ---- a forked child

children <- function() {
  store <- open_fmalloc(file.path(work_folder(), "store.bin"))
  l <- create_fmalloc_vector("list", 3, store)
  for (k in 1:2) l[[k]] <- vector_of(10 + k, store)
  saved <- unserialize(serialize(l, NULL))
  child <- parallel::mcparallel(tryCatch({
    d <- saved
    d[[3]] <- saved[[1]]
    s <- saved[c(2, 1)]
    d[[1]][1] <- 0L
    gc()
    c(fits(saved[[1]], 11), fits(saved[[2]], 12), fits(d[[3]], 11), fits(s[[1]], 12),
      d[[1]][[1]] == 0, is.null(saved[[3]]))
  }, error = function(e) conditionMessage(e)))
  said <- parallel::mccollect(child)[[1]]
  ok(identical(said, rep(TRUE, 6)), "a forked child reads, copies and changes lists: ",
    toString(said))
  gc()
  ok(fits(l[[1]], 11) && fits(l[[2]], 12) && is.null(l[[3]]), "the parent's are as they were")
  l[[3]] <- vector_of(13, store)
  ok(fits(l[[3]], 13), "and the parent goes on")
}

# ---- the C code of other packages

# It asks for the plain address of a list, which base R never does.
addresses <- function() {
  if (!requireNamespace("vctrs", quietly = TRUE) || !requireNamespace("data.table", quietly = TRUE)) {
    return(skip("lists in vctrs and data.table", "they are not installed"))
  }
  store <- open_fmalloc(file.path(work_folder(), "store.bin"))
  l <- create_fmalloc_vector("list", 70, store)
  for (k in 1:69) l[[k]] <- vector_of(k, store)
  l <- unserialize(serialize(unclass(l), NULL))
  o <- lapply(l, function(x) x)
  ok(identical(vctrs::list_sizes(l), lengths(o)), "vctrs sees all elements")
  ok(identical(vctrs::vec_slice(l, c(70, 3)), o[c(70, 3)]), "and takes some of them")
  d <- data.table::data.table(l = l, k = rep(1:2, 35))
  e <- data.table::data.table(l = o, k = rep(1:2, 35))
  ok(identical(d[k == 2, l], e[k == 2, l]), "data.table subsets a column of lists")
  ok(identical(d[, sum(lengths(l)), by = k], e[, sum(lengths(l)), by = k]), "and groups it")
}

if (length(arguments)) {
  victim(arguments[2], arguments[3])
} else {
  kills(seed(), as.integer(Sys.getenv("RFM_ROUNDS", "40")))
  children()
  addresses()
  finish()
}
