#' A store's handle as an environment
#'
#' The handle of a store can be used like an environment whose variables are the objects that
#' were put under a [name][put_fmalloc].
#'
#' | | |
#' |---|---|
#' | `store$d`, `store[["d"]]` | gets an object, or `NULL` if there is none |
#' | `store$d <- x`, `store[["d"]] <- x` | puts one, in place of what was there |
#' | `store$d <- NULL` | removes it, if it is there |
#' | `names(store)`, `length(store)` | which there are, and how many |
#' | `as.list(store)` | all of them, as a named list |
#' | `with(store, expr)` | evaluates an expression that may use them as variables |
#'
#' Where the editor completes names, it completes `store$f`. Of a closed store there
#' are no names, and everything else is an error of class `fmalloc_closed`.
#'
#' [get_fmalloc()] differs from `$` in that an absent name is an error, and that it
#' suggests similar ones.
#'
#' @param x,data,object A handle from [open_fmalloc()].
#' @param name,i A name: a string, or for `$` a word.
#' @param value An object, or `NULL`.
#' @param expr An expression.
#' @param pattern A regular expression.
#' @param ... Ignored.
#' @return `$` and `[[` give the object; the assignments give the handle; the others are
#'   told above.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' store$cars <- mtcars
#' store[["an odd name"]] <- 1:3
#' names(store)
#' with(store, tapply(cars$mpg, cars$cyl, mean))
#' store$cars$kml <- store$cars$mpg * 0.425
#' str(as.list(store)$cars$kml)
#' store$cars <- NULL
#' length(store)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
`$.fmalloc_runtime` <- function(x, name) get_or_null(x, name)

#' @rdname cash-.fmalloc_runtime
#' @export
`[[.fmalloc_runtime` <- function(x, i) get_or_null(x, i)

#' @rdname cash-.fmalloc_runtime
#' @export
`$<-.fmalloc_runtime` <- function(x, name, value) put_or_remove(x, name, value)

#' @rdname cash-.fmalloc_runtime
#' @export
`[[<-.fmalloc_runtime` <- function(x, i, value) put_or_remove(x, i, value)

get_or_null <- function(runtime, name) {
  found <- find_name(check_name(name), check_runtime(runtime))
  if (!is.null(found)) .Call(rfm_c_give, runtime, found$value)
}

put_or_remove <- function(runtime, name, value) {
  name <- check_name(name)
  if (!is.null(value)) put(name, value, runtime, "", FALSE, NULL)
  else if (name %in% all_names(runtime)) change(runtime, list(list(name = name)))
  runtime
}

#' @rdname cash-.fmalloc_runtime
#' @export
names.fmalloc_runtime <- function(x) {
  if (.Call(rfm_c_is_open, x)) all_names(x) else character()
}

#' @rdname cash-.fmalloc_runtime
#' @export
length.fmalloc_runtime <- function(x) length(names(x))

#' @rdname cash-.fmalloc_runtime
#' @export
as.list.fmalloc_runtime <- function(x, ...) {
  names <- all_names(x)
  objects <- lapply(names, get_fmalloc, runtime = x)
  names(objects) <- names
  objects
}

#' @rdname cash-.fmalloc_runtime
#' @export
with.fmalloc_runtime <- function(data, expr, ...) {
  variables <- new.env(parent = parent.frame())
  lapply(all_names(data), function(name) {
    delayedAssign(name, get_fmalloc(name, data), assign.env = variables)
  })
  eval(substitute(expr), variables)
}

#' @rdname cash-.fmalloc_runtime
#' @importFrom utils .DollarNames
#' @export
.DollarNames.fmalloc_runtime <- function(x, pattern = "") grep(pattern, names(x), value = TRUE)

#' @rdname cash-.fmalloc_runtime
#' @export
`names<-.fmalloc_runtime` <- function(x, value) {
  fail("argument", "the names of a store are changed by rename_fmalloc()")
}

#' @rdname cash-.fmalloc_runtime
#' @importFrom utils str
#' @export
str.fmalloc_runtime <- function(object, ...) {
  cat(" ", format(object)[1L], "\n", sep = "")
  invisible()
}
