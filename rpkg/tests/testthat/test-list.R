# Lists in a store. What an expression gives on one is compared with what it gives on an
# ordinary list of ordinary vectors of the same values.

new_list <- function(n, store) create_fmalloc_vector("list", n, store)

# A list in the store with these elements, which are ordinary or NULL.
stored_list <- function(elements, store) {
  l <- new_list(length(elements), store)
  for (k in seq_along(elements)) {
    e <- elements[[k]]
    if (is.null(e)) next
    if (is.list(e)) {
      e <- stored_list(e, store)
    } else {
      a <- attributes(e)
      e <- stored(as.vector(unclass(e)), store)
      for (name in setdiff(names(a), "class")) attr(e, name) <- a[[name]]
      if (!is.null(a$class)) oldClass(e) <- a$class
    }
    l[[k]] <- e
  }
  names(l) <- names(elements)
  l
}

our_classes <- c("fmalloc_vector", "fmalloc_matrix", "fmalloc_array", "fmalloc",
  "logical", "integer", "numeric", "complex", "raw", "character", "list")

# The same with ordinary vectors all the way down, our classes dropped.
ordinary <- function(x) {
  if (is.null(x) || is.environment(x) || is.function(x) || is.symbol(x)) return(x)
  a <- attributes(x)
  rest <- setdiff(oldClass(x), our_classes)
  if (is.list(x)) {
    y <- vector("list", length(x))
    for (k in seq_along(x)) {
      e <- .subset2(x, k)
      if (!is.null(e)) y[[k]] <- ordinary(e)
    }
  } else {
    y <- vector(typeof(x), length(x))
    u <- unclass(x)
    for (k in seq_along(y)) y[k] <- u[[k]]
  }
  a$class <- NULL
  attributes(y) <- a
  if (length(rest)) oldClass(y) <- rest
  y
}

# The same list of ours, all of its vectors without our classes.
without_class <- function(x) {
  if (is.list(x)) for (k in seq_along(x)) if (!is.null(x[[k]])) x[[k]] <- without_class(x[[k]])
  oldClass(x) <- NULL
  x
}

backed_deep <- function(l) {
  all(vapply(seq_along(l), function(k) is.null(l[[k]]) || is_backed(l[[k]]), NA))
}

test_that("a new list is full of NULL", {
  store <- new_store()
  for (n in c(0, 1, 3, 1000)) {
    l <- new_list(n, store)
    expect_true(is.list(l))
    expect_true(is_backed(l))
    expect_identical(typeof(l), "list")
    expect_s3_class(l, c("fmalloc_vector", "fmalloc", "list"), exact = TRUE)
    expect_identical(ordinary(l), vector("list", n))
  }
  dirty <- stored(as.numeric(1:1000), store)
  destroy_fmalloc_vector(dirty, unsafe = TRUE)
  sync_fmalloc(store)
  l <- create_fmalloc_vector("list", 1000, store, zero_initialize = FALSE)
  expect_identical(ordinary(l), vector("list", 1000))
})

test_that("elements of every type are kept", {
  store <- new_store()
  elements <- c(samples, list(empty = integer(), none = NULL, below = list(1L, NULL, list(TRUE))))
  l <- stored_list(elements, store)
  expect_identical(ordinary(l), elements)
  expect_true(backed_deep(l))
  expect_true(is_backed(l$below[[3]][[1]]))
  strings <- c("a", NA, "", strrep("long ", 10), "\u00e9")
  l[["none"]] <- stored(strings, store)
  expect_identical(as.vector(unclass(l$none)), strings)
})

test_that("a list says what it is to inspect", {
  l <- stored_list(list(1L, NULL), new_store())
  said <- capture.output(.Internal(inspect(l)))
  expect_match(said[1], "fmalloc_altrep list", fixed = TRUE)
  expect_match(said[1], "payload_offset=", fixed = TRUE)
})

