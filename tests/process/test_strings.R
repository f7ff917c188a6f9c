# Character vectors beyond one process: a writer that is killed while it replaces
# strings, forked children that write, a reader beside the writer, and many strings that
# are filled, saved, reopened, subset, matched, sorted, made a factor: proves I15, I12.
# RFM_STRINGS says how many (1e7 to try what the manual speaks of).

source("tests/process/tap.R")
suppressPackageStartupMessages(library(parallel))

# A string that tells its own place, and whose bytes tell whether it is whole.
letter_of <- function(k) letters[k %% 26 + 1]
string_of <- function(i, k) paste0(i, ":", strrep(letter_of(k), k %% 40))
is_whole <- function(s, i) {
  body <- sub("^[0-9]*:", "", s)
  s == "" | (sub(":.*", "", s) == i & body == strrep(substr(body, 1, 1), nchar(body)))
}

victim <- function(folder) {
  store <- open_fmalloc(file.path(folder, "store.bin"))
  x <- create_fmalloc_vector("character", 500, store, plain = TRUE)
  say("ready")
  repeat {
    i <- sample.int(500, 100)
    x[i] <- string_of(i, sample.int(1000, 100))
  }
}

killed <- function(folder, rounds) {
  path <- file.path(folder, "store.bin")
  for (round in seq_len(rounds)) {
    unlink(path)
    process <- start("victim", folder)
    first <- hear(process)
    Sys.sleep(0.05 + stats::runif(1) / 5)
    signal(process, 9)
    said <- told(process)
    store <- open_fmalloc(path)
    x <- recover_fmalloc_vector(store, list_fmalloc_allocations(store)$record_offset[1])
    values <- as.character(x[])
    bad <- which(!is_whole(values, seq_along(values)))
    # it can go on where the other one was stopped
    x[1:500] <- string_of(1:500, 13:512)
    again <- identical(as.character(x[]), string_of(1:500, 13:512))
    rm(x)
    cleanup_fmalloc(store)
    ok(first == "ready" && !length(said) && !length(bad) && any(values != "") && again &&
      rfm_check(path) == 0, "round ", round, ": ", sum(values != ""), " strings are whole ",
      paste(values[bad], collapse = " "), said)
  }
}

forked <- function(folder) {
  store <- open_fmalloc(file.path(folder, "forked.bin"))
  x <- create_fmalloc_vector("character", 2000, store, plain = TRUE)
  x[] <- expected <- string_of(1:2000, 1:2000)
  rows <- function() {
    all <- list_fmalloc_allocations(store)
    all[all$state != "temporary", ]
  }
  before <- rows()
  results <- mclapply(1:4, function(k) {
    # far strings, more than the parent's heap has room for
    x[] <- paste("child", k, "has written a string that is long enough", 1:2000)
    y <- x[c(1, 2000)]
    z <- x
    z[5] <- "near"
    gc()
    list(y[[2]], z[[5]], x[[5]], length(unique(x)), anyNA(x))
  }, mc.cores = 2)
  fine <- vapply(1:4, function(k) identical(results[[k]],
    list(paste("child", k, "has written a string that is long enough 2000"), "near",
      paste("child", k, "has written a string that is long enough 5"), 2000L, FALSE)), NA)
  ok(all(fine), "forked children write strings of their own")
  ok(identical(as.character(x[]), expected), "the parent's strings are as before")
  ok(identical(rows(), before), "and so is its catalogue")
  x[7] <- "the parent goes on, with a long string"
  ok(x[[7]] == "the parent goes on, with a long string", "the parent can write")
  file <- file.path(folder, "x.rds")
  saveRDS(x, file)
  read <- system2(file.path(R.home("bin"), "Rscript"), c("--vanilla", "-e", shQuote(paste0(
    "x <- readRDS('", file, "'); y <- x; y[7] <- strrep('z', 1e5); ",
    "cat(nchar(y[[7]]), x[[7]], length(unique(x)))"))), stdout = TRUE)
  ok(identical(read, "100000 the parent goes on, with a long string 2000"),
    "a reader beside the writer reads, and writes to a copy: ", read)
  rm(x)
  cleanup_fmalloc(store)
}

many <- function(folder, n) {
  path <- file.path(folder, "many.bin")
  file <- file.path(folder, "many.rds")
  ids <- c(sprintf("identifier %07d", 1:9999), "short")
  i <- as.integer((seq_len(n) * 7919) %% 10000) + 1L
  store <- open_fmalloc(path)
  x <- create_fmalloc_vector("character", n, store, plain = TRUE)
  x[] <- ids[i]
  saveRDS(x, file)
  rm(x)
  cleanup_fmalloc(store)
  store <- open_fmalloc(path)
  took <- system.time(y <- readRDS(file))[[3]]
  note(n, " strings: reading the reference took ", took, " s")
  ok(took < 1, "a reference is read without the strings")
  part <- y[seq(n, 1, by = -2)]
  ok(identical(match(part, ids), i[seq(n, 1, by = -2)]), "a subset")
  ok(identical(match(y, ids), i), "match()")
  f <- factor(y)
  ok(identical(levels(f), sort(ids)) && identical(as.integer(f), match(ids, sort(ids))[i]), "factor()")
  ok(identical(match(sort(y, method = "radix"), sort(ids, method = "radix")),
    sort(match(ids, sort(ids, method = "radix"))[i])), "sort()")
  z <- y
  z[n] <- "a new string at the end, in a copy"
  ok(y[[n]] == ids[i[n]] && identical(which(z != y), as.integer(n)), "a copy that is changed")
  rm(y, z, part)
  cleanup_fmalloc(store)
  ok(rfm_check(path) == 0, "the store is sound")
}

if (length(arguments)) {
  victim(arguments[2])
} else {
  seed()
  folder <- work_folder()
  killed(folder, 10)
  forked(folder)
  many(folder, as.numeric(Sys.getenv("RFM_STRINGS", "2e5")))
  finish()
}
