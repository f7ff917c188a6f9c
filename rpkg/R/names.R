#' Objects by name
#'
#' A store is a small database of R objects. `put_fmalloc()` puts an object under a name,
#' `get_fmalloc()` gives it back, in this session or in any later one. The handle of a
#' store can be used as an environment is: `store$flights <- d` puts, `store$flights` gets,
#' `store$flights <- NULL` removes; see [`$.fmalloc_runtime`].
#'
#' @section What can be put:
#' Vectors of all types, factors, dates, matrices, arrays, data frames, tibbles,
#' data.tables, and lists of all these, to any depth, with all attributes. Parts that are
#' ordinary are copied into the store. Parts that live in this store already are shared
#' with what they are taken from; an assignment to either makes a copy first. Text is stored in
#' UTF-8, whatever its encoding was, but for strings of [bytes][Encoding].
#'
#' Calls, symbols, expressions and S4 objects are stored as [serialize()] writes them. They may
#' contain nothing that lives by reference. Functions, environments, external pointers and
#' all that contains them (a formula has an environment) are an error that says where the
#' part is: `x$model$terms`. It is raised before anything is copied. With
#' `serialize = TRUE` such parts are serialized, too. What comes back is a copy; two parts that
#' had one environment in common have one each.
#'
#' @section What comes back:
#' A value, `identical()` to what was put: whatever is done to it changes nothing in the store
#' until it is put again. A data frame is an ordinary data frame, whose columns lie in the
#' store: getting it takes the same time for ten rows and for a billion. Other lists are
#' lists that fetch their elements when they are asked for. [collect_fmalloc()] makes ordinary
#' objects of all that.
#'
#' @section What is promised:
#' A put replaces what was there, wholly or, after an error or an accident, not at all. The
#' room of the old object is used again when nothing refers to it any more. What is put
#' survives the death of the process, and a power cut after the next [sync_fmalloc()]. To
#' put several objects together, see [transaction_fmalloc()].
#'
#' @param name A string of 1 to 1024 bytes in UTF-8.
#' @param x An object. `NULL` may be put as well.
#' @param runtime A handle from [open_fmalloc()]; the default store if `NULL`.
#' @param description A note for people, up to 2048 bytes.
#' @param serialize If `TRUE`, functions, environments and the like are stored as serialized
#'   bytes.
#' @param names Names to remove.
#' @param from,to An object's name and its new one.
#' @param replace If `TRUE`, what has the name `to` is replaced; else it is an error.
#' @return `put_fmalloc()` gives `x`, as it came in. `get_fmalloc()` gives the object, and
#'   raises an error of class `fmalloc_no_name` if there is none. `exists_fmalloc()` gives
#'   `TRUE` or `FALSE` for each of `name`. `remove_fmalloc()` and `rename_fmalloc()` give the
#'   handle. All but `get` and `exists` give it invisibly.
#' @seealso [list_fmalloc()], [transaction_fmalloc()], [`$.fmalloc_runtime`].
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' put_fmalloc("cars", mtcars, store, description = "from 1974")
#' store$squares <- (1:10)^2
#' names(store)
#' cleanup_fmalloc(store)
#'
#' store <- open_fmalloc(path)
#' fit <- lm(mpg ~ wt, get_fmalloc("cars", store))
#' coef(fit)
#' tryCatch(put_fmalloc("fit", fit, store), fmalloc_argument = conditionMessage)
#' put_fmalloc("fit", fit, store, serialize = TRUE)
#' rename_fmalloc("squares", "n2", store)
#' list_fmalloc(store)
#' remove_fmalloc(c("fit", "n2"), store)
#' exists_fmalloc(c("cars", "fit"), store)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
put_fmalloc <- function(name, x, runtime = NULL, description = "", serialize = FALSE) {
  # Before x is copied, not when the copy is given its name.
  runtime <- resolve(runtime)
  name <- check_name(name)
  description <- check_description(description)
  put(name, x, runtime, description, check_flag(serialize, "serialize"), sys.call())
  invisible(x)
}

#' @rdname put_fmalloc
#' @export
get_fmalloc <- function(name, runtime = NULL) {
  runtime <- resolve(runtime)
  found <- find_name(check_name(name), runtime)
  if (is.null(found)) refuse_absent(name, runtime, sys.call())
  .Call(rfm_c_give, runtime, found$value)
}

#' @rdname put_fmalloc
#' @export
exists_fmalloc <- function(name, runtime = NULL) {
  runtime <- resolve(runtime)
  check_names(name, "name") %in% all_names(runtime)
}

#' @rdname put_fmalloc
#' @export
remove_fmalloc <- function(names, runtime = NULL) {
  runtime <- resolve(runtime)
  names <- unique(check_names(names, "names"))
  absent <- setdiff(names, all_names(runtime))
  if (length(absent)) refuse_absent(absent[1L], runtime, sys.call())
  change(runtime, lapply(names, function(name) list(name = name)))
  invisible(runtime)
}

#' @rdname put_fmalloc
#' @export
rename_fmalloc <- function(from, to, runtime = NULL, replace = FALSE) {
  runtime <- resolve(runtime)
  from <- check_name(from, "from")
  to <- check_name(to, "to")
  check_flag(replace, "replace")
  found <- find_name(from, runtime)
  if (is.null(found)) refuse_absent(from, runtime, sys.call())
  if (from == to) return(invisible(runtime))
  if (!replace && to %in% all_names(runtime)) {
    fail("argument", "there is an object with the name ", sQuote(to, FALSE), " already: ",
      "replace = TRUE puts the other one in its place", path = path_to(runtime))
  }
  change(runtime, list(list(name = from), c(list(name = to), found)))
  invisible(runtime)
}