# proves I13
test_that("ordinary objects and foreign vectors are refused, and nothing changes", {
  store <- new_store()
  other <- new_store()
  scratch <- new_store(mode = "scratch")
  l <- stored_list(list(1:3, NULL), store)
  gone <- stored(1:3, store)
  destroy_fmalloc_vector(gone, unsafe = TRUE)
  kept <- function() subset(list_fmalloc_allocations(store), state != "temporary")
  before <- kept()
  for (k in 1:2) {
    for (value in list(5, "a", list(1), quote(x), globalenv(), mean, data.frame(a = 1))) {
      e <- expect_error(l[[k]] <- value, "ordinary R objects", class = "fmalloc_argument")
    }
    for (value in list(stored(1:3, other), stored(1:3, scratch), stored(1:3, other) + 1L)) {
      expect_error(l[[k]] <- value, "same .*fmalloc runtime", class = "fmalloc_mismatch")
    }
    expect_error(l[[k]] <- gone, "closed fmalloc ALTREP vector handle", class = "fmalloc_closed")
    expect_error(l[k] <- list(5), "ordinary R objects")
  }
  expect_error(l[] <- list(1L, 2L), "ordinary R objects")
  expect_identical(kept(), before)
  expect_identical(ordinary(l), list(1:3, NULL))
})

test_that("elements are values: what happens elsewhere does not change them", {
  store <- new_store()
  for (n in c(3, 63, 64, 65)) {
    values <- as.numeric(seq_len(n))
    x <- stored(values, store)
    l <- new_list(2, store)
    l[[1]] <- x
    l[[2]] <- x
    x[1] <- -1
    y <- l[[1]]
    y[2] <- -2
    expect_identical(ordinary(l), list(values, values))
    expect_identical(c(x[1], y[2]), c(-1, -2))
    l[[1]][3] <- 0
    expect_identical(ordinary(l[[1]])[1:3], c(1, 2, 0))
    expect_identical(ordinary(l[[2]])[1:3], c(1, 2, 3))
    k <- l
    k[[1]][1] <- 100
    k[[2]] <- x
    expect_identical(c(l[[1]][1], k[[1]][1], l[[2]][1], k[[2]][1]), c(1, 100, 1, -1))
  }
})

test_that("an element is not written to when its list has been collected", {
  store <- new_store()
  x <- stored(as.numeric(1:5), store)
  l <- new_list(1, store)
  l[[1]] <- x
  saved <- info_of(l)$id
  where <- info_of(x)$offset
  rm(l)
  gc()
  x[1] <- -1
  expect_false(info_of(x)$offset == where)
})

test_that("nested elements are values, too", {
  store <- new_store()
  inner <- stored_list(list(1:3, 4:6), store)
  l <- new_list(2, store)
  l[[1]] <- inner
  l[[2]] <- inner
  inner[[1]] <- stored(0L, store)
  expect_identical(ordinary(l), list(list(1:3, 4:6), list(1:3, 4:6)))
  l[[c(1, 2)]] <- stored(7L, store)
  expect_identical(ordinary(l), list(list(1:3, 7L), list(1:3, 4:6)))
  l[[1]][[1]][2] <- 20L
  expect_identical(ordinary(l), list(list(c(1L, 20L, 3L), 7L), list(1:3, 4:6)))
  expect_identical(ordinary(inner), list(0L, 4:6))
  l[[1]] <- l
  expect_identical(ordinary(l)[[1]], list(list(c(1L, 20L, 3L), 7L), list(1:3, 4:6)))
  expect_identical(ordinary(l)[[2]], list(1:3, 4:6))
})

test_that("wrapped elements are looked through, with their attributes", {
  store <- new_store()
  for (n in c(63, 64, 65, 200)) {
    v <- stored(as.numeric(seq_len(n)), store)
    oldClass(v) <- NULL
    w <- v
    attr(w, "unit") <- "cm"
    expect_identical(grepl("wrapper", capture.output(.Internal(inspect(w)))[1]), n >= 64)
    l <- new_list(1, store)
    l[[1]] <- w
    # asks for an address, and so makes a wrapper copy what it wraps
    expect_identical(order(-l[[1]], decreasing = TRUE)[1], 1L)
    expect_identical(sum(order(l[[1]])), sum(seq_len(n)))
    expect_true(is_backed(l[[1]]))
    expect_identical(attr(l[[1]], "unit"), "cm")
    w[1] <- -1
    v[2] <- -2
    expect_identical(as.vector(l[[1]])[1:3], c(1, 2, 3))
    expect_identical(c(w[1], v[2]), c(-1, -2))
    expect_identical(order(w)[1], 1L)
    expect_identical(order(v)[1], 2L)
    l2 <- unserialize(serialize(l, NULL))
    expect_true(is_backed(l2[[1]]))
    expect_identical(attr(l2[[1]], "unit"), "cm")
    expect_identical(as.vector(l2[[1]])[1:3], c(1, 2, 3))
    x <- structure(l[[1]], names = as.character(seq_len(n)))
    l[[1]] <- x
    expect_identical(names(l[[1]]), as.character(seq_len(n)))
  }
})

