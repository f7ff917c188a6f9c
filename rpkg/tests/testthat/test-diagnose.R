test_that("a diagnosis has the three components and their parts", {
  store <- new_store()
  x <- stored(1:10, store)
  y <- x + 1L
  d <- diagnose_fmalloc_runtime(store)
  expect_s3_class(d, "fmalloc_diagnosis", exact = TRUE)
  expect_named(d, c("runtime", "catalog", "summary"))
  expect_identical(d$catalog, list_fmalloc_allocations(store))
  expect_identical(d$runtime$mode, "persistent")
  expect_identical(d$runtime$uuid, attr(store, "uuid"))
  expect_identical(d$runtime$path, path_of(store))
  expect_true(d$runtime$runtime_open)
  expect_identical(d$runtime$live_vectors, 2)
  expect_true(all(c("file_bytes", "free_bytes", "held_bytes", "records", "last_sync") %in%
    names(d$runtime)))
  expect_identical(anyDuplicated(names(d$runtime)), 0L)
  s <- d$summary
  expect_identical(c(s$record_count, s$committed_records, s$tombstoned_records), c(1, 1, 0))
  expect_identical(c(s$temporary_vectors, s$sealed_records), c(1, 0))
  expect_identical(c(s$committed_payload_bytes, s$tombstoned_payload_bytes), c(40, 0))
  expect_identical(s$potentially_reclaimable_payload_bytes, 0)
  expect_identical(s$findings, 0)
  expect_true(s$compaction_implemented)
  expect_type(s$compaction_note, "character")
})

test_that("what compaction would return is what it returns", {
  store <- new_store()
  store$large <- as.numeric(1:1e6)
  store$small <- 1:10
  store$large <- NULL
  gc()
  sync_fmalloc(store)
  d <- diagnose_fmalloc_runtime(store)
  told <- d$summary$compaction_returns_bytes
  expect_match(d$summary$compaction_note, "compact_fmalloc() would return about", fixed = TRUE)
  expect_match(Rfmalloc:::map_title(d), ": compaction would return about", fixed = TRUE)
  d$summary$compaction_returns_bytes <- 0
  expect_identical(Rfmalloc:::map_title(d), basename(d$runtime$path))
  expect_match(capture.output(print(d)), "compaction +would return nothing$", all = FALSE)
  rm(d)
  expect_equal(compact_fmalloc(store), told, tolerance = 0.01)
  s <- diagnose_fmalloc_runtime(store)$summary
  expect_lt(s$compaction_returns_bytes, 2^18)
  expect_gte(s$compaction_returns_bytes, 0)
  expect_identical(store$small, 1:10)
  info <- list(file_bytes = 100, live_bytes = 90, temporary_bytes = 5, held_bytes = 5,
    temporaries = 0)
  map <- data.frame(bytes = c(10, 5), use = c("head", "log"))
  expect_identical(Rfmalloc:::compaction_returns(info, map), 0)
  expect_match(Rfmalloc:::note_on_compaction(0, info), "nothing for compact_fmalloc")
  info$temporaries <- 2
  expect_match(Rfmalloc:::note_on_compaction(2^20, info), "about 1 MB; .*rm\\(\\) and gc")
})

test_that("what was destroyed is reclaimable until the next sync", {
  store <- new_store()
  x <- stored(1:10, store)
  y <- stored(as.numeric(1:1000), store)
  z <- stored(as.numeric(1:10), store)
  where <- info_of(x)$offset
  destroy_fmalloc_vector(x, unsafe = TRUE)
  destroy_fmalloc_vector(y, unsafe = TRUE)
  s <- diagnose_fmalloc_runtime(store)$summary
  expect_identical(c(s$record_count, s$committed_records, s$tombstoned_records), c(3, 1, 2))
  expect_identical(s$tombstoned_payload_bytes, 8040)
  expect_identical(s$potentially_reclaimable_payload_bytes, 8040)
  sync_fmalloc(store)
  s <- diagnose_fmalloc_runtime(store)$summary
  expect_identical(s$potentially_reclaimable_payload_bytes, 0)
  w <- stored(1:9, store)
  expect_identical(info_of(w)$offset, where)
  destroy_fmalloc_vector(w, unsafe = TRUE)
  expect_identical(
    diagnose_fmalloc_runtime(store)$summary$potentially_reclaimable_payload_bytes, 36)
})

# proves I5
test_that("the map covers the file, each byte once, and agrees with the counts", {
  store <- new_store()
  kept <- lapply(1:20, function(k) stored(as.numeric(seq_len(k * 50)), store))
  saved <- serialize(kept[[1]], NULL)
  for (k in c(3, 9, 10, 17)) destroy_fmalloc_vector(kept[[k]], unsafe = TRUE)
  y <- kept[[20]] + 1
  d <- diagnose_fmalloc_runtime(store)
  map <- attr(d, "map")
  expect_identical(map$offset, cumsum(c(0, map$bytes[-nrow(map)])))
  expect_identical(sum(map$bytes), d$runtime$file_bytes)
  total <- tapply(map$bytes, map$use, sum)
  expect_identical(total[["free"]], d$runtime$free_bytes)
  expect_identical(total[["held"]], d$runtime$held_bytes)
  expect_identical(total[["temporary"]], d$runtime$temporary_bytes)
  expect_identical(total[["committed"]] + total[["sealed"]], d$runtime$live_bytes)
  expect_identical(map$generation[map$use == "sealed"], info_of(kept[[1]])$id)
  expect_identical(map$offset[map$generation == info_of(kept[[2]])$id], info_of(kept[[2]])$offset)
})