#' List the objects of a store
#'
#' @param runtime A handle from [open_fmalloc()]; the default store if `NULL`.
#' @return A data frame with a row for each object, in the order of their names:
#'   * `name`;
#'   * `class`: as [class()] gives it, joined by `/`;
#'   * `type`: as [typeof()] gives it;
#'   * `size`: the dimensions (`"3000000 x 5"`) or the length, as text;
#'   * `bytes`: on the disk, with all that is in it;
#'   * `put`: when it was put, a `POSIXct`;
#'   * `description`.
#' @seealso [put_fmalloc()]. [list_fmalloc_allocations()] lists what lies in the file, with or
#'   without a name.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' put_fmalloc("cars", mtcars, store, description = "from 1974")
#' store$letters <- letters
#' list_fmalloc(store)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
list_fmalloc <- function(runtime = NULL) {
  runtime <- resolve(runtime)
  names <- all_names(runtime)
  rows <- lapply(names, describe_name, runtime = runtime)
  field <- function(what, kind) vapply(rows, function(row) row[[what]], kind)
  data.frame(name = names, class = field("class", ""), type = field("type", ""),
    size = field("size", ""), bytes = field("bytes", 0),
    put = as.POSIXct(field("time", 0), origin = "1970-01-01"),
    description = field("note", ""))
}

describe_name <- function(name, runtime) {
  found <- find_name(name, runtime)
  c(
    describe_value(.Call(rfm_c_give, runtime, found$value)),
    bytes = .Call(rfm_c_stored_bytes, runtime, found$value),
    time = if (found$time == 0) as.numeric(Sys.time()) else found$time, note = found$note
  )
}

# The value is an argument and no variable: a variable whose value is the empty symbol, as in
# the formals of functions, is an error.
describe_value <- function(x) {
  # Of an environment with a class, such as an object of R6, R does not take the class away.
  by_reference <- is.object(x) && typeof(x) %in% c("environment", "externalptr", "weakref")
  size <- if (by_reference) 1L else if (is.null(dim(x))) length(unclass(x)) else dim(x)
  list(
    class = paste(class(x), collapse = "/"), type = typeof(x),
    size = paste(format(size, scientific = FALSE, trim = TRUE), collapse = " x ")
  )
}

# Puts x, or stages it in a transaction.
put <- function(name, x, runtime, description, serialize, call) {
  survey <- .Call(rfm_c_survey, runtime, x, serialize)
  if (!is.null(survey[[2L]])) {
    fail("argument", way_to("x", survey[[2L]]), " is ", describe_kind(survey[[3L]]),
      ", which cannot live in a store; put_fmalloc() with serialize = TRUE stores a copy of ",
      "it as bytes", call = call)
  }
  meter <- new_meter(survey[[1L]])
  on.exit(meter$close())
  value <- .Call(rfm_c_store, runtime, x, serialize, if (survey[[1L]] > 0) meter$add)
  change(runtime, list(list(name = name, value = value, note = description, time = 0)))
}

# x$model$terms, attr(x, "terms"), x@slot.
way_to <- function(way, steps) {
  for (step in steps) {
    name <- step[[2L]]
    word <- if (is.na(name) || !nzchar(name)) "" else
      if (make.names(name) == name) name else paste0("`", name, "`")
    way <- switch(step[[1L]],
      element = if (nzchar(word)) paste0(way, "$", word) else paste0(way, "[[", step[[3L]], "]]"),
      attribute = paste0("attr(", way, ", ", encodeString(name, quote = "\""), ")"),
      slot = paste0(way, "@", word)
    )
  }
  way
}

path_to <- function(runtime) .Call(rfm_c_info, runtime)$path

refuse_absent <- function(name, runtime, call) {
  names <- all_names(runtime)
  near <- if (length(names) <= 10000) {
    unique(c(names[tolower(names) == tolower(name)],
      agrep(name, names, ignore.case = TRUE, value = TRUE, fixed = TRUE)))
  }
  hint <- if (length(near)) {
    paste0("Is it ", paste(sQuote(near[seq_len(min(3L, length(near)))], FALSE),
      collapse = " or "), "?")
  } else if (length(names)) {
    paste("names() of the handle lists the", length(names), "there are.")
  } else {
    "There are no objects in it yet: put_fmalloc() puts one."
  }
  fail("no_name", path_to(runtime), ": no object has the name ", sQuote(name, FALSE), ". ",
    hint, path = path_to(runtime), call = call)
}

check_names <- function(names, what) {
  if (!is.character(names) || anyNA(names)) {
    fail("argument", what, " must be a character vector without NA")
  }
  for (name in names) check_text(name, what, 1024L)
  enc2utf8(as.vector(names))
}

check_name <- function(name, what = "name") {
  if (!is.character(name) || length(name) != 1L || is.na(name)) {
    fail("argument", what, " must be one character string")
  }
  check_text(name, what, 1024L)
  if (!nzchar(name)) fail("argument", what, " cannot be empty")
  enc2utf8(as.vector(name))
}

check_description <- function(text) {
  if (!is.character(text) || length(text) != 1L || is.na(text)) {
    fail("argument", "description must be one character string")
  }
  check_text(text, "description", 2048L)
  enc2utf8(as.vector(text))
}

check_text <- function(text, what, most) {
  if (Encoding(text) == "bytes" || !validEnc(text)) {
    fail("argument", what, " must be text: these bytes are none in its encoding")
  }
  if (nchar(enc2utf8(text), "bytes") > most) {
    fail("argument", what, " must have at most ", most, " bytes in UTF-8")
  }
}
