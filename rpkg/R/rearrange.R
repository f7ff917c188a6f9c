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
rep.fmalloc <- function(x, ...) {
  y <- repeated_elements(x, ...)
  if (is.null(y)) in_store(rep(view(x), ...), x) else y
}

# These two drop the names.
#' @method rep_len fmalloc
#' @export
rep_len.fmalloc <- function(x, length.out) {
  y <- repeated_elements(x, length.out = length.out, named = FALSE)
  if (is.null(y)) in_store(rep_len(view(x), length.out), x) else y
}

# Registered by hand: under its natural name it would be a method of rep().
#' @rawNamespace S3method(rep.int, fmalloc, repeated_int)
repeated_int <- function(x, times) {
  y <- repeated_elements(x, times, named = FALSE)
  if (is.null(y)) in_store(rep.int(view(x), times), x) else y
}

# rep(), where it is asked in the usual way; NULL leaves it to R. To repeat each element
# is to bind equal rows, or, if they are few, as many runs.
repeated_elements <- function(x, times = 1, ..., each = 1, length.out = NA, named = TRUE) {
  n <- as.double(length(x))
  counts <- c(each, if (!identical(length.out, NA)) length.out)
  if (...length() || n == 0 || length(counts) != 1L + !identical(length.out, NA) ||
    !are_counts(counts) || !are_counts(times)) return(NULL)
  if (length(times) != 1L) {
    suits <- length(times) == n && each == 1 && identical(length.out, NA)
    return(if (suits) repeated_as_told(x, times, named))
  }
  labels <- if (named && !is.null(names(x))) {
    rep(names(x), times = times, each = each, length.out = length.out)
  }
  total <- if (identical(length.out, NA)) n * each * times else as.double(length.out)
  if (each == 0) return(NULL)
  parts <- list(view(x)) # a list of x itself would be one more reference to it
  if (each > 1) {
    y <- if (each <= n) {
      .Call(rfm_c_bind, rep(parts, each), rep(1, each), n, NULL, NULL)
    } else {
      .Call(rfm_c_bind, c(lapply(seq_len(n), function(k) .subset(x, k)), parts),
        c(rep(as.double(each), n), 0), 1, NULL, NULL)
    }
    if (is.null(y) || total == n * each && is.null(labels)) return(y)
    parts <- list(y)
  }
  .Call(rfm_c_bind, parts, total, 1, NULL, labels)
}

are_counts <- function(v) {
  if (!is.numeric(v) || is.object(v)) return(FALSE)
  for (first in seq.int(1, max(1, length(v)), by = block_elements)) {
    some <- v[first:min(first + block_elements - 1, length(v))]
    if (anyNA(some) || !all(some >= 0 & some == floor(some) & some <= 2^52)) return(FALSE)
  }
  TRUE
}

# A number of times for each element: so many elements at once that neither they nor
# what becomes of them is large, if no single one is repeated very often.
repeated_as_told <- function(x, times, named) {
  total <- sum(as.double(times))
  if (total < 2 || is.list(x) || !is_fmalloc(x)) return(NULL)
  runtime <- .Call(rfm_c_runtime_of, x)
  if (!.Call(rfm_c_is_open, runtime)) return(NULL)
  labels <- if (named && !is.null(names(x))) rep(names(x), times)
  y <- .Call(rfm_c_temporary, runtime, typeof(x), total)
  n <- length(x)
  step <- max(1, floor(block_elements / max(1, total / n)))
  at <- 0
  for (first in seq.int(1, n, by = step)) {
    which <- first:min(first + step - 1, n)
    block <- rep(.subset(x, which), times[which])
    if (length(block)) y[at + seq_along(block)] <- block
    at <- at + length(block)
  }
  if (!is.null(labels)) names(y) <- labels
  oldClass(y) <- fmalloc_class(y)
  y
}

#' @export
c.fmalloc <- function(..., recursive = FALSE, use.names = TRUE) {
  parts <- list(...)
  usual <- (isTRUE(recursive) || isFALSE(recursive)) &&
    (isTRUE(use.names) || isFALSE(use.names)) && all(vapply(parts, is_joinable, NA)) &&
    (!recursive || !any(vapply(parts, is.list, NA)))
  y <- if (usual) {
    .Call(rfm_c_bind, parts, vapply(parts, length, 0), 1, NULL,
      if (use.names) joined_names(parts))
  }
  if (!is.null(y)) return(y)
  in_store(do.call(c, c(lapply(parts, view), list(recursive = recursive,
    use.names = use.names)), quote = TRUE), parts[[1L]])
}

# Vectors that R would take as they are. The class of a stranger may mean anything.
is_joinable <- function(part) {
  is.null(part) || (is.atomic(part) || is.list(part)) &&
    (!is.object(part) || inherits(part, "fmalloc"))
}

# R's rules for the names are long (a1, a2, b, c.x). They do not depend on the elements,
# so vectors of single bytes stand in for these.
joined_names <- function(parts) {
  if (is.null(names(parts)) && all(vapply(parts, function(p) is.null(names(p)), NA))) {
    return(NULL)
  }
  bytes <- lapply(parts, function(p) {
    if (is.null(p)) NULL else structure(raw(length(p)), names = names(p))
  })
  names(do.call(c, bytes))
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
  if (is.null(y)) y <- unique(for_hashing(x), ...)
  in_store_if_large(y, x)
}

#' @export
duplicated.fmalloc <- function(x, ...) in_store(duplicated(for_hashing(x), ...), x)

#' @export
anyDuplicated.fmalloc <- function(x, ...) anyDuplicated(for_hashing(x), ...)

# What R asks for each element several times over: of text, R's own array of it.
for_hashing <- function(x) {
  if (is.character(x) && is.null(dim(x))) .Call(rfm_c_strings, x) else view(x)
}

#' @importFrom utils tail
#' @export
tail.fmalloc <- function(x, ...) in_store(tail(view(x), ...), x)

#' @export
summary.fmalloc <- function(object, ...) summary(view(object), ...)

#' @export
determinant.fmalloc <- function(x, ...) determinant(view(x), ...)

#' @export
isSymmetric.fmalloc_matrix <- function(object, ...) isSymmetric(view(object), ...)

# R's own, which looks at what `select` is called in the caller's frame. It takes its rows by
# `[`, and so they lie in the store.
#' @export
subset.fmalloc_matrix <- base::subset.matrix

#' @importFrom graphics boxplot
#' @export
boxplot.fmalloc_matrix <- function(x, ...) boxplot(view(x), ...)

# These have methods for "numeric", which integers are to R if they have no class.
#' @export
as.Date.fmalloc <- function(x, ...) as.Date(without_class(x), ...)

#' @export
as.POSIXct.fmalloc <- function(x, tz = "", ...) as.POSIXct(without_class(x), tz, ...)

#' @export
as.POSIXlt.fmalloc <- function(x, tz = "", ...) as.POSIXlt(without_class(x), tz, ...)

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
