# Whole objects under a name: what goes in comes out, and is a value.

setClass("FmPoint", representation(x = "numeric", tags = "list"))
setClass("FmLength", contains = "numeric", representation(unit = "character"))

latin1 <- "\xfcber"
Encoding(latin1) <- "latin1"
bytes <- "\xff\x01"
Encoding(bytes) <- "bytes"

kinds <- list(
  logical = c(TRUE, NA, FALSE), integer = c(1L, NA, -5L), double = c(1.5, NA, NaN, Inf, -Inf, -0),
  complex = c(1+2i, NA, complex(real = NaN, imaginary = 1)), raw = as.raw(0:255),
  text = c("a", NA, "", "a string of more than twelve bytes", "\u00fcber", bytes),
  empty = integer(), no_text = character(), no_list = list(), null_inside = list(NULL, a = NULL),
  one = 1, factor = factor(c("u", "v", NA, "u"), levels = c("v", "u")),
  ordered = factor(c("lo", "hi"), levels = c("lo", "hi"), ordered = TRUE),
  date = as.Date("2026-01-31") + 0:70, time = as.POSIXct("2026-01-31", tz = "Europe/Vienna") + 0:3,
  broken_time = as.POSIXlt("2026-01-31 12:00:00", tz = "UTC"),
  difference = as.difftime(c(1.5, 2), units = "hours"),
  series = ts(c(1, 4, 9, 16), start = 2000, frequency = 4), several = ts(matrix(1:6, 3), 1990),
  table = table(c(1, 1, 2), c("a", "b", "a")), one_way = table(letters[c(1, 2, 2)]),
  matrix = matrix(c(1.5, NaN, -0, Inf), 2, dimnames = list(c("r", "s"), NULL)),
  array = array(1:24, 2:4, list(NULL, b = letters[1:3], NULL)),
  named = c(a = 1L, "\u03b1\u03b2" = NA), long_names = structure(1:5000, names = sprintf("n%d", 1:5000)),
  frame = data.frame(n = 1:3, f = factor(c("x", "y", "x")), s = c("one", NA, "three")),
  no_rows = data.frame(a = integer(), b = character()), no_columns = data.frame()[1:3, ],
  nothing = data.frame(), row_names = data.frame(n = 1:2, row.names = c("i", "j")),
  integer_rows = data.frame(n = 1:4)[c(4, 2), , drop = FALSE],
  list_column = structure(list(n = 1:2, l = list(1:3, "a")), class = "data.frame", row.names = 1:2),
  matrix_column = structure(list(m = matrix(1:4, 2)), class = "data.frame", row.names = 1:2),
  frame_column = structure(list(d = data.frame(u = 1:2)), class = "data.frame", row.names = 1:2),
  nested = list(a = 1, b = list(c = NULL, d = data.frame(x = 1:3), e = list("q", quote(a + b)))),
  record = structure(list(x = 1:3, note = "text"), class = c("special", "record")),
  labelled = structure(1:3, note = list(1, "a", list(b = 2)), label = quote(x + y)),
  odd = structure(1, "a name\nwith \u00fc" = structure(2, deeper = structure(3, deepest = "end"))),
  call = quote(f(x, y = 2)[[1]]), symbol = quote(z), missing = list(quote(expr = )),
  expression = expression(a, b + 1), pairs = pairlist(a = 1, b = "x"),
  s4 = methods::new("FmPoint", x = 1:3 + 0, tags = list("a", NULL)),
  s4_vector = methods::new("FmLength", c(1, 2), unit = "cm"), s4_inside = list(methods::new("FmLength", 1, unit = "m")),
  sequence = 1:100000, repeated = rep(c(0.5, 1.5), 40000), much_text = sprintf("number %d of all", 1:5000)
)
kinds["null"] <- list(NULL)

