# Programs written for the interface before there was this implementation run
# unchanged: the examples of the interface's first README, each in an R of its own,
# with every line that they print. Where they print what only debugging is interested
# in (addresses, byte counts of single allocations), ours are silent. The store of
# 50 GB is sparse and takes no more disk than what lies in it.

source("tests/process/tap.R")

# Runs the code as a script and compares its output with the expected lines, which are
# regular expressions for whole lines; gc()'s table is three lines that say nothing. What
# R says while it attaches the package goes to stderr and is not compared.
example <- function(what, code, ...) {
  expected <- c(...)
  script <- tempfile(fileext = ".R")
  writeLines(code, script)
  said <- tempfile()
  out <- suppressWarnings(system2("Rscript", c("--vanilla", script), stdout = TRUE,
    stderr = said))
  if (!is.null(attr(out, "status"))) note(paste(readLines(said), collapse = " / "))
  unlink(c(script, said))
  out <- out[!grepl("^ +used \\(Mb\\)|^[NV]cells ", out)]
  ok(is.null(attr(out, "status")), what, ": runs to its end")
  ok(length(out) == length(expected), what, ": prints ", length(expected), " lines: ",
    paste(out, collapse = " / "))
  for (k in seq_along(expected)) {
    ok(k <= length(out) && grepl(paste0("^", expected[k], "$"), out[k]), what, ": ",
      expected[k], if (k <= length(out)) paste0(": ", out[k]))
  }
}

example("basic usage", '
library(Rfmalloc)

# Initialize fmalloc with a backing file
alloc_file <- tempfile(fileext = ".bin")
init_fmalloc(alloc_file)

# Create vectors using file-backed allocation
v_int <- create_fmalloc_vector("integer", 10)
v_num <- create_fmalloc_vector("numeric", 10)

# Use the vectors normally
v_int[1:3] <- c(1L, 2L, 3L)
v_num[1:3] <- c(1.1, 2.2, 3.3)

print(v_int[1:3])
print(v_num[1:3])

# Clean up - force garbage collection before cleanup to avoid warnings
rm(v_int, v_num)
gc()
cleanup_fmalloc()
file.remove(alloc_file)
',
  "\\[1\\] TRUE", "\\[1\\] 1 2 3", "\\[1\\] 1\\.1 2\\.2 3\\.3", "\\[1\\] TRUE")

example("larger examples", '
library(Rfmalloc)

# Create a 100MB backing file
large_file <- tempfile(fileext = ".bin")
init_fmalloc(large_file, size_gb = 0.1)

# Create larger vectors
vec1 <- create_fmalloc_vector("integer", 1000)
vec2 <- create_fmalloc_vector("numeric", 500)

# Fill with data
vec1[1:10] <- 1:10
vec2[1:10] <- (1:10) * 1.5

cat("Sample data:", vec1[1:5], "\\n")
cat("Random access:", vec1[sample(10, 3)], "\\n")

# Clean up - force garbage collection before cleanup to avoid warnings
rm(vec1, vec2)
gc()
cleanup_fmalloc()
file.remove(large_file)
',
  "\\[1\\] TRUE", "Sample data: 1 2 3 4 5 ", "Random access:( ([1-9]|10)){3} ", "\\[1\\] TRUE")

example("stress testing", '
library(Rfmalloc)

# Create a MASSIVE 50GB backing file
huge_file <- tempfile(fileext = ".bin", tmpdir = Sys.getenv("TMPDIR", "/var/tmp"))
init_fmalloc(huge_file, size_gb = 50)

# Create large vectors (within practical limits)
big_vec1 <- create_fmalloc_vector("integer", 1e6)  # 1M integers
big_vec2 <- create_fmalloc_vector("integer", 1e6)  # Another 1M integers
big_vec3 <- create_fmalloc_vector("numeric", 5e5)  # 500K doubles

# Fill them with real data
big_vec1[1:1e6] <- 1:1e6
big_vec2[1:1e6] <- (1:1e6) * 2
big_vec3[1:5e5] <- (1:5e5) * 1.5

# Show the power
cat("File size:", round(file.info(huge_file)$size / 1024^3, 1), "GB\\n")
cat("Vector 1 size:", format(object.size(big_vec1), units = "MB"), "\\n")
cat("Vector 2 size:", format(object.size(big_vec2), units = "MB"), "\\n")
cat("Vector 3 size:", format(object.size(big_vec3), units = "MB"), "\\n")
cat("First 5 from vec1:", big_vec1[1:5], "\\n")
cat("Last 5 from vec1:", big_vec1[999996:1000000], "\\n")
cat("Random access:", big_vec2[sample(1e6, 5)], "\\n")

# Clean up
rm(big_vec1, big_vec2, big_vec3)
gc()
cleanup_fmalloc()
file.remove(huge_file)
',
  "\\[1\\] TRUE", "File size: 50 GB", "Vector 1 size: 3\\.8 Mb ", "Vector 2 size: 7\\.6 Mb ",
  "Vector 3 size: 3\\.8 Mb ", "First 5 from vec1: 1 2 3 4 5 ",
  "Last 5 from vec1: 999996 999997 999998 999999 1000000 ",
  "Random access:( [0-9]*[02468]| [0-9.]+e[+]0[0-9]){5} ", "\\[1\\] TRUE")
finish()
