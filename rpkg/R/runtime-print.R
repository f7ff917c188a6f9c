#' Describe a store
#'
#' @param x,object A handle from [open_fmalloc()].
#' @param ... Ignored.
#' @return `format()` gives the lines that `print()` shows: path, mode, size, how much of it is
#'   used, what lives in it, when it was last made durable, and the objects that have names:
#'   the ten that were put last, with what they are, their size, and when they were put.
#'   `summary()` gives a list of class `summary.fmalloc_runtime`: `path`, `bytes` (a named
#'   vector: of the file, used, free), `objects` (a data frame: how many objects there are of each
#'   class, and their bytes) and `names` (how many names).
#' @seealso [list_fmalloc()] lists all objects, [diagnose_fmalloc_runtime()] tells more about
#'   the file.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' store$cars <- mtcars
#' store$flowers <- iris
#' store$primes <- c(2L, 3L, 5L, 7L)
#' print(store)
#' summary(store)
#' cleanup_fmalloc(store)
#' print(store)
#' unlink(path)
#' @export
format.fmalloc_runtime <- function(x, ...) {
  if (!.Call(rfm_c_is_open, x)) return("<fmalloc_runtime: closed>")
  info <- .Call(rfm_c_info, x)
  c(
    paste0("<fmalloc_runtime> ", info$path),
    paste0("  mode       ", attr(x, "mode"), describe_access(info)),
    paste0("  size       ", describe_bytes(info$file_bytes), ", ",
      describe_bytes(used_bytes(info)), " used"),
    paste0("  live       ", describe_live(info)),
    paste0("  last sync  ", describe_sync(info)),
    describe_objects(x)
  )
}

#' @rdname format.fmalloc_runtime
#' @export
print.fmalloc_runtime <- function(x, ...) {
  writeLines(format(x, ...))
  invisible(x)
}

used_bytes <- function(info) info$live_bytes + temporary_bytes(info) + info$log_bytes

shown_objects <- 10

# The last ones that were put, in the order of their names.
describe_objects <- function(runtime) {
  names <- all_names(runtime)
  if (!length(names)) return(character())
  put <- vapply(names, function(name) find_name(name, runtime)$time, 0)
  put[put == 0] <- Inf # in this transaction
  shown <- sort(names[order(-put)[seq_len(min(shown_objects, length(names)))]], method = "radix")
  rows <- lapply(shown, describe_name, runtime = runtime)
  column <- function(give) format(vapply(rows, give, ""))
  title <- paste0("  objects    ", format_count(length(names)))
  if (length(names) > shown_objects) {
    title <- paste0(title, ", of which these were put last (list_fmalloc() lists all)")
  }
  c(title, paste0("    ", paste(
    format(vapply(shown, shorten, "")),
    column(function(row) shorten(sub("/.*", "", row$class))),
    column(function(row) row$size),
    column(function(row) describe_bytes(row$bytes)),
    column(function(row) {
      format(as.POSIXct(row$time, origin = "1970-01-01"), "%Y-%m-%d %H:%M")
    }),
    sep = "  "
  )))
}

shorten <- function(text) {
  text <- encodeString(text)
  if (nchar(text) > 30) paste0(substr(text, 1, 27), "...") else text
}

#' @rdname format.fmalloc_runtime
#' @export
summary.fmalloc_runtime <- function(object, ...) {
  info <- .Call(rfm_c_info, check_runtime(object))
  all <- list_fmalloc(object)
  sums <- rowsum(all$bytes, all$class)
  counts <- table(all$class)
  structure(
    list(
      path = info$path,
      bytes = c(file = info$file_bytes,
        used = used_bytes(info), free = free_bytes(draw_map(object, info$file_bytes))),
      objects = data.frame(class = names(counts), objects = as.vector(counts),
        bytes = as.vector(sums[names(counts), ])),
      names = nrow(all)
    ),
    class = "summary.fmalloc_runtime"
  )
}

#' @rdname format.fmalloc_runtime
#' @export
print.summary.fmalloc_runtime <- function(x, ...) {
  writeLines(c(
    x$path,
    paste0("  ", paste(vapply(x$bytes, describe_bytes, ""), names(x$bytes), collapse = ", ")),
    paste0("  ", describe_count(x$names, "object")),
    if (x$names > 0) paste0("    ", paste(format(x$objects$class), format(x$objects$objects),
      format(vapply(x$objects$bytes, describe_bytes, ""))))
  ))
  invisible(x)
}

describe_access <- function(info) {
  if (info$poisoned) ", refuses changes since a write failed: close, then reopen"
  else if (info$forked) ", a forked child's private view"
  else if (info$access == "read") ", read only"
  else ""
}

describe_live <- function(info) {
  vectors <- paste0(
    describe_count(info$records, "vector"), " (", describe_bytes(info$live_bytes),
    if (info$sealed > 0) paste0(", ", format_count(info$sealed), " sealed"), ")"
  )
  if (info$temporaries == 0) return(vectors)
  paste0(vectors, ", ", describe_count(info$temporaries, "temporary", "temporaries"),
    " (", describe_bytes(info$temporary_bytes), ")")
}

describe_sync <- function(info) {
  when <- if (info$last_sync == 0) {
    "not in this session"
  } else {
    format(as.POSIXct(info$last_sync, origin = "1970-01-01"), "%Y-%m-%d %H:%M:%S")
  }
  if (info$uncommitted == 0) return(when)
  paste0(when, ", ", describe_count(info$uncommitted, "record"), " since")
}

describe_count <- function(n, one, many = paste0(one, "s")) {
  paste(format_count(n), if (n == 1) one else many)
}

format_count <- function(n) format(n, big.mark = ",", scientific = FALSE)

describe_bytes <- function(bytes) {
  units <- c("bytes", "KB", "MB", "GB", "TB")
  k <- min(length(units), 1L + max(0, floor(log(max(bytes, 1), 1024))))
  paste(format(bytes / 1024^(k - 1), digits = 3, scientific = FALSE), units[k])
}
