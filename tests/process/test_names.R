# Names and transactions in the face of accidents: a process that puts, replaces, renames
# and removes, alone and in transactions, is killed at random moments. Whoever opens
# the store then finds all of a transaction or none, each object whole; a reader beside it
# sees the same at any time; Ctrl-C leaves what was there: proves I16, I3, I13. A data frame
# of 300,000 rows (RFM_ROWS says otherwise) is got in another session in no time.

source("tests/process/tap.R")

text <- function(k, n) sprintf("this is string number %d of generation %d", seq_len(n), k)

# One generation: three objects and a flag in a transaction, then single changes.
generation <- function(store, k) {
  transaction_fmalloc(store, {
    store$a <- list(k = k, x = rep(k, 5000), deeper = list(text(k, 50)))
    store$b <- data.frame(k = rep(k, 200), s = text(k, 200), f = factor(rep(k %% 7, 200), 0:6))
    store$c <- structure(k, class = "stamp", note = list(k))
    if (k %% 2 == 1) store$odd <- k else store$odd <- NULL
    if (k %% 3 == 0) rename_fmalloc(if (exists_fmalloc("p", store)) "p" else "q",
      if (exists_fmalloc("p", store)) "q" else "p", store)
  })
  store$single <- structure(rep(k, 1000), names = text(k, 1000))
  if (k %% 5 == 0) rename_fmalloc("single", "double", store, replace = TRUE)
  if (k %% 16 == 0) sync_fmalloc(store)
}

# Which generation the names are of; NA if of none or of several.
generation_of <- function(store) {
  a <- store$a
  b <- store$b
  k <- a$k[1] # an ordinary number, which does not keep the store open
  whole <- identical(a, list(k = k, x = rep(k, 5000), deeper = list(text(k, 50)))) &&
    identical(b, data.frame(k = rep(k, 200), s = text(k, 200), f = factor(rep(k %% 7, 200), 0:6))) &&
    identical(store$c, structure(k, class = "stamp", note = list(k))) &&
    identical(store$odd, if (k %% 2 == 1) k) &&
    sum(exists_fmalloc(c("p", "q"), store)) == 1
  if (whole) k else NA
}

is_single <- function(x) is.null(x) || identical(x, structure(rep(x[[1]], 1000), names = text(x[[1]], 1000)))

writer <- function(path, policy) {
  store <- open_fmalloc(path, sync = policy)
  k <- if (exists_fmalloc("a", store)) store$a$k[1] else 0
  if (k == 0 && !length(store)) store$p <- "here or there"
  say("from ", k)
  repeat {
    k <- k + 1
    generation(store, k)
    say(k)
  }
}

interrupted <- function(path) {
  store <- open_fmalloc(path)
  good <- 0
  say("looping")
  while (good < 5) {
    tryCatch({
      k <- store$a$k[1]
      repeat {
        k <- k + 1
        generation(store, k)
      }
    }, interrupt = function(e) NULL)
    if (is.na(generation_of(store)) || length(ls(Rfmalloc:::open_transactions))) break
    good <- good + 1
    say("still whole")
  }
  say(check_fmalloc(path)$sound)
}

getter <- function(path, file) {
  seconds <- system.time({
    store <- open_fmalloc(path)
    d <- store$flights
  })[["elapsed"]]
  say(seconds)
  say(identical(collect_fmalloc(d), readRDS(file)))
  say(is_fmalloc(d))
}

