#' Diagnose a store
#'
#' What a store holds, where it lies in the file, and what might be done about it.
#'
#' @inheritParams sync_fmalloc
#' @return A list of class `fmalloc_diagnosis` with three components:
#'   * `runtime`: a list: `path`, `uuid`, `mode`, `access`, `runtime_open`,
#'     `is_default`, `poisoned`, `forked`, `live_vectors` (records and temporaries),
#'     and the counters that [format()] of the handle shows;
#'   * `catalog`: what [list_fmalloc_allocations()] gives;
#'   * `summary`: a list: `record_count`, `committed_records`, `sealed_records`,
#'     `tombstoned_records`, `temporary_vectors`, `findings` (elements of lists that lead
#'     to no vector, or back to their list: found when the store was opened),
#'     `committed_payload_bytes`,
#'     `tombstoned_payload_bytes`, `potentially_reclaimable_payload_bytes` (of vectors
#'     that were destroyed and whose room is not free yet: the next
#'     [sync_fmalloc()] frees it, unless another process reads the store),
#'     `free_bytes`, `free_extents`, `largest_free_bytes`, `compaction_implemented`,
#'     `compaction_returns_bytes` (by how much [compact_fmalloc()] would make the file
#'     shorter, if nothing that is in use stands in its way) and `compaction_note`, which
#'     says the same in words.
#'
#'   `print()` shows the summary in words; `plot()` draws a map of the file, and says above
#'   it what compaction would return.
#' @seealso [check_fmalloc()], which verifies the file byte by byte.
#' @examples
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' x <- create_fmalloc_vector("integer", 1e6, runtime = store)
#' y <- x + 1L
#' d <- diagnose_fmalloc_runtime(store)
#' d
#' d$summary$committed_records
#' plot(d)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @export
diagnose_fmalloc_runtime <- function(runtime = NULL) {
  runtime <- resolve(runtime)
  info <- .Call(rfm_c_info, runtime)
  catalog <- list_fmalloc_allocations(runtime)
  map <- draw_map(runtime, info$file_bytes)
  info$free_bytes <- free_bytes(map)
  structure(
    list(
      runtime = describe_runtime(runtime, info),
      catalog = catalog,
      summary = summarise(info, catalog, map)
    ),
    map = map, class = "fmalloc_diagnosis"
  )
}

describe_runtime <- function(runtime, info) {
  first <- list(
    path = info$path, uuid = info$uuid, mode = info$mode, access = info$access,
    runtime_open = .Call(rfm_c_is_open, runtime), is_default = is_default(runtime),
    poisoned = info$poisoned, forked = info$forked,
    live_vectors = info$records + info$temporaries
  )
  c(first, info[setdiff(names(info), c(names(first), "closed"))])
}

is_default <- function(runtime) {
  default <- .Call(rfm_c_default)
  !is.null(default) && .Call(rfm_c_number, default) == .Call(rfm_c_number, runtime)
}

summarise <- function(info, catalog, map) {
  dead <- catalog[catalog$state == "tombstone", ]
  free <- map$bytes[map$use == "free"]
  returns <- compaction_returns(info, map)
  list(
    record_count = info$records + info$tombstones,
    committed_records = info$records,
    sealed_records = info$sealed,
    tombstoned_records = info$tombstones,
    temporary_vectors = info$temporaries,
    findings = info$findings,
    committed_payload_bytes = sum(catalog$payload_nbytes[catalog$state == "committed"]),
    tombstoned_payload_bytes = info$tombstone_bytes,
    potentially_reclaimable_payload_bytes = held_payload_bytes(dead, map),
    free_bytes = info$free_bytes,
    free_extents = length(free),
    largest_free_bytes = max(0, free),
    compaction_implemented = TRUE,
    compaction_returns_bytes = returns,
    compaction_note = note_on_compaction(returns, info)
  )
}

# The file without what is in it, or cannot be given back before the next sync.
compaction_returns <- function(info, map) {
  used <- info$live_bytes + temporary_bytes(info) + info$held_bytes
  max(0, info$file_bytes - used - sum(map$bytes[map$use %in% c("head", "log")]))
}

# What a reader makes lies in room of his own and not in the file; and what is free there, only
# the writer may use.
temporary_bytes <- function(info) if (identical(info$access, "read")) 0 else info$temporary_bytes

free_bytes <- function(map) sum(map$bytes[map$use == "free"])

note_on_compaction <- function(returns, info) {
  if (returns == 0) return("There is nothing for compact_fmalloc() to return.")
  paste0("compact_fmalloc() would return about ", describe_bytes(returns),
    if (info$temporaries > 0) {
      "; vectors that R holds stay where they are, so rm() and gc() first may return more"
    }, ".")
}

# The payloads of destroyed vectors that lie in extents which are held. An extent may
# have had several owners, one after the other: the last one counts.
held_payload_bytes <- function(dead, map) {
  held <- map[map$use == "held", ]
  dead <- dead[!duplicated(dead$payload_offset, fromLast = TRUE), ]
  within <- findInterval(dead$payload_offset, held$offset)
  inside <- within > 0
  inside[inside] <- dead$payload_offset[inside] < (held$offset + held$bytes)[within[inside]]
  sum(dead$payload_nbytes[inside])
}

