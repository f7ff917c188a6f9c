# A file system with 40 MB free: to allocate 160 MB is an error of class
# fmalloc_disk_full, at allocation, not a crash at the first write; the session and
# the other vectors live on, and what fits still fits: proves I13.

source("tests/process/tap.R")

worker <- function(folder) {
  path <- file.path(folder, "store.bin")
  store <- open_fmalloc(path, size_gb = 1)
  say("opened")
  x <- create_fmalloc_vector("numeric", 1e6, store)
  x[] <- as.numeric(1:1e6)
  rows <- list_fmalloc_allocations(store)

  e <- error_of(create_fmalloc_vector("numeric", 2e7, store))
  say(class(e)[1])
  say(gsub("\n", " ", conditionMessage(e)))
  say(identical(list_fmalloc_allocations(store), rows))
  say(sum(x) == 500000500000)

  filled <- 0
  e <- error_of(repeat {
    y <- create_fmalloc_vector("numeric", 5e5, store)
    y[] <- filled
    filled <- filled + 1
  })
  say(class(e)[1], " ", filled >= 5 && filled <= 10)
  temporary <- error_of(repeat assign(paste0("t", filled <- filled + 1), x + 1))
  say(class(temporary)[1])
  rm(list = ls(pattern = "^t[0-9]"))
  rows <- list_fmalloc_allocations(store)
  say(sum(x) == 500000500000)
  say(check_fmalloc(path)$sound)

  destroy_fmalloc_vector(y, unsafe = TRUE)
  sync_fmalloc(store)
  y <- create_fmalloc_vector("numeric", 4e5, store)
  y[] <- 2
  say(sum(y) == 8e5)
  rm(y)
  saveRDS(x, file.path(folder, "x.rds"))
  rm(x)
  cleanup_fmalloc(store)
  gc(full = TRUE)
  say(rfm_check(path))
  say(sum(readRDS(file.path(folder, "x.rds"))) == 500000500000)
}

observer <- function() {
  folder <- work_folder()
  line <- c("48", shQuote(folder), "Rscript", "--vanilla",
    "tests/process/test_disk_full.R", "worker", shQuote(folder))
  said <- suppressWarnings(system2("tools/small-disk", line, stdout = TRUE, stderr = TRUE))
  if (!"opened" %in% said) {
    skip("a full disk", paste("no small file system can be made here:", paste(said, collapse = " ")))
    finish()
  }
  said <- said[-seq_len(match("opened", said))]
  ok(identical(said[1], "fmalloc_disk_full"), "160 MB on 40 MB: ", said[1])
  ok(grepl("store.bin", said[2], fixed = TRUE), "the message: ", said[2])
  ok(identical(said[3], "TRUE"), "the catalogue is as before")
  ok(identical(said[4], "TRUE"), "the other vector is as before")
  ok(identical(said[5], "fmalloc_disk_full TRUE"), "4 MB vectors until the disk is full: ", said[5])
  ok(identical(said[6], "fmalloc_disk_full"), "temporaries until the disk is full: ", said[6])
  ok(identical(said[7], "TRUE"), "the first vector is as before")
  ok(identical(said[8], "TRUE"), "the store is sound")
  ok(identical(said[9], "TRUE"), "room that was freed can be used again")
  ok(identical(said[10], "0"), "rfm-check: sound after closing")
  ok(identical(said[11], "TRUE"), "a reference finds its vector")
  finish()
}

if (length(arguments)) worker(arguments[2]) else observer()