test_that("a wrapper that was put into a list is not written through", {
  store <- new_store()
  wrapped <- function(v) {
    attr(v, "unit") <- "cm"
    v
  }
  for (n in c(63, 64, 65, 200)) {
    values <- as.numeric(seq_len(n))
    # nobody but the wrapper refers to what it wraps
    v <- stored(values, store)
    w <- wrapped(v)
    rm(v)
    l <- new_list(1, store)
    l[[1]] <- w
    w[1] <- -1
    expect_identical(as.vector(l[[1]]), values)
    # the wrapper lets go of it, and v alone is left
    v <- stored(values, store)
    oldClass(v) <- NULL
    w <- wrapped(v)
    l[[1]] <- w
    order(w)
    v[2] <- -2
    expect_identical(as.vector(l[[1]]), values)
    # it was written to before it was put in
    v <- stored(values, store)
    oldClass(v) <- NULL
    w <- wrapped(v)
    rm(v)
    w[2] <- -2
    l[[1]] <- w
    expect_identical(order(w)[1], 2L)
    w[3] <- -3
    expect_identical(as.vector(l[[1]]), replace(values, 2, -2))
  }
})

test_that("wrapped lists are looked through", {
  store <- new_store()
  for (n in c(63, 64, 65, 200)) {
    l <- new_list(n, store)
    l[[n]] <- stored(1:3, store)
    k <- l
    names(k) <- as.character(seq_len(n))
    expect_true(is_backed(k))
    expect_null(names(l))
    k[[1]] <- stored(7L, store)
    expect_null(l[[1]])
    expect_identical(as.vector(k[[1]]), 7L)
    expect_identical(as.vector(k[[as.character(n)]])[1:3], 1:3)
    m <- unserialize(serialize(k, NULL))
    expect_identical(names(m), names(k))
    expect_identical(ordinary(m), ordinary(k))
    o <- new_list(1, store)
    o[[1]] <- k
    expect_identical(names(o[[1]]), names(k))
  }
})

test_that("subsets and copies share their elements", {
  store <- new_store(size_gb = 0.25)
  l <- new_list(4, store)
  for (k in 1:3) l[[k]] <- create_fmalloc_vector("numeric", 1e6, store)
  before <- .Call(Rfmalloc:::rfm_c_info, store)$temporary_bytes
  s <- l[c(3, 1, NA, 9, 4)]
  d <- l
  d[[4]] <- stored(1, store)
  expect_lt(.Call(Rfmalloc:::rfm_c_info, store)$temporary_bytes - before, 1e5)
  expect_true(is_backed(s))
  expect_true(is_backed(d))
  expect_identical(info_of(s[[1]])$offset, info_of(l[[3]])$offset)
  expect_identical(info_of(d[[2]])$offset, info_of(l[[2]])$offset)
  expect_null(s[[3]])
  expect_null(s[[4]])
  expect_null(l[[4]])
  rm(l)
  gc()
  expect_identical(sum(s[[2]]), 0)
})