test_that("objects of all kinds come back as they were put", {
  path <- tempfile()
  store <- open_fmalloc(path)
  for (kind in names(kinds)) {
    put_fmalloc(kind, kinds[[kind]], store)
    y <- get_fmalloc(kind, store)
    expect_identical(y, kinds[[kind]], label = kind)
    expect_identical(collect_fmalloc(y), kinds[[kind]], label = paste("collected", kind))
  }
  expect_identical(names(store), sort(names(kinds), method = "radix"))
  expect_true(check_fmalloc(path)$sound)
  file <- tempfile(fileext = ".rds")
  saveRDS(as.list(store), file)
  expect_identical(readRDS(file), kinds[names(store)])
  rm(y)
  cleanup_fmalloc(store)
  gc()
  expect_true(check_fmalloc(path)$sound)
  again <- readRDS(file) # opens the store as a reader
  expect_identical(again, kinds[names(again)])
  rm(again)
  gc()
  store <- open_fmalloc(path)
  for (kind in names(kinds)) {
    expect_identical(store[[kind]], kinds[[kind]], label = paste("reopened", kind))
  }
})

test_that("another process finds them", {
  path <- tempfile()
  file <- tempfile(fileext = ".rds")
  store <- open_fmalloc(path)
  plain <- kinds[!grepl("s4", names(kinds))]
  for (kind in names(plain)) put_fmalloc(kind, plain[[kind]], store)
  saveRDS(plain, file)
  cleanup_fmalloc(store)
  said <- in_new_r(c(
    paste0("store <- open_fmalloc(", quoted(path), ")"),
    paste0("plain <- readRDS(", quoted(file), ")"),
    "same <- vapply(names(plain), function(n) identical(collect_fmalloc(store[[n]]), plain[[n]]), NA)",
    "cat(length(same), all(same), names(which(!same)))"
  ))
  expect_identical(tail(said, 1), paste(length(plain), "TRUE "))
})

test_that("strings of all encodings are equal to what was put", {
  store <- new_store()
  store$x <- structure(c(latin1, "\u00fcber", "plain"), names = c(latin1, "b", "c"))
  expect_identical(store$x, c("\u00fcber" = "\u00fcber", b = "\u00fcber", c = "plain"))
  store$y <- structure(list(1), names = latin1)
  expect_identical(names(store$y), "\u00fcber")
})

test_that("a class of ours is an attribute as others", {
  store <- new_store()
  x <- create_fmalloc_vector("numeric", 3, store)
  x[] <- c(1, 2, 4)
  store$x <- x
  y <- store$x
  expect_identical(class(y), c("fmalloc_vector", "fmalloc", "numeric"))
  expect_identical(info_of(y)$id, info_of(x)$id)
  x[1] <- 0
  expect_identical(collect_fmalloc(store$x), c(1, 2, 4))
  expect_identical(collect_fmalloc(x), c(0, 2, 4))
})

test_that("tibbles and data.tables come back as what they were", {
  skip_if_not_installed("tibble")
  skip_if_not_installed("data.table")
  store <- new_store()
  store$tibble <- tibble::tibble(n = 1:3, l = list(1, "a", NULL))
  expect_identical(store$tibble, tibble::tibble(n = 1:3, l = list(1, "a", NULL)))
  table <- data.table::data.table(a = 1:100, b = as.numeric(1:100), s = sprintf("s%d", 1:100), key = "a")
  store$table <- table
  x <- store$table
  expect_s3_class(x, c("data.table", "data.frame"), exact = TRUE)
  expect_identical(attr(x, "sorted"), "a")
  expect_true(isTRUE(all.equal(x, table)))
  expect_type(attr(x, ".internal.selfref"), "externalptr")
})

