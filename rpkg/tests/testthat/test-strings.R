# Character vectors: the values, encodings and limits; whatever base R does with text;
# writing, copying, sorting; references. test-strings-torture.R runs the collector over it.

store <- new_store()

long <- function(n, letter = "x") strrep(letter, n)

texts <- c("", "a", NA, long(11), long(12), long(13), "Landmannalaugar", long(5000), "a",
  "h\u00e9llo w\u00f6rld, \u4f60\u597d", " ", "NA")

test_that("a new vector is a vector of empty strings", {
  x <- create_fmalloc_vector("character", 70, store)
  expect_identical(plain(x), character(70))
  expect_identical(class(x), c("fmalloc_vector", "fmalloc", "character"))
  expect_identical(typeof(x), "character")
  y <- create_fmalloc_vector("character", 70, store, zero_initialize = FALSE)
  expect_identical(plain(y), character(70))
  expect_length(create_fmalloc_vector("character", 0, store), 0)
})

test_that("strings come out as they went in", {
  for (n in c(length(texts), 63, 64, 65, 3000)) {
    values <- rep_len(texts, n)
    x <- stored(values, store)
    expect_true(is_backed(x))
    expect_identical(plain(x), values)
    for (k in seq_along(texts)) expect_identical(x[[k]], texts[k])
  }
})

test_that("encodings are kept, or converted to UTF-8", {
  latin <- "caf\xe9 na\xefve, a longer one"
  Encoding(latin) <- "latin1"
  bytes <- c("\xff\xfe", "\xff\xfe, more than twelve bytes")
  Encoding(bytes) <- "bytes"
  utf8 <- c("caf\u00e9", "\u4f60\u597d\u4f60\u597d\u4f60\u597d")
  values <- c(latin, bytes, utf8, "ascii")
  x <- stored(values, store)
  expect_identical(Encoding(x), c("UTF-8", "bytes", "bytes", "UTF-8", "UTF-8", "unknown"))
  y <- x[seq_along(x)]
  expect_identical(Encoding(y), Encoding(x))
  expect_identical(plain(y), c(enc2utf8(latin), bytes, utf8, "ascii"))
  expect_true(x[[1]] == latin)
  # what is cached when it is set looks as it will when it is read
  invisible(x[[2]])
  x[2] <- latin
  expect_identical(Encoding(x[[2]]), "UTF-8")
})

test_that("functions on text give what they give on ordinary vectors", {
  set.seed(1)
  for (n in c(5, 64, 2000)) {
    values <- sample(c(texts[nchar(texts) < 100 | is.na(texts)], "zebra", "Apple"), n, TRUE)
    x <- stored(values, store)
    p <- unclass(x)
    calls <- list(nchar, toupper, rev, sort, order, unique, duplicated, is.na, factor,
      function(v) table(v),
      rank, anyNA, as.integer, as.list, function(v) paste(v, "+"), function(v) substr(v, 2, 4),
      function(v) match("a", v), function(v) match(v, c("a", NA, "zebra")),
      function(v) v == "a", function(v) v < "b", function(v) v %in% c("a", ""),
      function(v) charmatch("Land", v), function(v) pmatch("Landm", v),
      function(v) startsWith(v, "La"), function(v) grepl("a", v), function(v) sub("a", "o", v),
      function(v) tapply(nchar(v), v, length), function(v) split(seq_along(v), v),
      function(v) c(v, "end"), function(v) rep(v, 2), function(v) which(v == "a"),
      function(v) sort(v, decreasing = TRUE), function(v) sort(v, partial = 3),
      function(v) ifelse(is.na(v), "none", v), function(v) range(v, na.rm = TRUE),
      function(v) vapply(v, nchar, 1L, USE.NAMES = FALSE), function(v) strsplit(v, ""),
      function(v) make.unique(v[!is.na(v)]), function(v) tabulate(factor(v)))
    for (f in calls) {
      suppressWarnings(expect_identical(f(p), f(values),
        label = paste(substr(deparse1(f), 1, 60), n)))
    }
    expect_identical(plain(x), values)
  }
})

