#' Open a store
#'
#' Opens the file `filepath` as a store, or makes one there. A path that is open
#' already in this process, also by another name or through a link, gives another
#' handle on the same store.
#'
#' One process at a time may write. Others may open the store with
#' `access = "read"` meanwhile; see the section on readers.
#'
#' The file grows when it must. It is sparse: space is taken from the disk when
#' vectors are created, and a full disk is an error then, not a crash later. (Btrfs and ZFS
#' write changes to other blocks, and no program can reserve these; nor those that a file shares
#' with a [snapshot][snapshot_fmalloc()]. Leave some room on such a disk.)
#'
#' @param filepath Path of the file. `~` is expanded.
#' @param size_gb Size of a new file in GB (2^30 bytes), 32 MB if not given. A file
#'   that exists keeps its size.
#' @param mode `"persistent"` keeps vectors in the file until they are destroyed,
#'   and `saveRDS()` writes references to them. `"scratch"` uses the file as a
#'   large temporary arena: nothing in it survives, vectors are serialized by
#'   value, and the file is removed at the end if this call made it.
#' @param access `"write"`, or `"read"` for a store that must exist and is not
#'   changed. In the process that has it open for writing, `"read"` gives another
#'   handle on the same store, which may write.
#' @param sync When the store is made durable without being asked: when it is
#'   closed, also after each object that is put by name and each transaction, or
#'   never. See the section on durability. If a store is opened more than once in
#'   this process, the strictest of the answers holds.
#' @section Readers:
#' There may be any number of readers, beside a writer or without one. A reader sees
#' the store as it was when he opened it, and as it was at his last
#' [refresh_fmalloc()]. (Reading back a reference to something newer moves him, too.)
#' What he has in hand stays what it was, whatever the writer replaces or destroys;
#' its room is not used again as long as a reader is there. The exception is a
#' vector that was never saved, such as [recover_fmalloc_vector()] gives: if the
#' writer assigns to it in place, a reader may see that.
#'
#' A reader sees all that was written until then, not only what was synced: the
#' writer's death loses none of it, and only a power cut could take the last part
#' back.
#'
#' What a reader assigns, creates or computes stays in his own memory. To destroy,
#' to put, to sync or to copy the store is an error of class `fmalloc_read_only`.
#' @section Durability:
#' The death of the process loses nothing, whatever `sync` is. It is a power cut, or a
#' crash of the operating system, that takes the store back to its last sync.
#'
#' * `"close"`: a sync when the last handle is closed, at a cost of some milliseconds
#'   for the flush and of the time that the disk needs for what is not on it yet.
#' * `"put"`: also after each object that is stored by name, and after each
#'   transaction. Each waits for the disk.
#' * `"never"`: closing does not wait for the disk. The file is left as the death of
#'   the process would leave it, and the next session, which finds everything, waits
#'   at its first change. After a power cut the store is that of the last sync, which
#'   may be long ago, or empty: never half of something. For data that can be made
#'   again.
#'
#' With each of them [sync_fmalloc()] makes all durable at once, and a store may sync by
#' itself when it needs the room of what was destroyed.
#' @return A handle: an external pointer of class `fmalloc_runtime`, with the
#'   attributes `initialized` (`TRUE` if this call made the store), `mode` and
#'   `uuid`.
#' @seealso [cleanup_fmalloc()], [sync_fmalloc()], [refresh_fmalloc()],
#'   [create_fmalloc_vector()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' store
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
open_fmalloc <- function(filepath, size_gb = NULL, mode = c("persistent", "scratch"),
                         access = c("write", "read"), sync = c("close", "put", "never")) {
  path <- check_path(filepath)
  bytes <- check_size(size_gb)
  mode <- match.arg(mode)
  access <- match.arg(access)
  sync <- match.arg(sync)
  runtime <- .Call(rfm_c_open, path, bytes, mode, access, sync)
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
init_fmalloc <- function(filepath, size_gb = NULL, mode = c("persistent", "scratch"),
                         access = c("write", "read"), sync = c("close", "put", "never")) {
  if (!is.null(.Call(rfm_c_default))) {
    warning("fmalloc already initialized: the default store stays as it is; ",
      "cleanup_fmalloc() closes it")
    return(invisible(FALSE))
  }
  attr(.Call(rfm_c_set_default, open_fmalloc(filepath, size_gb, mode, access, sync)),
    "initialized")
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

# When the store syncs by itself: "close", "put" or "never".
sync_policy <- function(runtime) .Call(rfm_c_sync_policy, runtime)

#' Look for what is new
#'
#' A store that was opened with `access = "read"` is seen as it was at that moment, while
#' another process may go on writing. This moves the reader to the newest state. Values that
#' he has in hand stay what they were.
#'
#' What he has in hand keeps its room in the store, although the writer has replaced or destroyed
#' it, and the file may grow meanwhile. Part of it may be garbage that R has not collected yet. So if
#' anything is in hand that is not in the newest state any more, R is made to collect its garbage
#' ([gc()]). That takes some tens of milliseconds, and is done so rarely that it takes at most a tenth
#' of the time, however often the reader looks.
#'
#' @inheritParams sync_fmalloc
#' @return `TRUE` if there was anything new, else `FALSE`; invisibly. In the process that
#'   writes there is never anything new.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- as_fmalloc(1:3, store)
#' refresh_fmalloc(store)              # the writer knows all there is
#' cleanup_fmalloc(store)
#' rm(x)
#' invisible(gc())
#' reader <- open_fmalloc(path, access = "read")
#' print(refresh_fmalloc(reader))      # nobody has written since
#' cleanup_fmalloc(reader)
#' unlink(path)
#' @export
refresh_fmalloc <- function(runtime = NULL) {
  invisible(.Call(rfm_c_refresh, resolve(runtime)))
}

#' Close a store
#'
#' Makes the store durable, unless it was opened with `sync = "never"`, and closes it. Vectors of it that are still reachable go
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
    fail("argument", "runtime must be a handle from open_fmalloc()")
  }
  runtime
}

# The store that the user means.
resolve <- function(runtime) {
  if (is.null(runtime)) runtime <- .Call(rfm_c_default)
  if (is.null(runtime)) {
    fail("argument", "fmalloc not initialized: call init_fmalloc() first, ",
      "or give runtime = a handle from open_fmalloc()")
  }
  check_runtime(runtime)
}
