# Subsets. `[[` and `[<-` need no method: R's own work on the vectors in place. `[` has
# one, because R drops the class and makes a part of a matrix in memory.
#
# The method is long because of something that R 4.5 does: if a function that a method
# calls assigns to a part of anything (names(y) <- v, y[i] <- v), or the method calls
# NextMethod(), a reference to x stays behind, and the next x[i] <- v copies the
# whole vector. So all such assignments stand in the method itself.

#' Subsets of vectors in a store
#'
#' One element is an ordinary scalar. A longer subset is a copy in the same store:
#' a temporary vector, whose room returns when R collects it; or, if it is one large stretch of
#' a vector that is sealed, a [view][view_fmalloc()] of it.
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
  if (nargs() == 2L && !missing(i)) {
    y <- .Call(rfm_c_run, x, i)
    if (is.null(y)) y <- .subset(x, i)
    return(if (length(y) <= 1L) y else .Call(rfm_c_settle, y, x))
  }
  indices <- nargs() - 1L - !missing(drop)
  if (indices == 1L && !missing(i)) {
    y <- .subset(x, i)
    if (length(y) <= 1L) return(y)
  } else if (indices == 1L) {
    y <- .subset(x, seq_along(x))
    attributes(y) <- attributes(x)
  } else if (indices == 2L && length(dim(x)) == 2L) {
    if (missing(i)) i <- TRUE
    if (missing(j)) j <- TRUE
    size <- size_if_large(x, i, j)
    if (is.null(size)) {
      y <- .subset(x, i, j, drop = drop)
    } else {
      # Too large for R's memory, perhaps: gathered in the store by blocks of columns.
      y <- .Call(rfm_c_temporary, .Call(rfm_c_runtime_of, x), typeof(x), prod(size))
      columns <- chosen(j, x)
      at_once <- max(1, block_elements %/% size[1L])
      for (first in seq.int(1, size[2L], by = at_once)) {
        last <- min(first + at_once - 1, size[2L])
        y[((first - 1) * size[1L] + 1):(last * size[1L])] <-
          some_columns(x, i, columns[first:last])
      }
      labels <- dimnames(x)
      if (!is.null(labels[[1L]])) labels[[1L]] <- labels[[1L]][i]
      if (!is.null(labels[[2L]])) labels[[2L]] <- labels[[2L]][columns]
      if (drop && any(size == 1)) {
        names(y) <- labels[[which(size != 1)]]
      } else {
        dim(y) <- size
        dimnames(y) <- labels
      }
    }
  } else {
    y <- NextMethod()
  }
  # A scalar, or nothing, is an ordinary vector; and so is a part of one.
  if (length(y) == 0L || length(y) == 1L && is.null(dim(y))) return(y)
  if (!is_fmalloc(y)) {
    if (!is_fmalloc(x)) return(y)
    z <- into_store(y, x)
    attributes(z) <- attributes(y)
    y <- z
  }
  oldClass(y) <- if (is_fmalloc(y)) fmalloc_class(y)
  y
}

# A temporary copy of y in the store of x. A closed store takes nothing new: there
# y stays ordinary.
into_store <- function(y, x) {
  runtime <- .Call(rfm_c_runtime_of, x)
  if (.Call(rfm_c_is_open, runtime)) .Call(rfm_c_copy, runtime, y, FALSE) else y
}

# The columns that j means, as numbers.
chosen <- function(j, x) {
  if (is.character(j)) match(j, colnames(x)) else seq_len(ncol(x))[j]
}

chosen_count <- function(i, n) {
  if (isTRUE(i)) n else if (is.character(i)) length(i) else length(seq_len(n)[i])
}

# The dimensions of x[i, j], if that is large and there is a store to make it in, and no
# column is asked for that does not exist. All else R does, or refuses, by itself.
block_elements <- 2^20

size_if_large <- function(x, i, j) {
  columns <- chosen(j, x)
  size <- c(chosen_count(i, nrow(x)), length(columns))
  if (prod(size) <= block_elements || anyNA(columns) || !is_fmalloc(x)) return(NULL)
  if (.Call(rfm_c_is_open, .Call(rfm_c_runtime_of, x))) size
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