expressions <- expression(
  length(l), names(l), l[[2]], l[["b"]], l$c, l$nothing, l[2:4], l[-1], l["a"], l[0], l[7:9],
  l[c(TRUE, FALSE)], l[c("c", "a")], l[c(2, NA)], l[[c(5, 1)]], l[10], l[[10]], l[["zz"]],
  lapply(l, length), sapply(l, length), vapply(l, length, 1L), vapply(l, is.null, NA),
  vapply(l, length, ""), Map(function(x, n) n, l, names(l)), mapply(length, l), lengths(l),
  unlist(l), unlist(l, use.names = FALSE), unlist(l[1:2]), rapply(l, sum, how = "unlist"),
  rapply(l, function(x) x, how = "replace"),
  rapply(l, sum, classes = "integer", deflt = NA, how = "list"),
  do.call(rbind, l[1:2]), do.call("sum", unname(l[1:2])), do.call(paste, l[c("a", "b")]),
  Reduce(`+`, l[1:2]), Filter(Negate(is.null), l), Position(is.null, l), rev(l), c(l, l),
  c(l, list(1)), append(l, list(9), 2), rep(l, 2), rep_len(l, 7), head(l, 2), tail(l, 2),
  is.na(l), as.list(l), is.list(l), is.vector(l), as.vector(l), unique(l), duplicated(l),
  identical(l, l), all.equal(l, l), match(list(1:3), l), stack(l[1:2]),
  as.character(l[1:2]), as.numeric(l[6]), setNames(l, letters[1:6]), unname(l),
  within(l, a <- 1:2), modifyList(l, list(a = NULL)), array(l, c(2, 3))[2, ],
  as.data.frame(l[1:2]), list2env(l[1:3], new.env())$a, as.pairlist(l[1:2]), seq_along(l),
  tapply(l, c(1, 1, 2, 2, 3, 3), length), split(l, c(1, 2)), outer(1:2, 1:2), order(lengths(l)),
  mean(l), sum(l), l + 1, sort(l), nchar(l),
  {l["b"] <- list(NULL); l}, {l[["b"]] <- NULL; l}, {l$b <- NULL; l}, {l[2:3] <- NULL; l},
  {l[["b"]] <- l[["a"]]; l}, {l[c("a", "c")] <- l[c("c", "a")]; l}, {l$d <- l$a; l},
  {l[[8]] <- l$a; l}, {l[8] <- list(NULL); l}, {l$new <- l$a; l}, {length(l) <- 2; l},
  {length(l) <- 8; l}, {names(l)[2] <- "z"; l}, {l[] <- l[6:1]; l}, {l[["a"]][2] <- 9L; l},
  {attr(l, "x") <- 1; l}, {dim(l) <- c(2, 3); l[2, 3]}, {l$e[[2]] <- l$a; l},
  {l[c(TRUE, FALSE)] <- l[1]; l}, {k <- l; k$a <- NULL; list(length(l), length(k))},
  {l[[c(5, 2)]] <- l[[1]]; l}, {l$a <- l; l}, {l[["e"]] <- NULL; l$e}
)

test_that("what base R does with lists it does with ours", {
  store <- new_store()
  elements <- list(a = 1:3, b = c(2.5, NA, 0), c = NULL, d = c(TRUE, FALSE),
    e = list(1:2, 3), f = 7)
  evaluate <- function(expression, l) {
    warned <- character()
    value <- tryCatch(
      withCallingHandlers(eval(expression, list(l = l), globalenv()), warning = function(w) {
        warned <<- c(warned, conditionMessage(w))
        invokeRestart("muffleWarning")
      }),
      error = function(e) paste("error:", conditionMessage(e))
    )
    list(value = ordinary(value), warned = warned)
  }
  # R decides these by the class attribute, and so differs
  by_class <- c("is.vector(l)", "stack(l[1:2])", "sort(l)", "rep_len(l, 7)")
  for (k in seq_along(expressions)) {
    label <- paste(deparse(expressions[[k]]), collapse = " ")
    expected <- evaluate(expressions[[k]], elements)
    m <- without_class(stored_list(elements, store))
    expect_identical(evaluate(expressions[[k]], m), expected, label = paste("plain:", label))
    if (label %in% by_class) next
    l <- stored_list(elements, store)
    expect_identical(evaluate(expressions[[k]], l), expected, label = label)
  }
})

test_that("lists are printed and described", {
  store <- new_store()
  elements <- list(a = 1:3, b = NULL, c = list(TRUE))
  l <- stored_list(elements, store)
  a <- without_class(l)
  expect_identical(capture.output(print(a)), capture.output(print(elements)))
  expect_identical(capture.output(str(a)), capture.output(str(elements)))
  expect_true(identical(a, elements))
  expect_true(identical(elements, a))
  expect_identical(deparse(a), deparse(elements))
  expect_output(print(l), "[1] 1 2 3", fixed = TRUE)
})

