# Appending, replacing and compacting in the face of others: a reader who looks again and again
# sees sums that fit, whatever the writer moves under him, and the file stays small
# (RFM_SECONDS says for how long, 10 if it does not); a process that appends and
# compacts is killed at random moments, and the object is then what it was after one
# of its appends, whole, and the last one that was said to be done: proves I16, I3, I13.

source("tests/process/tap.R")

rows <- 15000 # of a generation's data frame, to begin with
most <- 40000 # and at most, before it is replaced

text <- function(k, n) sprintf("row %d of generation %d%s", seq_len(n), k, strrep("+", k %% 40))

# Rows and their own sums: each row says what all strings before it are long, and the numbers
# of the first column go on by one.
piece <- function(from, n, k) {
  x <- from + seq_len(n)
  data.frame(x = as.numeric(x), twice = 2 * x, s = text(x, n), k = factor(rep(k %% 9, n), 0:8))
}

# What is wrong with an object of x = 1, 2, …, n: "" if nothing.
fault_of <- function(d, reordered = FALSE) {
  n <- nrow(d)
  if (!identical(lengths(unclass(d), use.names = FALSE), rep(n, 4L))) return("columns of several lengths")
  x <- d$x[]
  first <- x[1] - 1
  if (sum(x) != n * first + n * (n + 1) / 2) return(paste("a wrong sum:", sum(x), "of", n))
  if (is.unsorted(x)) return("out of order")
  if (sum(d$twice) != 2 * sum(x)) return("the columns do not fit")
  some <- sort(unique(c(1L, n, sample.int(n, 50, TRUE))))
  if (!all(startsWith(d$s[some], "row ")) ||
    !identical(sub(".*generation ([0-9]+)\\+*$", "\\1", d$s[some]),
      as.character(x[some]))) return("wrong strings")
  if (anyNA(as.integer(d$k))) return("wrong levels")
  ""
}

writer <- function(path, stop_file) {
  store <- open_fmalloc(path, size_gb = 0.0005)
  store$d <- piece(0, rows, 0)
  store$sums <- c(x = 0)
  say("ready")
  done <- c(put = 1, append = 0, compact = 0)
  k <- 0
  # Not for ever: whoever should make that file may have failed.
  while (!file.exists(stop_file) && proc.time()[["elapsed"]] < 600) {
    k <- k + 1
    n <- nrow(store$d)
    if (n >= most) {
      store$d <- piece(7 * k, rows, k)
      done["put"] <- done["put"] + 1
    } else {
      last <- store$d$x[n]
      transaction_fmalloc(store, {
        append_fmalloc("d", piece(last, 2500, k), store)
        store$sums <- c(x = last + 2500)
      })
      done["append"] <- done["append"] + 1
    }
    if (k %% 3 == 0) {
      compact_fmalloc(store)
      done["compact"] <- done["compact"] + 1
    }
    if (k %% 50 == 0) sync_fmalloc(store)
  }
  say(paste(done, collapse = " "))
  await(paste0(stop_file, ".released"))
  compact_fmalloc(store)
  cleanup_fmalloc(store)
  say(file.size(path))
}

two_processes <- function(folder, seconds) {
  path <- file.path(folder, "two.bin")
  stop_file <- file.path(folder, "stop")
  alone <- file.path(folder, "alone.bin")
  store <- open_fmalloc(alone)
  store$d <- piece(0, most, 1)
  one <- sum(list_fmalloc(store)$bytes)
  cleanup_fmalloc(store)
  process <- start("writer", path, stop_file)
  ok(identical(hear(process), "ready"), "the writer writes")
  store <- open_fmalloc(path, access = "read")
  rounds <- different <- 0
  faults <- character()
  largest <- late <- 0
  held <- NULL
  seen <- NA
  started <- proc.time()[["elapsed"]]
  while (proc.time()[["elapsed"]] - started < seconds && length(faults) < 5) {
    refresh_fmalloc(store)
    d <- store$d
    fault <- fault_of(d)
    if (nzchar(fault)) faults <- c(faults, fault)
    now <- c(d$x[1], nrow(d))
    if (!identical(now, seen)) different <- different + 1
    seen <- now
    # Something is held over several rounds, and must stay what it was.
    if (!is.null(held) && rounds %% 3 == 0) {
      fault <- fault_of(held$d)
      if (nzchar(fault)) faults <- c(faults, paste("held:", fault))
      if (!identical(c(held$d$x[1], nrow(held$d)), held$was)) faults <- c(faults, "held: it has changed")
      held <- NULL
    }
    if (rounds %% 6 == 1) held <- list(d = d, was = now)
    now <- file.size(path)
    if (proc.time()[["elapsed"]] - started < seconds / 2) largest <- max(largest, now) else late <- max(late, now)
    rounds <- rounds + 1
  }
  rm(d)
  held <- NULL
  go(stop_file)
  said <- hear(process)
  counts <- suppressWarnings(as.numeric(strsplit(said, " ")[[1]]))
  gc()
  refresh_fmalloc(store)
  live <- sum(list_fmalloc(store)$bytes)
  last <- fault_of(store$d)
  gc()
  cleanup_fmalloc(store)
  rm(store)
  gc()
  go(paste0(stop_file, ".released"))
  said <- c(said, told(process))
  note(round(seconds), " s: the writer put ", counts[1], ", appended ", counts[2], " and compacted ",
    counts[3], " times; the reader looked ", rounds, " times and saw ", different, " states")
  note("one object of ", most, " rows: ", one, " bytes; the largest file in the first half ",
    largest, ", in the second ", late, ", at the end ", said[2], " for ", live)
  ok(length(said) == 2 && !anyNA(counts), "the writer ends well", if (length(said) != 2) paste(said, collapse = " "))
  ok(length(faults) == 0, "no wrong sum in ", rounds, " rounds ", paste(unique(faults), collapse = "; "))
  ok(different > seconds && counts[2] > 2 * seconds && counts[3] > seconds / 2, "each has done something")
  # What the writer has freed waits for his next commit, and for the reader, who keeps for some
  # rounds what he has got. It all comes back. The most in some thirty runs, on a machine that
  # had other work, were 13.3.
  ok(max(largest, late) <= 20 * one, "the file is at most as large as twenty objects: ",
    round(max(largest, late) / one, 2))
  # An object that is appended to has room for half as much again, and there is a log.
  ok(as.numeric(said[2]) <= 1.5 * live + 2^20, "when the reader has left, the file is compact: ",
    round(as.numeric(said[2]) / live, 2))
  ok(identical(last, ""), "when the writer has stopped the reader sees the last object")
  ok(rfm_check(path) == 0 && check_fmalloc(path)$sound, "the store is sound")
}

