# Installs the package with counters and runs its tests, the process tests and those of
# the client package on it. The argument is the folder that tests/coverage/run prepared.
out <- normalizePath(commandArgs(TRUE)[1])
top <- getwd()
# gcov is ours to run, so that its lines are those of lit/; covr gets a program that does nothing.
options(covr.gcov = Sys.which("true"), covr.filter_non_package = FALSE)
Sys.setenv(RFM_ROUNDS = "10")     # of killing: more rounds reach no other lines
run <- bquote({
  setwd(.(top))
  try(testthat::test_dir("rpkg/tests/testthat", package = "Rfmalloc",
    load_package = "installed", reporter = "summary", stop_on_failure = FALSE))
  # The large ones take their time on lines that the others reach as well.
  for (test in grep("large|many|table", Sys.glob("tests/process/test_*.R"), invert = TRUE,
    value = TRUE)) {
    cat("==", test, "\n")
    system2("timeout", c("900", "Rscript", test))
  }
  # A client compiles the functions of Rfmalloc.h into its own library, so it is counted, too.
  cat("== the client\n")
  client <- .(file.path(out, "client"))
  dir.create(client)
  flags <- file.path(client, "Makevars")
  writeLines(c("CFLAGS += -O0 --coverage", "CXXFLAGS += -O0 --coverage",
    "LDFLAGS += --coverage"), flags)
  system2("R", c("CMD", "INSTALL", paste0("--library=", client),
    .(file.path(out, "rfmclient"))), env = paste0("R_MAKEVARS_USER=", flags))
  system2("timeout", c("900", "Rscript", "tests/client/test_client.R"),
    env = paste0("R_LIBS=", client, ":", Sys.getenv("R_LIBS")))
})
coverage <- covr::package_coverage(file.path(out, "package"), type = "none", clean = FALSE,
  quiet = TRUE, install_path = file.path(out, "counted"), code = deparse(run))
lines <- covr::tally_coverage(coverage, by = "line")
lines <- lines[grepl("(^|/)R/[^/]*[.]R$", lines$filename), ]
writeLines(sprintf("rpkg/R/%s:%d:%.0f", basename(lines$filename), as.integer(lines$line),
  as.numeric(lines$value)), file.path(out, "r.lines"))
