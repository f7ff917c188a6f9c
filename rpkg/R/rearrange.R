# Methods that let R's own function do the work on a vector without our class, and put
# what is as large as the operand into its store.
#
# A matrix that lives in a store has a class of its own, so R's methods for matrices
# and arrays are not found for it. The methods below find them again.

# A view of x without our class, for R to work on: see the chapter on arithmetic. What
# comes of it must be settled, or must be unable to be the view itself.
view <- function(x) .Call(rfm_c_view, x)

# y, as a temporary in the store of x, if it is a vector and longer than one element.
# Lists of several results, data frames and the like stay as they are.
in_store <- function(y, x) .Call(rfm_c_settle, y, x)

# Results of summaries are mostly small, and then ordinary.
in_store_if_large <- function(y, x) {
  if (length(y) > getOption("Rfmalloc.reduce_result_length", 1e6)) in_store(y, x) else y
}

#' @export
rev.fmalloc <- function(x) in_store(rev(view(x)), x)

#' @export
rep.fmalloc <- function(x, ...) in_store(rep(view(x), ...), x)

#' @export
c.fmalloc <- function(...) {
  parts <- list(...)
  in_store(do.call(c, lapply(parts, view), quote = TRUE), parts[[1L]])
}

#' @export
t.fmalloc <- function(x) {
  y <- .Call(rfm_c_transpose, x)
  if (is.null(y)) in_store(t(view(x)), x) else y
}

#' @export
aperm.fmalloc <- function(a, perm = NULL, ...) {
  in_store(aperm(view(a), perm, ...), a)
}

#' @export
diff.fmalloc <- function(x, ...) in_store(diff(view(x), ...), x)

#' @export
sort.fmalloc <- function(x, decreasing = FALSE, ...) {
  in_store(sort(view(x), decreasing = decreasing, ...), x)
}

# order() wants something ordinary that sorts alike. Text is that itself, and then the
# method of order() decides whether the locale counts.
#' @export
xtfrm.fmalloc <- function(x) {
  if (is.numeric(x) || is.character(x)) without_class(x) else xtfrm(view(x))
}

#' @export
unique.fmalloc <- function(x, ...) {
  # Of text, only the distinct strings need be made R's.
  y <- if (...length() == 0L && is.null(dim(x))) .Call(rfm_c_distinct, x)
  if (is.null(y)) y <- unique(view(x), ...)
  in_store_if_large(y, x)
}

#' @export
duplicated.fmalloc <- function(x, ...) in_store(duplicated(view(x), ...), x)

#' @export
anyDuplicated.fmalloc <- function(x, ...) anyDuplicated(view(x), ...)

#' @importFrom utils tail
#' @export
tail.fmalloc <- function(x, ...) in_store(tail(view(x), ...), x)

#' @export
summary.fmalloc <- function(object, ...) summary(view(object), ...)

#' @export
determinant.fmalloc <- function(x, ...) determinant(view(x), ...)

#' @export
all.equal.fmalloc <- function(target, current, ...) {
  all.equal(view(target), without_class(current), ...)
}

#' @export
is.na.fmalloc <- function(x) ask_elements(x, "is.na")

# R asks is.na() of each element of an object, and any() of the answers.
#' @export
anyNA.fmalloc <- function(x, recursive = FALSE) anyNA(view(x), recursive)

#' @export
is.nan.fmalloc <- function(x) ask_elements(x, "is.nan")

#' @export
is.finite.fmalloc <- function(x) ask_elements(x, "is.finite")

#' @export
is.infinite.fmalloc <- function(x) ask_elements(x, "is.infinite")

ask_elements <- function(x, generic) {
  if (is_fmalloc(x)) .Call(rfm_c_math, generic, x, list())
  else get(generic, baseenv())(without_class(x))
}
