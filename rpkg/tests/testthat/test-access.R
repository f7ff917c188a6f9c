# Readers beside a writer, and when a store is synced by itself.

# A store with two saved vectors, closed; the path has x.rds and y.rds beside it.
closed_store <- function() {
  folder <- tempfile("access-")
  dir.create(folder)
  store <- open_fmalloc(file.path(folder, "store.bin"))
  x <- stored(as.numeric(1:100), store)
  y <- stored(c(5, 6, 7), store)
  saveRDS(x, file.path(folder, "x.rds"))
  saveRDS(y, file.path(folder, "y.rds"))
  rm(x, y)
  cleanup_fmalloc(store)
  rm(store)
  gc()
  folder
}

# Another process opens the store of the folder for writing and runs code.
by_writer <- function(folder, code, ending = "cleanup_fmalloc(store)") {
  in_new_r(c(sprintf("setwd(%s)", quoted(folder)), "store <- open_fmalloc('store.bin')", code,
    ending))
}

test_that("the arguments of open_fmalloc come in this order", {
  expect_identical(names(formals(open_fmalloc)),
    c("filepath", "size_gb", "mode", "access", "sync"))
  expect_identical(eval(formals(open_fmalloc)$access)[1], "write")
  expect_identical(eval(formals(open_fmalloc)$sync)[1], "close")
})

# proves I12
test_that("a reader sees what was there, and refresh_fmalloc moves him", {
  folder <- closed_store()
  reader <- open_fmalloc(file.path(folder, "store.bin"), access = "read")
  expect_identical(nrow(list_fmalloc_allocations(reader)), 2L)
  expect_false(refresh_fmalloc(reader))
  expect_invisible(refresh_fmalloc(reader))
  x <- readRDS(file.path(folder, "x.rds"))

  expect_identical(by_writer(folder, "saveRDS(as_fmalloc(c(8, 9), store), 'z.rds')"), character())
  expect_identical(nrow(list_fmalloc_allocations(reader)), 2L)
  expect_true(refresh_fmalloc(reader))
  expect_identical(nrow(list_fmalloc_allocations(reader)), 3L)
  expect_false(refresh_fmalloc(reader))
  expect_identical(collect_fmalloc(readRDS(file.path(folder, "z.rds"))), c(8, 9))
  expect_identical(sum(x), 5050)
  cleanup_fmalloc(reader)
})

test_that("a commit alone is nothing new", {
  folder <- closed_store()
  suppressWarnings(by_writer(folder, "x <- as_fmalloc(c(8, 9), store)",
    "tools::pskill(Sys.getpid(), 9)"))
  reader <- open_fmalloc(file.path(folder, "store.bin"), access = "read")
  uncommitted <- function() check_fmalloc(file.path(folder, "store.bin"))$report$uncommitted
  expect_identical(uncommitted(), 1)
  by_writer(folder, "sync_fmalloc(store)")
  expect_identical(uncommitted(), 0)
  expect_false(refresh_fmalloc(reader))
  cleanup_fmalloc(reader)
})

# proves I4
test_that("a reader sees what nobody has synced, after the writer's death as well", {
  folder <- closed_store()
  reader <- open_fmalloc(file.path(folder, "store.bin"), access = "read")
  suppressWarnings(by_writer(folder, "saveRDS(as_fmalloc(c(8, 9), store), 'z.rds')",
    "tools::pskill(Sys.getpid(), 9)"))
  expect_true(refresh_fmalloc(reader))
  expect_identical(collect_fmalloc(readRDS(file.path(folder, "z.rds"))), c(8, 9))
  cleanup_fmalloc(reader)
})

# proves I6
test_that("what a reader holds stays what it was", {
  folder <- closed_store()
  reader <- open_fmalloc(file.path(folder, "store.bin"), access = "read")
  x <- readRDS(file.path(folder, "x.rds"))
  by_writer(folder, c(
    "destroy_fmalloc_vector(readRDS('x.rds'), unsafe = TRUE)",
    "sync_fmalloc(store)",
    "for (k in 1:50) { z <- create_fmalloc_vector('numeric', 100, store); z[] <- -1 }",
    "sync_fmalloc(store)"))
  expect_identical(sum(x), 5050)
  expect_true(refresh_fmalloc(reader))
  expect_identical(sum(x), 5050)
  expect_identical(collect_fmalloc(x), as.numeric(1:100))
  expect_error(readRDS(file.path(folder, "x.rds")), class = "fmalloc_tombstone")
  rm(x)
  cleanup_fmalloc(reader)
})

