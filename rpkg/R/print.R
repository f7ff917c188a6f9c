#' Print a vector that lives in a store
#'
#' It is printed as any other vector. Only the elements that are shown are read.
#'
#' @param x A vector or matrix that lives in a store.
#' @param max How many elements to show at most; `getOption("max.print")` if `NULL`.
#' @param ... Passed on to [print.default()].
#' @return `x`, invisibly.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("integer", 30, runtime = store)
#' x[] <- 1:30
#' print(x, max = 10)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
print.fmalloc <- function(x, ..., max = NULL) {
  limit <- if (is.null(max)) getOption("max.print") else max
  if (!is.numeric(limit) || length(limit) != 1L || is.na(limit) || limit < 0) {
    fail("argument", "invalid 'max' argument") # as base R says it
  }
  switch(min(3L, length(dim(x))) + 1L,
    print_elements(x, limit, ...),
    print_elements(x, limit, ...),
    print_rows(x, limit, ...),
    print_slices(x, limit, ...)
  )
  invisible(x)
}

print_elements <- function(x, limit, ...) {
  if (length(x) <= limit) {
    print(.subset(x, seq_along(x)), ..., max = limit)
    return()
  }
  print(.subset(x, seq_len(limit)), ..., max = limit)
  cat_omitted(length(x) - limit, "entries")
}

print_rows <- function(x, limit, ...) {
  rows <- min(nrow(x), limit %/% max(1L, ncol(x)))
  print(.subset(x, seq_len(rows), TRUE, drop = FALSE), ..., max = limit)
  if (rows < nrow(x)) cat_omitted(nrow(x) - rows, "rows")
}

# Whole slices of the last dimension, and at least one.
print_slices <- function(x, limit, ...) {
  dim <- dim(x)
  last <- length(dim)
  slices <- min(dim[last], max(1, limit %/% max(1, prod(dim[-last]))))
  y <- .subset(x, seq_len(prod(dim[-last]) * slices))
  labels <- dimnames(x)
  if (!is.null(labels[[last]])) labels[[last]] <- labels[[last]][seq_len(slices)]
  print(array(y, c(dim[-last], slices), labels), ..., max = limit)
  if (slices < dim[last]) cat_omitted(dim[last] - slices, "slices")
}

cat_omitted <- function(n, what) {
  cat(" [ reached 'max' / getOption(\"max.print\") -- omitted ",
    format(n, scientific = FALSE), " ", what, " ]\n", sep = "")
}
