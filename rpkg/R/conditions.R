#' Errors of this package
#'
#' Every error that this package raises has the class `fmalloc_error` and one
#' that names its kind, so that [tryCatch()] can tell a full disk from a file
#' that is no store.
#'
#' | class | what happened |
#' |---|---|
#' | `fmalloc_argument` | an argument that makes no sense |
#' | `fmalloc_too_large` | a size that no store can hold |
#' | `fmalloc_no_memory` | the process has no memory or addresses left |
#' | `fmalloc_disk_full` | the file system has no room |
#' | `fmalloc_io` | the system reported an input or output error |
#' | `fmalloc_no_file` | no such file, or no such folder |
#' | `fmalloc_permission` | the file may not be opened so |
#' | `fmalloc_foreign` | the file is not a store |
#' | `fmalloc_version` | a store of a format this version does not know |
#' | `fmalloc_damaged` | a store whose bytes contradict each other |
#' | `fmalloc_locked` | another process is writing to the store |
#' | `fmalloc_mode` | the store is open, or was made, with the other mode |
#' | `fmalloc_closed` | the store or the vector was closed |
#' | `fmalloc_read_only` | the store was opened for reading |
#' | `fmalloc_forked` | a forked child may not do this |
#' | `fmalloc_poisoned` | an earlier write or flush failed: close, then reopen |
#' | `fmalloc_no_record` | a reference to a vector the store never had |
#' | `fmalloc_tombstone` | a reference to a vector that was destroyed |
#' | `fmalloc_no_name` | no object has this name |
#' | `fmalloc_mismatch` | a reference that does not fit what it points at |
#' | `fmalloc_has_parent` | destroying a vector that a list holds |
#' | `fmalloc_reference` | a serialized reference that cannot be read |
#' | `fmalloc_thread` | a call from another thread than R's main one |
#'
#' @section Fields:
#' Beside `message` and `call` the condition has `path` (the store's file, or
#' `NA`), `status` (the kind, as a string) and `errno` (the system's error
#' number, or 0).
#'
#' @examples
#' path <- tempfile()
#' writeLines("not a store", path)
#' tryCatch(
#'   open_fmalloc(path),
#'   fmalloc_foreign = function(e) basename(e$path) == basename(path)
#' )
#' unlink(path)
#' @name fmalloc_error
#' @aliases fmalloc_argument fmalloc_disk_full
NULL

# Raises the error that the C side would raise for the same cause.
fail <- function(kind, ..., path = NA_character_, call = users_call()) {
  stop(structure(
    class = c(paste0("fmalloc_", kind), "fmalloc_error", "error", "condition"),
    list(message = paste0(...), call = call, path = path, status = kind, errno = 0L)
  ))
}

# The call of that function of this package which its user called, if frame k is called by it.
# R evaluates arguments when they are needed, so what lies next on the stack may be anything:
# who called whom is told by the frames in which the calls were written. C asks, too.
users_call <- function(k = sys.parent()) {
  parents <- sys.parents()
  if (k < 1L) return(NULL)
  # For a call that C has written in another environment, R makes up a number.
  while (parents[k] > 0L && parents[k] < k &&
    identical(environment(sys.function(parents[k])), environment(users_call))) {
    k <- parents[k]
  }
  call <- sys.call(k)
  # Of an assignment R has put the value itself there, whatever its size.
  if ("value" %in% names(call)) call$value <- quote(value)
  call
}

# What the user asked to be told (option Rfmalloc.verbose).
tell <- function(...) {
  if (isTRUE(getOption("Rfmalloc.verbose"))) message("fmalloc: ", ...)
}
