# Appending, views, compaction and reset.

here <- function(store, name = "o") collect_fmalloc(get_fmalloc(name, store))
sound <- function(store) check_fmalloc(path_of(store))$sound
file_bytes <- function(store) file.size(path_of(store))
payload_bytes <- function(store) {
  there <- list_fmalloc_allocations(store)
  sum(there$payload_nbytes[there$state != "tombstone"])
}

# Puts old, appends x, and gives what is there then.
grown <- function(old, x, store = new_store()) {
  store$o <- old
  append_fmalloc("o", x, store)
  here(store)
}

# Refuses to append x to old, and says so; then old is there as it was.
expect_refused <- function(old, x, words, store = new_store()) {
  put_fmalloc("o", old, store, description = "note")
  e <- tryCatch(append_fmalloc("o", x, store), error = identity, warning = identity)
  expect_s3_class(e, c("fmalloc_argument", "fmalloc_error", "error"))
  expect_match(conditionMessage(e), words)
  expect_identical(conditionCall(e)[[1L]], quote(append_fmalloc))
  expect_identical(here(store), old)
  expect_identical(list_fmalloc(store)$description, "note")
}

texts <- c("b", NA, "", "B\u00fc\u03c0\U1F600", "a long one, far beyond what a cell has room for", "NA", strrep("x", 5000))

test_that("an append to a vector gives what c() gives", {
  store <- new_store()
  for (v in c(samples, list(character = texts))) {
    for (n in c(0, 1, 3, 7, 200)) {
      old <- rep_len(rev(v), n)
      expect_identical(grown(old, v, store), c(old, v))
      expect_identical(grown(old, v[0], store), old)
      names(old) <- rep_len(c(letters, NA, "\u00e9"), n)
      expect_identical(unname(grown(old, v, store)), unname(c(old, v)))
    }
  }
  gc()
  expect_true(sound(store))
})

test_that("the number there is now is given, invisibly", {
  store <- new_store()
  expect_invisible(append_fmalloc("a", 1:3, store))
  expect_identical(here(store, "a"), 1:3)
  expect_identical(append_fmalloc("a", 4:5, store), 5L)
  expect_identical(append_fmalloc("m", matrix(1:6, 2), store), 3L)
  expect_identical(append_fmalloc("m", 7:8, store), 4L)
  expect_identical(append_fmalloc("d", data.frame(x = 1:3), store), 3L)
  expect_identical(append_fmalloc("d", data.frame(x = 4L), store), 4L)
  expect_identical(list_fmalloc(store)$size, c("5", "4 x 1", "2 x 4"))
  expect_error(append_fmalloc(c("a", "b"), 1, store), class = "fmalloc_argument")
  expect_error(append_fmalloc("", 1, store), class = "fmalloc_argument")
  expect_error(append_fmalloc("f", mean, store), "function", class = "fmalloc_argument")
  expect_identical(names(store), c("a", "d", "m"))
})

test_that("types fit if nothing is lost", {
  expect_identical(grown(c(1.5, NA), c(2L, NA, 3L)), c(1.5, NA, 2, NA, 3))
  expect_identical(grown(1:2, c(TRUE, NA)), c(1L, 2L, 1L, NA))
  expect_identical(grown(1i, c(2, NA)), c(1i, 2, NA))
  expect_refused(1:3, 2.5, "type double.*type integer")
  expect_refused(c(1, 2), "a", "character")
  expect_refused("a", 1, "type double.*type character")
  expect_refused(raw(2), 1L, "integer.*raw")
  expect_refused(TRUE, 1L, "integer.*logical")
  expect_refused(1, NULL, "x is of type NULL, and is to be appended to a vector of type double")
  expect_refused(1, mean, "closure")
  expect_refused(1, quote(a), "symbol")
  expect_refused(1, list(2), "list")
  expect_refused(list(1), list(2), "not lists")
  expect_refused(NULL, 1, "not NULL|only vectors")
  expect_refused(array(1:8, c(2, 2, 2)), 1L, "not arrays")
  expect_refused(quote(f(x)), 1, "call")
})

test_that("names, other attributes and the description stay", {
  expect_identical(grown(c(a = 1, b = 2), c(c = 3)), c(a = 1, b = 2, c = 3))
  expect_identical(grown(c(a = 1, b = 2), 3), c(a = 1, b = 2, 3))
  expect_identical(grown(1:2, structure(3L, names = "\u00e9")), c(1:2, structure(3L, names = "\u00e9")))
  expect_identical(grown(structure(1:2, unit = "cm"), 3L), structure(1:3, unit = "cm"))
  expect_identical(grown(array(1:2, 2, list(c("x", "y"))), 3L), c(x = 1L, y = 2L, 3L))
  store <- new_store()
  put_fmalloc("a", 1:2, store, description = "two")
  append_fmalloc("a", 3L, store)
  expect_identical(list_fmalloc(store)$description, "two")
})

test_that("factors get new levels, and ordered ones do not", {
  f <- factor(c("b", "a", NA))
  g <- factor(c("c", "a", NA, "b"), levels = c("c", "b", "a"))
  expect_identical(grown(f, g), c(f, g))
  expect_identical(grown(f, f), c(f, f))
  expect_identical(grown(f, f[0]), f)
  expect_identical(grown(f[0], g), c(f[0], g))
  # characters as rbind() does it
  for (x in list(c("z", NA, "a", "c"), "a", NA_character_, character())) {
    for (old in list(f, addNA(f))) {
      expect_identical(grown(data.frame(f = old), data.frame(f = x)),
        rbind(data.frame(f = old), data.frame(f = x)))
    }
  }
  expect_identical(levels(grown(f, c("z", NA))), c("a", "b", "z"))
  o <- factor(c("lo", "hi"), levels = c("lo", "hi"), ordered = TRUE)
  expect_identical(grown(o, rev(o)), c(o, rev(o)))
  expect_refused(o, factor("mid", ordered = TRUE), "levels must be the same")
  expect_refused(o, "lo", "ordered|type character")
  expect_refused(f, o, "ordered factor.*a factor")
  expect_refused(f, 1L, "integer.*a factor")
  expect_refused(1L, f, "a factor.*type integer")
})

