#' Several changes, all or none
#'
#' All that is put, removed and renamed in the block takes effect together at its end. If
#' the block ends by an error, a jump or Ctrl-C, or the process dies, nothing has
#' happened, and after an error the names are as before. Other processes never see a part of it.
#'
#' Inside the block this session sees the store as it will be. A transaction within a
#' transaction joins the outer one; if it fails, and the outer block goes on, only its own
#' changes are dropped.
#'
#' Changes of names are what a transaction is about. Vectors that the block makes with
#' [create_fmalloc_vector()], and elements that it assigns to in place, are not part of it.
#'
#' @param runtime A handle from [open_fmalloc()]; the default store if `NULL`.
#' @param expr The block.
#' @return The value of the block.
#' @seealso [put_fmalloc()], [sync_fmalloc()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' store$balance <- c(ann = 10, bob = 5)
#' transaction_fmalloc(store, {
#'   b <- store$balance
#'   b["ann"] <- b["ann"] - 3
#'   b["bob"] <- b["bob"] + 3
#'   store$balance <- b
#'   store$log <- "ann gave 3 to bob"
#' })
#' try(transaction_fmalloc(store, {
#'   store$log <- NULL
#'   stop("never mind")
#' }))
#' names(store)
#' store$balance
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
transaction_fmalloc <- function(runtime = NULL, expr) {
  # A block that stands alone would be evaluated as the handle.
  if (missing(expr)) fail("argument", "expr is required: transaction_fmalloc(runtime, { ... })")
  runtime <- resolve(runtime)
  store <- .Call(rfm_c_number, runtime)
  outer <- open_transactions[[store]]
  if (is.null(outer) || outer$process != Sys.getpid()) {
    # Refuses, before anything is done, what could not be committed.
    .Call(rfm_c_change, runtime, character(), list(), character(), numeric())
    outer <- NULL
    assign(store, list(process = Sys.getpid(), changes = list()), open_transactions)
  }
  done <- FALSE
  on.exit(if (!done) drop_changes(store, outer))
  value <- withVisible(expr)
  if (is.null(outer)) {
    suspendInterrupts({
      commit(runtime, open_transactions[[store]]$changes)
      done <- TRUE
      drop_changes(store, NULL)
    })
    sync_if_due(runtime)
  }
  done <- TRUE
  if (value$visible) value$value else invisible(value$value)
}

# By the number of the open store: what has been changed so far, by name. A change is a list: name, and,
# unless the name goes, value (a pointer to the stored object), note and time.
open_transactions <- new.env(parent = emptyenv())

staged_changes <- function(runtime) {
  open <- open_transactions[[.Call(rfm_c_number, runtime)]]
  if (!is.null(open) && open$process == Sys.getpid()) open$changes
}

# Ends a transaction, or puts one back to where it was; then the outer one may still need
# what was stored, and the collector decides.
drop_changes <- function(store, back_to) {
  if (!is.null(back_to)) {
    assign(store, back_to, open_transactions)
    return()
  }
  now <- open_transactions[[store]]$changes
  rm(list = store, envir = open_transactions)
  lapply(now, let_go)
}

let_go <- function(change) if (!is.null(change$value)) .Call(rfm_c_let_go, list(change$value))

# Makes changes: now, or at the end of the transaction.
change <- function(runtime, changes) {
  store <- .Call(rfm_c_number, runtime)
  if (is.null(staged_changes(runtime))) {
    commit(runtime, changes)
    lapply(changes, let_go)
    sync_if_due(runtime)
    return(invisible())
  }
  open <- open_transactions[[store]]
  for (one in changes) open$changes[[one$name]] <- one
  assign(store, open, open_transactions)
  invisible()
}

commit <- function(runtime, changes) {
  or <- function(x, default) if (is.null(x)) default else x
  .Call(rfm_c_change, runtime,
    vapply(changes, function(one) one$name, "", USE.NAMES = FALSE),
    lapply(unname(changes), function(one) one$value),
    vapply(changes, function(one) or(one$note, ""), "", USE.NAMES = FALSE),
    vapply(changes, function(one) or(one$time, 0), 0, USE.NAMES = FALSE))
}

sync_if_due <- function(runtime) {
  if (sync_policy(runtime) == "put") sync_fmalloc(runtime)
}

# The names there are, with those of the transaction.
all_names <- function(runtime) {
  names <- .Call(rfm_c_names, runtime)$name
  for (one in staged_changes(runtime)) {
    names <- if (is.null(one$value)) setdiff(names, one$name) else union(names, one$name)
  }
  sort(names, method = "radix")
}

# What a name stands for: value, note, time; or NULL.
find_name <- function(name, runtime) {
  one <- staged_changes(runtime)[[name]]
  if (is.null(one)) return(.Call(rfm_c_named, runtime, name))
  if (!is.null(one$value)) one[c("value", "note", "time")]
}
