# rowSums() and its three sisters; which one is meant, `name` says.
summing <- function(name) {
  of_base <- get(name, baseenv())
  function(x, na.rm = FALSE, dims = 1L) {
    if (!inherits(x, "fmalloc")) return(masked(name, x)(x, na.rm, dims))
    in_store_if_large(of_base(x, na.rm, dims), x)
  }
}

#' Sums and means of rows and columns
#'
#' These stand before the functions of the same names in base R. For everything but a
#' matrix or array in a store they do what they do without this package. For those,
#' they read the store in place, for all values of `dims`; a result longer than the
#' option `Rfmalloc.reduce_result_length` (by default 1e6) goes into the store.
#'
#' @param x A matrix, array or data frame.
#' @param na.rm Leave missing values out?
#' @param dims How many dimensions are rows (`rowSums()`, `rowMeans()`), or are summed
#'   over (`colSums()`, `colMeans()`).
#' @return As for [base::rowSums()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' m <- create_fmalloc_matrix("numeric", 3, 2, runtime = store)
#' m[] <- 1:6
#' colSums(m)
#' rowMeans(m)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
rowSums <- summing("rowSums")

#' @rdname rowSums
#' @export
colSums <- summing("colSums")

#' @rdname rowSums
#' @export
rowMeans <- summing("rowMeans")

#' @rdname rowSums
#' @export
colMeans <- summing("colMeans")

# The function that x would have met without this package: base R's, but for an object
# of a class with formal methods (a sparse matrix, say) the next one on the search path.
masked <- function(name, x) {
  if (isS4(x)) {
    ours <- get(name, environment(masked))
    for (place in search()) {
      f <- get0(name, as.environment(place), mode = "function", inherits = FALSE)
      if (!is.null(f) && !identical(f, ours)) return(f)
    }
  }
  get(name, baseenv())
}

#' Ranks
#'
#' For everything but a vector in a store this is [base::rank()]. R compares the elements
#' of an object with a class one by one in R code, and takes minutes for a million;
#' this function shows it the vector without its class. It stands before that of base R
#' since R's is not generic, and asks nothing of a vector that a method could answer.
#'
#' @param x,na.last,ties.method As for [base::rank()].
#' @return As for [base::rank()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("numeric", 3, runtime = store)
#' x[] <- c(30, 10, 20)
#' rank(x)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
rank <- function(x, na.last = "keep",
                 ties.method = c("average", "first", "last", "random", "max", "min")) {
  base::rank(if (inherits(x, "fmalloc")) view(x) else x, na.last, ties.method)
}
