#' Describe a store
#'
#' @param x A handle from [open_fmalloc()].
#' @param ... Ignored.
#' @return `format()` gives the lines that `print()` shows: path, mode, size, how
#'   much of it is used, what lives in it, and when it was last made durable.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' print(store)
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
      describe_bytes(info$live_bytes + info$temporary_bytes + info$log_bytes), " used"),
    paste0("  live       ", describe_live(info)),
    paste0("  last sync  ", describe_sync(info))
  )
}

#' @rdname format.fmalloc_runtime
#' @export
print.fmalloc_runtime <- function(x, ...) {
  writeLines(format(x, ...))
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
