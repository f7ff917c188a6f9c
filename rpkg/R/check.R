#' Check a store
#'
#' Reads the file and verifies it byte by byte: superblocks, every record of the
#' catalogue, that no two vectors overlap. The verifier shares no code with the
#' one that writes stores, changes nothing, and may run while the store is open.
#' The program `rfm-check`, installed with the package, does the same in a shell:
#' it exits with 0 if the store is sound, 1 if it is damaged and 2 if the file is
#' not a store.
#'
#' @param filepath Path of the file.
#' @param x An object from `check_fmalloc()`.
#' @param ... Ignored.
#' @return A list of class `fmalloc_check`: `sound` (`TRUE` or `FALSE`), `path`,
#'   `lines` (each finding, in words) and `report` (counts). A file that is no
#'   store is an error.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("numeric", 1000, runtime = store)
#' cleanup_fmalloc(store)
#' check_fmalloc(path)
#' unlink(path)
#' @export
check_fmalloc <- function(filepath) {
  path <- check_path(filepath)
  found <- .Call(rfm_c_check, path)
  structure(
    list(sound = found$sound, path = path, lines = found$lines, report = found$report),
    class = "fmalloc_check"
  )
}

#' @rdname check_fmalloc
#' @export
print.fmalloc_check <- function(x, ...) {
  writeLines(c(
    paste0(if (x$sound) "sound: " else "DAMAGED: ", x$path),
    paste0("  ", format_report(x$report)),
    if (length(x$lines)) paste0("  ", x$lines)
  ))
  invisible(x)
}

format_report <- function(report) {
  c(
    paste0(describe_bytes(report$file_bytes), ", ",
      if (report$clean) "closed cleanly" else "not closed cleanly",
      if (report$scratch) ", a scratch store"),
    paste0(describe_count(report$live, "live vector"), " (",
      describe_bytes(report$live_bytes), "), ",
      describe_count(report$records, "record"), " in ",
      describe_count(report$segments, "segment"), ", ",
      format_count(report$uncommitted), " since the last commit")
  )
}
