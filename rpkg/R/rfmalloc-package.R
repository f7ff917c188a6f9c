#' Vectors that live in a file
#'
#' A *store* is a file that holds vectors. [open_fmalloc()] opens or makes one,
#' [create_fmalloc_vector()] and [create_fmalloc_matrix()] put vectors into it.
#' They are vectors like any other: `x[i]`, `x[i] <- v`, `x + 1`, `mean(x)` and
#' functions of other packages work on them. Their data lie in the file, which is
#' mapped into memory, so they can be larger than memory and are still there
#' when the session is not.
#'
#' @section Objects by name:
#' A store is also a small database of R objects: `store$flights <- d` puts a data frame, or any
#' other object, into it under a name, and `store$flights` gives it back, in this session or in any
#' later one, at once and whatever its size. See [put_fmalloc()], [list_fmalloc()],
#' [transaction_fmalloc()] and [append_fmalloc()].
#'
#' @section Vectors remain values:
#' Two variables never change each other's elements, though the data lie in one
#' file. A vector is in one of these states (column `state` of
#' [list_fmalloc_allocations()]):
#' * *temporary*: a result such as `x + 1` or `x[1:1000]`. It lies in the store's
#'   file, belongs to its R object, and its room returns when R collects that.
#' * *committed*: made by `create_fmalloc_vector()` and the like. It stays in the
#'   store until [destroy_fmalloc_vector()] removes it.
#' * *sealed*: committed, and a name leads to it, or `serialize()` or `saveRDS()` has
#'   written a reference to it. Its data never change again: `x[1] <- 0` gives `x` a copy, which is
#'   temporary, and what was saved stays as saved.
#' * *tombstone*: destroyed. Its identifier is never used again.
#'
#' @section What is promised:
#' * When the process dies (`kill -9`, a crash in another package), nothing that was
#'   created, written, put or saved is lost.
#' * After a power cut the store is as of the last completed [sync_fmalloc()] or
#'   [cleanup_fmalloc()], or the one in flight.
#' * A name stands for a whole object, the old one or the new one, whatever happens; and
#'   of a transaction all changes have happened, or none.
#' * A failed operation raises an error of its own class (see [fmalloc_error]) and
#'   changes nothing.
#' * A file that is not a store is never written to.
#'
#' What is not promised: protection against a failing disk beyond what checksums
#' of the catalogue notice, use over NFS by several machines, and use from any
#' thread but R's main one, which is refused with an error.
#'
#' @section Options:
#' `Rfmalloc.verbose` (default `FALSE`): tell, by [message()], when a store is
#' made, opened and closed.
#'
#' `Rfmalloc.plain` (default `FALSE`): what `plain` is in `create_fmalloc_vector()` and
#' its kin when it is not given.
#'
#' `Rfmalloc.path` (default `NULL`): folders in which a store is looked for, under its
#' name, when a saved reference to it is read and it is neither open nor where it was.
#'
#' @section Files that were moved:
#' A reference written by [saveRDS()] finds its store by the store's UUID. It asks, in this
#' order: the stores that are open; the file at the path that it remembers; files of that
#' name in the folder of the file that [readRDS()] or [load()] is reading and in the working
#' folder; and those in the folders of the option `Rfmalloc.path`. Each is opened for
#' reading and compared; another store of the same name is never taken for the right
#' one. If none is found, the error tells what was tried.
#'
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("numeric", 1e5, runtime = store)
#' x[] <- sqrt(seq_along(x))
#' mean(x)
#'
#' saved <- serialize(x, NULL)
#' length(saved)
#' y <- unserialize(saved)
#' x[1] <- 0
#' c(x[1], y[1])
#'
#' cleanup_fmalloc(store)
#' unlink(path)
#' @useDynLib Rfmalloc, .registration = TRUE
"_PACKAGE"
