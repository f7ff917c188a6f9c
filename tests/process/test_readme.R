# The README's example runs as it stands, and the make targets it names exist.

source("tests/process/tap.R")

readme <- readLines("README.md")
starts <- grep("^```r$", readme)
ok(length(starts) == 1, "README.md has one R example")
ends <- grep("^```$", readme)
code <- readme[(starts + 1):(ends[ends > starts][1] - 1)]
ok(length(code) <= 12, "it has about ten lines: ", length(code))
script <- tempfile(fileext = ".R")
writeLines(c(code, "cat('reached the end\\n')"), script)
said <- tempfile()
out <- suppressWarnings(system2("Rscript", c("--vanilla", script), stdout = TRUE, stderr = said))
ok(identical(out, "reached the end"), "it runs: ", paste(out, collapse = " / "))
# library() tells which functions of base it masks; nothing else may be said.
ok(!any(grepl("error|warning", readLines(said), ignore.case = TRUE)), "without a warning: ",
  paste(readLines(said), collapse = " / "))

text <- paste(readme, collapse = "\n")
named <- unique(regmatches(text, gregexpr("(?<=make )[a-z-]+(?=`|\\s+#)", text, perl = TRUE))[[1]])
ok(all(c("demo", "check", "book", "install", "help") %in% named), "targets named: ", toString(named))
makefile <- readLines("Makefile")
for (target in named) {
  ok(any(grepl(paste0("^", target, ":"), makefile)), "make ", target, " exists")
}
finish()
