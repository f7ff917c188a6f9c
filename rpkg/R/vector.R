#' Create a vector in a store
#'
#' @param type `"logical"`, `"integer"`, `"numeric"` (or `"double"`), `"complex"`,
#'   `"raw"`, `"character"` or `"list"`.
#' @param length Number of elements: non-negative and integer-valued.
#' @param runtime A handle from [open_fmalloc()]; the default store if `NULL`.
#' @param zero_initialize If `FALSE`, the elements start with arbitrary values, for
#'   large vectors that are filled at once anyway. Strings and lists always start as
#'   `""` and `NULL`.
#' @param plain If `TRUE`, the vector has no class of this package: it prints as an
#'   ordinary one, and `identical(x, 1:10)` may hold. If it is not given, the option
#'   `Rfmalloc.plain` decides.
#' @return A vector of class `c("fmalloc_vector", "fmalloc", type)`. `x[i]` of one
#'   element is an ordinary scalar; a longer `x[i]` lies in the same store, as do the
#'   results of arithmetic, comparison and mathematical functions.
#' @section Lists:
#' The elements of a list are `NULL` or vectors of the same store, lists among them;
#' anything else is an error, and [as_fmalloc()] makes a vector of it that can be an
#' element. Elements are values: what is later assigned to the vector that was put in
#' does not change the list. A vector that a list holds cannot be destroyed. Copies
#' and subsets of a list lie in the store and share its elements. Where a list grows
#' or shrinks (`l[[2]] <- NULL`), R makes an ordinary one, of the same elements.
#'
#' The store knows the elements' values. Their attributes travel with a reference to the
#' list, as written by [saveRDS()], for example. `rapply(how = "replace")` works if its
#' function gives vectors of the store.
#' @seealso [create_fmalloc_matrix()], [destroy_fmalloc_vector()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("numeric", 5, runtime = store)
#' x[] <- c(2, 3, 5, 7, 11)
#' x
#' x[2:3] * 10
#' l <- create_fmalloc_vector("list", 2, runtime = store)
#' l[[1]] <- x
#' x[1] <- 0
#' l[[1]][1]
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
create_fmalloc_vector <- function(type = "integer", length, runtime = NULL,
                                  zero_initialize = TRUE, plain = FALSE) {
  # All arguments are checked behind the door: a small vector is made in microseconds.
  .Call(rfm_c_vector, runtime, type, length, zero_initialize,
    if (missing(plain)) NULL else plain)
}

#' Destroy a vector
#'
#' The vector and all copies of it that share its data are closed: to use them
#' is an error from then on.
#'
#' @param x A vector that lives in a store.
#' @param unsafe In a persistent store: if `FALSE`, the vector's record and data stay
#'   in the file, and references that were saved still find them. If `TRUE`, the
#'   record becomes a tombstone and its room is used again, after the next
#'   [sync_fmalloc()]. In a scratch store, and for a temporary vector, the room
#'   always returns.
#' @return `TRUE` if a live vector was destroyed, `FALSE` if it had been before.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("integer", 10, runtime = store)
#' destroy_fmalloc_vector(x, unsafe = TRUE)
#' list_fmalloc_allocations(store)$state
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
destroy_fmalloc_vector <- function(x, unsafe = FALSE) {
  check_fmalloc_vector(x)
  .Call(rfm_c_destroy, x, check_flag(unsafe, "unsafe"))
}