killing <- function(folder) {
  path <- file.path(folder, "store.bin")
  cleanup_fmalloc(open_fmalloc(path))
  last <- 0
  whole <- single <- in_order <- sound <- TRUE
  for (round in 1:15) {
    process <- start("writer", path, if (round %% 5 == 0) "put" else "close")
    hear(process)
    Sys.sleep(runif(1, 0.02, 0.6))
    signal(process, tools::SIGKILL)
    said <- suppressWarnings(as.numeric(told(process)))
    sound <- sound && rfm_check(path) == 0
    store <- open_fmalloc(path)
    if (exists_fmalloc("a", store)) {
      now <- generation_of(store)
      whole <- whole && !is.na(now)
      in_order <- in_order && isTRUE(now >= max(last, said, na.rm = TRUE)) &&
        isTRUE(now <= max(last, said, na.rm = TRUE) + 1)
      last <- if (is.na(now)) last else now
    }
    single <- single && is_single(store$single) && is_single(store$double)
    sound <- sound && check_fmalloc(path)$sound
    cleanup_fmalloc(store)
    rm(store)
    gc()
  }
  note(last, " generations in 15 lives")
  ok(last > 15, "something was put: ", last, " generations")
  ok(whole, "all of a transaction is there, or nothing")
  ok(in_order, "what was said to be done is there, and at most one more")
  ok(single, "each replaced or renamed object is whole")
  ok(sound, "the store is sound after each death")
  ok(file.size(path) == 33554432, "the file has not grown")
  path
}

reading <- function(path) {
  process <- start("writer", path, "close")
  hear(process)
  store <- open_fmalloc(path, access = "read")
  seen <- numeric()
  started <- proc.time()[["elapsed"]]
  while (length(seen) < 40 || (length(unique(seen)) < 4 &&
    proc.time()[["elapsed"]] - started < 20)) {
    Sys.sleep(0.02)
    refresh_fmalloc(store)
    seen <- c(seen, generation_of(store))
  }
  ok(!anyNA(seen), "a reader sees all of a transaction, or nothing")
  ok(!is.unsorted(seen) && length(unique(seen)) > 3, "a reader sees newer ones each time: ",
    length(unique(seen)), " different ones")
  signal(process, tools::SIGKILL)
  told(process)
  cleanup_fmalloc(store)
}

interrupting <- function(path) {
  process <- start("interrupted", path)
  hear(process)
  for (k in 1:5) {
    Sys.sleep(runif(1, 0.2, 0.5))
    signal(process, tools::SIGINT)
    ok(identical(hear(process), "still whole"), "interrupt ", k, ": the names are of one generation")
  }
  ok(identical(told(process), "TRUE"), "the store is sound after the interrupts")
}

getting <- function(folder) {
  path <- file.path(folder, "frame.bin")
  file <- file.path(folder, "frame.rds")
  n <- as.integer(Sys.getenv("RFM_ROWS", "300000"))
  flights <- data.frame(
    departure = as.POSIXct("2026-01-01", tz = "UTC") + seq_len(n) * 17,
    delay = sample(c(NA, -30:600), n, TRUE),
    carrier = sample(c("AA", "UA", "a carrier with a long name", NA), n, TRUE),
    tail = sprintf("N%05d", sample.int(99999, n, TRUE)),
    destination = sample(c("JFK", "VIE", "Keflavik, Iceland"), n, TRUE)
  )
  saveRDS(flights, file, compress = FALSE)
  store <- open_fmalloc(path)
  put <- system.time(store$flights <- flights)[["elapsed"]]
  cleanup_fmalloc(store)
  said <- lapply(1:3, function(k) told(start("getter", path, file)))
  seconds <- vapply(said, function(s) as.numeric(s[1]), 0)
  note(n, " rows: put in ", put, " s, opened and got in ", paste(1000 * seconds, collapse = ", "), " ms")
  ok(min(seconds) < 0.05, "opened and got in less than 50 ms: ", 1000 * min(seconds))
  ok(all(vapply(said, function(s) identical(s[-1], c("TRUE", "TRUE")), NA)),
    "it is identical to what was put, and lies in the store")
}

if (length(arguments)) {
  do.call(arguments[1], as.list(arguments[-1]))
} else {
  seed()
  folder <- work_folder()
  path <- killing(folder)
  reading(path)
  interrupting(path)
  getting(folder)
  finish()
}
