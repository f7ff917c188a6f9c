#' Opens it
#' @export
open_it <- function(x) {
  x[[1]]
}
