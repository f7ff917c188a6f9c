#' Open a store
#'
#' Opens the file `filepath` as a store, or makes one there. A path that is open
#' already in this process, also by another name or through a link, gives another
#' handle on the same store.
#'
#' One process at a time may write. Others may open the store with
#' `access = "read"` meanwhile: they see what was there when they opened it, and
#' what they assign to such a vector stays in their own memory.
#'
#' The file grows when it must. It is sparse: space is taken from the disk when
#' vectors are created, and a full disk is an error then, not a crash later.
#'
#' @param filepath Path of the file. `~` is expanded.
#' @param size_gb Size of a new file in GB (2^30 bytes), 32 MB if not given. A file
#'   that exists keeps its size.
#' @param mode `"persistent"` keeps vectors in the file until they are destroyed,
#'   and `saveRDS()` writes references to them. `"scratch"` uses the file as a
#'   large temporary arena: nothing in it survives, vectors are serialized by
#'   value, and the file is removed at the end if this call made it.
#' @param access `"write"`, or `"read"` for a store that must exist and is not
#'   changed.
#' @return A handle: an external pointer of class `fmalloc_runtime`, with the
#'   attributes `initialized` (`TRUE` if this call made the store), `mode` and
#'   `uuid`.
#' @seealso [cleanup_fmalloc()], [sync_fmalloc()], [create_fmalloc_vector()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' store
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
open_fmalloc <- function(filepath, size_gb = NULL, mode = c("persistent", "scratch"),
                         access = c("write", "read")) {
  path <- check_path(filepath)
  bytes <- check_size(size_gb)
  mode <- match.arg(mode)
  access <- match.arg(access)
  runtime <- .Call(rfm_c_open, path, bytes, mode, access)
  tell(if (attr(runtime, "initialized")) "made " else "opened ", path, " (", mode, ")")
  runtime
}

#' Open the default store
#'
#' Opens a store as [open_fmalloc()] does and keeps it as the default, which the
#' other functions use when no `runtime` is given. If there is a default already,
#' it stays, and a warning says so.
#'
#' @inheritParams open_fmalloc
#' @return `TRUE` if the store was newly made, `FALSE` if it was there.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' init_fmalloc(path)
#' x <- create_fmalloc_vector("integer", 1000)
#' cleanup_fmalloc()
#' unlink(path)
#' @export
init_fmalloc <- function(filepath, size_gb = NULL, mode = c("persistent", "scratch")) {
  if (!is.null(.Call(rfm_c_default))) {
    warning("fmalloc already initialized: the default store stays as it is; ",
      "cleanup_fmalloc() closes it")
    return(invisible(FALSE))
  }
  attr(.Call(rfm_c_set_default, open_fmalloc(filepath, size_gb, mode)), "initialized")
}

#' Make a store durable
#'
#' When it returns, everything in the store survives a power cut. (Until then it
#' survives the death of the process.) Closing a store does the same.
#'
#' @param runtime A handle from [open_fmalloc()]; the default store if `NULL`.
#' @return The handle, invisibly.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("numeric", 10, runtime = store)
#' x[] <- rnorm(10)
#' sync_fmalloc(store)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
sync_fmalloc <- function(runtime = NULL) {
  runtime <- resolve(runtime)
  .Call(rfm_c_sync, runtime)
  invisible(runtime)
}

#' Close a store
#'
#' Makes the store durable and closes it. Vectors of it that are still reachable go
#' on working, and the file stays mapped and locked until R has collected the last
#' of them. New vectors can't be created through the handle any more. To close
#' a store that is closed, or nothing, does nothing.
#'
#' @inheritParams sync_fmalloc
#' @return `NULL`, invisibly.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("integer", 3, runtime = store)
#' cleanup_fmalloc(store)
#' sum(x)
#' rm(x)
#' unlink(path)
#' @export
cleanup_fmalloc <- function(runtime = NULL) {
  if (is.null(runtime)) runtime <- .Call(rfm_c_default)
  if (is.null(runtime)) return(invisible(NULL))
  .Call(rfm_c_close, check_runtime(runtime))
  tell("closed a store")
  invisible(NULL)
}

check_runtime <- function(runtime) {
  if (!inherits(runtime, "fmalloc_runtime")) {
    fail("argument", "runtime must be a handle from open_fmalloc()", call = sys.call(-1L))
  }
  runtime
}

# The store that the user means.
resolve <- function(runtime) {
  if (is.null(runtime)) runtime <- .Call(rfm_c_default)
  if (is.null(runtime)) {
    fail("argument", "fmalloc not initialized: call init_fmalloc() first, ",
      "or give runtime = a handle from open_fmalloc()", call = sys.call(-1L))
  }
  check_runtime(runtime)
}