test_that("what data.table changes in place is a copy", {
  skip_if_not_installed("data.table")
  store <- new_store()
  values <- list(a = 1:100, b = as.numeric(1:100), s = sprintf("a long string, number %d", 1:100))
  store$table <- data.table::as.data.table(values)
  unchanged <- function() identical(lapply(as.list(store$table), collect_fmalloc), values)
  x <- store$table
  expect_true(is_backed(x$b))
  data.table::set(x, 3L, "b", 99)
  data.table::set(x, 4L, "a", 99L)
  data.table::set(x, 5L, "s", "changed")
  expect_identical(c(x$b[3], x$a[4]), c(99, 99))
  expect_identical(x$s[5], "changed")
  expect_true(unchanged())
  y <- store$table
  data.table::setorderv(y, "a", order = -1L)
  expect_identical(y$s[1], values$s[100])
  expect_true(unchanged())
  # What was changed may be saved; then it is shared again.
  saved <- serialize(x, NULL)
  data.table::set(x, 3L, "b", -1)
  z <- unserialize(saved)
  expect_identical(z$b[3], 99)
  data.table::set(z, 3L, "b", -2)
  expect_identical(unserialize(saved)$b[3], 99)
  store$x <- x
  data.table::set(x, 1:2, "s", "once more")
  expect_identical(store$x$s[1:2], values$s[1:2])
  w <- as_fmalloc(data.table::as.data.table(values), store)
  saved <- serialize(w, NULL)
  data.table::set(w, 1L, "a", 0L)
  expect_identical(unserialize(saved)$a[1], 1L)
})

test_that("what is got is a value", {
  store <- new_store()
  values <- list(d = data.frame(n = 1:100, s = sprintf("text number %d", 1:100)), l = list(1:3, f = factor("a")))
  store$d <- values$d
  store$l <- values$l
  store$v <- as.numeric(1:100)
  unchanged <- function() {
    identical(store$d, values$d) && identical(store$l, values$l) && identical(store$v, as.numeric(1:100))
  }
  d <- store$d
  d$n[5] <- 0L
  d[7, "s"] <- "x"
  d$new <- 1
  d <- d[order(-d$n), ]
  expect_identical(nrow(d), 100L)
  expect_true(unchanged())
  l <- store$l
  l$a <- 5
  l[["x"]] <- "ordinary"
  l[[1]][2] <- 9L
  levels(l$f) <- "b"
  l[["g"]] <- sum
  expect_identical(l, list(c(1L, 9L, 3L), f = factor("b"), a = 5, x = "ordinary", g = sum))
  expect_true(unchanged())
  k <- store$l[2:1]
  k[[2]] <- "ordinary"
  names(k) <- c("u", "v")
  expect_identical(k, list(u = factor("a"), v = "ordinary"))
  v <- store$v
  v[3] <- 0
  expect_identical(sum(v), 5047)
  expect_true(unchanged())
  w <- structure(store$v, unit = "cm") # long enough for R's wrapper
  w[1] <- 0
  expect_true(unchanged())
})

test_that("nested lists are values as well, also when they come from a reference", {
  store <- new_store()
  store$l <- list(a = list(b = list(c = 1:3, d = data.frame(x = 1)), q = quote(u)))
  for (l in list(store$l, unserialize(serialize(store$l, NULL)))) {
    l$a$b$new <- "ordinary"
    l$a$b$d$y <- "text"
    l$a$b$c[2] <- 0L
    expect_identical(l$a$b, list(c = c(1L, 0L, 3L), d = data.frame(x = 1, y = "text"), new = "ordinary"))
  }
  expect_identical(store$l$a$b, list(c = 1:3, d = data.frame(x = 1)))
  expect_lt(length(serialize(store$l, NULL)), 1500)
})

test_that("parts that live in the store are shared, others are copied", {
  store <- new_store()
  d <- as_fmalloc(data.frame(n = 1:1000, s = sprintf("text number %d", 1:1000)), store)
  store$d <- d
  expect_identical(info_of(store$d$n)$id, info_of(d$n)$id)
  expect_identical(info_of(store$d$s)$id, info_of(d$s)$id)
  store$e <- transform(store$d, m = n * 2L)
  expect_identical(info_of(store$e$n)$id, info_of(d$n)$id)
  w <- structure(d$n, unit = "cm")
  store$w <- w
  expect_identical(info_of(store$w)$id, info_of(d$n)$id)
  w[1] <- 0L
  expect_identical(store$w[1], 1L)
  other <- new_store()
  other$d <- d
  expect_identical(other$d, collect_fmalloc(d))
  expect_identical(info_of(other$d$n)$uuid, attr(other, "uuid"))
  x <- as.numeric(1:10)
  y <- stored(x, store)
  z <- y + 1 # a temporary
  store$z <- z
  expect_identical(info_of(z)$state, "sealed")
  z[1] <- 0
  expect_identical(store$z[1], 2, ignore_attr = TRUE)
})

