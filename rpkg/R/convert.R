#' Move objects into a store and out of it
#'
#' `as_fmalloc()` copies an R object into a store; `collect_fmalloc()` makes an ordinary
#' object of one that lives there. Both keep all attributes: names, dimensions, factor
#' levels, classes, time zones.
#'
#' A data frame becomes a data frame whose columns live in the store. Any other list
#' becomes a list in the store, with all that is in it, to any depth. What has no place
#' there (a function, an environment, an S4 object, a formula) is an error that says where
#' it is: `x$model$terms`. It is found before anything is copied.
#'
#' The copy is made block by block, so that it needs no memory worth mentioning. In an
#' interactive session that has waited for two seconds a progress bar appears. After
#' Ctrl-C or an error nothing is left in the store, and not even the death of the process
#' leaves a half-filled vector there.
#'
#' A vector of numbers can be changed in place afterwards. Character vectors and lists are
#' sealed, as [saveRDS()] would seal them: an assignment makes a copy first.
#'
#' Attributes of what `as_fmalloc()` gives are R objects and not part of the store: they are saved
#' by [saveRDS()] with the reference, but [recover_fmalloc_vector()] does not bring them back.
#' [put_fmalloc()] stores a whole object under a name, with its attributes.
#'
#' @param x For `as_fmalloc()`: an atomic vector, factor, matrix, array, list or data
#'   frame. For the others: any object.
#' @param runtime A handle from [open_fmalloc()]; the default store if `NULL`.
#' @param plain If `TRUE`, the vectors have the class that `x` has, or none. If `FALSE`,
#'   those that have no class get the one that [create_fmalloc_vector()] gives.
#' @return `as_fmalloc()`: the copy. `collect_fmalloc()`: an ordinary object with the
#'   values and attributes of `x`. `is_fmalloc()`: `TRUE` if `x` is a vector that lives
#'   in a store, or a data frame all of whose columns are.
#' @seealso [put_fmalloc()], [fmalloc_sizes()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' d <- as_fmalloc(data.frame(day = as.Date("2026-01-01") + 0:2, n = c(3L, 1L, 4L)), store)
#' d
#' is_fmalloc(d)
#' identical(d$n, c(3L, 1L, 4L))
#' is_fmalloc(collect_fmalloc(d))
#' rm(d)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
as_fmalloc <- function(x, runtime = NULL, plain = TRUE) {
  runtime <- resolve(runtime)
  check_flag(plain, "plain")
  frame <- is.data.frame(x)
  bytes <- if (frame) survey_elements(x, "x", sys.call()) else survey(x, "x", sys.call())
  meter <- new_meter(bytes)
  on.exit(meter$close())
  tell <- meter$add
  y <- if (frame) {
    moved_columns(x, runtime, plain, tell)
  } else {
    moved(x, runtime, plain, tell)
  }
  .Call(rfm_c_keep, y)
}

#' @rdname as_fmalloc
#' @export
collect_fmalloc <- function(x) .Call(rfm_c_collect, x)

#' @rdname as_fmalloc
#' @export
is_fmalloc <- function(x) {
  if (.Call(rfm_c_is_fmalloc, x)) return(TRUE)
  if (!is.data.frame(x) || length(x) == 0L) return(FALSE)
  for (k in seq_along(x)) {
    if (!.Call(rfm_c_is_fmalloc, .subset2(x, k))) return(FALSE)
  }
  TRUE
}

# How many bytes there are to move; or the first part of x that cannot be.
survey <- function(x, path, call) {
  size <- if (isS4(x)) 0 else .Call(rfm_c_type_bytes, typeof(x))
  if (size == 0) {
    fail("argument", path, " is ", describe_kind(x), ", which cannot live in an fmalloc store",
      call = call)
  }
  bytes <- as.double(length(x)) * size
  if (typeof(x) == "list") bytes + survey_elements(x, path, call) else bytes
}

survey_elements <- function(x, path, call) {
  x <- unclass(x) # a class may have a length() of its own
  bytes <- 0
  for (k in seq_along(x)) {
    part <- .subset2(x, k)
    if (!is.null(part)) bytes <- bytes + survey(part, element_path(path, x, k), call)
  }
  bytes
}

describe_kind <- function(x) {
  if (isS4(x)) return(paste0("an S4 object of class ", class(x)[1L]))
  switch(typeof(x),
    closure = , builtin = , special = "a function",
    environment = "an environment",
    language = if (inherits(x, "formula")) "a formula" else "a call",
    "NULL" = "NULL",
    paste0("an object of type ", typeof(x))
  )
}

element_path <- function(path, x, k) {
  name <- names(x)[k]
  if (is.null(name) || is.na(name) || !nzchar(name)) return(paste0(path, "[[", k, "]]"))
  paste0(path, "$", if (make.names(name) == name) name else paste0("`", name, "`"))
}

# A temporary copy of x.
moved <- function(x, runtime, plain, tell) {
  y <- .Call(rfm_c_like, runtime, x, plain)
  if (typeof(x) == "list") {
    x <- unclass(x)
    for (k in seq_along(x)) {
      part <- .subset2(x, k)
      if (!is.null(part)) .Call(rfm_c_put, y, k, moved(part, runtime, plain, tell))
    }
    return(y)
  }
  .Call(rfm_c_move, x, y, tell)
  y
}

# An ordinary list of columns that live in the store, with the attributes of x.
moved_columns <- function(x, runtime, plain, tell) {
  columns <- vector("list", length(x))
  for (k in seq_along(x)) {
    column <- .subset2(x, k)
    if (!is.null(column)) columns[[k]] <- moved(column, runtime, plain, tell)
    if (inherits(x, "data.table")) .Call(rfm_c_lend, columns[[k]]) # := writes into it
  }
  as_frame(columns, x)
}

# A list of columns with the attributes of a data frame. R gives row names that are counted as
# the numbers that they count, and takes these for names.
as_frame <- function(columns, frame) {
  attributes(columns) <- attributes(frame)
  attr(columns, "row.names") <- .row_names_info(frame, 0L)
  columns
}

# A progress bar for people, if it takes long.
patience <- 2 # seconds

new_meter <- function(total) {
  force(total) # a promise would keep the caller's variables, and y would be copied
  started <- proc.time()[["elapsed"]]
  watched <- watching()
  done <- 0
  bar <- NULL
  list(
    add = function(bytes) {
      done <<- done + bytes
      if (!watched) return()
      if (is.null(bar) && proc.time()[["elapsed"]] - started > patience) {
        bar <<- utils::txtProgressBar(0, total, style = 3, file = stderr())
      }
      if (!is.null(bar)) utils::setTxtProgressBar(bar, done)
    },
    close = function() if (!is.null(bar)) close(bar)
  )
}

watching <- function() interactive()