# Every byte of the file belongs to one row: what no extent covers is free.
draw_map <- function(runtime, file_bytes) {
  map <- as.data.frame(.Call(rfm_c_map, runtime))
  map <- map[order(map$offset), ]
  ends <- map$offset + map$bytes
  gap <- c(map$offset, file_bytes) - c(0, ends)
  starts <- c(0, ends)[gap > 0]
  uses <- c(levels(map$use), "free")
  free <- data.frame(offset = starts, bytes = gap[gap > 0], generation = rep(0, length(starts)),
    use = factor(rep("free", length(starts)), uses))
  map$use <- factor(map$use, uses)
  map <- rbind(map, free)
  map <- map[order(map$offset), ]
  rownames(map) <- NULL
  map
}

#' @rdname diagnose_fmalloc_runtime
#' @param x An object from `diagnose_fmalloc_runtime()`.
#' @param ... For `print()`, ignored; for `plot()`, passed on to [plot.default()].
#' @export
print.fmalloc_diagnosis <- function(x, ...) {
  runtime <- x$runtime
  summary <- x$summary
  writeLines(c(
    paste0("<fmalloc_diagnosis> ", runtime$path),
    paste0("  size        ", describe_bytes(runtime$file_bytes), ", ", runtime$mode,
      if (!runtime$runtime_open) ", closed", describe_access(runtime)),
    paste0("  live        ", describe_live(runtime)),
    paste0("  free        ", describe_bytes(summary$free_bytes), " in ",
      describe_count(summary$free_extents, "extent"),
      if (summary$free_extents > 1) {
        paste0(", the largest of ", describe_bytes(summary$largest_free_bytes))
      }),
    if (runtime$held_bytes > 0) {
      paste0("  held        ", describe_bytes(runtime$held_bytes),
        ": free after the next sync_fmalloc(), when no other process reads")
    },
    paste0("  compaction  would return ", if (summary$compaction_returns_bytes > 0) {
      paste("about", describe_bytes(summary$compaction_returns_bytes))
    } else {
      "nothing"
    }),
    paste0("  tombstones  ", format_count(summary$tombstoned_records),
      if (summary$tombstoned_records > 0) {
        paste0(" (", describe_bytes(summary$tombstoned_payload_bytes), " once)")
      }),
    paste0("  findings    ", if (summary$findings == 0) "none" else paste0(
      describe_count(summary$findings, "element"), " of lists without a vector: see check_fmalloc()")),
    paste0("  log         ", describe_bytes(runtime$log_bytes)),
    paste0("  last sync   ", describe_sync(runtime))
  ))
  invisible(x)
}

map_colours <- c(head = "#444444", log = "#8c6bb1", committed = "#2166ac", sealed = "#053061",
  temporary = "#f4a582", held = "#b2182b", free = "#f0f0f0")

#' @rdname diagnose_fmalloc_runtime
#' @param rows How many rows the map has. The file is cut into as many stretches of the same
#'   length, which are drawn one below the other.
#' @export
plot.fmalloc_diagnosis <- function(x, rows = 16, ...) {
  rows <- check_count(rows, "rows", 1000)
  if (rows == 0) fail("argument", "rows must be at least 1")
  bars <- map_bars(attr(x, "map"), x$runtime$file_bytes, rows)
  across <- x$runtime$file_bytes / rows
  unit <- axis_unit(across)
  old <- graphics::par(mar = c(4, 5, 2.5, 7))
  on.exit(graphics::par(old))
  defaults <- list(xlim = c(0, across / unit$bytes), ylim = c(rows, 0),
    xaxs = "i", yaxs = "i", yaxt = "n", ylab = "", bty = "n",
    xlab = paste0("offset in each row (", unit$name, ")"), main = map_title(x))
  do.call(graphics::plot, c(list(NULL), utils::modifyList(defaults, list(...))))
  # What is free lies below, and a small vector is drawn wider than it is: to be seen.
  seen <- bars[order(bars$use != "free"), ]
  right <- pmin(across, pmax(seen$to, seen$from + across / 500))
  graphics::rect(seen$from / unit$bytes, seen$row - 0.9, right / unit$bytes, seen$row - 0.1,
    col = map_colours[as.character(seen$use)], border = NA)
  at <- unique(round(seq(1, rows, length.out = min(rows, 8))))
  graphics::axis(2, at = at - 0.5, labels = vapply((at - 1) * across, describe_bytes, ""),
    las = 1, tick = FALSE, cex.axis = 0.7)
  present <- levels(bars$use)[levels(bars$use) %in% bars$use]
  graphics::legend(across / unit$bytes, 0, legend = present, fill = map_colours[present],
    bty = "n", xpd = NA, cex = 0.8, border = NA)
  invisible(bars)
}

map_title <- function(x) {
  returns <- x$summary$compaction_returns_bytes
  paste0(basename(x$runtime$path),
    if (returns > 0) paste0(": compaction would return about ", describe_bytes(returns)))
}

axis_unit <- function(bytes) {
  k <- min(5, max(1, 1 + floor(log(bytes, 1024))))
  list(bytes = 1024^(k - 1), name = c("bytes", "KB", "MB", "GB", "TB")[k])
}

# The extents cut where a row of the picture ends: row, and from where to where in it.
map_bars <- function(map, file_bytes, rows) {
  across <- file_bytes / rows
  first <- floor(map$offset / across)
  last <- pmin(rows - 1, ceiling((map$offset + map$bytes) / across) - 1)
  k <- rep(seq_len(nrow(map)), last - first + 1)
  row <- sequence(last - first + 1, first)
  data.frame(
    row = row + 1,
    from = pmax(map$offset[k] - row * across, 0),
    to = pmin(map$offset[k] + map$bytes[k] - row * across, across),
    use = map$use[k]
  )
}
