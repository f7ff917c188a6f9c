# as_fmalloc() that is cut short: by kill -9 at a random moment, and by SIGINT. After
# either, every vector in the catalog is complete: proves I4, I13.

source("tests/process/tap.R")

rows <- 1e6

frame_of <- function(number) {
  k <- seq_len(rows)
  data.frame(a = as.numeric(k + number), b = as.integer(k %% 1000 + number), c = sqrt(k))
}

# Converts frame after frame, until it is told not to.
converter <- function(folder, how) {
  store <- open_fmalloc(file.path(folder, "store.bin"), size_gb = 1)
  frames <- lapply(1:3, frame_of)
  say("converting")
  result <- tryCatch(
    repeat for (d in frames) {
      f <- as_fmalloc(d, store)
      if (nrow(list_fmalloc_allocations(store)) > 24) {
        for (column in f) destroy_fmalloc_vector(column, unsafe = TRUE)
        sync_fmalloc(store)
      }
    },
    interrupt = function(e) "interrupted"
  )
  rm(list = intersect(c("f", "column"), ls()))
  gc()
  say(result)
  say(sum(list_fmalloc_allocations(store)$state == "temporary"))
}

# Is x one of the columns, whole?
is_whole <- function(x) {
  if (length(x) != rows) return(FALSE)
  k <- seq_len(rows)
  if (is.integer(x)) return(identical(x, as.integer(k %% 1000 + x[1] - 1L)))
  identical(x, sqrt(k)) || identical(x, as.numeric(k + x[1] - 1))
}

whole <- function(folder) {
  store <- open_fmalloc(file.path(folder, "store.bin"))
  on.exit(cleanup_fmalloc(store))
  catalog <- list_fmalloc_allocations(store)
  offsets <- catalog$record_offset[catalog$state == "committed"]
  good <- vapply(offsets, function(offset) {
    x <- recover_fmalloc_vector(store, offset, plain = TRUE)
    is_whole(x)
  }, NA)
  list(count = length(good), bad = sum(!good))
}

observer <- function() {
  seed()
  for (round in 1:4) {
    folder <- work_folder()
    process <- start("converter", folder)
    ok(hear(process) == "converting", "round ", round, ": under way")
    Sys.sleep(runif(1, 0.1, 1.5))
    signal(process, if (round %% 2) tools::SIGKILL else tools::SIGINT)
    said <- told(process)
    if (round %% 2 == 0) {
      ok(identical(said, c("interrupted", "0")), "round ", round, ": interrupted, nothing left (",
        paste(said, collapse = " "), ")")
    }
    found <- whole(folder)
    ok(found$bad == 0, "round ", round, ": ", found$count, " vectors, all whole")
    gc()
    ok(rfm_check(file.path(folder, "store.bin")) == 0, "round ", round, ": the store is sound")
    unlink(folder, recursive = TRUE)
  }
  finish()
}

if (length(arguments)) converter(arguments[2]) else observer()