test_that("a list of ours is shared, or made anew where it was dressed", {
  store <- new_store()
  l <- as_fmalloc(list(1:3, list(2, "x")), store)
  store$l <- l
  expect_identical(info_of(store$l)$id, info_of(l)$id)
  expect_identical(store$l, list(1:3, list(2, "x")))
  k <- create_fmalloc_vector("list", 2, store)
  x <- stored(1:2, store)
  k[[1]] <- structure(x, levels = c("a", "b"), class = "factor")
  k[[2]] <- stored(c(1, 2), store)
  store$k <- k
  expect_identical(store$k[[1]], factor(c("a", "b")))
  expect_identical(class(store$k[[2]])[1], "fmalloc_vector")
  expect_identical(class(k)[1], "fmalloc_vector")
  # Elements that are objects in the file stay what they are in copies and references.
  rows <- list_fmalloc_allocations(store)
  made <- recover_fmalloc_vector(store, tail(rows$record_offset[rows$type == "list"], 1), plain = TRUE)
  expect_identical(made[[1]], factor(c("a", "b")))
  expect_identical(made[2:1][[2]], factor(c("a", "b")))
  copy <- made
  copy[[2]] <- NULL
  expect_identical(copy[[1]], factor(c("a", "b")))
  expect_identical(unserialize(serialize(made, NULL))[[1]], factor(c("a", "b")))
})

test_that("large views share their whole, small ones are copied", {
  store <- new_store()
  store$x <- as.numeric(1:1e5)
  x <- store$x
  half <- x[20001:100000]
  store$half <- half
  expect_identical(store$half, as.numeric(20001:100000))
  store$few <- x[1:20000]
  expect_identical(store$few, as.numeric(1:20000))
  rows <- list_fmalloc_allocations(store)
  expect_identical(sum(rows$type == "numeric" & rows$length == 1e5 & rows$generation > 0), 1L)
  expect_identical(sum(rows$type == "numeric" & rows$length == 80000 & rows$generation > 0), 0L)
  store$half <- structure(half, unit = "m")
  expect_identical(store$half, structure(as.numeric(20001:100000), unit = "m"))
})

test_that("what cannot be stored is refused, with the way to it", {
  path <- tempfile()
  store <- open_fmalloc(path)
  cases <- list(
    list(sum, "x is a function"), list(globalenv(), "x is an environment"),
    list(list(a = 1, b = list(mean)), "x$b[[1]] is a function"),
    list(list(`a b` = mean), "x$`a b` is a function"),
    list(structure(1, f = mean), "attr(x, \"f\") is a function"),
    list(list(a = structure(1:3, u = list(v = globalenv()))), "attr(x$a, \"u\")$v is an environment"),
    list(list(model = list(terms = y ~ x)), "attr(x$model$terms, \".Environment\") is an environment"),
    list(methods::new("FmPoint", x = 1, tags = list(2, k = mean)), "x@tags$k is a function"),
    list(as.call(list(quote(f), 1, globalenv())), "x[[3]] is an environment"),
    list(pairlist(a = 1, b = mean), "x$b is a function"),
    list(open_fmalloc(tempfile()), "x is an object of type externalptr")
  )
  for (case in cases) {
    e <- tryCatch(put_fmalloc("x", case[[1]], store), error = identity)
    expect_s3_class(e, "fmalloc_argument")
    expect_match(conditionMessage(e), case[[2]], fixed = TRUE)
    expect_match(conditionMessage(e), "serialize = TRUE", fixed = TRUE)
  }
  expect_identical(names(store), character())
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
  # Found before anything is copied.
  large <- list(1:1e6 + 0, sum)
  before <- .Call(rfm_c_info, store)$temporary_bytes
  expect_error(put_fmalloc("x", large, store), class = "fmalloc_argument")
  expect_identical(.Call(rfm_c_info, store)$temporary_bytes, before)
})