test_that("dates, times and differences stay what they are", {
  day <- as.Date("2024-02-28") + 0:1
  expect_identical(grown(day, day + 2), c(day, day + 2))
  expect_refused(day, 1, "type double.*class Date")
  expect_refused(1, day, "class Date.*type double")
  vienna <- as.POSIXct("2024-07-01 12:00", tz = "Europe/Vienna")
  utc <- as.POSIXct("2024-07-01 10:00", tz = "UTC")
  both <- grown(vienna, utc)
  expect_identical(both, rep(vienna, 2))
  expect_identical(attr(both, "tzone"), "Europe/Vienna")
  expect_refused(vienna, day, "Date.*POSIXct")
  expect_identical(grown(as.difftime(c(1, 2), units = "mins"), as.difftime(30, units = "secs")),
    as.difftime(c(1, 2, 0.5), units = "mins"))
  expect_refused(ts(1:3), ts(4:5), "time series")
})

test_that("matrices get columns", {
  m <- matrix(1:6, 2)
  expect_identical(grown(m, m), cbind(m, m))
  expect_identical(grown(m, 7:8), cbind(m, 7:8))
  expect_identical(grown(m, 7:10), cbind(m, matrix(7:10, 2)))
  expect_identical(grown(m + 0.5, m), cbind(m + 0.5, m))
  expect_identical(grown(m, m[, 0]), m)
  expect_identical(grown(m[, 0], m), m)
  expect_identical(grown(m[0, ], m[0, ]), matrix(0L, 0, 6))
  s <- matrix(texts[1:6], 3)
  expect_identical(grown(s, s), cbind(s, s))
  d <- structure(m, dimnames = list(c("p", "q"), c("a", "b", "c")))
  expect_identical(grown(d, d), cbind(d, d))
  expect_identical(grown(d, unname(d)), cbind(d, unname(d)))
  expect_identical(grown(unname(d), structure(m, dimnames = list(NULL, c("a", "b", "c")))),
    cbind(unname(d), structure(m, dimnames = list(NULL, c("a", "b", "c")))))
  e <- structure(m, dimnames = list(row = c("p", "q"), column = letters[1:3]))
  expect_identical(names(dimnames(grown(e, e))), c("row", "column"))
  only <- structure(m, dimnames = list(c("p", "q"), NULL))
  expect_identical(grown(only, m), cbind(only, m))
  expect_refused(m, 1:3, "3 elements.*2 rows")
  expect_refused(m, matrix(1:3, 3), "3 rows.*2")
  expect_refused(m, c(1, 2), "double.*integer")
  expect_refused(m, "a", "elements|character")
  expect_refused(m, list(1, 2), "list.*matrix")
  expect_refused(m, Sys.Date() + 0:1, "Date.*matrix")
})

test_that("data frames get rows", {
  d <- data.frame(i = 1:3, x = c(1.5, NA, 3), s = c("a", NA, "\u00fc"), f = factor(c("u", "v", NA)),
    t = as.POSIXct("2024-01-01", tz = "UTC") + 0:2)
  e <- data.frame(i = 4L, x = -1, s = texts[5], f = factor("w"), t = as.POSIXct("2025-01-01", tz = "UTC"))
  expect_identical(grown(d, e), rbind(d, e))
  expect_identical(grown(d, rev(e)), rbind(d, e))
  expect_identical(grown(d, as.list(e)), rbind(d, e))
  expect_identical(grown(d, d[0, ]), d)
  expect_identical(grown(d[0, ], d), d)
  expect_identical(.row_names_info(grown(d[0, ], e)), -1L)
  expect_identical(.row_names_info(grown(d, rbind(d, d)[4:5, ])), -5L)
  expect_identical(grown(d, transform(e, x = 7L)), rbind(d, transform(e, x = 7)))
  expect_identical(grown(data.frame(), data.frame()), data.frame())
  lists <- data.frame(k = 1:2)
  lists$l <- list(1:3, "a")
  more <- data.frame(k = 3L)
  more$l <- list(NULL)
  expect_identical(grown(lists, more), rbind(lists, more))
  expect_refused(lists, data.frame(k = 3L, l = 1), "x\\$l is a vector of type double.*a list")
  expect_refused(d, e[-2], "it lacks 'x'")
  expect_refused(d, cbind(e, z = 1), "there is no column 'z'")
  expect_refused(d, setNames(e, c("i", "x", "s", "f", "T")), "lacks 't'; there is no column 'T'")
  expect_refused(d, transform(e, i = 1.5), "x\\$i is of type double.*integer")
  expect_refused(d, transform(e, s = 1), "x\\$s")
  expect_refused(d, transform(e, t = 1), "x\\$t.*POSIXct")
  expect_refused(d, 1:5, "must be a data frame")
  expect_refused(d, NULL, "must be a data frame")
  expect_refused(data.frame(a = 1:2), data.frame(a = I(matrix(1:4, 2))), "matrix within")
  inner <- data.frame(a = 1:2)
  inner$a <- matrix(1:4, 2)
  expect_refused(data.frame(a = 1:2), inner, "x\\$a is a matrix within")
  expect_refused(inner, data.frame(a = 1L), "matrix within.*appended to")
  expect_refused(data.frame(a = 1, b = 2), list(a = 1:2, b = 1:3), "differing number of rows")
  expect_refused(data.frame(a = 1, a = 2, check.names = FALSE),
    data.frame(a = 1, a = 2, check.names = FALSE), "two columns.*'a'")
})