test_that("subsets are temporaries in the same store", {
  values <- rep_len(texts, 5000)
  x <- stored(values, store)
  indices <- list(1:4999, 4999:2, c(3, NA, 9000, 1), -1, sample(5000), rep(8, 70),
    which(values == "a"), values == "a", c(TRUE, FALSE), 4000:4100 + 0)
  for (i in indices) {
    y <- x[i]
    expect_true(is_backed(y))
    expect_identical(info_of(y)$state, "temporary")
    expect_identical(plain(y), values[i])
  }
  expect_false(is_backed(x[1]))
  y <- x[2:9]
  x[2:9] <- "overwritten, at some length"
  expect_identical(plain(y), values[2:9])
})

test_that("vectors are values", {
  values <- rep_len(texts, 200)
  x <- stored(values, store)
  y <- x
  y[7] <- "a string that needs room"
  expect_identical(plain(x), values)
  expect_identical(y[[7]], "a string that needs room")
  expect_identical(plain(y)[-7], values[-7])
  expect_true(is_backed(y))
  # the copy may be written to, far and near
  y[] <- rev(values)
  expect_identical(plain(y), rev(values))
  names(y) <- seq_along(y)
  z <- structure(x, unit = "none")
  expect_true(is_backed(z))
  z[3] <- "other"
  expect_identical(plain(x), values)
  expect_identical(z[[3]], "other")
})

test_that("replaced strings give their room back", {
  n <- 200
  x <- create_fmalloc_vector("character", n, store)
  heap <- function() {
    all <- .Call(Rfmalloc:::rfm_c_info, store)
    all$live_bytes + all$temporary_bytes
  }
  for (k in 1:20) x[] <- rep(long(20, letters[k]), n)
  before <- heap()
  for (k in 1:400) x[] <- rep(long(20, letters[k %% 26 + 1]), n)
  gc()
  expect_lte(heap(), before + 4096)
  expect_identical(plain(x), rep(long(20, letters[400 %% 26 + 1]), n))
})

test_that("what is written through the address of a copy is not lost", {
  values <- sprintf("a string of some length, %d", sample(3000))
  x <- stored(values, store)
  y <- sort(unclass(x))           # R sorts a copy in place, through its address
  expect_true(is_backed(y))
  expect_identical(plain(y[1:3000]), sort(values))
  z <- y
  z[1] <- "changed"
  expect_identical(plain(z), c("changed", sort(values)[-1]))
  expect_identical(plain(y), sort(values))
  expect_identical(unserialize(serialize(y, NULL)), sort(values))
  # setting a string where all have been made into an array
  order(y)
  y[2] <- "another string of some length"
  expect_identical(y[[2]], "another string of some length")
  expect_identical(plain(y[2:3]), c("another string of some length", sort(values)[3]))
  expect_identical(plain(x), values)
})

test_that("a copy that shares what was read stops where it would show", {
  values <- sprintf("a string of some length, %d", 1:5000)
  x <- unclass(stored(values, store))
  expect_identical(x[[4000]], values[4000])     # one chunk is there, in x
  y <- x
  y[3000] <- "set in the copy"                  # in a chunk that neither has
  expect_identical(y[[2999]], values[2999])     # now both have it
  expect_identical(x[[3000]], values[3000])
  z <- y
  y[4000] <- "set in the copy, too"
  expect_identical(x[[4000]], values[4000])
  expect_identical(z[[4000]], values[4000])
  x[4000] <- "set in the original"
  expect_identical(c(x[[4000]], y[[4000]], z[[4000]]),
    c("set in the original", "set in the copy, too", values[4000]))
  expect_identical(c(x[[3000]], y[[3000]], z[[3000]]),
    c(values[3000], "set in the copy", "set in the copy"))
  order(x)                                      # an array in place of the chunks
  w <- x
  w[1] <- "after that"
  expect_identical(c(w[[1]], x[[1]]), c("after that", values[1]))
})

test_that("references find strings again", {
  values <- rep_len(texts, 300)
  path <- tempfile(fileext = ".bin")
  other <- open_fmalloc(path)
  x <- stored(values, other)
  file <- tempfile()
  saveRDS(x, file)
  expect_lt(file.size(file), 1000)
  y <- readRDS(file)
  expect_identical(plain(y), values)
  expect_identical(anyNA(unclass(y)), TRUE)
  x[1] <- "after it was saved"
  expect_identical(plain(readRDS(file)), values)
  expect_identical(x[[1]], "after it was saved")
  # a temporary with far strings
  saveRDS(x[5:9], file)
  rm(x, y)
  cleanup_fmalloc(other)
  told <- in_new_r(c(
    sprintf("y <- readRDS(%s)", quoted(file)),
    "cat(class(y), length(y), nchar(y), y[[3]], '\n')",
    "cat(.Call(Rfmalloc:::rfm_c_is_fmalloc, y))"))
  expect_match(told[1], paste("fmalloc_vector fmalloc character 5 12 13 15 5000 1",
    "Landmannalaugar"), fixed = TRUE)
  report <- check_fmalloc(path)
  expect_true(report$sound)
})