test_that("serialize = TRUE stores such parts as bytes", {
  store <- new_store()
  fit <- lm(mpg ~ wt, mtcars)
  put_fmalloc("fit", fit, store, serialize = TRUE)
  back <- store$fit
  expect_identical(coef(back), coef(fit))
  expect_identical(predict(back, data.frame(wt = 3)), predict(fit, data.frame(wt = 3)))
  expect_true(is_fmalloc(unclass(back)$residuals))
  counter <- local({ n <- 0; function() n <<- n + 1 })
  put_fmalloc("f", list(counter, 5), store, serialize = TRUE)
  f <- store$f
  f[[1]]()
  expect_identical(f[[1]](), 2)
  expect_identical(store$f[[1]](), 1)
  put_fmalloc("formula", y ~ x + z, store, serialize = TRUE)
  expect_equal(store$formula, y ~ x + z, ignore_formula_env = TRUE)
})

test_that("serialized bytes need no other record and no other store", {
  store <- new_store()
  other_path <- tempfile()
  other <- open_fmalloc(other_path)
  x <- as_fmalloc(as.numeric(1:1000), other)
  y <- as_fmalloc(sprintf("text number %d", 1:1000), store)
  store$s4 <- methods::new("FmPoint", x = x, tags = list(y))
  expect_identical(info_of(x)$state, "committed")
  rm(x, y)
  cleanup_fmalloc(other)
  gc()
  unlink(other_path)
  back <- store$s4
  expect_identical(back@x, as.numeric(1:1000))
  expect_identical(back@tags[[1]], sprintf("text number %d", 1:1000))
  expect_false(is_backed(back@x))
  # References are written again afterwards, also after an error.
  z <- as_fmalloc(1:1000, store)
  expect_lt(length(serialize(z, NULL)), 1000)
})

test_that("sizes, listings, recovery and diagnosis know objects", {
  store <- new_store()
  store$f <- factor(c("a", "b", "a"))
  store$call <- quote(a + b)
  store$d <- data.frame(n = 1:1000, s = sprintf("text number %d", 1:1000))
  rows <- list_fmalloc_allocations(store)
  expect_true(all(c("object", "serialized", "list") %in% rows$type))
  expect_true(all(rows$recoverable))
  objects <- lapply(rows$record_offset[rows$type %in% c("object", "serialized")],
    recover_fmalloc_vector, runtime = store)
  expect_identical(objects, list(factor(c("a", "b", "a")), quote(a + b), store$d))
  sizes <- fmalloc_sizes(store$d)
  expect_identical(rownames(sizes), c("n", "s"))
  expect_true(all(sizes$on_disk > 4000))
  expect_identical(diagnose_fmalloc_runtime(store)$summary$committed_records, as.numeric(nrow(rows)))
  expect_error(destroy_fmalloc_vector(store$d$n, unsafe = TRUE), "parent reference", class = "fmalloc_has_parent")
})

test_that("nesting that is too deep is an error, and nothing is left", {
  store <- new_store()
  l <- list(1)
  for (k in 1:1000) l <- list(l)
  store$l <- l
  expect_identical(collect_fmalloc(store$l), l)
  for (k in 1:2e5) l <- list(l)
  e <- tryCatch(put_fmalloc("deep", l, store), error = identity)
  expect_match(conditionMessage(e), "stack|nested|protect")
  expect_identical(names(store), "l")
  store$l <- NULL
  gc()
  sync_fmalloc(store)
  expect_identical(.Call(rfm_c_info, store)$live_bytes, 0)
  for (k in 1:2e5) l <- l[[1]] # R frees it in a loop of its own
})