test_that("rows keep their names", {
  d <- data.frame(x = 1:2, row.names = c("p", "q"))
  e <- data.frame(x = 3L, row.names = "r")
  expect_identical(grown(d, e), rbind(d, e))
  expect_identical(row.names(grown(d, data.frame(x = 3L))), c("p", "q", "1"))
  expect_identical(row.names(grown(data.frame(x = 1:2), e)), c("1", "2", "r"))
  expect_refused(d, d[2, , drop = FALSE], "row name 'q' is there already")
})

test_that("tibbles and data tables stay what they are", {
  d <- structure(data.frame(x = 1:2), class = c("tbl_df", "tbl", "data.frame"))
  expect_identical(grown(d, d), structure(data.frame(x = c(1:2, 1:2)), class = class(d)))
  d <- structure(data.frame(x = 1:2), class = c("data.table", "data.frame"), sorted = "x")
  expect_null(attr(grown(d, data.frame(x = 0L)), "sorted"))
  expect_refused(structure(data.frame(x = 1:2), class = c("grouped_df", "tbl_df", "tbl", "data.frame")),
    data.frame(x = 1L), "grouped")
})

test_that("many appends give what c() and rbind() give, and cost little", {
  store <- new_store()
  v <- character()
  n <- numeric()
  d <- NULL
  kept <- list()
  for (k in 1:60) {
    piece <- rep_len(c(texts, as.character(k)), k %% 9)
    number <- structure(k + seq_len(k) / 7, names = rep_len(c("", "a name", texts[c(4, 5)]), k))
    row <- data.frame(k = rep(k, k %% 4), s = rep_len(rev(texts), k %% 4), f = factor(rep(k %% 11, k %% 4)))
    append_fmalloc("s", piece, store)
    append_fmalloc("n", number, store)
    append_fmalloc("d", row, store)
    v <- c(v, piece)
    n <- c(n, number)
    d <- if (is.null(d)) row else rbind(d, row)
    if (k %% 10 == 3) kept[[length(kept) + 1]] <- list(s = store$s, n = store$n, d = store$d, v = v, m = n, e = d)
  }
  expect_identical(here(store, "s"), v)
  expect_identical(here(store, "n"), n)
  expect_identical(here(store, "d"), d)
  # what was got before has not grown
  for (old in kept) {
    expect_identical(collect_fmalloc(old$s), old$v)
    expect_identical(collect_fmalloc(old$n), old$m)
    expect_identical(collect_fmalloc(old$d), old$e)
  }
  expect_true(sound(store))
  path <- path_of(store)
  rm(kept, old)
  gc()
  cleanup_fmalloc(store)
  expect_true(check_fmalloc(path)$sound)
  store <- open_fmalloc(path)
  expect_identical(here(store, "s"), v)
  append_fmalloc("s", "one more", store)
  append_fmalloc("n", c(last = 0), store)
  append_fmalloc("d", d, store)
  expect_identical(here(store, "s"), c(v, "one more"))
  expect_identical(here(store, "n"), c(n, last = 0))
  expect_identical(here(store, "d"), rbind(d, d))
  expect_true(sound(store))
})

test_that("what is there is not copied at each append", {
  store <- new_store()
  store$x <- numeric()
  places <- numeric()
  for (k in as.numeric(1:300)) {
    append_fmalloc("x", rep(k, 1000), store)
    places[k] <- info_of(store$x)$offset
  }
  expect_lt(length(unique(places)), 20)
  expect_identical(sum(store$x), sum(1:300) * 1000)
  compact_fmalloc(store)
  expect_lt(file_bytes(store), 2.5 * 300 * 8000)
})

test_that("a session that appends takes the room that the last one left", {
  store <- new_store()
  path <- path_of(store)
  d <- data.frame(s = sprintf("night %04d, and something that needs a heap", 1:2000), v = runif(2000))
  store$d <- d[1:1000, ]
  for (night in 1:20) {
    cleanup_fmalloc(store)
    store <- open_fmalloc(path)
    append_fmalloc("d", d[950 + 50 * night + 1:50, ], store)
  }
  expect_identical(here(store, "d"), d)
  ordinary <- new_store()
  ordinary$d <- d
  expect_lt(payload_bytes(store), 2.5 * payload_bytes(ordinary))
  expect_true(sound(store))
})

test_that("an append lets go of what was there, without the collector", {
  store <- new_store()
  d <- data.frame(a = runif(1e5), b = as.character(1:1e5))
  for (k in 1:5) append_fmalloc("d", d, store)
  now <- payload_bytes(store)
  gc()
  store$other <- 1 # frees what has lost its last handle
  expect_lt(now - payload_bytes(store), 1e5)
  expect_identical(here(store, "d"), d[rep(1:1e5, 5), ], ignore_attr = "row.names")
})

test_that("two names that share a vector part when one is appended to", {
  for (v in list(as.numeric(1:100), rep_len(texts, 100))) {
    store <- new_store()
    store$a <- v
    append_fmalloc("a", v, store) # with room from now on
    v <- c(v, v)
    store$b <- store$a
    append_fmalloc("a", v[1:3], store)
    append_fmalloc("b", v[7:8], store)
    append_fmalloc("a", v[10], store)
    append_fmalloc("b", v[11], store)
    expect_identical(here(store, "a"), c(v, v[1:3], v[10]))
    expect_identical(here(store, "b"), c(v, v[7:8], v[11]))
    append_fmalloc("b", store$a, store)
    append_fmalloc("a", store$a, store)
    expect_identical(here(store, "b"), c(v, v[7:8], v[11], v, v[1:3], v[10]))
    expect_identical(here(store, "a"), rep(c(v, v[1:3], v[10]), 2))
    expect_true(sound(store))
  }
})

