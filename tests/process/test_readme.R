# The README's examples run as they stand, one after the other, and the make targets it names exist.

source("tests/process/tap.R")

readme <- readLines("README.md")
starts <- grep("^```r$", readme)
ok(length(starts) == 2, "README.md has two R examples")
ends <- grep("^```$", readme)
examples <- lapply(starts, function(k) readme[(k + 1):(ends[ends > k][1] - 1)])
ok(all(lengths(examples) <= 12), "they have about ten lines: ", toString(lengths(examples)))
code <- unlist(examples)
script <- tempfile(fileext = ".R")
writeLines(c(code, "cat('reached the end\\n')"), script)
said <- tempfile()
out <- suppressWarnings(system2("Rscript", c("--vanilla", script), stdout = TRUE, stderr = said))
ok(identical(out, "reached the end"), "they run: ", paste(out, collapse = " / "))
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
