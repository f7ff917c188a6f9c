#' Create an array in a store
#'
#' @inheritParams create_fmalloc_vector
#' @param dim Extents of the dimensions: one number for each, non-negative and
#'   integer-valued.
#' @param dimnames `NULL`, or a list with names for each dimension.
#' @return An array of class `c("fmalloc_array", "fmalloc", type)`.
#' @seealso [as_fmalloc_array()], [create_fmalloc_matrix()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' a <- create_fmalloc_array("numeric", dim = c(2, 3, 2), runtime = store)
#' a[] <- 1:12
#' a[2, 3, 1]
#' dim(a + 1)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
create_fmalloc_array <- function(type = "integer", dim, dimnames = NULL, runtime = NULL,
                                 zero_initialize = TRUE, plain = FALSE) {
  if (missing(dim)) fail("argument", "dim is required")
  dim <- check_dims(dim)
  dimnames <- check_dimnames(dimnames, dim)
  x <- .Call(rfm_c_array, runtime, type, prod(dim), zero_initialize, dim, dimnames,
    if (missing(plain)) NULL else plain)
  # An array of two dimensions would be called a matrix.
  if (length(dim) != 2L || !inherits(x, "fmalloc")) return(x)
  .Call(rfm_c_shape, x, dim, dimnames, class_of_type(type, 3))
}

#' Shape a vector as an array
#'
#' @param x A vector. With `copy = FALSE`, one that lives in a store.
#' @param dim Extents of the dimensions. If `NULL`, those of `x`; a vector that has none
#'   becomes an array of one dimension.
#' @param dimnames `NULL`, or a list with names for each dimension. If neither `dim` nor
#'   `dimnames` is given, those of `x` stay.
#' @param copy If `TRUE`, the result is a new array, in the store of `x` or, when `x`
#'   is an ordinary vector, in the default store. If `FALSE`, `x` itself gets
#'   its dimensions in place, and so does every variable that stands for the same
#'   object; nothing is allocated.
#' @return An array of class `c("fmalloc_array", "fmalloc", type)`.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("integer", 12, runtime = store)
#' x[] <- 1:12
#' as_fmalloc_array(x, dim = c(2, 3, 2))[, , 2]
#' dim(x)
#' as_fmalloc_array(x, dim = c(4, 3), copy = FALSE)
#' dim(x)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
as_fmalloc_array <- function(x, dim = NULL, dimnames = NULL, copy = TRUE) {
  if (is.null(dim) && is.null(dimnames)) dimnames <- own_dimnames(x)
  dim <- array_dim(x, dim)
  shaped(x, dim, check_dimnames(dimnames, dim), check_flag(copy, "copy"), 3)
}

# x, or a copy of it, with these dimensions.
shaped <- function(x, dim, dimnames, copy, dimensions) {
  if (.Call(rfm_c_type_bytes, typeof(x)) == 0) {
    fail("argument", "Unsupported vector type '", typeof(x), "'")
  }
  ours <- .Call(rfm_c_is_fmalloc, x)
  if (!copy && !ours) {
    fail("argument", "x must be a vector that lives in an fmalloc store, or copy = TRUE")
  }
  y <- if (copy) .Call(rfm_c_copy, if (!ours) resolve(NULL), x, TRUE) else x
  .Call(rfm_c_shape, y, dim, dimnames, class_of_type(typeof(x), dimensions))
}

# The dimensions that as_fmalloc_array() was asked for, which must suit length(x).
array_dim <- function(x, dim) {
  if (is.null(dim)) dim <- if (is.null(base::dim(x))) length(x) else base::dim(x)
  dim <- check_dims(dim)
  if (prod(dim) != length(x)) {
    fail("argument", "dims [product ", format(prod(dim), digits = 16),
      "] do not match the length of object [", format(length(x), digits = 16), "]")
  }
  dim
}

own_dimnames <- function(x) {
  if (is.null(dim(x))) {
    if (!is.null(names(x))) list(names(x))
  } else {
    dimnames(x)
  }
}

check_dims <- function(dim) {
  if (!is.numeric(dim) || length(dim) == 0L) {
    fail("argument", "invalid 'dims': dim must be one or more numbers")
  }
  if (anyNA(dim) || any(dim < 0)) {
    fail("argument", "invalid 'dims': dim must be non-negative")
  }
  if (any(dim != floor(dim))) {
    fail("argument", "invalid 'dims': dim must be integer-valued")
  }
  if (any(dim > .Machine$integer.max)) {
    fail("argument", "invalid 'dims': an extent must be at most ", .Machine$integer.max)
  }
  as.integer(dim)
}

# The class attribute of a vector in a store: its shape, the package, its type. What
# types there are is known in C.
class_of_type <- function(type, dimensions) .Call(rfm_c_class, type, dimensions)

fmalloc_class <- function(x) class_of_type(typeof(x), length(dim(x)))

# R would take the last word of the class at its word and make one column.
#' @export
as.data.frame.fmalloc_array <- function(x, ...) as.data.frame.array(x, ...)