test_that("what is appended may live in another store, or in none that is open", {
  store <- new_store()
  other <- new_store()
  x <- stored(c(1.5, NA, 3), other)
  store$o <- c(0, 9)
  append_fmalloc("o", x, store)
  expect_identical(here(store), c(0, 9, 1.5, NA, 3))
  store$d <- data.frame(x = 1, s = "a")
  append_fmalloc("d", as_fmalloc(data.frame(x = 2, s = texts[5]), other), store)
  expect_identical(here(store, "d"), data.frame(x = 1:2 + 0, s = c("a", texts[5])))
  y <- stored(2, other)
  cleanup_fmalloc(other)
  destroy_fmalloc_vector(y)
  expect_error(append_fmalloc("o", y, store), class = "fmalloc_closed")
  expect_identical(here(store), c(0, 9, 1.5, NA, 3))
})

test_that("an assignment to an appended vector changes nothing in the store", {
  store <- new_store()
  store$o <- 1:100
  append_fmalloc("o", 101:200, store)
  old <- store$o
  x <- store$o
  x[5] <- 0L
  x[200] <- -1L
  append_fmalloc("o", 201L, store)
  expect_identical(here(store), 1:201)
  expect_identical(collect_fmalloc(old), 1:200)
  store$s <- texts
  append_fmalloc("s", texts, store)
  s <- store$s
  s[1] <- "changed, and to something long, at that"
  expect_identical(here(store, "s"), c(texts, texts))
})

test_that("an append in a transaction takes effect at its end, or not at all", {
  store <- new_store()
  store$o <- 1:10
  store$d <- data.frame(s = "a")
  append_fmalloc("o", 11:12, store)
  expect_error(transaction_fmalloc(store, {
    append_fmalloc("o", 13:20, store)
    append_fmalloc("d", data.frame(s = texts), store)
    expect_identical(here(store), 1:20)
    append_fmalloc("o", 21L, store)
    stop("never mind")
  }), "never mind")
  expect_identical(here(store), 1:12)
  expect_identical(here(store, "d"), data.frame(s = "a"))
  transaction_fmalloc(store, {
    append_fmalloc("o", 101:103, store)
    append_fmalloc("o", 104L, store)
    try(transaction_fmalloc(store, { append_fmalloc("o", 999L, store); stop("inner") }), silent = TRUE)
    append_fmalloc("d", data.frame(s = "b"), store)
    append_fmalloc("new", 1, store)
    append_fmalloc("new", 2, store)
  })
  expect_identical(here(store), c(1:12, 101:104))
  expect_identical(here(store, "d"), data.frame(s = c("a", "b")))
  expect_identical(here(store, "new"), c(1, 2))
  expect_true(sound(store))
})

test_that("old and new values can be saved and read in one session", {
  store <- new_store()
  file <- tempfile(fileext = ".rds")
  for (v in list(as.numeric(1:500), rep_len(texts, 500))) {
    store$o <- v
    append_fmalloc("o", v, store)
    old <- store$o
    append_fmalloc("o", v[1:100], store)
    saveRDS(list(old, store$o), file)
    expect_lt(file.size(file), 1500)
    both <- readRDS(file)
    expect_true(is_backed(both[[1]]) && is_backed(both[[2]]))
    expect_identical(collect_fmalloc(both[[1]]), c(v, v))
    expect_identical(collect_fmalloc(both[[2]]), c(v, v, v[1:100]))
    saveRDS(both, file)
    append_fmalloc("o", v[1], store)
    expect_identical(lapply(readRDS(file), collect_fmalloc), list(c(v, v), c(v, v, v[1:100])))
  }
  expect_true(sound(store))
})

test_that("a reader may not append, nor compact or reset", {
  path <- tempfile()
  store <- open_fmalloc(path)
  store$a <- 1:10
  append_fmalloc("a", 11:20, store)
  reader <- NULL
  cleanup_fmalloc(store)
  reader <- open_fmalloc(path, access = "read")
  before <- md5(path)
  for (expr in expression(append_fmalloc("a", 1L, reader), append_fmalloc("b", 1L, reader),
    compact_fmalloc(reader), reset_fmalloc(reader, confirm = TRUE))) {
    expect_error(eval(expr), class = "fmalloc_read_only")
  }
  expect_identical(here(reader, "a"), 1:20)
  expect_identical(md5(path), before)
})

# Does y lie inside x?
within_it <- function(y, x) {
  a <- info_of(y)
  b <- info_of(x)
  a$offset >= b$offset && a$offset + a$bytes <= b$offset + b$bytes
}

sealed <- function(v, store) {
  store$v <- v
  store$v
}

