#' Append to an object in a store
#'
#' Adds elements to a vector, rows to a data frame, or columns to a matrix that has a name in a
#' store. What is there is not copied: an append costs what the new part costs, on
#' average over many. (The first append to what was put copies it to where there is room for half as
#' many elements again; so does one that finds this room full, and what follows in the file in use.
#' When the store is closed, it gives back what these copies have left.)
#'
#' A thousand appends of a thousand rows of five columns took 1.5 to 1.9 times as long as one put of
#' the million rows, and the file was 1.33 times as long.
#'
#' An append is a put: after an error or an accident the old object is there, or the new one,
#' and in a [transaction_fmalloc()] it takes effect at the end. Whoever has got the object before
#' goes on with what he has: values do not grow.
#'
#' The new part must fit. It has the same names of columns, in any order, and each part the type of
#' what it is added to, or one that R would turn into that without loss: integers are
#' added to numbers, not numbers to integers, and a logical vector of nothing but `NA` fits all
#' that can be missing. Levels that a factor does not have yet are added to
#' it. Classes such as dates must be the same, and time zones and units are those of the old
#' object. Rows are counted on if the old ones are and the new ones have no names but numbers;
#' else numbers among the names are made different, and a name that is there already is an error.
#' Names of rows, and columns that are lists, are written anew each time.
#'
#' @param name The name of an object in the store. If there is none, `x` is put.
#' @param x What is added: a vector, a data frame, or a matrix with as many rows.
#' @param runtime A handle from [open_fmalloc()]; the default store if `NULL`.
#' @return The number of elements, rows or columns that there are now, invisibly.
#' @seealso [put_fmalloc()].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' store$log <- data.frame(when = Sys.time(), what = "begun")
#' append_fmalloc("log", data.frame(when = Sys.time(), what = "a line more"), store)
#' store$log
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
append_fmalloc <- function(name, x, runtime = NULL) {
  runtime <- resolve(runtime)
  name <- check_name(name)
  found <- find_name(name, runtime)
  if (is.null(found)) {
    y <- x
    found <- list(note = "")
  } else {
    old <- .Call(rfm_c_give, runtime, found$value)
    y <- appended(old, x, runtime, sys.call())
    # Nobody else has got old, nor y below. Left to the collector, they would keep the room of
    # the old elements.
    .Call(rfm_c_spend, old)
    if (is.null(staged_changes(runtime))) let_go(found)
  }
  size <- if (is.data.frame(y)) .row_names_info(y, 2L) else
    if (is.matrix(y)) ncol(y) else length(y)
  put(name, y, runtime, found$note, FALSE, sys.call())
  if (!is.null(found$value)) .Call(rfm_c_spend, y)
  invisible(size)
}

appended <- function(old, x, runtime, call) {
  if (is.data.frame(old)) return(appended_frames(old, x, runtime, call))
  if (is.matrix(old)) return(appended_matrices(old, x, runtime, call))
  if (is.list(old) || !is.atomic(old) || is.null(old) || length(dim(old)) > 1L) {
    fail("argument", "only vectors, matrices and data frames can be appended to, not ",
      describe_kind_of(old), call = call)
  }
  appended_vectors(old, x, "x", runtime, call)
}

describe_kind_of <- function(x) {
  if (is.list(x)) "lists" else if (length(dim(x)) > 2L) "arrays" else describe_kind(x)
}

# The vector of both, with the attributes of old. `what` names x in messages.
appended_vectors <- function(old, x, what, runtime, call) {
  if (is.factor(old)) return(appended_factors(old, x, what, runtime, call))
  x <- missing_as(x, old)
  if (!is.atomic(x) || is.null(x) || is.factor(x) || !identical(kind_class(old), kind_class(x))) {
    fail("argument", what, " is ", described(x), ", and is to be appended to ", described(old),
      call = call)
  }
  refuse_series(old, call)
  if (inherits(old, "difftime")) units(x) <- units(old)
  kept <- c(list(names = appended_names(old, x, runtime)), kept_attributes(old))
  behind(old, fitting(x, old, what, call), runtime, kept)
}

refuse_series <- function(old, call) {
  if (!is.null(attr(old, "tsp"))) {
    fail("argument", "a time series cannot be appended to", call = call)
  }
}

appended_names <- function(old, x, runtime) {
  if (is.null(names(old)) && is.null(names(x))) return(NULL)
  first <- if (is.null(names(old))) character(length(old)) else names(old)
  behind(first, if (is.null(names(x))) character(length(x)) else names(x), runtime)
}