test_that("what a list holds cannot be destroyed before it", {
  store <- new_store()
  x <- stored(1:3, store)
  l <- new_list(2, store)
  l[[1]] <- x
  l[[2]] <- x
  for (unsafe in c(TRUE, FALSE)) {
    expect_error(destroy_fmalloc_vector(x, unsafe), "parent reference",
      class = "fmalloc_has_parent")
    expect_error(destroy_fmalloc_vector(l[[1]], unsafe), "parent reference")
  }
  expect_identical(as.vector(x)[1:3], 1:3)
  l[1] <- list(NULL)
  expect_error(destroy_fmalloc_vector(x, TRUE), "parent reference")
  expect_true(destroy_fmalloc_vector(l, unsafe = TRUE))
  expect_error(l[[2]], "closed fmalloc ALTREP vector handle")
  expect_error(l[[2]] <- NULL, "closed fmalloc ALTREP vector handle")
  expect_identical(as.vector(x)[1:3], 1:3)
  expect_true(destroy_fmalloc_vector(x, unsafe = TRUE))
  expect_error(x[1], "closed fmalloc ALTREP vector handle")
})

test_that("temporaries that a list takes in stay, and go with it", {
  store <- new_store()
  x <- stored(as.numeric(1:100), store)
  l <- new_list(3, store)
  l[[1]] <- x + 1
  l[[2]] <- x * 2
  l[[3]] <- l[1:2]
  gc()
  expect_identical(sum(l[[1]]), 5150)
  expect_identical(sum(l[[3]][[2]]), 10100)
  rows <- list_fmalloc_allocations(store)
  expect_identical(sum(rows$state == "committed"), 5L)
  l[[1]] <- x
  l[[2]] <- x
  l[3] <- list(NULL)
  gc()
  sync_fmalloc(store)
  rows <- list_fmalloc_allocations(store)
  expect_identical(sum(rows$state == "committed"), 2L)
})

test_that("a thousand lists inside each other", {
  store <- new_store()
  l <- new_list(1, store)
  l[[1]] <- stored(1:3, store)
  for (k in 1:999) {
    m <- new_list(1, store)
    m[[1]] <- l
    l <- m
  }
  oldClass(l) <- NULL
  saved <- serialize(l, NULL)
  path <- path_of(store)
  rm(m)
  k <- unserialize(saved)
  depth <- 0
  while (is.list(k)) {
    k <- k[[1]]
    depth <- depth + 1
  }
  expect_identical(depth, 1000)
  expect_identical(as.vector(k)[1:3], 1:3)
  expect_identical(as.vector(unlist(l)), 1:3)
  rm(l, k)
  gc()
})

test_that("a hundred thousand elements", {
  store <- new_store(size_gb = 0.25)
  n <- 1e5
  l <- new_list(n, store)
  x <- stored(1:3, store)
  for (k in seq_len(n)) l[[k]] <- if (k %% 1000 == 0) stored(k, store) else x
  expect_identical(sum(vapply(l, length, 1L)), as.integer(3 * n - 2 * n / 1000))
  saved <- serialize(l, NULL)
  # all are classed and no more: one byte says it
  expect_lt(length(saved), 1000)
  k <- unserialize(saved)
  expect_identical(class(k[[1]]), class(x))
  expect_identical(k[[n]][1], as.integer(n))
  expect_true(identical(k, l))
  expect_identical(sum(lengths(l[seq(1000, n, 1000)])), 100L)
  d <- l
  d[[1]] <- stored(0L, store)
  expect_identical(ordinary(d[[2]]), 1:3)
})

attributed <- function(store) {
  day <- stored(as.numeric(0:99), store)
  class(day) <- "Date"
  inner <- new_list(2, store)
  inner[[1]] <- stored_matrix(matrix(1:4, 2, dimnames = list(c("a", "b"), NULL)), store)
  plain <- stored(7, store)
  oldClass(plain) <- NULL
  inner[[2]] <- plain
  factor <- stored(c(1L, 2L, 1L), store)
  attributes(factor) <- list(levels = c("u", "v"), class = "factor")
  named <- stored(c(1.5, 2.5), store)
  names(named) <- c("x", "y")
  l <- new_list(7, store)
  l[[1]] <- day
  l[[2]] <- inner
  l[[3]] <- factor
  l[[5]] <- named
  l[[6]] <- stored(TRUE, store)
  l[[7]] <- plain
  names(l) <- c("day", "inner", "factor", "null", "named", "classed", "plain")
  l
}