test_that("a large stretch of a sealed vector is a view", {
  store <- new_store()
  for (v in list(as.numeric(1:40000), 1:40000 + 0i, rep_len(1:7, 40000), rep(c(TRUE, NA), 20000),
    rep(as.raw(0:255), 400), rep_len(texts, 20000))) {
    x <- sealed(v, store)
    n <- ceiling(65536 / switch(typeof(v), double = 8, complex = 16, raw = 1, character = 16, 4))
    n <- min(n, length(v) - 10)
    before <- nrow(list_fmalloc_allocations(store))
    bytes <- file_bytes(store)
    y <- x[3:(n + 2)]
    z <- y[1:n]
    expect_identical(nrow(list_fmalloc_allocations(store)), before)
    expect_identical(file_bytes(store), bytes)
    expect_true(within_it(y, x))
    expect_identical(collect_fmalloc(y), v[3:(n + 2)])
    expect_identical(collect_fmalloc(z), v[3:(n + 2)])
    # a smaller one is a copy, and so is one with a gap
    expect_false(within_it(x[3:(n + 1)], x))
    expect_false(within_it(x[c(3:(n + 1), n + 3)], x))
    expect_identical(collect_fmalloc(x[c(3:(n + 1), n + 3)]), v[c(3:(n + 1), n + 3)])
    expect_identical(collect_fmalloc(x[3:(n + 1)]), v[3:(n + 1)])
    # writing copies
    w <- y
    y[2] <- v[1]
    z[[1]] <- v[2]
    expect_identical(collect_fmalloc(y)[1:3], c(v[3], v[1], v[5]))
    expect_identical(collect_fmalloc(z)[1:2], c(v[2], v[4]))
    expect_identical(collect_fmalloc(w), v[3:(n + 2)])
    expect_identical(collect_fmalloc(x), v)
    x[4] <- v[1]
    expect_identical(collect_fmalloc(w), v[3:(n + 2)])
    expect_identical(here(store, "v"), v)
    rm(x, y, z, w)
    gc()
  }
  expect_true(sound(store))
})

test_that("a stretch of a vector with our class is a view, and has the class", {
  store <- new_store()
  x <- create_fmalloc_vector("numeric", 1e5, store)
  x[] <- as.numeric(1:1e5)
  expect_false(within_it(x[1:5e4], x))
  saveRDS(x, tempfile())
  y <- x[11:50010]
  expect_true(within_it(y, x))
  expect_identical(class(y), class(x))
  expect_identical(collect_fmalloc(y)[c(1, 5e4)], c(11, 50010))
  y[1] <- 0
  expect_identical(x[11], 11)
  # What is outside, and what has names or a shape, is R's affair.
  expect_identical(collect_fmalloc(x[99999:1e5 + 1])[2], NA_real_)
  expect_length(x[50001:110000], 60000L)
  m <- create_fmalloc_matrix("numeric", 300, 300, runtime = store)
  m[] <- as.numeric(1:90000)
  names <- as.character(1:1e5)
  named <- x
  names(named) <- names
  saveRDS(list(m, named), tempfile())
  expect_identical(as.numeric(m[1:20000]), as.numeric(1:20000))
  expect_identical(names(named[2:20001]), names[2:20001])
})

test_that("stretches of a vector that is not sealed are copies", {
  store <- new_store()
  x <- stored(as.numeric(1:40000), store)
  y <- x[1:20000]
  expect_false(within_it(y, x))
  x[1] <- 0
  expect_identical(y[1], 1)
  serialize(x, NULL)
  y <- x[1:20000]
  expect_true(within_it(y, x))
  x[1] <- 7
  expect_identical(y[1], 0)
  h <- head(x, 10)
  expect_identical(plain(h), c(7, 2:10))
})

test_that("an index that only looks like a run is none", {
  store <- new_store()
  v <- as.numeric(1:40000)
  x <- sealed(v, store)
  for (i in list(c(2L, 1L, 3:20000), c(1:10000, 10002L, 10001L, 10003:20000), c(NA, 2:20000),
    c(1:19999, NA), 20000:1, as.numeric(20000:1), c(0L, 2:20001), -(1:20000), 30001:50000,
    c(1.5, 2:20000), 1:20000 + 0.5, rep(1L, 20000), 0:19999)) {
    expect_identical(collect_fmalloc(x[i]), v[i])
  }
  expect_identical(collect_fmalloc(x[]), v)
  expect_identical(collect_fmalloc(x[21:40000]), v[21:40000])
})

test_that("view_fmalloc() makes a view of anything but lists", {
  store <- new_store()
  for (v in c(samples, list(texts))) {
    x <- stored(v, store)
    y <- view_fmalloc(x, 2, 3)
    expect_identical(collect_fmalloc(y), v[2:4])
    expect_identical(collect_fmalloc(view_fmalloc(x, 3)), v[3:7])
    expect_identical(length(view_fmalloc(x, 8)), 0L)
    expect_identical(length(view_fmalloc(x, 1, 0)), 0L)
    expect_identical(collect_fmalloc(view_fmalloc(y, 2, 2)), v[3:4])
    expect_identical(class(y), class(x))
    # neither sees what is assigned to the other
    x[3] <- v[1]
    expect_identical(collect_fmalloc(y), v[2:4])
    y[1] <- v[7]
    expect_identical(collect_fmalloc(x), v[c(1:2, 1, 4:7)])
    expect_identical(collect_fmalloc(y), v[c(7, 3, 4)])
  }
  f <- as_fmalloc(factor(c("a", "b", "a")), store)
  expect_identical(collect_fmalloc(view_fmalloc(f, 2, 2)), factor(c("b", "a"), c("a", "b")))
  day <- as_fmalloc(as.Date("2024-01-01") + 0:9, store)
  expect_identical(collect_fmalloc(view_fmalloc(day, 2, 2)), as.Date("2024-01-02") + 0:1)
  m <- stored_matrix(matrix(1:6, 2), store)
  expect_identical(collect_fmalloc(view_fmalloc(m, 3, 2)), 3:4)
  n <- as_fmalloc(c(a = 1, b = 2), store)
  expect_null(names(view_fmalloc(n, 1)))
})