appended_factors <- function(old, x, what, runtime, call) {
  x <- missing_as(x, old)
  # As rbind() does it: new levels in the order in which they come, and NA is none.
  if (is.character(x)) x <- factor(x, unique(x), exclude = if (!anyNA(levels(old))) NA)
  if (!is.factor(x) || is.ordered(x) != is.ordered(old) ||
    is.ordered(old) && !identical(levels(x), levels(old))) {
    fail("argument", what, " is ", described(x), ", and is to be appended to ", described(old),
      if (is.ordered(old)) ", whose levels must be the same", call = call)
  }
  all <- union(levels(old), levels(x))
  codes <- match(levels(x), all)[unclass(x)]
  kept <- c(list(names = appended_names(old, x, runtime)), kept_attributes(old))
  kept$levels <- all
  behind(old, as.integer(codes), runtime, kept)
}

appended_matrices <- function(old, x, runtime, call) {
  if (!is.atomic(x) || is.null(x) || !identical(kind_class(old), kind_class(x))) {
    fail("argument", "x is ", described(x), ", and is to be appended to a matrix", call = call)
  }
  refuse_series(old, call)
  if (!is.matrix(x)) {
    rest <- if (nrow(old)) length(x) %% nrow(old) else length(x)
    if (rest != 0) {
      fail("argument", "x has ", length(x), " elements, and the matrix it is to be appended to ",
        "has ", nrow(old), " rows", call = call)
    }
    x <- matrix(x, nrow(old), if (nrow(old)) length(x) %/% nrow(old) else 0L)
  }
  if (nrow(x) != nrow(old)) {
    fail("argument", "x has ", nrow(x), " rows, and the matrix it is to be appended to has ",
      nrow(old), call = call)
  }
  kept <- attributes(old)
  kept$dim <- c(nrow(old), ncol(old) + ncol(x))
  if (!is.null(colnames(old)) || !is.null(colnames(x))) {
    or <- function(labels, n) if (is.null(labels)) character(n) else labels
    kept$dimnames <- list(rownames(old),
      c(or(colnames(old), ncol(old)), or(colnames(x), ncol(x))))
    names(kept$dimnames) <- names(dimnames(old))
  }
  behind(old, fitting(x, old, "x", call), runtime, kept)
}

appended_frames <- function(old, x, runtime, call) {
  if (is.list(x) && !is.data.frame(x)) {
    x <- tryCatch(as.data.frame(x, check.names = FALSE),
      error = function(e) fail("argument", "x is no data frame: ", conditionMessage(e), call = call))
  }
  columns <- names(old)
  if (anyDuplicated(columns)) {
    fail("argument", "two columns of the old data frame have the name ",
      sQuote(columns[anyDuplicated(columns)], FALSE), call = call)
  }
  if (inherits(old, "grouped_df")) {
    fail("argument", "the old data frame is grouped, which says where its rows are", call = call)
  }
  if (!is.data.frame(x) || !identical(names(x), columns) && (length(x) != length(columns) ||
    !setequal(names(x), columns))) {
    missing <- setdiff(columns, names(x))
    more <- setdiff(names(x), columns)
    fail("argument", "x must be a data frame with the columns of the old one",
      if (length(missing)) paste0("; it lacks ", paste(sQuote(missing, FALSE), collapse = ", ")),
      if (length(more)) paste0("; there is no column ",
        paste(sQuote(more, FALSE), collapse = ", ")), call = call)
  }
  rows <- .row_names_info(old, 2L) + .row_names_info(x, 2L)
  labels <- appended_row_names(old, x, runtime, call)
  y <- vector("list", length(columns))
  for (k in seq_along(columns)) {
    y[[k]] <- appended_column(.subset2(old, k), .subset2(x, match(columns[k], names(x))),
      paste0("x$", columns[k]), runtime, call)
  }
  kept <- attributes(old)
  # Of a data.table: that it is sorted, and how, which is true no longer.
  kept$row.names <- kept$sorted <- kept$index <- NULL
  attributes(y) <- kept
  attr(y, "row.names") <- if (is.null(labels)) .set_row_names(rows) else labels
  y
}

