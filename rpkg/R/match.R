# match() and %in% turn classed vectors into text first, unless told otherwise: that
# would take many times the room of a large vector, and TRUE would not match 1.

#' @export
#' @noRd
mtfrm.fmalloc <- function(x) if (is.character(x)) .Call(rfm_c_strings, x) else unclass(x)
