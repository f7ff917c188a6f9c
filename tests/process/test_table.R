# A data frame of five columns (times, integers, numbers and two of strings) goes into a
# store by as_fmalloc(), in bounded memory, comes back in another process at once, and
# aggregate(), tapply(), table() and order() find in it what they find in the ordinary
# one. RFM_ROWS=3000000 is the full size; the run without it has a tenth of that.
# The memory is measured twice: by R's own account of its heap, and from outside, as the
# process's anonymous memory, for what C code might allocate.

source("tests/process/tap.R")

rows <- as.integer(Sys.getenv("RFM_ROWS", "300000"))
limit_mb <- 200

made_up <- function(rows, seed) {
  set.seed(seed)
  towns <- sprintf("%s %d", sample(c("Springfield", "\u00c5lesund", "M\u00fcnchen", "Ub"), 5000, TRUE),
    seq_len(5000))
  data.frame(
    time = as.POSIXct("2024-01-01", tz = "UTC") + sort(runif(rows, 0, 3e7)),
    code = sample.int(1000L, rows, TRUE),
    town = sample(c(towns, NA), rows, TRUE),
    note = sprintf("report %08d of the tower", sample.int(rows)),
    count = rpois(rows, 3)
  )
}

# Tells when it is about to convert, waits to be watched, converts, tells R's account.
converter <- function(folder, rows, seed) {
  d <- made_up(as.integer(rows), as.integer(seed))
  store <- open_fmalloc(file.path(folder, "store.bin"))
  before <- sum(gc(reset = TRUE, full = TRUE)[, 2])
  go(file.path(folder, "ready"))
  await(file.path(folder, "watched"))
  seconds <- system.time(f <- as_fmalloc(d, store))[["elapsed"]]
  go(file.path(folder, "converted"))
  peak <- sum(gc()[, 6])
  saveRDS(f, file.path(folder, "f.rds"))
  cleanup_fmalloc(store)
  say(format(peak - before))
  say(format(seconds))
  say(is_fmalloc(f))
}

# A session that has only the reference; gives its findings as one line each.
reader <- function(folder, rows, seed) {
  invisible(gc())
  spent <- system.time(f <- readRDS(file.path(folder, "f.rds")))
  say(format(1000 * (spent[["user.self"]] + spent[["sys.self"]])))
  say(format(1000 * spent[["elapsed"]]))
  d <- made_up(as.integer(rows), as.integer(seed))
  same <- function(what, value) {
    g <- eval(substitute(value), list(d = f), globalenv())
    b <- eval(substitute(value), list(d = d), globalenv())
    say(if (identical(g, b)) "same " else "other ", what)
  }
  same("dim, names and class", list(dim(d), names(d), class(d)))
  same("classes of the columns", lapply(d, class))
  same("a few rows", d[c(1, 7, nrow(d)), ])
  same("str", utils::capture.output(utils::str(d)))
  same("aggregate", stats::aggregate(count ~ town, d, mean))
  same("tapply", tapply(d$count, d$town, sum))
  same("table", table(d$code))
  same("table of strings", table(d$town, useNA = "ifany"))
  same("order of integers", order(d$code, d$count))
  same("order of strings", order(d$town, d$note, method = "radix"))
  same("order of times", order(d$time, decreasing = TRUE))
  same("range of times", range(d$time))
  same("unique", unique(d$town))
  say(if (isTRUE(all.equal(as.data.frame(f), d))) "same " else "other ", "all of it")
}

anonymous_mb <- function(pid) {
  lines <- tryCatch(readLines(sprintf("/proc/%d/status", pid)), error = function(e) "",
    warning = function(w) "")
  kb <- sub("^RssAnon:\\s*([0-9]+) kB", "\\1", grep("^RssAnon:", lines, value = TRUE))
  if (length(kb)) as.numeric(kb) / 1024 else NA
}

observer <- function() {
  folder <- work_folder()
  draw <- seed()
  process <- start("converter", folder, rows, draw)
  await(file.path(folder, "ready"), 600)
  if (file.exists("/proc/self/status")) {
    before <- peak <- anonymous_mb(process$pid)
    go(file.path(folder, "watched"))
    done <- file.path(folder, "converted")
    while (!file.exists(done) && !is.na(now <- anonymous_mb(process$pid))) {
      peak <- max(peak, now)
      Sys.sleep(0.005)
    }
    ok(file.exists(done) && peak - before < limit_mb, sprintf(
      "converting %d rows took %.0f MB of memory at its peak, less than %g", rows,
      peak - before, limit_mb))
  } else {
    go(file.path(folder, "watched"))
    skip("memory seen from outside", "this system has no /proc")
  }
  said <- told(process)
  ok(as.numeric(said[1]) < limit_mb, "by R's own account ", said[1], " MB")
  note("converted in ", said[2], " s")
  ok(identical(said[3], "TRUE"), "the data frame is in the store: ", paste(said[-(1:3)], collapse = " / "))
  ok(rfm_check(file.path(folder, "store.bin")) == 0, "rfm-check: sound")

  said <- told(start("reader", folder, rows, draw))
  ok(as.numeric(said[1]) < 50, "another process has it after ", said[1], " ms of work")
  note("and after ", said[2], " ms by the clock")
  for (line in said[-(1:2)]) ok(startsWith(line, "same "), line)
  ok(length(said) == 16, "all comparisons were made: ", length(said) - 2)
  finish()
}

if (length(arguments)) {
  get(arguments[1])(arguments[2], arguments[3], arguments[4])
} else {
  observer()
}