appended_column <- function(old, x, what, runtime, call) {
  if (is.list(old)) {
    if (!is.list(x) || is.data.frame(old) || is.data.frame(x)) {
      fail("argument", what, " is ", described(x), ", and is to be appended to a list",
        call = call)
    }
    return(c(old, x))
  }
  if (length(dim(old)) > 1L || length(dim(x)) > 1L) {
    fail("argument", what, " is a matrix within a data frame, which cannot be appended",
      if (length(dim(old)) > 1L) " to", call = call)
  }
  appended_vectors(old, x, what, runtime, call)
}

# NULL: they are counted. So are rows whose names are numbers, as a subset's are, behind
# others that are counted.
appended_row_names <- function(old, x, runtime, call) {
  if (counts_rows(old) && numbers_rows(x)) return(NULL)
  labels <- c(as.character(row.names(old)), as.character(row.names(x)))
  if (numbers_rows(x) || numbers_rows(old)) labels <- make.unique(labels)
  if (anyDuplicated(labels)) {
    fail("argument", "the row name ", sQuote(labels[anyDuplicated(labels)], FALSE),
      " is there already", call = call)
  }
  labels
}

# Nobody has given the rows names. Those of a subset are the numbers that they had.
numbers_rows <- function(x) !is.character(.row_names_info(x, 0L))

# R keeps 1, 2, 3 as a missing value and how many there are, or as they are.
counts_rows <- function(x) {
  labels <- .row_names_info(x, 0L)
  !is.character(labels) &&
    (!length(labels) || is.na(labels[1L]) || identical(labels, seq_along(labels)))
}

# The elements of both, in the store.
behind <- function(old, x, runtime, kept = list()) {
  first <- names(kept) == "dim"
  if (any(first)) kept <- c(kept[first], kept[!first])
  .Call(rfm_c_append, runtime, old, x, kept)
}

# Where nothing but NA was read, and where nothing was, R makes a logical vector: that says
# nothing of the type and fits all that knows a missing value.
missing_as <- function(x, old) {
  if (!is.logical(x) || is.logical(old) || is.raw(old) || !is.null(kind_class(x)) ||
    !all(is.na(x))) return(x)
  y <- rep(NA, length(x))
  storage.mode(y) <- typeof(old)
  attributes(y) <- attributes(old)[c("levels", "class", "units")]
  names(y) <- names(x)
  y
}

# x as the type of old, if nothing is lost.
ranks <- c(logical = 1, integer = 2, double = 3, complex = 4)
fitting <- function(x, old, what, call) {
  attributes(x) <- NULL
  if (typeof(x) == typeof(old)) return(x)
  if (is.na(ranks[typeof(x)]) || is.na(ranks[typeof(old)]) ||
    ranks[typeof(x)] > ranks[typeof(old)]) {
    fail("argument", what, " is of type ", typeof(x), ", and is to be appended to type ",
      typeof(old), call = call)
  }
  storage.mode(x) <- typeof(old)
  x
}

# The classes of what has dimensions or is a time series, which a part of it is not.
shape_classes <- c("mts", "ts", "matrix", "array", "table", "xtabs")

# The classes that must agree: not ours, and not those that R makes up.
kind_class <- function(x) {
  theirs <- oldClass(x)
  if (inherits(x, "fmalloc")) theirs <- theirs[!theirs %in% fmalloc_class(x)]
  if (length(theirs)) theirs
}

kept_attributes <- function(x) {
  kept <- attributes(x)
  if (is.null(kept)) kept <- list()
  kept$names <- NULL
  if (length(dim(x)) == 1L) kept$dim <- kept$dimnames <- NULL
  kept
}

described <- function(x) {
  if (is.factor(x)) return(if (is.ordered(x)) "an ordered factor" else "a factor")
  classes <- kind_class(x)
  paste0(if (is.atomic(x) && !is.null(x)) "a vector ", if (length(classes))
    paste0("of class ", paste(classes, collapse = "/")) else paste0("of type ", typeof(x)))
}