test_that("a scratch store serializes by value", {
  other <- new_store(mode = "scratch")
  x <- stored(texts, other)
  bytes <- serialize(x, NULL)
  expect_gt(length(bytes), 5000)
  expect_identical(plain(unserialize(bytes)), texts)
  cleanup_fmalloc(other)
})

test_that("a vector reopened is written to without touching what is there", {
  path <- tempfile(fileext = ".bin")
  file <- tempfile()
  values <- sprintf("string number %d, of some length", 1:500)
  other <- open_fmalloc(path)
  x <- stored(values, other)
  saveRDS(x, file)
  rm(x)
  cleanup_fmalloc(other)
  other <- open_fmalloc(path)
  y <- readRDS(file)
  expect_identical(y[[500]], values[500])
  y[250] <- "in a copy, since it was saved"
  expect_identical(plain(y)[-250], values[-250])
  expect_identical(readRDS(file)[[250]], values[250])
  cleanup_fmalloc(other)
})

test_that("a destroyed vector gives no strings, cached or not", {
  x <- stored(texts, store)
  invisible(nchar(x))
  expect_true(destroy_fmalloc_vector(x, unsafe = TRUE))
  expect_error(x[[1]], "closed fmalloc ALTREP vector handle", class = "fmalloc_closed")
  expect_error(nchar(x), class = "fmalloc_closed")
  expect_error(x[1] <- "a", class = "fmalloc_closed")
  expect_error(order(x), class = "fmalloc_closed")
  expect_length(x, length(texts))
})

test_that("a closed store leaves what is there", {
  other <- new_store()
  x <- stored(texts, other)
  y <- x[1:12]
  cleanup_fmalloc(other)
  expect_identical(plain(x), texts)
  expect_identical(x[2:3], texts[2:3])
  expect_false(is_backed(x[2:3]))
  x[1] <- "near"
  expect_identical(x[[1]], "near")
  # a far string that needs a part: an error in the catalog, memory for a temporary
  expect_error(x[1] <- long(1e5), class = "fmalloc_closed")
  expect_identical(x[[1]], "near")
  y[1] <- long(1e5)
  expect_identical(plain(y), c(long(1e5), texts[-1]))
  expect_identical(y[1:2], c(long(1e5), "a"))
  z <- y
  z[2] <- "b"
  expect_identical(plain(z), c(long(1e5), "b", texts[-(1:2)]))
})

test_that("damaged cells are an error, never a wild read", {
  path <- tempfile(fileext = ".bin")
  file <- tempfile()
  other <- open_fmalloc(path)
  x <- stored(c(texts, rep("enough to be cached elsewhere", 2000)), other)
  saveRDS(x, file)
  at <- info_of(x)$offset
  rm(x)
  cleanup_fmalloc(other)
  spoil <- function(offset, bytes) {
    con <- file(path, "r+b")
    seek(con, at + offset, rw = "write")
    writeBin(as.raw(bytes), con)
    close(con)
  }
  spoil(6 * 16 + 12, rep(255, 4))              # the offset of a far string
  spoil(7 * 16 + 8, c(9, 0, 0, 0))             # its part
  spoil(5 * 16 + 4, 7)                         # the first of its bytes
  spoil(2000 * 16, c(255, 255, 255, 127))      # its length
  other <- open_fmalloc(path)
  y <- readRDS(file)
  for (k in c(6:8, 2001)) {
    expect_error(y[[k]], paste("string", k, "of vector 1 leads nowhere"),
      class = "fmalloc_damaged")
    expect_error(y[c(1, k)], class = "fmalloc_damaged")
  }
  expect_identical(y[[5]], texts[5])
  expect_error(sort(y), class = "fmalloc_damaged")
  expect_error(toupper(y), class = "fmalloc_damaged")
  expect_error({z <- y; z[1] <- "a"}, class = "fmalloc_damaged")
  # the collector is switched on again after an error in a method
  before <- gc()[2, 1]
  for (k in 1:20) numeric(1e6)
  expect_lt(gc()[2, 1], before + 20)
  cleanup_fmalloc(other)
})

