#' Data frames with columns in a store
#'
#' `create_fmalloc_data_frame()` makes a data frame of vectors that live in a store.
#' The columns are not copied: they are the vectors that were given. The data frame
#' itself is an ordinary R object, so [saveRDS()] writes references to the columns.
#' `as_fmalloc_data_frame()` does the same and takes the columns as they are; to
#' move an ordinary data frame into a store, see [as_fmalloc()].
#'
#' @param ... Columns, named or not, or objects that have several.
#' @param row.names,check.names As for [data.frame()].
#' @param stringsAsFactors Kept for older code: passed on to [data.frame()].
#' @param plain If `TRUE`, the columns in the frame have no class of this package. They
#'   share their data with the vectors that were given, so from then on an assignment to
#'   either makes a copy first. If it is not given, the option `Rfmalloc.plain` decides.
#' @return A data frame.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("integer", 3, runtime = store)
#' y <- create_fmalloc_vector("numeric", 3, runtime = store)
#' x[] <- 1:3
#' y[] <- c(2.5, 3.5, 5)
#' d <- create_fmalloc_data_frame(x, speed = y)
#' d
#' is_fmalloc(d)
#' colMeans(d)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
create_fmalloc_data_frame <- function(..., row.names = NULL, check.names = TRUE,
                                      stringsAsFactors = FALSE,
                                      plain = FALSE) {
  plain <- if (missing(plain)) plain_by_option() else check_flag(plain, "plain")
  frame <- data.frame(..., row.names = row.names, check.names = check.names,
    stringsAsFactors = stringsAsFactors)
  if (plain) plain_columns(frame) else frame
}

#' @rdname create_fmalloc_data_frame
#' @export
as_fmalloc_data_frame <- function(..., row.names = NULL, check.names = TRUE,
                                  stringsAsFactors = FALSE) {
  data.frame(..., row.names = row.names, check.names = check.names,
    stringsAsFactors = stringsAsFactors)
}

plain_columns <- function(frame) {
  columns <- lapply(unclass(frame), function(column) {
    if (.Call(rfm_c_is_fmalloc, column)) .Call(rfm_c_alias, column, TRUE) else column
  })
  as_frame(columns, frame)
}
