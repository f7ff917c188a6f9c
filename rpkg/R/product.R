# Products of matrices, made in the store: see the chapter on products.

# NULL if R must make the product of x and y itself, or say why there is none. With y
# NULL, x is multiplied by itself.
product <- function(generic, x, y) {
  if (generic == "%*%" && is.null(y)) return(NULL)
  if (!is_factor_of_product(x) || !(is.null(y) || is_factor_of_product(y))) return(NULL)
  if (!identical(getOption("matprod"), "default")) return(NULL)
  shapes <- product_shapes(generic, x, if (is.null(y)) x else y)
  if (is.null(shapes)) return(NULL)
  left <- if (generic == "crossprod") 2L else 1L
  right <- if (generic == "tcrossprod") 1L else 2L
  dim <- c(shapes[[1L]][left], shapes[[2L]][right])
  if (any(unlist(shapes) == 0) || prod(dim) < 2 ||
    shapes[[1L]][3L - left] != shapes[[2L]][3L - right]) return(NULL)
  names <- product_names(x, if (is.null(y)) x else y, left, right)
  z <- .Call(rfm_c_product, generic, view(x), if (!is.null(y)) view(y), unlist(shapes), dim,
    names)
  if (is.null(z)) product_by_blocks(generic, x, if (is.null(y)) x else y, shapes, dim, names)
  else z
}

is_factor_of_product <- function(x) {
  typeof(x) %in% c("double", "integer", "logical") && length(x) <= .Machine$integer.max &&
    (!is.object(x) || inherits(x, "fmalloc"))
}

# The extents of both operands. A vector is a row or a column, as the other needs it.
# Two vectors are left to R, unless they are the columns of an outer product.
product_shapes <- function(generic, x, y) {
  a <- dim(x)
  b <- dim(y)
  n <- length(x)
  m <- length(y)
  if (length(a) == 2L && length(b) == 2L) return(list(a, b))
  if (length(a) != 2L && length(b) != 2L) {
    return(if (generic == "tcrossprod") list(c(n, 1L), c(m, 1L)))
  }
  if (length(a) != 2L) {
    inner <- if (generic == "tcrossprod") b[2L] else b[1L]
    column <- generic == "crossprod"
    if (n == inner) list(if (column) c(n, 1L) else c(1L, n), b)
    else if (inner == 1L && !column) list(c(n, 1L), b)
  } else {
    inner <- if (generic == "crossprod") a[1L] else a[2L]
    if (generic == "tcrossprod") {
      if (inner == 1L && a[1L] > 1L) list(a, c(m, 1L))
    } else if (m == inner) {
      list(a, c(m, 1L))
    } else if (inner == 1L) {
      list(a, c(1L, m))
    }
  }
}

# The names of the rows come from x, those of the columns from y; so do the names of
# these names. Vectors give none.
product_names <- function(x, y, left, right) {
  a <- if (length(dim(x)) == 2L) dimnames(x)
  b <- if (length(dim(y)) == 2L) dimnames(y)
  rows <- a[[left]]
  columns <- b[[right]]
  if (is.null(rows) && is.null(columns)) return(NULL)
  labels <- list(rows, columns)
  if (!is.null(names(a)) || !is.null(names(b))) {
    names(labels) <- c(
      if (is.null(names(a))) "" else names(a)[left],
      if (is.null(names(b))) "" else names(b)[right]
    )
  }
  labels
}

# R computes a column of the result from x and one column (or row) of y alone, with its own
# loops if it sees a value that is not finite. Each block is shown one.
product_by_blocks <- function(generic, x, y, shapes, dim, names) {
  home <- if (is_fmalloc(x)) x else y
  if (!is_fmalloc(home) || !.Call(rfm_c_is_open, .Call(rfm_c_runtime_of, home))) return(NULL)
  f <- get(generic, baseenv())
  x <- view(if (typeof(x) == "double") x else x + 0)
  y <- view(y)
  z <- .Call(rfm_c_temporary, .Call(rfm_c_runtime_of, home), "double", prod(dim))
  extent <- shapes[[2L]]
  at_once <- max(1, block_elements %/% max(dim[1L], extent))
  for (first in seq.int(1, dim[2L], by = at_once)) {
    last <- min(first + at_once - 1, dim[2L])
    block <- if (generic == "tcrossprod") {
      rbind(matrix(if (extent[2L] == 1L) y[first:last] else y[first:last, ],
        ncol = extent[2L]), NaN)
    } else {
      rows <- as.double(extent[1L])
      cbind(matrix(y[((first - 1) * rows + 1):(last * rows)], nrow = rows), NaN)
    }
    piece <- f(x, block)
    z[((first - 1) * dim[1L] + 1):(last * dim[1L])] <-
      piece[seq_len(dim[1L] * (last - first + 1))]
  }
  .Call(rfm_c_shape, z, dim, names, class_of_type("double", 2))
}