all_attributes <- function(l) {
  lapply(unclass(l), function(e) list(attributes(e), if (is.list(e)) all_attributes(e)))
}

test_that("attributes of elements travel with the reference", {
  store <- new_store()
  l <- attributed(store)
  outer <- new_list(1, store)
  oldClass(outer) <- NULL
  outer[[1]] <- l
  for (twice in 1:3) {
    k <- unserialize(serialize(outer, NULL))[[1]]
    expect_true(backed_deep(k))
    expect_identical(attributes(k), attributes(l))
    if (twice < 3) {
      expect_identical(all_attributes(k), all_attributes(l))
      expect_identical(ordinary(k), ordinary(l))
    }
    # not one element is looked at before it is saved again
    outer <- unserialize(serialize(outer, NULL))
  }
  expect_identical(all_attributes(k), all_attributes(l))
  expect_identical(info_of(k$factor)$offset, info_of(l$factor)$offset)
  s <- unserialize(serialize(outer, NULL))[[1]][c("classed", "factor", "plain")]
  expect_identical(class(s$classed), class(l$classed))
  expect_null(attributes(s$plain))
})

test_that("a list that nobody has looked at says no more than its reference", {
  store <- new_store()
  l <- new_list(2, store)
  oldClass(l) <- NULL
  x <- stored(c(1, 2), store)
  oldClass(x) <- NULL
  l[[1]] <- x
  saved <- serialize(l, NULL)
  expect_identical(serialize(unserialize(saved), NULL), saved)
  expect_identical(unserialize(saved), list(c(1, 2), NULL))
})

# proves I7
test_that("a saved list is a snapshot, down to its elements", {
  store <- new_store()
  x <- stored(as.numeric(1:5), store)
  inner <- new_list(1, store)
  inner[[1]] <- x
  l <- new_list(2, store)
  l[[1]] <- inner
  l[[2]] <- x
  saved <- serialize(l, NULL)
  x[1] <- -1
  inner[[1]] <- x
  l[[1]][[1]][2] <- -2
  l[[c(1, 1)]] <- stored(0, store)
  l[2] <- list(NULL)
  k <- unserialize(saved)
  expect_identical(ordinary(k), list(list(as.numeric(1:5)), as.numeric(1:5)))
  k[[1]][[1]][3] <- 0
  expect_identical(ordinary(unserialize(saved)), list(list(as.numeric(1:5)), as.numeric(1:5)))
})

test_that("a temporary list that is saved becomes a record, with all below it", {
  store <- new_store()
  l <- stored_list(list(a = 1:3, b = NULL), store)
  k <- l
  k[["b"]] <- stored(as.numeric(1:4), store) + 1
  k <- c(k[1:2], NULL)[1:2]
  saved <- serialize(rev(l[2:1])[1:2], NULL)
  gc()
  expect_identical(ordinary(unserialize(saved)), list(a = 1:3, b = NULL))
})

test_that("another process reads a list, element by element", {
  path <- tempfile()
  file <- tempfile(fileext = ".rds")
  store <- open_fmalloc(path)
  saveRDS(attributed(store), file)
  cleanup_fmalloc(store)
  gc()
  code <- c(
    sprintf("l <- readRDS(%s)", quoted(file)),
    "cat(length(l), names(l), '\\n')",
    "cat(format(l$day[2]), levels(l$factor), class(l$classed), is.null(l$null), '\\n')",
    "cat(l$inner[[1]]['b', 2], names(l$named), is.null(attributes(l$plain)), '\\n')",
    "l$day <- l$factor; l[[3]][1] <- 'v'; cat(as.character(l$day), as.character(l[[3]]), '\\n')",
    "r <- Rfmalloc:::is_fmalloc(l$named); cat(r, sum(vapply(l, length, 1L)), '\\n')"
  )
  expect_identical(in_new_r(code), c(
    "7 day inner factor null named classed plain ",
    "1970-01-02 u v fmalloc_vector fmalloc logical TRUE ",
    "4 x y TRUE ",
    "u v u v v u ",
    "TRUE 12 "
  ))
})