test_that("a copy of an ordinary vector has a heap as large as its text", {
  other <- new_store()
  values <- sprintf("a string of exactly %s", rep(c("thirty bytes", "32 bytes...."), 5000))
  x <- .Call(Rfmalloc:::rfm_c_copy, other, values, TRUE)
  expect_identical(plain(x), values)
  all <- .Call(Rfmalloc:::rfm_c_info, other)
  expect_lt(all$live_bytes, 10000 * (16 + 32) + 3 * 4096)
  rm(x)
  cleanup_fmalloc(other)
})

test_that("no string can be set in a vector that was saved", {
  path <- tempfile(fileext = ".bin")
  other <- open_fmalloc(path)
  x <- stored(texts, other)
  y <- x
  saveRDS(x, tempfile())
  x[2] <- "changed"
  y[3] <- "changed"
  expect_identical(x[[2]], "changed")
  expect_identical(plain(y), c(texts[1:2], "changed", texts[-(1:3)]))
  rm(x, y)
  cleanup_fmalloc(other)
})

test_that("matrices of strings work", {
  values <- matrix(sprintf("row and column %d", 1:200), 20)
  m <- create_fmalloc_matrix("character", 20, 10, runtime = store)
  m[] <- values
  expect_identical(plain(m), values)
  expect_identical(m[3, 4], values[3, 4])
  expect_identical(plain(m[2:3, ]), values[2:3, ])
  expect_identical(plain(t(unclass(m))), t(values))
})

test_that("inspect shows where strings live", {
  x <- stored(texts, store)
  expect_match(capture.output(.Internal(inspect(x)))[1],
    "fmalloc_altrep character payload_offset=[0-9]+ runtime=open state=committed")
})

test_that("unique() finds each string once, near and far, few and many", {
  long <- sprintf("a string that has %s in it, number %05d", rep(c("x", "y"), 3500), 1:7000)
  many <- c(long, sprintf("id%05d", 1:7000), NA, "", sub("x", "z", long[1:100]))
  for (values in list(texts, character(), NA_character_, rep(state.name, 99), many,
    sample(many, 3e4, TRUE), c(many[1:3], many), c("a", "a\U00e9", "a\U00e9", "a"))) {
    x <- stored(values, store)
    expect_identical(unique(x), unique(values))
    expect_identical(unique(x, fromLast = TRUE), unique(values, fromLast = TRUE))
    expect_identical(unique(as_fmalloc(values, store)), unique(values))
  }
  # a few at first, and then many: the first table is too small, and so is the second
  values <- c(rep("a", 4e4), many, sprintf("x%06d", 1:3e4), rev(many))
  expect_identical(unique(stored(values, store)), unique(values))
  # most are different: R looks in the array, which stays and follows what is set
  x <- stored(many, store)
  expect_identical(unique(x), unique(many))
  x[c(2, 14001)] <- c(many[1], "another")
  many[c(2, 14001)] <- c(many[1], "another")
  expect_identical(unique(x), unique(many))
  expect_identical(plain(x), many)
  destroy_fmalloc_vector(x)
  expect_error(unique(x), "closed fmalloc ALTREP vector handle")
  # what is no text is compared by R, and what a sort has left is not in the cells
  bytes <- c("\xff", "a", "\xff", "a")
  Encoding(bytes) <- "bytes"
  expect_identical(unique(stored(bytes, store)), unique(bytes))
  names(values) <- values
  x <- stored(values, store)
  names(x) <- values
  expect_identical(unique(x), unique(values))
  expect_identical(unique(sort(stored(rep(texts, 9), store))), unique(sort(rep(texts, 9))))
  m <- stored(matrix(rep(c("a", "b", "a"), 2), 3), store)
  expect_identical(plain(unique(m)), unique(plain(m)))
  options(Rfmalloc.reduce_result_length = 10)
  on.exit(options(Rfmalloc.reduce_result_length = NULL))
  x <- unique(stored(rep(letters, 3), store))
  expect_true(is_backed(x))
  expect_identical(plain(x), letters)
  destroy_fmalloc_vector(x <- stored(letters, store))
  expect_error(unique(x), "closed fmalloc ALTREP vector handle")
})

