# Objects with attributes of all sorts, over the types that a store can hold.
objects <- list(
  factor = factor(c("u", "v", NA, "u"), levels = c("v", "u")),
  ordered = factor(c("lo", "hi"), levels = c("lo", "hi"), ordered = TRUE),
  date = as.Date("2026-01-31") + 0:3,
  time = as.POSIXct(c("2026-01-31 12:00:00", NA), tz = "Europe/Vienna"),
  difference = as.difftime(c(1.5, 2), units = "hours"),
  named = c(a = 1L, b = NA),
  matrix = matrix(c(1.5, NaN, -0, Inf), 2, dimnames = list(c("r", "s"), NULL)),
  array = array(1:24, 2:4),
  labelled = structure(c(TRUE, NA), unit = "cm", note = list(1, sum)),
  bytes = as.raw(0:255),
  complex = complex(real = c(1, NA), imaginary = 2),
  empty = integer(),
  sequence = 1:1000,
  frame = data.frame(t = as.POSIXct("2026-01-01", tz = "UTC") + 1:70, n = 70:1,
    f = factor(rep(c("x", "y"), 35))),
  narrow = data.frame(n = 1:3, row.names = c("i", "j", "k")),
  nothing = data.frame()
)
objects$text <- c("a", NA, "", "a string of more than twelve bytes", "\u00fcber")
objects$names <- structure(c(p = "x", q = "y"), class = "label")
objects$strings <- data.frame(s = c("one", "two"), n = 1:2)
objects$list <- list(a = 1:3, b = NULL, "c", list(d = list(), e = 2))
objects$record <- structure(list(when = objects$time, what = objects$factor), class = "record")
objects$nested <- structure(list(n = 1:2, l = list(1:3, c(u = "v"))), class = "data.frame",
  row.names = 1:2)
objects$lt <- as.POSIXlt("2026-01-31 12:00:00", tz = "UTC")
objects$frames <- list(data.frame(n = 1:3, s = letters[1:3]), data.frame(m = 1))

test_that("objects go into a store and come back with all attributes", {
  store <- new_store()
  for (what in names(objects)) {
    x <- objects[[what]]
    y <- as_fmalloc(x, store)
    expect_identical(y, x, label = what)
    if (what != "nothing") expect_true(is_fmalloc(y), label = what)
    z <- collect_fmalloc(y)
    expect_identical(z, x, label = paste("collected", what))
    expect_false(is_fmalloc(z), label = paste("collected", what))
    if (is.data.frame(z)) for (column in z) expect_false(is_backed(column))
  }
  rows <- list_fmalloc_allocations(store)
  expect_identical(unique(rows$state[rows$generation > 0]), "committed")
})

test_that("lengths at which R wraps vectors are no different", {
  store <- new_store()
  for (n in c(0, 1, 63, 64, 65, 5000)) {
    x <- as.numeric(seq_len(n))
    y <- as_fmalloc(x, store)
    w <- structure(y, unit = "cm")
    expect_true(is_fmalloc(w))
    expect_identical(collect_fmalloc(w), structure(x, unit = "cm"))
    v <- as_fmalloc(w, store)
    expect_identical(v, structure(x, unit = "cm"))
  }
})

test_that("saving, reading and collecting gives the object that went in", {
  path <- tempfile()
  file <- tempfile(fileext = ".rds")
  store <- open_fmalloc(path)
  kept <- lapply(objects, as_fmalloc, runtime = store)
  saveRDS(kept, file)
  expect_identical(lapply(readRDS(file), collect_fmalloc), objects)
  rm(kept)
  cleanup_fmalloc(store)
  gc()
  restored <- readRDS(file)
  expect_identical(lapply(restored, collect_fmalloc), objects)
  expect_true(is_fmalloc(restored$frame))
})

test_that("the copy is committed and writable in place", {
  store <- new_store()
  x <- 1:10
  y <- as_fmalloc(x, store)
  expect_identical(info_of(y)$state, "committed")
  id <- info_of(y)$id
  z <- as_fmalloc(x, store)
  z[3] <- 0L
  if (!counted) expect_identical(info_of(z)$id, id + 1)
  expect_identical(c(x[3], y[3], z[3]), c(3L, 3L, 0L))
})

