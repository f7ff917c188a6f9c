# What the three sessions share: how they speak, and how they read the reports.

suppressPackageStartupMessages(library(Rfmalloc))

heading <- function(text) cat("\n", text, "\n", strrep("=", nchar(text)), "\n\n", sep = "")

# A paragraph; what is in %s is filled in from the rest.
tell <- function(text, ...) {
  if (...length()) text <- sprintf(text, ...)
  text <- gsub("[[:space:]]+", " ", text)
  cat(strwrap(text, width = 78, indent = 2, exdent = 2), "", sep = "\n")
}

# Output as the analyst sees it, indented.
show <- function(...) cat(paste0("    ", c(...)), "", sep = "\n")

number <- function(x, digits = 0) {
  formatC(x, format = "f", digits = digits, big.mark = ",")
}

megabytes <- function(bytes) {
  if (bytes < 1e4) paste(number(bytes), "bytes") else paste(number(bytes / 2^20, 1), "MB")
}

seconds_of <- function(expr) {
  started <- Sys.time()
  expr
  as.numeric(difftime(Sys.time(), started, units = "secs"))
}

duration <- function(seconds) {
  if (seconds < 1) sprintf("%.1f ms", 1000 * seconds) else sprintf("%.1f s", seconds)
}

# What R itself has taken for vectors at most since gc(reset = TRUE): the store's
# data are not in R's heap.
heap_bytes <- function() gc()["Vcells", 6] * 2^20

# How much of a sparse file the disk really holds.
disk_bytes <- function(path) {
  1024 * as.numeric(strsplit(system2("du", c("-k", shQuote(path)), stdout = TRUE), "\t")[[1]][1])
}

read_reports <- function() {
  file <- system.file("extdata", "birdstrikes.csv.gz", package = "Rfmalloc")
  reports <- read.csv(file, check.names = FALSE)
  reports[["Flight Date"]] <- as.Date(reports[["Flight Date"]])
  reports
}

# The columns that go into the store: their names there, and in the reports.
columns <- c(date = "Flight Date", species = "Wildlife Species", speed = "Speed IAS in knots", other = "Cost Other",
  repair = "Cost Repair", cost = "Cost Total $")

out <- commandArgs(TRUE)[1]
store_path <- file.path(out, "strikes.bin")
references_path <- file.path(out, "strikes.rds")
large_path <- file.path(out, "resampled.bin")
