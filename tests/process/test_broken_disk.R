# A disk that breaks while a store is open: first a flush fails, then, in another session,
# a write. From then on the store takes no changes and says so; what is in memory can be
# read and saved by value; closing says that it is no clean end; and the next session
# finds what was there: proves I13 where the error comes from the system.

source("tests/process/tap.R")

worker <- function(folder, what) {
  path <- file.path(folder, "store.bin")
  breaks <- paste(Sys.getenv("RFM_BROKEN"), what, sep = ".")
  class_of <- function(expr) class(error_of(expr))[1]
  store <- open_fmalloc(path)
  x <- create_fmalloc_vector("numeric", 1000, store)
  x[] <- as.numeric(1:1000)
  s <- create_fmalloc_vector("character", 3, store)
  s[] <- c("a", "b", "c")
  l <- create_fmalloc_vector("list", 2, store)
  l[[1]] <- x
  t <- s[1:3]
  z <- create_fmalloc_vector("raw", 5, store)
  sync_fmalloc(store)
  x[1] <- 7                       # the list has the former one
  file.create(breaks)
  e <- error_of(if (what == "write") serialize(z, NULL) else sync_fmalloc(store))
  ok(inherits(e, "fmalloc_io") && grepl("Input/output error|write or flush", conditionMessage(e)),
    what, ": an error of its class: ", conditionMessage(e))
  file.remove(breaks)

  # The disk is well again, and is not believed.
  ok(class_of(sync_fmalloc(store)) == "fmalloc_poisoned", what, ": the next sync proves nothing")
  ok(class_of(create_fmalloc_vector("raw", 1, store)) == "fmalloc_poisoned", what, ": nothing new")
  far <- strrep("far ", 1e5)
  ok(class_of(s[1] <- far) == "fmalloc_poisoned" && s[[1]] == "a", what, ": no new text")
  ok(class_of(l[[2]] <- z) == "fmalloc_poisoned" && is.null(l[[2]]), what, ": no element")
  ok(any(grepl("refuses changes since a write failed", capture.output(print(store)))) &&
    diagnose_fmalloc_runtime(store)$runtime$poisoned, what, ": the store says what it is")
  ok(x[[1]] == 7 && sum(l[[1]]) == 500500 && sum(x + 1) == 501506, what, ": memory is as before")
  t[1] <- far
  ok(t[[1]] == far && identical(as.vector(t[2:3]), c("b", "c")), what, ": a temporary has new text")
  # No reference to what may be lost: the values themselves.
  saveRDS(list(x, s, l), file.path(folder, "saved.rds"))
  ok(class_of(cleanup_fmalloc(store)) == "fmalloc_poisoned", what, ": no clean end")
  say("over")
  finish()
}

observer <- function() {
  folder <- work_folder()
  library <- file.path(folder, "broken_disk.so")
  compiled <- system2("gcc", c("-shared", "-fPIC", "-o", library,
    "tests/process/broken_disk.c")) == 0
  ok(compiled, "the disk that breaks is compiled")
  for (what in c("flush", "write")) {
    place <- file.path(folder, what)
    dir.create(place)
    Sys.setenv(LD_PRELOAD = library, RFM_BROKEN = file.path(folder, "disk"))
    process <- start(place, what)
    Sys.unsetenv(c("LD_PRELOAD", "RFM_BROKEN"))
    said <- told(process)
    for (line in grep("^(not )?ok ", said, value = TRUE)) {
      ok(startsWith(line, "ok "), sub("^(not )?ok [0-9]+ - ", "", line))
    }
    ok("over" %in% said, what, ": to the end")
    path <- file.path(place, "store.bin")
    ok(rfm_check(path) == 0, what, ": the store is sound")
    saved <- readRDS(file.path(place, "saved.rds"))
    ok(identical(as.numeric(saved[[1]]), c(7, 2:1000)) && identical(as.character(saved[[2]]),
      c("a", "b", "c")) && identical(as.numeric(saved[[3]][[1]]), as.numeric(1:1000)),
      what, ": what was saved by value is whole")
    store <- open_fmalloc(path)
    rows <- list_fmalloc_allocations(store)
    rows <- rows[rows$state == "committed", ]
    found <- lapply(rows$record_offset, function(at) recover_fmalloc_vector(store, at))
    ok(identical(rows$type, c("numeric", "character", "list", "raw")) &&
      identical(as.numeric(found[[1]]), as.numeric(1:1000)) &&
      identical(as.vector(found[[2]]), c("a", "b", "c")) && sum(found[[3]][[1]]) == 500500,
      what, ": the next session has what was there")
    sync_fmalloc(store)
    cleanup_fmalloc(store)
  }
  finish()
}

if (length(arguments)) worker(arguments[1], arguments[2]) else observer()