# Whoever assigns to x, by whatever way: R writes in place where it may, and never may it here.
assignments <- expression(
  x[1] <- 0, x[[2]] <- 0, x[] <- 0, x[x > 20] <- 0, x[5:3] <- x[1:3], is.na(x) <- 2,
  length(x) <- 9, for (i in 1:3) x[i] <- 0, attr(x, "unit") <- "m", names(x) <- seq_along(x),
  dim(x) <- c(2, length(x) / 2), levels(x) <- "a", oldClass(x) <- NULL, x[3] <- "text",
  storage.mode(x) <- "integer", storage.mode(x) <- "double", mode(x) <- "complex",
  attributes(x) <- list(names = rep("a", length(x))),
  { attr(x, "unit") <- "m"; x[1] <- 0 }, { names(x) <- seq_along(x); x[[1]] <- 0 },
  { dim(x) <- c(2, length(x) / 2); x[1, 2] <- 0 }, { oldClass(x) <- NULL; x[1] <- 0 },
  { storage.mode(x) <- "double"; x[1] <- 0 }, { levels(x) <- "a"; x[1] <- 0 },
  { z <- x; z[1] <- 0; rm(z); x[2] <- 0 }, x <- (function(x) { x[1] <- 0; x })(x),
  `[<-`(x, 1, 0), `[[<-`(x, 1, 0), `attr<-`(x, "unit", "m"), `dim<-`(x, length(x)),
  `storage.mode<-`(x, "integer"), `names<-`(x, seq_along(x)), assign("x", replace(x, 2, 0)),
  x <- x + 1, x <- -x, x <- sqrt(x), x <- x > 20, x <- round(x, -1), x <- sort(x, decreasing = TRUE)
)

test_that("no way to assign to a vector or a view changes any other", {
  path <- tempfile()
  store <- open_fmalloc(path)
  v <- as.numeric(1:100)
  store$v <- v
  wholes <- list(
    record = quote(stored(v, store)), temporary = quote(stored(v, store) + 0),
    named = quote(store$v), plain = quote({
      w <- create_fmalloc_vector("numeric", 100, store, plain = TRUE)
      w[] <- v
      w
    })
  )
  # x is the whole, or one of two views that overlap; w and y are the others.
  roles <- list(
    whole = quote({ x <- whole(); y <- view_fmalloc(x, 11, 50); w <- view_fmalloc(x, 1) }),
    view = quote({ w <- whole(); x <- view_fmalloc(w, 11, 50); y <- view_fmalloc(w, 11, 50) }),
    part = quote({ w <- whole(); y <- view_fmalloc(w, 11, 50); x <- view_fmalloc(y, 1) })
  )
  wrong <- character()
  for (kind in names(wholes)) for (role in names(roles)) for (change in as.list(assignments)) {
    make <- eval(bquote(function() .(wholes[[kind]])))
    body <- bquote({ .(roles[[role]]); .(change); list(w, y) })
    compiled <- compiler::cmpfun(eval(bquote(function(whole) .(body))))
    for (seen in list(eval(body, list2env(list(whole = make))), compiled(make))) {
      if (!identical(collect_fmalloc(seen[[1]]), v) ||
        !identical(collect_fmalloc(seen[[2]]), v[11:60])) {
        wrong <- c(wrong, paste(kind, role, deparse1(change)))
      }
    }
  }
  expect_identical(unique(wrong), character())
  expect_identical(here(store, "v"), v)
  # nor is any record another one in the next session
  cleanup_fmalloc(store)
  rm(store, seen)
  gc()
  said <- in_new_r(c(
    paste0("store <- open_fmalloc(", quoted(path), ", access = \"read\")"),
    "rows <- list_fmalloc_allocations(store)",
    "values <- lapply(rows$record_offset[rows$state == \"committed\"], recover_fmalloc_vector,",
    "  runtime = store, plain = TRUE)",
    "cat(length(values) > 500, all(vapply(values, function(x) identical(collect_fmalloc(x), 1:100 + 0), NA)))"
  ))
  expect_identical(said[length(said)], "TRUE TRUE")
})

# R computes in place of an operand that nobody refers to.
test_that("results do not take the place of a view", {
  store <- new_store()
  v <- as.numeric(1:20000)
  large <- sealed(v, store)
  n <- stored(v, store)
  l <- stored(rep(c(TRUE, NA), 10000), store)
  for (x in list(large, unclass(n))) {
    for (result in expression(view_fmalloc(x, 1) + 1, 1 - view_fmalloc(x, 1), -view_fmalloc(x, 1),
      sqrt(view_fmalloc(x, 1)), exp(view_fmalloc(x, 1)), round(view_fmalloc(x, 1), -2),
      view_fmalloc(x, 1)^2, view_fmalloc(x, 1) %% 7, x[1:19000] * 2, -x[1:19000], sqrt(x[1:19000]),
      cumsum(x[1:19000]), x[1:19000] - x[1001:20000])) {
      eval(result)
      expect_true(identical(collect_fmalloc(x), v), info = deparse1(result))
    }
  }
  plain <- unclass(l)
  expect_identical(sum(!view_fmalloc(plain, 1), na.rm = TRUE), 0L)
  expect_true(identical(collect_fmalloc(plain), rep(c(TRUE, NA), 10000)))
  expect_true(identical(here(store, "v"), v))
})

test_that("a view ends where its vector ends", {
  store <- new_store()
  x <- stored(1:3, store)
  for (bad in expression(view_fmalloc(x, 0, 1), view_fmalloc(x, 1, 4), view_fmalloc(x, 4, 1),
    view_fmalloc(x, 5), view_fmalloc(x, 5, 0))) {
    expect_error(eval(bad), "subscript out of bounds.*has 3", class = "fmalloc_argument")
  }
  for (bad in expression(view_fmalloc(x, -1, 1), view_fmalloc(x, NA), view_fmalloc(x, 1, -1),
    view_fmalloc(x, 1.5), view_fmalloc(x, 1, 1e18), view_fmalloc(x, "1"), view_fmalloc(x, 1:2),
    view_fmalloc(1:3, 1), view_fmalloc(as_fmalloc(list(1L), store), 1))) {
    expect_error(eval(bad), class = "fmalloc_argument")
  }
})