# What the next writer has to keep for readers, in bytes, after he has replaced x.
held_for_readers <- function(folder, k) {
  said <- by_writer(folder, c(
    "cat(.Call(Rfmalloc:::rfm_c_info, store)$held_bytes)",
    sprintf("store$x <- rep(%d, 1e5)", k)
  ))
  as.numeric(said[length(said)])
}

# How often R collects while expr is evaluated so many times: something that may die is made
# whenever the last such thing is dead.
collections <- function(times, expr) {
  code <- substitute(expr)
  frame <- parent.frame()
  seen <- made <- 0
  for (k in seq_len(times)) {
    if (made == seen) {
      reg.finalizer(new.env(), function(e) seen <<- seen + 1)
      made <- made + 1
    }
    eval(code, frame)
  }
  seen
}

# Looks again until R has collected: that has to wait if it was done a moment ago.
look_until_collected <- function(store) {
  for (k in 1:1200) {
    if (collections(1, refresh_fmalloc(store)) > 0) return(TRUE)
    Sys.sleep(0.05)
  }
  FALSE
}

test_that("looking again collects what holds the pin back, and not too often", {
  folder <- closed_store()
  by_writer(folder, "store$x <- rep(0, 1e5)")
  store <- open_fmalloc(file.path(folder, "store.bin"), access = "read")
  x <- store$x
  by_writer(folder, "store$y <- 1")
  gc()
  # x is there still: nothing is behind
  expect_identical(collections(20, refresh_fmalloc(store)), 0)
  expect_identical(names(store), c("x", "y"))
  held_for_readers(folder, 1)
  # now x is of an earlier state, but alive
  expect_identical(collections(1, refresh_fmalloc(store)), 1)
  expect_identical(collections(20, refresh_fmalloc(store)), 0)
  expect_true(look_until_collected(store))
  expect_gte(held_for_readers(folder, 2), 8e5)
  expect_identical(x[1e5], 0)
  gc()
  rm(x)
  expect_gte(held_for_readers(folder, 3), 8e5)
  expect_true(look_until_collected(store))
  expect_lt(held_for_readers(folder, 4), 1e5)
  # nothing is behind, however long it rests
  Sys.sleep(1)
  expect_identical(collections(20, refresh_fmalloc(store)), 0)
  cleanup_fmalloc(store)
})

test_that("looking again may find that a finalizer has closed the store", {
  folder <- closed_store()
  by_writer(folder, "store$x <- rep(0, 1e5)")
  store <- open_fmalloc(file.path(folder, "store.bin"), access = "read")
  # R runs the finalizers of younger objects first: when this one closes, x has let go
  closes <- new.env()
  reg.finalizer(closes, function(e) cleanup_fmalloc(store))
  x <- store$x
  by_writer(folder, "store$x <- 1")
  gc()
  rm(x, closes)
  expect_error(refresh_fmalloc(store), class = "fmalloc_closed")
  expect_error(refresh_fmalloc(store), class = "fmalloc_closed")
})

test_that("a writer and a closed handle have nothing to refresh", {
  store <- new_store()
  expect_false(refresh_fmalloc(store))
  x <- stored(1:3, store)
  expect_false(refresh_fmalloc(store))
  rm(x)
  cleanup_fmalloc(store)
  expect_error(refresh_fmalloc(store), class = "fmalloc_closed")
  expect_error(refresh_fmalloc(7), class = "fmalloc_argument")
  expect_false(refresh_fmalloc(new_store(mode = "scratch")))
})

