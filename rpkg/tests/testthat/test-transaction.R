# Transactions: all or none.

test_that("the changes of a block take effect together at its end", {
  path <- tempfile()
  store <- open_fmalloc(path)
  store$old <- 1
  store$keep <- 2
  records <- function() nrow(subset(list_fmalloc_allocations(store), state == "committed"))
  before <- records()
  value <- transaction_fmalloc(store, {
    store$a <- data.frame(x = 1:3)
    store$b <- "text"
    store$old <- NULL
    rename_fmalloc("keep", "kept", store)
    expect_identical(names(store), c("a", "b", "kept"))
    expect_identical(store$a, data.frame(x = 1:3))
    expect_null(store$old)
    expect_true(exists_fmalloc("kept", store))
    expect_identical(list_fmalloc(store)$class, c("data.frame", "character", "numeric"))
    expect_identical(records(), before)
    store$b <- "another"
    7
  })
  expect_identical(value, 7)
  expect_identical(names(store), c("a", "b", "kept"))
  expect_identical(store$b, "another")
  expect_identical(store$kept, 2)
  expect_invisible(transaction_fmalloc(store, invisible(1)))
  expect_true(check_fmalloc(path)$sound)
  cleanup_fmalloc(store)
  store <- open_fmalloc(path)
  expect_identical(as.list(store), list(a = data.frame(x = 1:3), b = "another", kept = 2))
})

test_that("an error, a jump and a refusal leave nothing", {
  path <- tempfile()
  store <- open_fmalloc(path)
  store$a <- 1
  untouched <- function() {
    identical(as.list(store), list(a = 1)) && length(ls(open_transactions)) == 0 &&
      nrow(subset(list_fmalloc_allocations(store), state == "committed")) == 1
  }
  expect_error(transaction_fmalloc(store, { store$a <- 2; store$b <- 3; stop("never mind") }), "never mind")
  expect_true(untouched())
  f <- function() {
    transaction_fmalloc(store, { store$a <- 2; return("out") })
    "not reached"
  }
  expect_identical(f(), "out")
  expect_true(untouched())
  for (k in 1) transaction_fmalloc(store, { store$a <- NULL; break })
  expect_true(untouched())
  expect_error(transaction_fmalloc(store, { store$a <- 2; store$f <- mean }), class = "fmalloc_argument")
  expect_true(untouched())
  interrupt <- structure(list(message = "", call = NULL), class = c("interrupt", "condition"))
  x <- tryCatch(transaction_fmalloc(store, { store$a <- 2; signalCondition(interrupt) }),
    interrupt = function(e) "interrupted")
  expect_identical(x, "interrupted")
  expect_true(untouched())
  gc()
  expect_identical(.Call(rfm_c_info, store)$temporary_bytes, 0)
})

test_that("a failed commit raises its error and leaves nothing", {
  path <- tempfile()
  store <- open_fmalloc(path)
  store$a <- 1
  expect_error(transaction_fmalloc(store, { store$a <- 2; cleanup_fmalloc(store) }), class = "fmalloc_closed")
  expect_identical(ls(open_transactions), character())
  store <- open_fmalloc(path)
  expect_identical(as.list(store), list(a = 1))
})

test_that("an inner transaction joins the outer one", {
  store <- new_store()
  transaction_fmalloc(store, {
    store$a <- 1
    transaction_fmalloc(store, store$b <- 2)
    store$c <- 3
    try(transaction_fmalloc(store, { store$d <- 4; store$a <- NULL; stop() }), silent = TRUE)
    expect_identical(names(store), c("a", "b", "c"))
    expect_identical(store$a, 1)
  })
  expect_identical(as.list(store), list(a = 1, b = 2, c = 3))
  expect_error(transaction_fmalloc(store, {
    transaction_fmalloc(store, store$e <- 5)
    stop("outer")
  }), "outer")
  expect_identical(names(store), c("a", "b", "c"))
  transaction_fmalloc(store, {
    store$v <- 1:3
    try(transaction_fmalloc(store, { rename_fmalloc("v", "w", store); store$v <- 2; stop() }), silent = TRUE)
    expect_identical(store$v, 1:3)
  })
  expect_identical(store$v, 1:3)
})

test_that("to take away what was never there is nothing, in a block and by the door", {
  path <- tempfile()
  store <- open_fmalloc(path)
  store$a <- 1
  expect_null(.Call(rfm_c_change, store, c("x", "y"), list(NULL, NULL), c("", ""), c(0, 0)))
  transaction_fmalloc(store, {
    store$new <- 2
    store$new <- NULL
    store$absent <- NULL
    store$b <- 3
    rename_fmalloc("b", "c", store)
    rename_fmalloc("a", "b", store)
    expect_error(remove_fmalloc("new", store), class = "fmalloc_no_name")
  })
  expect_identical(as.list(store), list(b = 1, c = 3))
  transaction_fmalloc(store, {
    store$new <- 2
    remove_fmalloc("new", store)
  })
  log_bytes <- .Call(rfm_c_info, store)$log_bytes
  store$absent <- NULL
  expect_identical(.Call(rfm_c_info, store)$log_bytes, log_bytes)
  # what is there goes with what is not
  .Call(rfm_c_change, store, c("x", "b", "y", "c"), list(NULL, NULL, NULL, NULL), character(4),
    numeric(4))
  expect_identical(names(store), character())
  expect_true(check_fmalloc(path)$sound)
})