#' A part of a vector without a copy
#'
#' A view is a vector that lies inside another. It is a value like any other: an assignment to it
#' makes a copy first, and so, from then on, does an assignment to `x`, of which nothing may
#' change under the view. A view keeps all of `x` in the store as long as it is there.
#'
#' Subsets such as `x[1:5e6]`, `head(x, 1e6)` are views by themselves if `x` is sealed (it was
#' saved, or came from a store by name) and the subset is one stretch of 64 KB or more.
#' Smaller ones are copied, so that ten elements do not keep 80 GB. `view_fmalloc()` makes a view of
#' any vector, and of any length.
#'
#' R writes a subscript such as `1:5e6` out, all 20 MB of it, before it asks a vector without our
#' class for the subset. This takes some milliseconds, as it does with ordinary vectors.
#' `view_fmalloc(x, 1, 5e6)` takes microseconds, and so does `x[1:5e6]` if `x` has our class.
#'
#' @param x A vector that lives in a store, but no list.
#' @param from The first element.
#' @param length How many elements; up to the end if `NULL`.
#' @return A vector without attributes, but factor levels and classes such as dates.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- as_fmalloc(as.numeric(1:1e6), store)
#' y <- view_fmalloc(x, 1001, 500)
#' sum(y)
#' y[1] <- 0
#' x[1001]
#' rm(x, y)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
view_fmalloc <- function(x, from, length = NULL) {
  check_fmalloc_vector(x)
  if (is.list(x)) fail("argument", "a list has no views")
  from <- check_count(from, "from")
  rest <- base::length(x) - from + 1
  length <- if (is.null(length)) max(rest, 0) else check_count(length, "length")
  if (from < 1 || length > rest) {
    fail("argument", "subscript out of bounds: ", format(length), " elements from ",
      format(from), " on, and x has ", base::length(x))
  }
  kept <- kept_attributes(x)
  kept$dim <- kept$dimnames <- kept$tsp <- NULL
  kept$class <- setdiff(kept$class, shape_classes)
  if (!length(kept$class)) kept$class <- NULL
  if (inherits(x, "fmalloc")) kept$class <- .Call(rfm_c_class, typeof(x), 0L)
  .Call(rfm_c_view_of, x, from - 1, length, if (is.null(kept)) list() else kept)
}

#' Make a store as small as what is in it
#'
#' `compact_fmalloc()` moves what lies behind holes of the file to its front, and cuts the end
#' off. `reset_fmalloc()` removes all that is in a store.
#'
#' Compaction goes in steps, and each leaves the store whole: after an error, Ctrl-C or a power cut
#' every object is there. Vectors that R holds at the moment, and what they are views of,
#' stay where they are, for somebody may have their address; so `rm()` and `gc()` first if as much
#' as possible shall move. Room that a reader in another process may still need is not given back
#' before he looks again or leaves.
#'
#' [diagnose_fmalloc_runtime()] tells what compaction would return.
#'
#' @param runtime A handle from [open_fmalloc()]; the default store if `NULL`.
#' @param confirm `TRUE`: yes, all objects, all vectors, for good.
#' @return `compact_fmalloc()`: by how many bytes the file has become shorter, invisibly.
#'   `reset_fmalloc()`: the handle, invisibly.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' store$large <- rnorm(1e6)
#' store$small <- 1:10
#' store$large <- NULL
#' file.size(path)
#' compact_fmalloc(store)
#' file.size(path)
#' reset_fmalloc(store, confirm = TRUE)
#' names(store)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
compact_fmalloc <- function(runtime = NULL) {
  runtime <- resolve(runtime)
  if (!is.null(staged_changes(runtime))) {
    fail("argument", "a store cannot be compacted within a transaction")
  }
  .Call(rfm_c_recollect, runtime)
  path <- path_to(runtime)
  before <- file.size(path)
  live <- .Call(rfm_c_info, runtime)$live_bytes
  meter <- new_meter(live)
  on.exit(meter$close())
  aside <- 0
  repeat {
    # Each record that is set aside is copied twice: twice all that is there is enough.
    done <- .Call(rfm_c_compact, runtime, step_bytes, as.double(aside < live))
    if (done[1L] == 0) break
    aside <- aside + done[2L]
    meter$add(done[1L] - done[2L])
  }
  .Call(rfm_c_trim, runtime)
  invisible(before - file.size(path))
}

step_bytes <- 2^26

#' @rdname compact_fmalloc
#' @export
reset_fmalloc <- function(runtime = NULL, confirm = FALSE) {
  runtime <- resolve(runtime)
  if (!isTRUE(confirm)) {
    fail("argument", "reset_fmalloc() removes all that is in ", path_to(runtime),
      ": confirm = TRUE says that this is meant")
  }
  if (!is.null(staged_changes(runtime))) {
    fail("argument", "a store cannot be reset within a transaction")
  }
  names <- all_names(runtime)
  if (length(names)) change(runtime, lapply(names, function(name) list(name = name)))
  .Call(rfm_c_clear, runtime, "everything")
  compact_fmalloc(runtime)
  invisible(runtime)
}
