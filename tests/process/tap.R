# What the process tests share: results as TAP lines, which tools/tap counts, and
# other R processes to talk to.

suppressPackageStartupMessages(library(Rfmalloc))

tap <- new.env()
tap$run <- 0
tap$failed <- 0

ok <- function(holds, ...) {
  holds <- isTRUE(holds)
  tap$run <- tap$run + 1
  if (!holds) tap$failed <- tap$failed + 1
  text <- gsub("\n", " ", paste0(..., collapse = ""))
  cat(if (holds) "ok " else "not ok ", tap$run, " - ", text, "\n", sep = "")
  invisible(holds)
}

skip <- function(what, why) {
  tap$run <- tap$run + 1
  cat("ok ", tap$run, " - ", what, " # SKIP ", why, "\n", sep = "")
}

note <- function(...) cat("# ", ..., "\n", sep = "")

finish <- function() {
  cat("1..", tap$run, "\n", sep = "")
  quit(status = as.integer(tap$failed > 0))
}

# A seed to replay with: RFM_SEED=… tests again what a run printed.
seed <- function() {
  given <- Sys.getenv("RFM_SEED")
  seed <- if (nzchar(given)) as.integer(given) else sample.int(1e9, 1)
  note("seed ", seed, " (RFM_SEED=", seed, " draws the same)")
  set.seed(seed)
  seed
}

# A folder for a test's files, on the disk, removed when R ends.
work_folder <- function() {
  base <- Sys.getenv("TMPDIR")
  folder <- tempfile("process-", if (nzchar(base)) base else "/var/tmp")
  dir.create(folder)
  reg.finalizer(tap, function(e) unlink(folder, recursive = TRUE), onexit = TRUE)
  folder
}

# The error that an expression raises, or NULL.
error_of <- function(expr) tryCatch({ expr; NULL }, error = identity)

# The program that checks a store, its exit status.
rfm_check <- function(path) {
  program <- system.file("bin", "rfm-check", package = "Rfmalloc")
  system2(program, c("--quiet", shQuote(path)), stdout = FALSE, stderr = FALSE)
}

# Starts this script again as another process, with arguments. The process says its
# process id on its first line; hear() reads a line, told() reads what is left.
start <- function(...) {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  command <- paste("exec Rscript --vanilla", shQuote(script),
    paste(shQuote(c(...)), collapse = " "), "2>&1")
  lines <- pipe(command, "r")
  process <- list(lines = lines, pid = as.integer(hear(list(lines = lines))))
  if (is.na(process$pid)) stop("the other process did not start")
  process
}
hear <- function(process) readLines(process$lines, n = 1)
told <- function(process) {
  text <- readLines(process$lines)
  close(process$lines)
  text
}
signal <- function(process, number) tools::pskill(process$pid, number)

# Rounds of kill -9 on store.bin in a folder: this script, started with `victim`, the folder
# and a seed, says `ready` and goes on until a random moment. Then look(store, path) gives
# its complaints as `wrong`, and as `found` a few words for the report. rfm-check
# must have none, before the store is opened again and after it was closed.
kill_rounds <- function(folder, seed, rounds, look) {
  path <- file.path(folder, "store.bin")
  for (round in seq_len(rounds)) {
    process <- start("victim", folder, (seed + round) %% 1e9)
    first <- hear(process)
    if (!identical(first, "ready")) {
      ok(FALSE, "round ", round, ": the other process said: ", first, told(process))
      finish()
    }
    Sys.sleep(runif(1, 0.005, 0.4))
    signal(process, tools::SIGKILL)
    said <- told(process)
    if (length(said)) ok(FALSE, "round ", round, ": an error before the kill: ", said)
    sound <- rfm_check(path) == 0
    store <- open_fmalloc(path)
    seen <- look(store, path)
    gc(full = TRUE)
    cleanup_fmalloc(store)
    rm(store)
    gc(full = TRUE)
    sound_after <- rfm_check(path) == 0
    ok(length(seen$wrong) == 0 && sound && sound_after, "round ", round, ": ", seen$found,
      if (!sound) "; rfm-check failed", if (!sound_after) "; rfm-check failed after closing",
      if (length(seen$wrong)) paste0("; ", paste(seen$wrong, collapse = "; ")))
  }
}

# In the other process: a line for the first one, at once.
say <- function(...) {
  cat(..., "\n", sep = "")
  flush(stdout())
}
arguments <- commandArgs(TRUE)
if (length(arguments)) say(Sys.getpid())

# Wait until a file is there: how the first process tells the other to go on.
await <- function(file, seconds = 60) {
  for (k in seq_len(seconds * 50)) {
    if (file.exists(file)) return(TRUE)
    Sys.sleep(0.02)
  }
  stop("nobody made ", file)
}
go <- function(file) invisible(file.create(file))
