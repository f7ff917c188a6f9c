# What several test files use.

new_store <- function(..., path = tempfile("store-", fileext = ".bin")) {
  open_fmalloc(path, ...)
}

# Is this the run of `make coverage`? Its R functions count themselves, line by line, which
# takes twice the stack, and refers to values where the functions do not. Its C is not
# optimised.
counted <- identical(Sys.getenv("R_COVR"), "true")

# R leaves it open which of NA and NaN comes out where the two meet (see ?NA): the
# compiler decides. Ours are compiled as R's own loops are and must decide as they do;
# but not in a counted build, and there the two are not told apart.
one_missing <- function(v) {
  if (!counted || !(is.double(v) || is.list(v))) return(v)
  kept <- attributes(v)
  v <- unclass(v)
  v <- if (is.list(v)) lapply(v, one_missing) else replace(v, is.nan(v), NA)
  attributes(v) <- kept
  v
}

path_of <- function(store) .Call(Rfmalloc:::rfm_c_info, store)$path

is_backed <- function(x) .Call(Rfmalloc:::rfm_c_is_fmalloc, x)

info_of <- function(x) .Call(Rfmalloc:::rfm_c_vector_info, x)

# A vector in the store with these values.
stored <- function(values, store) {
  x <- create_fmalloc_vector(typeof(values), length(values), store)
  x[] <- values
  x
}

stored_matrix <- function(values, store) {
  x <- create_fmalloc_matrix(typeof(values), nrow(values), ncol(values),
    dimnames(values), store)
  x[] <- values
  x
}

# The same values as an ordinary R vector: attributes kept, our class dropped.
plain <- function(x) {
  class <- grep("^fmalloc", oldClass(x), value = TRUE)
  y <- vector(typeof(x), length(x))
  for (k in seq_along(y)) y[k] <- x[[k]]
  attributes(y) <- attributes(x)[setdiff(names(attributes(x)), "class")]
  rest <- setdiff(oldClass(x), c(class, "logical", "integer", "numeric", "complex", "raw",
    "character", "list"))
  if (length(rest)) oldClass(y) <- rest
  y
}

samples <- list(
  logical = c(TRUE, FALSE, NA, TRUE, FALSE, NA, TRUE),
  integer = c(1L, -7L, NA, 0L, .Machine$integer.max, -.Machine$integer.max, 42L),
  numeric = c(1.5, -2, NA, NaN, Inf, -Inf, 1e-310),
  complex = c(1+2i, -1i, NA, 0i, complex(real = Inf, imaginary = -1), 3+0i, 2-2i),
  raw = as.raw(c(0, 1, 127, 128, 200, 254, 255))
)

# Runs R code in another process and gives what it printed.
in_new_r <- function(code) {
  script <- tempfile(fileext = ".R")
  on.exit(unlink(script))
  writeLines(c("library(Rfmalloc, warn.conflicts = FALSE)", code), script)
  system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", shQuote(script)),
    stdout = TRUE, stderr = TRUE,
    env = c(paste0("R_LIBS=", paste(.libPaths(), collapse = ":")), "R_TESTS="))
}

quoted <- function(path) encodeString(path, quote = "\"")

md5 <- function(path) unname(tools::md5sum(path))
