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
