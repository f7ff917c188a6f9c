#' Arithmetic on vectors in a store
#'
#' Operators (group `Ops`) and mathematical functions (group `Math`) on a vector in a
#' store work block by block with R's own arithmetic, so they give what R gives,
#' and the result is a temporary vector in the same store: neither operands nor
#' result need fit into memory. A result of one element is an ordinary scalar.
#'
#' @param e1,e2 Operands; at least one lives in a store.
#' @param x A vector that lives in a store.
#' @param ... Further arguments of the function, such as `digits` of [round()].
#' @return A vector, or matrix, in the store of the operands.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("numeric", 4, runtime = store)
#' x[] <- c(1, 4, 9, NA)
#' sqrt(x) + 1
#' x > 3
#' cleanup_fmalloc(store)
#' unlink(path)
#' @name fmalloc-arithmetic
NULL

#' @rdname fmalloc-arithmetic
#' @export
Ops.fmalloc <- function(e1, e2) {
  unary <- missing(e2)
  if (unary) e2 <- NULL
  by_blocks <- if (unary) is_fmalloc(e1) else suits_blocks(e1, e2)
  if (by_blocks) {
    return(withCallingHandlers(.Call(rfm_c_ops, .Generic, e1, e2), warning = repeated()))
  }
  f <- get(.Generic, baseenv())
  if (unary) f(without_class(e1)) else f(without_class(e1), without_class(e2))
}

# An operand of a class of its own, a Date say, knows best what an operator means.
suits_blocks <- function(e1, e2) {
  !is_foreign(e1) && !is_foreign(e2) && (is_fmalloc(e1) || is_fmalloc(e2))
}

is_foreign <- function(e) is.null(e) || is.object(e) && !inherits(e, "fmalloc")

# R asks this when the operands have methods of different classes: Ops.fmalloc() shall
# have the word, and hands it on.
#' @export
chooseOpsMethod.fmalloc <- function(x, y, mx, my, cl, reverse) TRUE

#' @rdname fmalloc-arithmetic
#' @export
Math.fmalloc <- function(x, ...) {
  # log(base = 2, x = v): R calls the method of v and mixes up the two arguments.
  if (!inherits(x, "fmalloc")) return(log(..1, x))
  if (is_fmalloc(x)) {
    return(withCallingHandlers(.Call(rfm_c_math, .Generic, x, list(...)),
      warning = repeated()))
  }
  get(.Generic, baseenv())(without_class(x), ...)
}

#' @rdname fmalloc-arithmetic
#' @param z A vector that lives in a store.
#' @export
Complex.fmalloc <- function(z) {
  f <- get(.Generic, baseenv())
  if (!is_fmalloc(z)) return(f(without_class(z)))
  withCallingHandlers(.Call(rfm_c_math, .Generic, z, list()), warning = repeated())
}

# What has no way of its own into the store R computes in memory.
#' @rdname fmalloc-arithmetic
#' @param y The other operand.
#' @export
matrixOps.fmalloc <- function(x, y) {
  if (missing(y)) y <- NULL
  z <- product(.Generic, x, y)
  if (!is.null(z)) return(z)
  f <- get(.Generic, baseenv())
  if (is.null(y) && .Generic != "%*%") return(in_store(f(view(x)), x))
  in_store(f(view(x), view(y)), if (is_fmalloc(x)) x else y)
}

# A handler of warnings: every block gives its own, and of those that say the same the
# first one passes. (A function that took the computation as its argument would keep
# a reference to the result in the handler's environment: the next y[i] <- v would
# copy it.)
repeated <- function() {
  seen <- character()
  function(w) {
    text <- conditionMessage(w)
    if (text %in% seen) tryInvokeRestart("muffleWarning")
    seen <<- c(seen, text)
  }
}

# x without the classes of this package. Objects that other code has made from
# vectors of ours (t(x), say) may carry the class though they are ordinary.
without_class <- function(x) {
  if (inherits(x, "fmalloc")) {
    class <- oldClass(x)
    ours <- seq.int(grep("^fmalloc", class)[1L], length(class))
    oldClass(x) <- if (length(class[-ours])) class[-ours]
  }
  x
}

# R's own range() makes an ordinary copy of its arguments first.
#' @rdname fmalloc-arithmetic
#' @param na.rm,finite As for [range()].
#' @export
range.fmalloc <- function(..., na.rm = FALSE, finite = FALSE) {
  if (finite || is.list(..1)) return(range.default(..., na.rm = na.rm, finite = finite))
  c(min(..., na.rm = na.rm), max(..., na.rm = na.rm))
}