test_that("the array that R gets for match() and its like is a value", {
  values <- c("b", "a", NA, "", strrep("far ", 9), "a")
  x <- stored(values, store)
  y <- mtfrm(x)
  expect_identical(y, values)
  x[2] <- "new"
  expect_identical(y, values)
  y[1] <- "mine"
  now <- replace(values, 2, "new")
  expect_identical(plain(x), now)
  expect_identical(match(c("new", "a", "mine", NA), x), match(c("new", "a", "mine", NA), now))
  expect_identical(plain(duplicated(stored(values, store))), duplicated(values))
  texts <- matrix(c("a", "b", "a", "b"), 2)
  expect_identical(plain(duplicated(stored_matrix(texts, store), MARGIN = 2)),
    duplicated(texts, MARGIN = 2))
})

test_that("texts are compared alike at a glance and in full", {
  values <- c(texts, "twelve bytes", "twelve bytez", "thirteen bytes", "thirteen byteZ",
    "Thirteen bytes", "t", "tw")
  pairs <- expand.grid(a = values, b = values, stringsAsFactors = FALSE)
  a <- stored(pairs$a, store)
  b <- stored(pairs$b, store)
  expect_identical(plain(a == b), pairs$a == pairs$b)
  expect_identical(plain(a != pairs$b), pairs$a != pairs$b)
  expect_identical(plain(pairs$a == b), pairs$a == pairs$b)
  for (v in values) {
    expect_identical(plain(a == v), pairs$a == v)
    expect_identical(plain(v != b), v != pairs$b)
    expect_identical(plain(a == stored(c(v, v), store)[[1]]), pairs$a == v)
  }
  bytes <- "\xff"
  Encoding(bytes) <- "bytes"
  expect_identical(plain(a == bytes), pairs$a == bytes)
  latin <- "t\xe9"
  Encoding(latin) <- "latin1"
  expect_identical(plain(a == latin), pairs$a == latin)
})

test_that("a vector is not taken for a dead one that lay at its address", {
  # An alias is made without being read, so that nothing else is remembered meanwhile.
  alias <- function(x) .Call(Rfmalloc:::rfm_c_alias, x, FALSE)
  address <- function(x) format(.Internal(address(x)))
  for (values in list(c(1, 2, 3), c("a", "b", "c"))) {
    long <- as_fmalloc(values, store)
    short <- as_fmalloc(values[1:2], store)
    met <- round <- 0
    while (met == 0 && (round <- round + 1) < 30) { # R need not use the same cells again
      dead <- new.env()
      read <- lapply(1:60, function(k) alias(short))
      for (x in read) assign(address(x), x[[2]], dead)
      x <- read <- NULL
      for (k in 1:60000) {
        x <- alias(long)
        if (!exists(address(x), dead, inherits = FALSE)) next
        met <- met + 1
        expect_length(x, 3)
        expect_identical(x[[3]], values[3])
        if (met == 3) break
      }
    }
    expect_gt(met, 0)
  }
})

test_that("many vectors that are read in turn are not taken for one another", {
  values <- lapply(1:300, function(k) sprintf("%d, %d", k, 1:3))
  strings <- lapply(values, as_fmalloc, runtime = store)
  numbers <- lapply(1:300, function(k) as_fmalloc(k + 0:2 / 4, store))
  for (round in 1:3) {
    expect_identical(lapply(strings, function(x) c(x[[1]], x[[3]])),
      lapply(values, function(x) x[c(1, 3)]))
    expect_identical(vapply(numbers, function(x) x[[2]], 1), 1:300 + 0.25)
    expect_identical(vapply(numbers, length, 1L), rep(3L, 300))
    strings[1:150] <- strings[sample(150)]
    values[1:150] <- lapply(strings[1:150], function(x) c(x[[1]], x[[2]], x[[3]]))
    gc()
  }
  destroy_fmalloc_vector(numbers[[1]])
  expect_error(numbers[[1]][[2]], "closed fmalloc ALTREP vector handle")
  expect_length(numbers[[1]], 3)
})

cleanup_fmalloc(store)
