#' List what a store holds
#'
#' @inheritParams sync_fmalloc
#' @return A data frame with one row for each vector: first the records of the
#'   catalogue in the order they were made, then the temporary vectors of this
#'   session. Columns:
#'   * `record_offset`: where in the file the record lies, or 0;
#'   * `generation`: its identifier, never used twice in a store;
#'   * `state`: `"committed"`, `"tombstone"` or `"temporary"`;
#'   * `type`, `length`: `"object"` is a vector with its attributes, `"serialized"` the bytes of
#'     an object that is no vector (see [put_fmalloc()]);
#'   * `payload_offset`, `payload_nbytes`: where its data lie, and how many bytes;
#'   * `flags`: 1 if the record is sealed, since a reference to it was saved;
#'   * `recoverable`: can a saved reference be opened?
#'
#'   A scratch store has no catalogue, hence no rows.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("integer", 10, runtime = store)
#' list_fmalloc_allocations(store)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
list_fmalloc_allocations <- function(runtime = NULL) {
  columns <- .Call(rfm_c_list, resolve(runtime))
  structure(columns, class = "data.frame",
    row.names = .set_row_names(length(columns$generation)))
}

#' Recover a vector from its record
#'
#' Gives the R vector of any record that [list_fmalloc_allocations()] calls `committed`,
#' whether or not an R object for it exists. So nothing in a store is ever out of reach.
#'
#' A record that nobody uses can be changed in place through the recovered vector, as after
#' [create_fmalloc_vector()]. If another vector of this session uses the record, neither
#' changes the other: of a sealed record (`flags` 1) both share the data, of any other
#' the result is a temporary copy of the present values, and what is assigned to it does
#' not reach the record. [destroy_fmalloc_vector()] destroys the record in any case.
#'
#' Names, dimensions and other attributes are not part of a vector's record and do not come back.
#' The record of an object that was put by name (type `"object"` or `"serialized"`) gives the
#' object with all of them; see [get_fmalloc()].
#'
#' @inheritParams create_fmalloc_vector
#' @param record_offset A number from the column `record_offset` of
#'   [list_fmalloc_allocations()]. Offsets change when a store is tidied: take it from
#'   a listing of this session.
#' @return A vector of class `c("fmalloc_vector", "fmalloc", type)`, or an object.
#' @seealso [list_fmalloc_allocations()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("integer", 3, runtime = store)
#' x[] <- c(2L, 3L, 5L)
#' rm(x)
#' gc()
#' records <- list_fmalloc_allocations(store)
#' recover_fmalloc_vector(store, records$record_offset[1])
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
recover_fmalloc_vector <- function(runtime = NULL, record_offset, plain = FALSE) {
  runtime <- resolve(runtime)
  if (missing(record_offset)) fail("argument", "record_offset is required")
  offset <- check_count(record_offset, "record_offset")
  .Call(rfm_c_recover, runtime, offset,
    if (missing(plain)) plain_by_option() else check_flag(plain, "plain"))
}