test_that("what has a class of ours loses it, or keeps it", {
  store <- new_store()
  x <- stored(1:3, store)
  expect_identical(as_fmalloc(x, store), 1:3)
  y <- as_fmalloc(x, store, plain = FALSE)
  expect_identical(class(y), c("fmalloc_vector", "fmalloc", "integer"))
  expect_false(info_of(y)$id == info_of(x)$id)
  m <- as_fmalloc(matrix(1:4, 2), store, plain = FALSE)
  expect_identical(class(m), c("fmalloc_matrix", "fmalloc", "integer"))
  expect_identical(class(as_fmalloc(array(1:8, c(2, 2, 2)), store, plain = FALSE))[1],
    "fmalloc_array")
  expect_s3_class(as_fmalloc(objects$factor, store, plain = FALSE), "factor", exact = TRUE)
  class(x) <- c("mine", class(x), "too")
  expect_identical(class(as_fmalloc(x, store)), c("mine", "too"))
  expect_identical(class(collect_fmalloc(x)), c("mine", "too"))
})

test_that("is_fmalloc looks into data frames, and nowhere else", {
  store <- new_store()
  x <- as_fmalloc(1:3, store)
  expect_true(is_fmalloc(x))
  expect_true(is_fmalloc(data.frame(x)))
  expect_false(is_fmalloc(data.frame(x, y = 1:3)))
  expect_false(is_fmalloc(data.frame()))
  for (other in list(NULL, 1:3, "a", list(x), sum, quote(x), globalenv())) {
    expect_false(is_fmalloc(other))
  }
})

test_that("collect_fmalloc leaves alone what is ordinary", {
  for (x in list(NULL, 1:3, sum, quote(a + b), globalenv(), objects$frame)) {
    expect_identical(collect_fmalloc(x), x)
  }
  store <- new_store()
  x <- list(a = as_fmalloc(1:3, store), b = list(as_fmalloc(objects$frame, store), sum))
  y <- collect_fmalloc(x)
  expect_identical(y, list(a = 1:3, b = list(objects$frame, sum)))
  expect_false(is_backed(y$a))
  expect_false(is_backed(y$b[[1]]$n))
  expect_true(is_backed(x$a))
})

test_that("attributes that live in a store are collected, too", {
  store <- new_store()
  labels <- as_fmalloc(sprintf("element number %d of all", 1:100), store)
  x <- as_fmalloc(1:100, store)
  attr(x, "names") <- labels
  expect_true(is_backed(names(x)))
  y <- collect_fmalloc(x)
  expect_false(is_backed(names(y)))
  expect_identical(y, x)
  m <- as_fmalloc(matrix(1:100, 100), store)
  dimnames(m) <- list(labels, "n")
  expect_identical(collect_fmalloc(m), matrix(1:100, 100, dimnames = list(labels[], "n")))
  expect_false(is_backed(dimnames(collect_fmalloc(m))[[1]]))
})

test_that("a character vector is sealed at once, and stays a value", {
  store <- new_store()
  x <- as_fmalloc(c("a", "a string of more than twelve bytes"), store)
  expect_identical(info_of(x)$state, "sealed")
  y <- x
  y[1] <- "b"
  expect_identical(collect_fmalloc(x), c("a", "a string of more than twelve bytes"))
  expect_identical(collect_fmalloc(y), c("b", "a string of more than twelve bytes"))
  saved <- serialize(x, NULL)
  x[2] <- "c"
  expect_identical(unserialize(saved), c("a", "a string of more than twelve bytes"))
})

# proves I13
test_that("what cannot live in a store is named by its path, and nothing is copied", {
  store <- new_store()
  setClass("Holder", representation(x = "numeric"), where = globalenv())
  on.exit(removeClass("Holder", where = globalenv()))
  x <- data.frame(n = 1:2)
  x$f <- list(1, sum)
  refused <- function(x, path) {
    expect_error(as_fmalloc(x, store), path, fixed = TRUE, class = "fmalloc_argument")
  }
  refused(x, "x$f[[2]] is a function")
  refused(list(a = 1, model = list(terms = y ~ z)), "x$model$terms is a formula")
  refused(list(1, list(2, `b c` = globalenv())), "x[[2]]$`b c` is an environment")
  refused(sum, "x is a function, which cannot live in an fmalloc store")
  refused(quote(a + b), "x is a call")
  refused(y ~ z, "x is a formula")
  refused(NULL, "x is NULL")
  refused(globalenv(), "x is an environment")
  refused(new("Holder", x = 1), "x is an S4 object of class Holder")
  refused(as.name("a"), "x is an object of type symbol")
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
  e <- tryCatch(as_fmalloc(sum, store), error = identity)
  expect_identical(as.character(conditionCall(e)[[1]]), "as_fmalloc")
})

test_that("arguments are checked", {
  expect_error(as_fmalloc(1:3), "fmalloc not initialized", class = "fmalloc_argument")
  expect_error(as_fmalloc(1:3, "here"), "handle from open_fmalloc", class = "fmalloc_argument")
  store <- new_store()
  expect_error(as_fmalloc(1:3, store, plain = NA), "plain must be TRUE or FALSE",
    class = "fmalloc_argument")
  cleanup_fmalloc(store)
  expect_error(as_fmalloc(1:3, store), "runtime is closed", class = "fmalloc_closed")
})

