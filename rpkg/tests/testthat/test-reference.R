round_trip <- function(x) unserialize(serialize(x, NULL))

test_that("a reference is small and finds the same payload", {
  store <- new_store()
  for (type in names(samples)) {
    x <- create_fmalloc_vector(type, 1e5, store)
    x[seq_along(samples[[type]])] <- samples[[type]]
    saved <- serialize(x, NULL)
    expect_lt(length(saved), 1000)
    y <- unserialize(saved)
    expect_true(is_backed(y))
    expect_identical(info_of(y)$offset, info_of(x)$offset)
    expect_identical(class(y), class(x))
    expect_true(identical(x, y))
  }
})

test_that("ascii, xdr and older versions of the format work", {
  store <- new_store()
  x <- stored(samples$numeric, store)
  for (ascii in list(TRUE, FALSE, NA)) {
    expect_identical(plain(unserialize(serialize(x, NULL, ascii = ascii))), samples$numeric)
  }
  expect_identical(plain(unserialize(serialize(x, NULL, xdr = FALSE))), samples$numeric)
  expect_identical(plain(unserialize(serialize(x, NULL, version = 2))), samples$numeric)
})

test_that("attributes travel with the reference", {
  store <- new_store()
  m <- stored_matrix(matrix(1:4, 2, dimnames = list(c("a", "b"), NULL)), store)
  attr(m, "unit") <- "m"
  y <- round_trip(m)
  expect_identical(attributes(y), attributes(m))
  day <- stored(as.numeric(0:99), store)
  class(day) <- "Date"
  y <- round_trip(day)
  expect_s3_class(y, "Date")
  expect_true(is_backed(y))
})

test_that("vectors inside lists and data frames are references as well", {
  store <- new_store()
  d <- list(x = create_fmalloc_vector("numeric", 1e5, store), y = "other", z = NULL)
  d$w <- d$x
  saved <- serialize(d, NULL)
  expect_lt(length(saved), 3000)
  e <- unserialize(saved)
  expect_identical(info_of(e$x)$offset, info_of(d$x)$offset)
  expect_identical(info_of(e$w)$offset, info_of(d$x)$offset)
})

# proves I7
test_that("saveRDS is a snapshot: later writes go elsewhere", {
  store <- new_store()
  x <- stored(as.numeric(1:100), store)
  file <- tempfile(fileext = ".rds")
  where <- info_of(x)$offset
  x[1] <- 7
  expect_identical(info_of(x)$offset, where)
  saveRDS(x, file)
  x[1] <- 0
  expect_false(info_of(x)$offset == where)
  expect_identical(readRDS(file)[1], 7)
  expect_identical(x[1], 0)
  saveRDS(x, file)
  x[1] <- -1
  expect_identical(readRDS(file)[1], 0)
})

test_that("what is read back may be changed and changes nothing else", {
  store <- new_store()
  x <- stored(as.numeric(1:100), store)
  saved <- serialize(x, NULL)
  y <- unserialize(saved)
  z <- unserialize(saved)
  y[1] <- 100
  z[2] <- 200
  expect_identical(c(x[1], y[1], z[1]), c(1, 100, 1))
  expect_identical(c(x[2], y[2], z[2]), c(2, 2, 200))
  expect_identical(unserialize(saved)[1:2] + 0, x[1:2] + 0)
})

# proves I7
test_that("every alias of a saved vector is protected", {
  store <- new_store()
  for (n in c(5, 63, 64, 65, 1000)) {
    x <- stored(as.numeric(seq_len(n)), store)
    y <- x
    names(y) <- NULL
    saved <- serialize(y, NULL)
    x[1] <- -1
    y[2] <- -2
    z <- unserialize(saved)
    expect_identical(c(z[1], z[2]), c(1, 2))
    expect_identical(c(x[1], x[2], y[1], y[2]), c(-1, 2, 1, -2))
  }
})

test_that("a temporary that is saved becomes a record", {
  store <- new_store()
  x <- stored(as.numeric(1:100), store)
  saved <- serialize(x * 2, NULL)
  gc()
  expect_identical(list_fmalloc_allocations(store)$state, c("committed", "committed"))
  expect_identical(sum(unserialize(saved)), 10100)
})

test_that("references survive cleanup, collection and a new open", {
  path <- tempfile()
  store <- open_fmalloc(path)
  file <- tempfile(fileext = ".rds")
  saveRDS(stored(as.numeric(1:100), store), file)
  cleanup_fmalloc(store)
  rm(store)
  gc()
  y <- readRDS(file)
  expect_identical(sum(y), 5050)
  y[1] <- 0
  expect_identical(sum(y), 5049)
})