test_that("scratch stores keep lists, and serialize them by value", {
  store <- new_store(mode = "scratch")
  elements <- list(a = 1:3, b = NULL, c = list(2.5, list("x" = TRUE)))
  l <- stored_list(elements, store)
  expect_identical(ordinary(l), elements)
  k <- unserialize(serialize(l, NULL))
  expect_false(is_backed(k))
  expect_false(is_backed(k$c[[1]]))
  expect_identical(ordinary(k), elements)
  l$a <- l$c
  expect_identical(ordinary(l)$a, elements$c)
  x <- l$c[[1]]
  expect_error(destroy_fmalloc_vector(x), "parent reference")
  expect_identical(ordinary(k), elements)
})

test_that("a list in a closed store can be read, and copied into memory", {
  store <- new_store()
  l <- attributed(store)
  k <- unserialize(serialize(l, NULL))
  cleanup_fmalloc(store)
  expect_identical(ordinary(k), ordinary(l))
  s <- k[c(1, 3)]
  expect_false(is_backed(s))
  expect_identical(ordinary(s), ordinary(l)[c(1, 3)])
  k[[7]] <- NULL
  expect_identical(length(k), 6L)
})

test_that("strings that a closed store cannot take do not come into a list", {
  store <- new_store()
  l <- new_list(3, store)[1:2]
  x <- stored(c("a", "b"), store)[2:1]
  cleanup_fmalloc(store)
  x[1] <- strrep("in memory only, ", 1e4)
  expect_error(l[[1]] <- x, "takes no changes any more", class = "fmalloc_closed")
  expect_null(l[[1]])
})

# proves I10
test_that("a cell that leads nowhere is an error of that element, and of no other", {
  path <- tempfile()
  file <- tempfile(fileext = ".rds")
  store <- open_fmalloc(path)
  l <- new_list(5, store)
  inner <- new_list(1, store)
  inner[[1]] <- stored(1:3, store)
  l[[1]] <- stored(1:3, store)
  l[[2]] <- inner
  l[[5]] <- stored(4:6, store)
  saveRDS(l, file)
  at <- info_of(l)$offset
  ids <- c(info_of(l)$id, info_of(inner)$id)
  below <- info_of(inner)$offset
  cleanup_fmalloc(store)
  rm(store, l, inner)
  gc()
  poke <- function(offset, id) {
    f <- file(path, "r+b")
    on.exit(close(f))
    seek(f, offset, rw = "write")
    writeBin(as.integer(c(id, 0)), f, endian = "little")
  }
  poke(at + 16, 9999)
  poke(at + 24, ids[1])
  poke(below, ids[1])
  for (access in c("read", "write")) {
    store <- open_fmalloc(path, access = access)
    l <- readRDS(file)
    expect_identical(as.vector(l[[1]]), 1:3)
    expect_identical(as.vector(l[[5]]), 4:6)
    expect_error(l[[3]], class = "fmalloc_damaged")
    expect_error(l[[4]], class = "fmalloc_damaged")
    expect_error(l[c(1, 3)], class = "fmalloc_damaged")
    expect_identical(lapply(l[c(1, 5)], as.vector), list(1:3, 4:6))
    # a loop over two lists is cut in one place
    expect_error(unlist(l[[2]]), class = "fmalloc_damaged")
    expect_error(lapply(l, length), class = "fmalloc_damaged")
    expect_error(unserialize(serialize(l, NULL, version = 2)), class = "fmalloc_damaged")
    cleanup_fmalloc(store)
    rm(store, l)
    gc()
  }
})

