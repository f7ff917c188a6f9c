#' How much room vectors take
#'
#' @param x A vector that lives in a store, or a data frame.
#' @return A data frame with one row for a vector, or one for each column of a data frame
#'   (and the columns' names as row names):
#'   * `on_disk`: bytes of the store's file that it takes, with the text of its strings or
#'     its elements (one that occurs twice counts twice);
#'   * `resident`: how many of them are in memory at the moment;
#'   * `materialised`: bytes that R keeps in its own memory for its elements. Numbers are
#'     read where they lie, so it is 0 for them.
#'
#'   An ordinary column takes nothing on disk, and is all `materialised`.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' d <- as_fmalloc(data.frame(x = rnorm(1000), y = 1:1000), store)
#' fmalloc_sizes(d)
#' fmalloc_sizes(d$x)
#' rm(d)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
fmalloc_sizes <- function(x) {
  if (is.data.frame(x) && !.Call(rfm_c_is_fmalloc, x)) {
    sizes <- vapply(unclass(x), sizes_of, numeric(3), USE.NAMES = FALSE)
    rows <- make.unique(names(x))
  } else {
    sizes <- matrix(.Call(rfm_c_sizes, check_fmalloc_vector(x)), 3L)
    rows <- NULL
  }
  data.frame(on_disk = sizes[1L, ], resident = sizes[2L, ], materialised = sizes[3L, ],
    row.names = rows)
}

sizes_of <- function(column) {
  if (.Call(rfm_c_is_fmalloc, column)) return(.Call(rfm_c_sizes, column))
  c(0, 0, as.numeric(utils::object.size(column)))
}
