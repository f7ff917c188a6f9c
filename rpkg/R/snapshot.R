#' Copy a store while it is in use
#'
#' Makes a new file that holds what the store holds now. The store is synced first and can be
#' used at once afterwards, by this process and by others; vectors need not be given up.
#'
#' On a file system whose files can share their blocks (Btrfs and XFS on Linux, APFS on macOS)
#' the copy takes no time and no room. Elsewhere those parts of the file are copied that
#' are in use. In an interactive session that has waited for two seconds a progress bar
#' appears. After Ctrl-C or an error no new file is there.
#'
#' Shared blocks are copied by the file system later, when one of the files changes. If the disk
#' is full then, an assignment to a vector of the store may end the R session (with a bus error);
#' the store is not damaged by that. So leave some room on the disk.
#'
#' The file appears under its name when it is complete and safe from a power cut. A machine that
#' stops in the middle may leave a file `to` with eight digits and `.part` behind it,
#' which can be deleted.
#'
#' The copy is a store like any other, and it has the same UUID: it is a backup, and when it
#' is put into the place of the original, saved references lead to the vectors in it.
#' Vectors made after the copy, in the one file or in the other, are never confused: a
#' reference to such a vector finds it only in the file in which it was made, and if another
#' one is open and that file is not, it is an error of class `fmalloc_tombstone` or
#' `fmalloc_no_record`.
#'
#' @inheritParams sync_fmalloc
#' @param to Path of the new file. There must be no such file.
#' @return The path of the copy, invisibly.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- as_fmalloc(c(2, 3, 5, 7), store)
#' reference <- serialize(x, NULL)
#' backup <- tempfile(fileext = ".bin")
#' snapshot_fmalloc(store, backup)
#' rm(x)
#' cleanup_fmalloc(store)
#' invisible(gc())
#'
#' file.rename(backup, path)           # the disk died, say
#' sum(unserialize(reference))
#' unlink(path)
#' @export
snapshot_fmalloc <- function(runtime = NULL, to) {
  runtime <- resolve(runtime)
  path <- check_path(to, "to")
  copy <- .Call(rfm_c_snapshot_begin, runtime, path)
  on.exit(.Call(rfm_c_snapshot_drop, copy))
  meter <- new_meter(.Call(rfm_c_snapshot_left, copy))
  on.exit(meter$close(), add = TRUE)
  while ((copied <- .Call(rfm_c_snapshot_step, copy, snapshot_step)) > 0) meter$add(copied)
  .Call(rfm_c_snapshot_finish, copy)
  tell("copied a store to ", path)
  invisible(path)
}

snapshot_step <- 2^26 # bytes between two chances to press Ctrl-C