# proves I9
test_that("spoilt references to lists are errors of their own", {
  store <- new_store()
  l <- attributed(store)
  saved <- serialize(l, NULL)
  find <- function(bytes) {
    which(vapply(seq_len(length(saved) - length(bytes) + 1),
      function(k) all(saved[k - 1 + seq_along(bytes)] == bytes), NA))
  }
  # ids and lengths of all references in it, and the positions of dressed elements
  uuid <- gsub("-", "", info_of(l)$uuid)
  starts <- find(as.raw(strtoi(substring(uuid, seq(1, 31, 2), seq(2, 32, 2)), 16)))
  expect_gt(length(starts), 4)
  fields <- lapply(starts, function(start) {
    type <- readBin(saved[start + 44:47], "integer", endian = "big")
    start + c(24:31, 56 + type + 0:7)
  })
  positions <- writeBin(c(1, 2, 3, 5), raw(), endian = "big")
  at <- find(positions)
  expect_length(at, 1)
  set.seed(3)
  for (k in c(unlist(fields), at - 1 + seq_along(positions))) {
    for (flip in c(1, sample(2:255, 3))) {
      spoilt <- saved
      spoilt[k] <- xor(spoilt[k], as.raw(flip))
      outcome <- tryCatch(length(unserialize(spoilt)),
        error = function(e) grep("^fmalloc_", class(e), value = TRUE)[1])
      expect_true(outcome %in% paste0("fmalloc_", c("reference", "mismatch", "no_record")),
        label = paste(k, flip, outcome))
    }
  }
  # the state's fields are not what they should be
  raw_of <- function(...) as.raw(c(...))
  refused <- function(at, from, to, words) {
    expect_identical(saved[at - 1 + seq_along(from)], from)
    spoilt <- c(saved[seq_len(at - 1)], to, saved[-seq_len(at - 1 + length(from))])
    expect_error(unserialize(spoilt), words, class = "fmalloc_reference")
  }
  four <- raw_of(0, 0, 0, 14, 0, 0, 0, 4)
  refused(at - 8, four, raw_of(0, 0, 0, 13, 0, 0, 0, 8), "wrong type")
  three <- c(raw_of(0, 0, 0, 14, 0, 0, 0, 3), positions[1:24])
  refused(at - 8, c(four, positions), three, "as many elements as positions")
  sorts <- raw_of(0, 0, 0, 24, 0, 0, 0, 7)
  start <- find(sorts)
  expect_length(start, 1)
  refused(start, c(sorts, saved[start + 8:14]), c(raw_of(0, 0, 0, 24, 0, 0, 0, 6),
    saved[start + 8:13]), "as many elements as sorts")
  # its reference is that of a vector which is no list
  x <- stored(1.5, store)
  oldClass(x) <- NULL
  other <- serialize(x, NULL)
  begin <- raw_of(0, 0, 0, 19, 0, 0, 0, 6)
  from <- which(vapply(seq_along(other), function(k) all(other[k - 1 + 1:8] == begin), NA))[1]
  other <- other[from:(length(other) - 4)]
  at_reference <- find(c(raw_of(0, 0, 0, 19, 0, 0, 0, 4), begin))[1] + 8
  mine <- saved[at_reference - 1 + seq_len(length(other) - nchar("numeric") + nchar("list"))]
  refused(at_reference, mine, other, "no list")
  # the third dressed element is said to stand where another does, or none
  for (other in c(7, 4)) {
    spoilt <- saved
    spoilt[at + 16:23] <- writeBin(other, raw(), endian = "big")
    expect_error(unserialize(spoilt), "another element", class = "fmalloc_reference")
  }
  expect_identical(ordinary(unserialize(saved)), ordinary(l))
})

test_that("lists survive a collection at every third allocation", {
  store <- new_store()
  l <- attributed(store)
  saved <- serialize(l, NULL)
  x <- stored(1:5, store)
  gctorture2(3)
  on.exit(gctorture2(0))
  k <- unserialize(saved)
  a <- vapply(k, length, 1L)
  b <- lapply(k, function(e) if (is.list(e)) lapply(e, sum) else class(e))
  k[["plain"]] <- x
  k$null <- x + 1L
  s <- k[c("null", "day", "plain")]
  s[[2]][1] <- 5
  m <- unserialize(serialize(s, NULL))
  d <- unlist(lapply(m, function(e) e[1]))
  gctorture2(0)
  expect_identical(unname(a), c(100L, 2L, 3L, 0L, 2L, 1L, 1L))
  expect_identical(b$inner[[1]], 10L)
  expect_identical(as.vector(d), c(2, 5, 1))
  expect_identical(ordinary(unserialize(saved)), ordinary(l))
})
