#' List what a store holds
#'
#' @inheritParams sync_fmalloc
#' @return A data frame with one row for each vector: first the records of the
#'   catalogue in the order they were made, then the temporary vectors of this
#'   session. Columns:
#'   * `record_offset`: where in the file the record lies, or 0;
#'   * `generation`: its identifier, never used twice in a store;
#'   * `state`: `"committed"`, `"tombstone"` or `"temporary"`;
#'   * `type`, `length`;
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
