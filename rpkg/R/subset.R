# Subsets. `[[` and `[<-` need no method: R's own work on the vectors in place.
# `[` has one because R drops the class, and because R makes a matrix subset
# in memory. It never calls NextMethod(): that would leave a reference to x behind,
# and the next x[i] <- v would copy the whole vector.

#' Subsets of vectors in a store
#'
#' One element is an ordinary scalar. A longer subset is a copy in the same store:
#' a temporary vector, whose room returns when R collects it.
#'
#' @param x A vector or matrix that lives in a store.
#' @param i,j,... Indices, as for any vector or matrix.
#' @param drop Drop dimensions of extent one?
#' @return An ordinary scalar, or a vector or matrix in the store of `x`.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' m <- create_fmalloc_matrix("numeric", 3, 2, runtime = store)
#' m[] <- 1:6
#' m[2, 2]
#' m[2:3, ]
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
`[.fmalloc` <- function(x, i, j, ..., drop = TRUE) {
  indices <- nargs() - 1L - !missing(drop)
  if (indices == 1L && !missing(i)) {
    return(settle(.subset(x, i), x))
  }
  if (indices == 2L && length(dim(x)) == 2L) {
    return(subset_matrix(
      x, if (missing(i)) TRUE else i, if (missing(j)) TRUE else j, drop
    ))
  }
  settle(NextMethod(), x)
}

# y, a part of x: a scalar stays ordinary, anything longer lies in the store of x.
settle <- function(y, x) {
  n <- length(y)
  if (n == 0L || n == 1L && is.null(dim(y)) || !is_fmalloc(x)) return(y)
  if (!is_fmalloc(y)) y <- into_store(y, x)
  if (is_fmalloc(y)) oldClass(y) <- fmalloc_class(y)
  y
}

# A temporary copy of y in the store of x. A closed store takes nothing new: there
# y stays ordinary.
into_store <- function(y, x) {
  runtime <- .Call(rfm_c_runtime_of, x)
  if (!.Call(rfm_c_is_open, runtime)) return(y)
  z <- .Call(rfm_c_copy, runtime, y, FALSE)
  if (is.null(dim(y))) {
    names(z) <- names(y)
  } else {
    dim(z) <- dim(y)
    dimnames(z) <- dimnames(y)
  }
  z
}

# x[i, j] of a matrix. A small result is R's own work. A large one is put together in
# the store from blocks of columns, so that it need not fit into memory.
block_elements <- 2^20

subset_matrix <- function(x, i, j, drop) {
  columns <- chosen(j, ncol(x), colnames(x))
  rows <- extent(i, nrow(x))
  large <- rows * length(columns) > block_elements
  if (!large || anyNA(columns) || !is_fmalloc(x)) {
    return(settle(.subset(x, i, j, drop = drop), x))
  }
  runtime <- .Call(rfm_c_runtime_of, x)
  if (!.Call(rfm_c_is_open, runtime)) return(.subset(x, i, j, drop = drop))
  y <- gather_columns(runtime, x, i, columns, rows)
  names <- dimnames(x)
  if (!is.null(names)) {
    names[1:2] <- list(
      if (!is.null(names[[1L]])) names[[1L]][i],
      if (!is.null(names[[2L]])) names[[2L]][columns]
    )
  }
  shape(y, c(rows, length(columns)), names, drop)
}

# The columns that j means, as numbers.
chosen <- function(j, n, names) {
  if (is.character(j)) match(j, names) else seq_len(n)[j]
}

extent <- function(i, n) {
  if (isTRUE(i)) n else if (is.character(i)) length(i) else length(seq_len(n)[i])
}

gather_columns <- function(runtime, x, i, columns, rows) {
  count <- length(columns)
  y <- .Call(rfm_c_temporary, runtime, typeof(x), rows * count)
  at_once <- max(1, block_elements %/% rows)
  for (first in seq(1, count, by = at_once)) {
    last <- min(first + at_once - 1, count)
    y[((first - 1) * rows + 1):(last * rows)] <-
      some_columns(x, i, columns[first:last])
  }
  y
}

# All rows of neighbouring columns are one stretch of the file.
some_columns <- function(x, i, columns) {
  first <- columns[1L]
  last <- columns[length(columns)]
  stretch <- isTRUE(i) && identical(as.integer(columns), first:last)
  if (!stretch) return(.subset(x, i, columns, drop = FALSE))
  rows <- as.double(nrow(x))
  .subset(x, ((first - 1) * rows + 1):(last * rows))
}

# Dimensions and names for a subset of more than one element, as R would give them.
shape <- function(y, dim, dimnames, drop) {
  if (drop && any(dim == 1)) {
    names(y) <- dimnames[[which(dim != 1)]]
  } else {
    dim(y) <- dim
    dimnames(y) <- dimnames
  }
  oldClass(y) <- fmalloc_class(y)
  y
}