# proves I14
test_that("a reader changes nothing, creates nothing and is told what to do", {
  folder <- closed_store()
  path <- file.path(folder, "store.bin")
  before <- md5(path)
  reader <- open_fmalloc(path, access = "read")
  x <- readRDS(file.path(folder, "x.rds"))
  refused <- function(e) {
    expect_s3_class(e, "fmalloc_read_only")
    expect_match(conditionMessage(e), "access = \"write\"", fixed = TRUE)
    expect_match(conditionMessage(e), "store.bin", fixed = TRUE)
  }
  refused(tryCatch(sync_fmalloc(reader), error = identity))
  refused(tryCatch(destroy_fmalloc_vector(x, unsafe = TRUE), error = identity))
  refused(tryCatch(snapshot_fmalloc(reader, tempfile()), error = identity))
  x[1] <- 100
  expect_identical(sum(x), 5149)
  expect_identical(sum(readRDS(file.path(folder, "x.rds"))), 5050)
  rm(x)
  cleanup_fmalloc(reader)
  gc()
  expect_identical(md5(path), before)
  absent <- tempfile()
  expect_error(open_fmalloc(absent, access = "read"), class = "fmalloc_no_file")
  expect_false(file.exists(absent))
})

test_that("many readers stand beside a writer", {
  folder <- closed_store()
  path <- file.path(folder, "store.bin")
  reader <- open_fmalloc(path, access = "read")
  expect_identical(by_writer(folder, c(
    "print(sum(readRDS('x.rds')))",
    "cat(system2(file.path(R.home('bin'), 'Rscript'), c('--vanilla', '-e', shQuote(paste0(",
    "  'suppressPackageStartupMessages(library(Rfmalloc)); r <- open_fmalloc(\"store.bin\", access = \"read\");',",
    "  'cat(sum(readRDS(\"y.rds\")))'))), stdout = TRUE), '\\n')")),
    c("[1] 5050", "18 "))
  expect_identical(sum(readRDS(file.path(folder, "y.rds"))), 18)
  cleanup_fmalloc(reader)
})

test_that("the policy of syncs is kept, checked, and the strictest counts", {
  policy <- Rfmalloc:::sync_policy
  expect_identical(policy(new_store()), "close")
  for (word in c("close", "put", "never")) expect_identical(policy(new_store(sync = word)), word)
  expect_error(open_fmalloc(tempfile(), sync = "always"), "should be one of")
  path <- tempfile()
  a <- open_fmalloc(path, sync = "never")
  b <- open_fmalloc(path, sync = "put")
  d <- open_fmalloc(path)
  expect_identical(c(policy(a), policy(b), policy(d)), rep("put", 3))
  for (handle in list(a, b, d)) cleanup_fmalloc(handle)
  expect_error(policy(a), class = "fmalloc_closed")
  expect_identical(policy(open_fmalloc(path, sync = "never")), "never")
  expect_error(.Call(Rfmalloc:::rfm_c_open, path, NULL, "persistent", "write", "no"),
    "sync", class = "fmalloc_argument")
})

# proves I4
test_that("sync = \"never\" leaves at the close what a death would leave", {
  path <- tempfile()
  store <- open_fmalloc(path, sync = "never")
  saved <- serialize(stored(c(1, 2, 3), store), NULL)
  cleanup_fmalloc(store)
  rm(store)
  gc()
  found <- check_fmalloc(path)
  expect_true(found$sound)
  expect_false(found$report$clean)
  expect_gt(found$report$uncommitted, 0)
  store <- open_fmalloc(path)
  expect_identical(collect_fmalloc(unserialize(saved)), c(1, 2, 3))
  expect_identical(nrow(list_fmalloc_allocations(store)), 1L)
  cleanup_fmalloc(store)
  rm(store)
  gc()
  expect_true(check_fmalloc(path)$report$clean)
})

test_that("init_fmalloc passes access and sync on", {
  cleanup_fmalloc()
  path <- tempfile()
  expect_true(init_fmalloc(path, sync = "put"))
  expect_identical(Rfmalloc:::sync_policy(NULL), "put")
  cleanup_fmalloc()
  gc()
  expect_false(init_fmalloc(path, access = "read"))
  expect_error(sync_fmalloc(), class = "fmalloc_read_only")
  cleanup_fmalloc()
})