# The offset in the file where the cells of an object lie, and numbers written there.
forge <- function(path, at, ids) {
  file <- file(path, "r+b")
  on.exit(close(file))
  seek(file, at, rw = "write")
  for (id in ids) writeBin(c(as.integer(id), 0L), file, size = 4, endian = "little")
}

test_that("forged objects are errors", {
  x <- structure(as.numeric(1:3), unit = "cm", names = c("a", "b", "c"))
  good <- tempfile()
  store <- open_fmalloc(good)
  store$x <- x
  store$call <- quote(f(x))
  rows <- list_fmalloc_allocations(store)
  object <- rows[rows$type == "object", ]
  bytes <- rows[rows$type == "serialized", ]
  id <- function(type) rows$generation[rows$type == type]
  cleanup_fmalloc(store)
  forged <- function(cells, at = object$payload_offset, name = "x") {
    path <- tempfile()
    file.copy(good, path)
    forge(path, at, cells)
    store <- open_fmalloc(path)
    on.exit(cleanup_fmalloc(store))
    tryCatch(store[[name]], error = identity)
  }
  cells <- readBin(good, "raw", object$payload_offset + 32)
  cells <- readBin(tail(cells, 32), "integer", 8)[c(1, 3, 5, 7)]
  expect_identical(forged(cells), x)
  expect_s3_class(forged(replace(cells, 1, 0)), "fmalloc_damaged")
  expect_s3_class(forged(replace(cells, 1, 999)), "fmalloc_damaged")
  expect_s3_class(forged(replace(cells, 1, object$generation)), "fmalloc_damaged")
  expect_s3_class(forged(replace(cells, 2, 0)), "fmalloc_damaged")
  expect_s3_class(forged(replace(cells, 2, cells[1])), "fmalloc_damaged")
  expect_s3_class(forged(replace(cells, 3, 0)), "fmalloc_damaged")
  expect_s3_class(forged(replace(cells, 1, bytes$generation)), "fmalloc_damaged")
  expect_s3_class(forged(rev(cells)), "error")
  expect_identical(forged(cells[c(1, 2, 4, 3)], name = "call"), quote(f(x)))
  for (k in 0:6) {
    e <- forged(c(0, 0), bytes$payload_offset + 8 * k, "call")
    if (!is.language(e) && !is.list(e)) expect_type(e, "character") # some bytes do not matter
    if (inherits(e, "error")) expect_s3_class(e, "fmalloc_damaged")
  }
  expect_s3_class(forged(c(0, 0), bytes$payload_offset, "call"), "fmalloc_damaged")
})

test_that("methods that allocate survive a collection at any time", {
  skip_on_cran()
  store <- new_store()
  x <- list(d = data.frame(f = factor(c("a", "b")), s = c("x", "a longer string")), q = quote(a), 1:3)
  gctorture2(7)
  store$x <- x
  y <- store$x
  z <- collect_fmalloc(y)
  w <- unserialize(serialize(y, NULL))
  gctorture2(0)
  expect_identical(y, x)
  expect_identical(z, x)
  expect_identical(w, x)
})

# R's own code puts the parts of such a list where they are.
test_that("times in parts work as ordinary ones", {
  store <- new_store()
  # R knows balanced ones by the address of their TRUE, unless they come from a file.
  x <- unserialize(serialize(as.POSIXlt(c(0, 1e9, NA), tz = "UTC"), NULL))
  store$x <- x
  y <- store$x
  expect_identical(y[2], x[2])
  expect_identical(rev(y), rev(x))
  expect_identical(sort(y), sort(x))
  expect_identical(balancePOSIXlt(y), balancePOSIXlt(x))
  expect_identical(head(data.frame(t = 1:3, x = y), 2), head(data.frame(t = 1:3, x = x), 2))
  y$hour <- y$hour + 1L
  expect_identical(store$x, x)
  expect_identical(y$hour, x$hour + 1L)
})