# A vector that fails when its second half is read: one of ours that is destroyed meanwhile.
test_that("a failure half-way leaves nothing behind", {
  store <- new_store()
  other <- new_store()
  gone <- stored(as.numeric(1:10), other)
  destroy_fmalloc_vector(gone)
  frame <- structure(list(a = 1:10, b = gone), class = "data.frame", row.names = 1:10)
  expect_error(as_fmalloc(frame, store), "closed fmalloc ALTREP vector handle",
    class = "fmalloc_closed")
  gc()
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
})

test_that("an interrupt half-way leaves nothing behind", {
  store <- new_store(size_gb = 0.125)
  moved <- 0
  expect_error(
    testthat::with_mocked_bindings(
      as_fmalloc(numeric(5e6), store),
      new_meter = function(total) list(
        add = function(bytes) {
          moved <<- moved + bytes
          stop("interrupted here")
        },
        close = function() NULL
      )
    ),
    "interrupted here"
  )
  expect_identical(moved, 2^23)
  gc()
  expect_identical(nrow(list_fmalloc_allocations(store)), 0L)
  expect_identical(.Call(Rfmalloc:::rfm_c_info, store)$temporaries, 0)
})

test_that("scratch stores and readers take temporaries", {
  scratch <- new_store(mode = "scratch")
  x <- as_fmalloc(objects$frame, scratch)
  expect_identical(x, objects$frame)
  expect_true(is_fmalloc(x))
  path <- tempfile()
  cleanup_fmalloc(open_fmalloc(path))
  reader <- open_fmalloc(path, access = "read")
  y <- as_fmalloc(1:10, reader)
  expect_identical(y, 1:10)
  expect_identical(info_of(y)$state, "temporary")
})

test_that("a progress bar appears when people wait, and tells the truth", {
  store <- new_store(size_gb = 0.125)
  text <- capture.output(type = "message", x <- testthat::with_mocked_bindings(
    as_fmalloc(data.frame(x = numeric(2e6), n = 1L), store),
    watching = function() TRUE, patience = -1
  ))
  text <- paste(text, collapse = "\n")
  expect_match(text, "100%")
  expect_match(text, "\\| +[1-9][0-9]%")
  expect_identical(capture.output(type = "message",
    x <- testthat::with_mocked_bindings(as_fmalloc(1:10, store),
      watching = function() TRUE)), character())
})

test_that("lists are nested deeply", {
  skip_if(counted, "counting takes the stack")
  store <- new_store()
  deep <- 1
  for (k in 1:1000) deep <- list(deep)
  x <- as_fmalloc(deep, store)
  expect_identical(collect_fmalloc(x), deep)
  expect_identical(sum(list_fmalloc_allocations(store)$type == "list"), 1000L)
})

# proves I7
test_that("a list in a store is a value, down to its leaves", {
  store <- new_store()
  x <- list(a = 1:3, b = list(c = c(1.5, 2)))
  y <- as_fmalloc(x, store)
  saved <- serialize(y, NULL)
  z <- y
  leaf <- y$b$c
  y$a[1] <- 100L
  y$b$c[2] <- 0
  leaf[1] <- 7
  expect_identical(collect_fmalloc(y), list(a = c(100L, 2L, 3L), b = list(c = c(1.5, 0))))
  expect_identical(collect_fmalloc(z), x)
  expect_identical(collect_fmalloc(unserialize(saved)), x)
})

test_that("destroying a list lets its elements go", {
  store <- new_store()
  y <- as_fmalloc(objects$list, store)
  destroy_fmalloc_vector(y, unsafe = TRUE)
  expect_error(collect_fmalloc(y), "closed fmalloc ALTREP vector handle",
    class = "fmalloc_closed")
  expect_identical(y <- as_fmalloc(objects$list, store), objects$list)
})

# Row names of R's own are shown nowhere; others become the names of a matrix's rows.
test_that("rows that are counted have no names in the store either", {
  store <- new_store()
  d <- data.frame(x = c(1.5, 2, 3), n = 1:3)
  expect_identical(as.matrix(as_fmalloc(d, store)), as.matrix(d))
  expect_identical(rowSums(as_fmalloc(d, store)), rowSums(d))
  e <- d[c(3, 1), ]
  expect_identical(.row_names_info(as_fmalloc(e, store), 0L), c(3L, 1L))
  x <- stored(d$x, store)
  expect_identical(as.matrix(create_fmalloc_data_frame(x, plain = TRUE)), as.matrix(d["x"]))
  expect_identical(as.matrix(as_fmalloc(d[0, ], store)), as.matrix(d[0, ]))
})