test_that("a view is saved as such, keeps its vector and goes with it", {
  path <- tempfile()
  store <- open_fmalloc(path)
  file <- tempfile(fileext = ".rds")
  for (v in list(as.numeric(1:30000), rep_len(texts, 30000))) {
    x <- stored(v, store)
    y <- view_fmalloc(x, 1001, 20000)
    saveRDS(y, file)
    expect_lt(file.size(file), 1000)
    z <- readRDS(file)
    expect_true(within_it(z, x))
    expect_identical(collect_fmalloc(z), v[1001:21000])
    rm(x)
    gc()
    expect_identical(collect_fmalloc(y), v[1001:21000])
    rm(y, z)
    gc()
  }
  cleanup_fmalloc(store)
  store <- open_fmalloc(path)
  z <- readRDS(file)
  expect_identical(collect_fmalloc(z), v[1001:21000])
  x <- stored(as.numeric(1:100), store)
  y <- view_fmalloc(x, 11, 10)
  z <- view_fmalloc(y, 2, 3)
  expect_true(destroy_fmalloc_vector(x, unsafe = TRUE))
  for (gone in list(x, y, z)) expect_error(sum(gone), "destroyed", class = "fmalloc_closed")
  expect_error(view_fmalloc(y, 1, 1), class = "fmalloc_closed")
  expect_false(destroy_fmalloc_vector(y))
  expect_true(sound(store))
})

test_that("a view may be put, and appended to", {
  store <- new_store()
  x <- stored(as.numeric(1:1000), store)
  store$o <- view_fmalloc(x, 11, 100)
  append_fmalloc("o", 0.5, store)
  append_fmalloc("o", view_fmalloc(x, 1, 3), store)
  expect_identical(here(store), c(11:110, 0.5, 1:3))
  expect_identical(collect_fmalloc(x), as.numeric(1:1000))
  # a view that ends before its vector does may not grow over what is there
  append_fmalloc("o", 1, store)
  store$p <- view_fmalloc(store$o, 1, 50)
  append_fmalloc("p", -1, store)
  expect_identical(here(store, "p"), c(11:60, -1))
  expect_identical(here(store), c(11:110, 0.5, 1:3, 1))
  expect_true(sound(store))
})

# A store with holes: every second of these objects was removed.
with_holes <- function(path = tempfile()) {
  store <- open_fmalloc(path)
  for (k in as.numeric(1:12)) store[[paste0("o", k)]] <- data.frame(x = rep(k, 50000), s = rep_len(texts, 50000))
  for (k in seq(1, 11, 2)) store[[paste0("o", k)]] <- NULL
  gc()
  store
}
expect_whole <- function(store) {
  for (k in seq(2, 12, 2)) {
    expect_identical(here(store, paste0("o", k)), data.frame(x = rep(k, 50000), s = rep_len(texts, 50000)))
  }
}

test_that("compaction makes the file shorter and keeps what is in it", {
  store <- with_holes()
  path <- path_of(store)
  before <- file_bytes(store)
  expect_invisible(compact_fmalloc(store))
  after <- file_bytes(store)
  expect_lt(after, 0.7 * before)
  expect_whole(store)
  expect_true(sound(store))
  gc()
  said <- compact_fmalloc(store)
  expect_identical(said, after - file_bytes(store))
  append_fmalloc("o2", data.frame(x = 0, s = "one more"), store)
  append_fmalloc("new", rnorm(1e5), store)
  expect_identical(nrow(store$o2), 50001L)
  store$o2 <- data.frame(x = rep(2, 50000), s = rep_len(texts, 50000))
  cleanup_fmalloc(store)
  expect_true(check_fmalloc(path)$sound)
  store <- open_fmalloc(path)
  expect_whole(store)
})

test_that("compaction leaves vectors that are alive where they are", {
  store <- with_holes()
  alive <- store$o6
  view <- view_fmalloc(store$o12$x, 10, 100)
  text <- store$o10$s
  saved <- serialize(store$o4$x, NULL)
  sum(view)
  before <- file_bytes(store)
  compact_fmalloc(store)
  expect_lt(file_bytes(store), before + 1)
  expect_identical(collect_fmalloc(alive), data.frame(x = rep(6, 50000), s = rep_len(texts, 50000)))
  expect_identical(collect_fmalloc(view), rep(12, 100))
  expect_identical(collect_fmalloc(text), rep_len(texts, 50000))
  expect_identical(collect_fmalloc(unserialize(saved)), rep(4, 50000))
  expect_whole(store)
  rm(alive, view, text)
  compact_fmalloc(store)
  expect_lt(file_bytes(store), 0.7 * before)
  expect_whole(store)
  expect_identical(collect_fmalloc(unserialize(saved)), rep(4, 50000))
  expect_true(sound(store))
})

test_that("within a transaction there is neither compaction nor reset", {
  store <- new_store()
  store$a <- 1
  expect_error(transaction_fmalloc(store, compact_fmalloc(store)), "within a transaction", class = "fmalloc_argument")
  expect_error(transaction_fmalloc(store, { store$a <- 2; reset_fmalloc(store, confirm = TRUE) }),
    "within a transaction", class = "fmalloc_argument")
  expect_identical(here(store, "a"), 1)
})

test_that("appending and compacting go together", {
  store <- new_store()
  v <- numeric()
  s <- character()
  for (k in as.numeric(1:12)) {
    append_fmalloc("v", rep(k, 3000), store)
    append_fmalloc("s", rep_len(texts, 10 * k), store)
    v <- c(v, rep(k, 3000))
    s <- c(s, rep_len(texts, 10 * k))
    if (k %% 3 == 0) {
      old <- if (k %% 6 == 0) store$v
      compact_fmalloc(store)
      if (!is.null(old)) expect_identical(collect_fmalloc(old), v)
    }
  }
  expect_identical(here(store, "v"), v)
  expect_identical(here(store, "s"), s)
  expect_true(sound(store))
})

