#' Create a matrix in a store
#'
#' @inheritParams create_fmalloc_vector
#' @param nrow,ncol Number of rows and of columns.
#' @param dimnames `NULL`, or a list of row names and column names.
#' @return A matrix of class `c("fmalloc_matrix", "fmalloc", type)`.
#' @seealso [as_fmalloc_matrix()], [create_fmalloc_vector()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' m <- create_fmalloc_matrix("integer", nrow = 2, ncol = 3, runtime = store)
#' m[] <- 1:6
#' m[2, ]
#' m + 10L
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
create_fmalloc_matrix <- function(type = "integer", nrow, ncol, dimnames = NULL,
                                  runtime = NULL, zero_initialize = TRUE,
                                  plain = FALSE) {
  if (missing(nrow) || missing(ncol)) fail("argument", "nrow and ncol are required")
  dim <- check_dim(nrow, ncol)
  dimnames <- check_dimnames(dimnames, dim)
  .Call(rfm_c_array, runtime, type, prod(dim), zero_initialize, dim, dimnames,
    if (missing(plain)) NULL else plain)
}

#' Shape a vector as a matrix
#'
#' @param x A vector. With `copy = FALSE`, one that lives in a store.
#' @param nrow,ncol Number of rows and of columns. One of them may be left out, and
#'   both if `x` is a matrix already.
#' @param dimnames `NULL`, or a list of row names and column names. If nothing but `x` is
#'   given, its own stay.
#' @param copy If `TRUE`, the result is a new matrix, in the store of `x` or, when `x`
#'   is an ordinary vector, in the default store. If `FALSE`, `x` itself gets
#'   its dimensions in place, and so does every variable that stands for the same
#'   object; nothing is allocated.
#' @return A matrix of class `c("fmalloc_matrix", "fmalloc", type)`.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("numeric", 6, runtime = store)
#' x[] <- 1:6
#' as_fmalloc_matrix(x, nrow = 2)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
as_fmalloc_matrix <- function(x, nrow = NULL, ncol = NULL, dimnames = NULL,
                              copy = TRUE) {
  if (is.null(nrow) && is.null(ncol) && is.null(dimnames)) dimnames <- dimnames(x)
  dim <- matrix_dim(x, nrow, ncol)
  dimnames <- check_dimnames(dimnames, dim)
  shaped(x, dim, dimnames, check_flag(copy, "copy"), 2)
}

check_dim <- function(nrow, ncol) {
  largest <- .Machine$integer.max
  c(
    as.integer(check_count(nrow, "nrow", largest)),
    as.integer(check_count(ncol, "ncol", largest))
  )
}

# The dimensions that as_fmalloc_matrix() was asked for, completed from length(x).
matrix_dim <- function(x, nrow, ncol) {
  n <- length(x)
  if (is.null(nrow) && is.null(ncol)) {
    if (length(dim(x)) != 2L) {
      fail("argument", "nrow and ncol are required: x has no rows and columns of its own")
    }
    return(dim(x))
  }
  if (is.null(nrow)) nrow <- quotient(n, check_count(ncol, "ncol"))
  if (is.null(ncol)) ncol <- quotient(n, check_count(nrow, "nrow"))
  dim <- check_dim(nrow, ncol)
  if (prod(dim) != n) {
    fail("argument", "dims [product ", format(prod(dim)),
      "] do not match the length of object [", format(n), "]")
  }
  dim
}

quotient <- function(n, by) if (by == 0) 0 else n %/% by

# R would take the class "numeric" at its word and make one column of a matrix.
#' @export
as.data.frame.fmalloc <- function(x, ..., stringsAsFactors = FALSE,
                                  nm = deparse1(substitute(x))) {
  force(nm)
  if (length(dim(x)) == 2L) return(as.data.frame.matrix(x, ...))
  if (length(dim(x))) return(as.data.frame.array(x, ...))
  if (is.list(x)) return(as.data.frame(without_class(x), ...))
  if (is.character(x) && stringsAsFactors) x <- factor(x)
  as.data.frame.vector(x, ..., nm = nm)
}