# Of the appends 1, 2, …, n each has a length of its own, so that n tells the object.
length_of <- function(k) k %% 13 * 37 + 1
numbers <- function(k) k + seq_len(length_of(k)) / 1000

victim <- function(folder, seed) {
  set.seed(as.integer(seed))
  path <- file.path(folder, "store.bin")
  store <- open_fmalloc(path, sync = sample(c("close", "put", "never"), 1))
  k <- if (exists_fmalloc("k", store)) store$k[1] else 0
  log <- file(file.path(folder, "done"), "w")
  say("ready")
  repeat {
    k <- k + 1
    transaction_fmalloc(store, {
      append_fmalloc("x", numbers(k), store)
      append_fmalloc("d", data.frame(k = rep(k, 3), s = text(k, 3), f = factor(paste0("l", k %% 30))), store)
      store$k <- k
    })
    append_fmalloc("alone", text(k, k %% 5), store)
    writeLines(as.character(k), log)
    flush(log)
    if (runif(1) < 0.3) compact_fmalloc(store)
    if (runif(1) < 0.1) sync_fmalloc(store)
    if (k %% 200 == 0) transaction_fmalloc(store, {
      for (name in names(store)) store[[name]] <- NULL
      k <- 0
    })
  }
}

expected <- function(k) {
  all <- seq_len(k)
  list(
    x = as.numeric(unlist(lapply(all, numbers))),
    d = do.call(rbind, lapply(all, function(k) data.frame(k = rep(k, 3), s = text(k, 3),
      f = factor(paste0("l", k %% 30))))),
    alone = as.character(unlist(lapply(all, function(k) text(k, k %% 5))))
  )
}

look <- function(store, path) {
  folder <- dirname(path)
  said <- suppressWarnings(as.numeric(readLines(file.path(folder, "done"))))
  said <- if (length(said)) said[length(said)] else NA
  if (!exists_fmalloc("k", store)) {
    return(list(wrong = if (any(exists_fmalloc(c("x", "d"), store))) "half a transaction",
      found = "nothing"))
  }
  k <- store$k[1]
  should <- expected(k)
  before <- expected(k - 1)
  x <- collect_fmalloc(store$x)
  d <- collect_fmalloc(store$d)
  alone <- if (exists_fmalloc("alone", store)) collect_fmalloc(store$alone) else character()
  wrong <- c(
    if (!identical(x, should$x)) paste("x is not that of", k, "appends"),
    if (!isTRUE(all.equal(d, should$d)) || !identical(levels(d$f), levels(should$d$f))) "d is not that of k",
    if (!identical(alone, should$alone) && !identical(alone, before$alone)) "alone is of another time",
    if (!is.na(said) && said != 200 && !k %in% (said + 0:1)) paste("what was said to be done is not there:", said)
  )
  # And from here it goes on.
  append_fmalloc("x", 0, store)
  if (!identical(collect_fmalloc(store$x), c(x, 0))) wrong <- c(wrong, "it cannot be appended to")
  store$x <- x
  if (k %% 2 == 0) compact_fmalloc(store)
  if (!identical(alone, should$alone)) store$alone <- should$alone
  list(wrong = wrong, found = paste(k, "appends"))
}

if (length(arguments)) {
  do.call(arguments[1], as.list(arguments[-1]))
} else {
  seed <- seed()
  folder <- work_folder()
  two_processes(folder, as.numeric(Sys.getenv("RFM_SECONDS", "10")))
  kill_rounds(folder, seed, as.integer(Sys.getenv("RFM_ROUNDS", "12")), look)
  finish()
}