test_that("a reset wants to be meant, and then leaves nothing", {
  path <- tempfile()
  store <- open_fmalloc(path)
  empty <- file_bytes(store)
  x <- stored(as.numeric(1:1e5), store)
  y <- view_fmalloc(x, 2, 10)
  l <- as_fmalloc(list(1, "a"), store)
  store$d <- data.frame(a = 1:3, s = texts[1:3])
  d <- store$d
  saved <- serialize(x, NULL)
  for (bad in expression(reset_fmalloc(store), reset_fmalloc(store, confirm = FALSE),
    reset_fmalloc(store, NA), reset_fmalloc(store, "yes"))) {
    expect_error(eval(bad), "confirm = TRUE", class = "fmalloc_argument")
  }
  expect_identical(names(store), "d")
  expect_identical(x[3], 3)
  expect_invisible(reset_fmalloc(store, confirm = TRUE))
  expect_identical(names(store), character())
  expect_identical(sum(list_fmalloc_allocations(store)$state != "tombstone"), 0L)
  for (gone in list(quote(sum(x)), quote(y[1]), quote(l[[1]]), quote(sum(d$a)), quote(x[1] <- 1))) {
    expect_error(eval(gone), "destroyed", class = "fmalloc_closed")
  }
  expect_error(unserialize(saved), class = "fmalloc_tombstone")
  expect_lt(file_bytes(store), 400000)
  expect_true(sound(store))
  rm(x, y, l, d)
  gc()
  store$again <- data.frame(s = texts)
  append_fmalloc("again", data.frame(s = "b"), store)
  expect_identical(reset_fmalloc(new <- new_store(), confirm = TRUE), new)
  cleanup_fmalloc(store)
  expect_true(check_fmalloc(path)$sound)
  store <- open_fmalloc(path)
  expect_identical(here(store, "again"), data.frame(s = c(texts, "b")))
})

test_that("what is nothing but missing fits all that can be missing", {
  store <- new_store()
  for (v in list(1:2, c(a = 1.5), "b", factor("u"), ordered("u", c("u", "w")), Sys.Date(),
    as.POSIXct(0, tz = "UTC"), as.difftime(1, units = "hours"))) {
    missing <- v[rep(NA_integer_, 2L)]
    names(missing) <- NULL
    expect_identical(grown(v, c(NA, NA), store), c(v, missing))
    expect_identical(grown(v, logical(), store), v)
  }
  expect_refused(raw(2), NA, "logical.*raw")
  expect_refused("a", c(NA, TRUE), "logical.*character")
  d <- data.frame(s = "a", f = factor("u"), d = Sys.Date())
  expect_identical(grown(d, data.frame(s = NA, f = NA, d = NA), store),
    rbind(d, data.frame(s = NA, f = NA, d = NA)))
})

test_that("columns without a name are found, rows that nobody has named never clash", {
  store <- new_store()
  for (name in c("", NA)) {
    d <- structure(data.frame(x = 1:2, y = c("p", "q")), names = c("x", name))
    expect_identical(grown(d, d, store), rbind(d, d))
  }
  d <- data.frame(x = 1:3)[c(3, 1), , drop = FALSE]
  expect_identical(row.names(grown(d, d, store)), c("3", "1", "3.1", "1.1"))
  expect_identical(grown(d, data.frame(x = 3:5)[2:3, , drop = FALSE], store)$x, c(3L, 1L, 4L, 5L))
})

test_that("nothing is lost beside a matrix without rows", {
  expect_refused(matrix(0, 0, 2), 1:3, "x has 3 elements.*0 rows")
  expect_identical(grown(matrix(0, 0, 2), numeric()), matrix(0, 0, 2))
})

test_that("a view of a time series or a table is neither", {
  store <- new_store()
  store$t <- ts(1:6, start = 2000)
  store$m <- ts(matrix(1:6, 3), start = 2000)
  store$c <- table(c("a", "b", "a"))
  expect_identical(view_fmalloc(store$t, 2, 3), 2:4)
  expect_identical(view_fmalloc(store$m, 2, 3), 2:4)
  expect_identical(view_fmalloc(store$c, 1), c(2L, 1L))
})

test_that("what shares a vector does not become longer with it", {
  store <- new_store()
  x <- as.numeric(1:1e5)
  rds <- tempfile()
  store$a <- x
  store$b <- get_fmalloc("a", store)
  store$l <- list(1, get_fmalloc("a", store))
  store$d <- data.frame(x = get_fmalloc("a", store))
  saveRDS(get_fmalloc("a", store), rds)
  everything_is_as_it_was <- function() {
    gc()
    expect_identical(here(store, "b"), x)
    expect_identical(here(store, "l"), list(1, x))
    expect_identical(here(store, "d"), data.frame(x = x))
    expect_identical(collect_fmalloc(readRDS(rds)), x)
    expect_true(sound(store))
  }
  for (i in 1:3) {
    append_fmalloc("a", i, store)
    everything_is_as_it_was()
  }
  expect_identical(here(store, "a"), c(x, 1, 2, 3))

  # The vector itself, with its room, is what these two lead to.
  x <- here(store, "a")
  saveRDS(get_fmalloc("a", store), rds)
  gc()
  whole <- readRDS(rds)
  store$b <- whole
  elements <- create_fmalloc_vector("list", 2, runtime = store)
  elements[[2]] <- whole
  elements[[1]] <- as_fmalloc(1, store)
  store$l <- elements
  store$d <- data.frame(x = whole)
  rm(whole, elements)
  append_fmalloc("a", 4, store)
  everything_is_as_it_was()
  expect_identical(here(store, "a"), c(x, 4))
})