test_that("another process reads a reference", {
  path <- tempfile()
  file <- tempfile(fileext = ".rds")
  store <- open_fmalloc(path)
  x <- stored(as.numeric(1:1000), store)
  saveRDS(x, file)
  cleanup_fmalloc(store)
  rm(x)
  gc()
  code <- c(
    sprintf("x <- readRDS(%s)", quoted(file)),
    "cat(sum(x), class(x), x[1000], '\\n')",
    "x[1] <- 0; cat(sum(x), '\\n')"
  )
  expect_identical(in_new_r(code),
    c("500500 fmalloc_vector fmalloc numeric 1000 ", "500499 "))
  expect_identical(readRDS(file)[1], 1)
})

test_that("a store that moved or vanished is an error that names the path", {
  path <- tempfile()
  store <- open_fmalloc(path)
  saved <- serialize(stored(1:10, store), NULL)
  cleanup_fmalloc(store)
  gc()
  moved <- paste0(path, ".moved")
  file.rename(path, moved)
  e <- tryCatch(unserialize(saved), error = identity)
  expect_s3_class(e, "fmalloc_no_file")
  expect_match(conditionMessage(e), basename(path), fixed = TRUE)
  expect_match(conditionMessage(e), "open_fmalloc", fixed = TRUE)
  expect_false(file.exists(path))

  other <- open_fmalloc(path)
  e <- tryCatch(unserialize(saved), error = identity)
  expect_s3_class(e, "fmalloc_mismatch")
  cleanup_fmalloc(other)

  store <- open_fmalloc(moved)
  expect_identical(plain(unserialize(saved)), 1:10)
})

test_that("a reference never opens what is no store", {
  path <- tempfile()
  store <- open_fmalloc(path)
  saved <- serialize(stored(1:10, store), NULL)
  cleanup_fmalloc(store)
  gc()
  writeLines("something else", path)
  before <- md5(path)
  expect_error(unserialize(saved), class = "fmalloc_error")
  expect_identical(md5(path), before)
})

test_that("scratch stores serialize by value", {
  store <- new_store(mode = "scratch")
  for (type in names(samples)) {
    x <- stored(samples[[type]], store)
    y <- round_trip(x)
    expect_false(is_backed(y))
    expect_identical(plain(y), samples[[type]])
    x[1] <- samples[[type]][2]
    expect_identical(plain(y), samples[[type]])
  }
})

# proves I9
test_that("spoilt references are errors of their own", {
  store <- new_store()
  x <- stored(as.numeric(1:10), store)
  saved <- serialize(x, NULL)
  uuid <- info_of(x)$uuid
  digits <- as.raw(strtoi(substring(gsub("-", "", uuid), seq(1, 31, 2), seq(2, 32, 2)), 16))
  start <- which(vapply(seq_len(length(saved) - 15),
    function(k) all(saved[k:(k + 15)] == digits), NA))
  expect_length(start, 1)
  # What is ours in the stream: a version, the UUID, an id, a type, a length, a path,
  # each after a header of R's. (R itself dies of some changes to its own part.)
  fields <- list(version = start - 12:9, uuid = start + 0:15, id = start + 24:31,
    type = start + 48:54, length = start + 63:70, path = start + 87 + seq_len(nchar(path_of(store))) - 1)
  expect_identical(rawToChar(saved[fields$type]), "numeric")
  expect_identical(rawToChar(saved[fields$path]), path_of(store))
  set.seed(6)
  for (name in names(fields)) {
    for (k in fields[[name]]) {
      for (flip in c(1, sample(2:255, 3))) {
        spoilt <- saved
        spoilt[k] <- xor(spoilt[k], as.raw(flip))
        outcome <- tryCatch(sum(unserialize(spoilt)),
          error = function(e) grep("^fmalloc_", class(e), value = TRUE)[1])
        # The open store is found by its UUID, wherever the path points.
        if (name == "path") {
          expect_true(identical(outcome, 55) || is.na(outcome) || outcome == "fmalloc_reference")
        } else {
          expect_true(outcome %in% paste0("fmalloc_", c("reference", "mismatch", "no_record")),
            label = paste(name, k - start, flip, outcome))
        }
      }
    }
  }
  expect_identical(sum(unserialize(saved)), 55)
})