test_that("print says first what a person wants to see", {
  store <- new_store()
  x <- stored(1:10, store)
  text <- capture.output(print(diagnose_fmalloc_runtime(store)))
  expect_match(text[1], path_of(store), fixed = TRUE)
  expect_match(text[2], "size +32 MB, persistent$")
  expect_match(text[3], "live +1 vector \\(64 bytes\\)$")
  expect_match(text[4], "free +31.* MB in 1 extent$")
  expect_match(text[5], "compaction +would return about 3[12].* MB$")
  expect_match(text[6], "tombstones +0$")
  expect_match(text[7], "findings +none$")
  destroy_fmalloc_vector(x, unsafe = TRUE)
  text <- capture.output(print(diagnose_fmalloc_runtime(store)))
  expect_match(text[5], "held +64 bytes: free after the next sync")
  expect_match(text[7], "tombstones +1 \\(40 bytes once\\)")
  capture.output(expect_invisible(print(diagnose_fmalloc_runtime(store))))
})

test_that("plot draws every byte of the file, row by row", {
  store <- new_store()
  x <- stored(as.numeric(1:1e6), store)
  d <- diagnose_fmalloc_runtime(store)
  picture <- tempfile(fileext = ".pdf")
  grDevices::pdf(picture)
  bars <- plot(d, rows = 7, main = "a store")
  grDevices::dev.off()
  expect_gt(file.size(picture), 2000)
  across <- d$runtime$file_bytes / 7
  expect_equal(as.vector(tapply(bars$to - bars$from, bars$row, sum)), rep(across, 7))
  of_x <- bars[bars$use == "committed", ]
  expect_equal(sum(of_x$to - of_x$from), 8003584)
  expect_equal((of_x$row[1] - 1) * across + of_x$from[1], info_of(x)$offset)
  for (bad in list(-1, NA, "a", 0.5, 0)) {
    expect_error(plot(d, rows = bad), "rows", class = "fmalloc_argument")
  }
})

test_that("scratch stores, readers and the default store can be diagnosed", {
  scratch <- new_store(mode = "scratch")
  x <- create_fmalloc_vector("raw", 100, scratch)
  d <- diagnose_fmalloc_runtime(scratch)
  expect_identical(d$runtime$mode, "scratch")
  expect_identical(d$summary$temporary_vectors, 1)
  expect_identical(nrow(d$catalog), 0L)
  path <- tempfile()
  cleanup_fmalloc(open_fmalloc(path))
  init_fmalloc(path)
  expect_identical(diagnose_fmalloc_runtime()$runtime$path, normalizePath(path))
  again <- open_fmalloc(path)
  expect_true(diagnose_fmalloc_runtime(again)$runtime$is_default)
  cleanup_fmalloc(again)
  expect_false(diagnose_fmalloc_runtime(scratch)$runtime$is_default)
  cleanup_fmalloc()
  expect_error(diagnose_fmalloc_runtime(), "fmalloc not initialized", class = "fmalloc_argument")
  expect_identical(diagnose_fmalloc_runtime(open_fmalloc(path, access = "read"))$runtime$access,
    "read")
  closed <- new_store()
  cleanup_fmalloc(closed)
  expect_error(diagnose_fmalloc_runtime(closed), "runtime is closed", class = "fmalloc_closed")
})

# proves I10
test_that("elements of lists that lead nowhere are told, and never read", {
  path <- tempfile()
  file <- tempfile(fileext = ".rds")
  store <- open_fmalloc(path)
  y <- as_fmalloc(list(1:3, 4:6), store)
  saveRDS(y, file)
  at <- info_of(y)$offset
  rm(y)
  cleanup_fmalloc(store)
  gc()
  bytes <- base::file(path, "r+b")
  seek(bytes, at, rw = "write")
  writeBin(c(4711L, 0L), bytes)
  close(bytes)
  store <- open_fmalloc(path)
  d <- diagnose_fmalloc_runtime(store)
  expect_identical(d$summary$findings, 1)
  expect_match(capture.output(print(d)), "findings +1 element of lists", all = FALSE)
  y <- readRDS(file)
  expect_error(y[[1]], class = "fmalloc_damaged")
  expect_error(collect_fmalloc(y), class = "fmalloc_damaged")
  expect_error(fmalloc_sizes(y), class = "fmalloc_damaged")
  expect_identical(y[[2]], 4:6)
  expect_false(check_fmalloc(path)$sound)
})

test_that("a reader is told what is free in the file, not in room of his own", {
  path <- tempfile()
  store <- open_fmalloc(path)
  store$x <- as.numeric(1:1e5)
  free <- diagnose_fmalloc_runtime(store)$summary$free_bytes
  returns <- diagnose_fmalloc_runtime(store)$summary$compaction_returns_bytes
  cleanup_fmalloc(store)
  reader <- open_fmalloc(path, access = "read")
  used <- summary(reader)$bytes[["used"]]
  x <- create_fmalloc_vector("numeric", 1e6, reader)
  d <- diagnose_fmalloc_runtime(reader)
  expect_identical(d$summary$free_bytes, free)
  expect_identical(d$runtime$free_bytes, free)
  expect_identical(d$summary$compaction_returns_bytes, returns)
  expect_gte(d$summary$free_bytes, d$summary$largest_free_bytes)
  expect_identical(summary(reader)$bytes[["free"]], free)
  expect_identical(summary(reader)$bytes[["used"]], used)
})