test_that("a put in a block has the value of that moment", {
  store <- new_store()
  x <- stored(as.numeric(1:100), store)
  transaction_fmalloc(store, {
    store$x <- x
    x[1] <- 0
    y <- store$x
    y[2] <- 0
    expect_identical(collect_fmalloc(store$x), as.numeric(1:100))
  })
  expect_identical(collect_fmalloc(store$x), as.numeric(1:100))
  expect_identical(x[1:2], c(0, 2), ignore_attr = TRUE)
  expect_identical(y[1:2], c(1, 0), ignore_attr = TRUE)
})

test_that("what is got in a block lives on when the block fails", {
  store <- new_store()
  try(transaction_fmalloc(store, {
    store$d <- data.frame(n = as.numeric(1:1e4), l = I(as.list(1:1e4)))
    d <- store$d
    l <- store$d$l
    stop()
  }), silent = TRUE)
  gc()
  for (k in 1:5) y <- stored(rnorm(1e4), store) + 1
  expect_identical(d$n, as.numeric(1:1e4))
  expect_identical(l[[77]], 77L)
  expect_null(store$d)
})

test_that("what a block has shared with what it replaces is there afterwards", {
  path <- tempfile()
  store <- open_fmalloc(path)
  store$d <- data.frame(n = 1:1000, s = sprintf("text number %d", 1:1000))
  for (k in 1:20) {
    transaction_fmalloc(store, {
      d <- store$d
      store$d <- NULL
      d$n <- d$n + 1L
      store$d <- d
      store[[paste0("copy", k %% 3)]] <- d
    })
    rm(d)
    sync_fmalloc(store)
  }
  expect_identical(store$d, data.frame(n = 20L + 1:1000, s = sprintf("text number %d", 1:1000)))
  expect_identical(store$copy1$n, 19L + 1:1000)
  expect_true(check_fmalloc(path)$sound)
  gc()
  store$e <- 1
  sync_fmalloc(store)
  expect_lt(.Call(rfm_c_info, store)$live_bytes, 1e5)
})

test_that("two stores have two transactions, two handles of one store have one", {
  path <- tempfile()
  a <- open_fmalloc(path)
  b <- new_store()
  again <- open_fmalloc(path)
  try(transaction_fmalloc(a, { a$x <- 1; b$x <- 2; again$y <- 3; stop() }), silent = TRUE)
  expect_identical(c(length(a), length(b), length(again)), c(0L, 1L, 0L))
  transaction_fmalloc(a, { again$y <- 3; expect_identical(a$y, 3) })
  expect_identical(again$y, 3)
})

test_that("with sync = \"put\" the store is durable after each outermost change", {
  store <- open_fmalloc(tempfile(), sync = "put")
  uncommitted <- function() .Call(rfm_c_info, store)$uncommitted
  store$a <- 1
  expect_identical(uncommitted(), 0)
  epoch <- .Call(rfm_c_info, store)$epoch
  transaction_fmalloc(store, { store$b <- 1; store$c <- 2; store$a <- NULL })
  expect_identical(uncommitted(), 0)
  expect_identical(.Call(rfm_c_info, store)$epoch, epoch + 1)
  store$b <- NULL
  expect_identical(uncommitted(), 0)
  other <- new_store()
  other$a <- 1
  expect_gt(.Call(rfm_c_info, other)$uncommitted, 0)
})

test_that("a forked child gets what it wants, and puts nothing", {
  skip_on_os("windows")
  path <- tempfile()
  store <- open_fmalloc(path)
  store$d <- data.frame(n = 1:1000, s = sprintf("text number %d", 1:1000))
  child <- function() {
    d <- store$d
    refused <- function(expr) tryCatch({ expr; "done" }, fmalloc_forked = function(e) "forked")
    list(sum(d$n), d$s[7], names(store), refused(store$e <- 1), refused(store$d <- NULL),
      refused(transaction_fmalloc(store, 1)))
  }
  expected <- list(500500L, "text number 7", "d", "forked", "forked", "forked")
  job <- parallel::mcparallel(child())
  expect_identical(parallel::mccollect(job)[[1]], expected)
  transaction_fmalloc(store, {
    store$staged <- 1
    job <- parallel::mcparallel(child())
    expect_identical(parallel::mccollect(job)[[1]], expected)
  })
  expect_identical(names(store), c("d", "staged"))
  expect_true(check_fmalloc(path)$sound)
})

# A copy has the UUID of the original.
test_that("a transaction of a store is none of its copies", {
  store <- new_store()
  store$a <- 1
  copy <- open_fmalloc(snapshot_fmalloc(store, tempfile()))
  transaction_fmalloc(store, {
    store$a <- 2
    store$b <- copy$a
    copy$c <- 3
    copy$a <- NULL
    expect_identical(names(copy), "c")
  })
  expect_identical(as.list(store), list(a = 2, b = 1))
  expect_identical(as.list(copy), list(c = 3))
  transaction_fmalloc(store, transaction_fmalloc(copy, { copy$c <- 4; store$c <- 5 }))
  expect_identical(c(store$c, copy$c), c(5, 4))
})

test_that("a block without a handle is not evaluated", {
  init_fmalloc(tempfile())
  on.exit(cleanup_fmalloc())
  done <- FALSE
  expect_error(transaction_fmalloc({ done <- TRUE }), "expr is required", class = "fmalloc_argument")
  expect_false(done)
  transaction_fmalloc(expr = put_fmalloc("a", 1))
  expect_true(exists_fmalloc("a"))
})
