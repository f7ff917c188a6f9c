# Names: put, get, remove, rename, list, and the handle as an environment.

test_that("put, get, exists, remove and rename do what they say", {
  path <- tempfile()
  store <- open_fmalloc(path)
  expect_identical(names(store), character())
  expect_identical(length(store), 0L)
  expect_invisible(put_fmalloc("a", 1:3, store))
  expect_identical(put_fmalloc("b", "text", store), "text")
  expect_identical(get_fmalloc("a", store), 1:3)
  expect_identical(exists_fmalloc(c("a", "x", "b"), store), c(TRUE, FALSE, TRUE))
  expect_identical(names(store), c("a", "b"))
  put_fmalloc("a", 4:6, store)
  expect_identical(get_fmalloc("a", store), 4:6)
  expect_invisible(rename_fmalloc("a", "c", store))
  expect_identical(names(store), c("b", "c"))
  expect_identical(get_fmalloc("c", store), 4:6)
  expect_invisible(remove_fmalloc(c("b", "c"), store))
  expect_identical(names(store), character())
  expect_identical(remove_fmalloc(character(), store), store)
  expect_true(check_fmalloc(path)$sound)
})

test_that("NULL may be put, and is not nothing", {
  store <- new_store()
  put_fmalloc("n", NULL, store)
  expect_null(get_fmalloc("n", store))
  expect_true(exists_fmalloc("n", store))
  expect_identical(list_fmalloc(store)$class, "NULL")
})

test_that("an absent name is an error that helps", {
  store <- new_store()
  e <- tryCatch(get_fmalloc("flights", store), error = identity)
  expect_s3_class(e, c("fmalloc_no_name", "fmalloc_error", "error"))
  expect_match(conditionMessage(e), "no objects in it yet")
  expect_identical(e$path, path_of(store))
  store$flights <- 1
  store$Carriers <- 2
  expect_error(get_fmalloc("flihgts", store), "Is it 'flights'?|names\\(\\)", class = "fmalloc_no_name")
  expect_error(get_fmalloc("flight", store), "'flights'", class = "fmalloc_no_name")
  expect_error(get_fmalloc("carriers", store), "'Carriers'", class = "fmalloc_no_name")
  expect_error(get_fmalloc("xyzzy", store), "lists the 2 there are", class = "fmalloc_no_name")
  expect_error(remove_fmalloc(c("flights", "none"), store), class = "fmalloc_no_name")
  expect_true(exists_fmalloc("flights", store))
  expect_error(rename_fmalloc("none", "some", store), class = "fmalloc_no_name")
})

test_that("a rename keeps time and description, and does not replace unasked", {
  store <- new_store()
  put_fmalloc("a", 1, store, description = "the first")
  put_fmalloc("b", 2, store)
  before <- list_fmalloc(store)[1, ]
  expect_error(rename_fmalloc("a", "b", store), "replace = TRUE", class = "fmalloc_argument")
  expect_identical(get_fmalloc("b", store), 2)
  rename_fmalloc("a", "b", store, replace = TRUE)
  after <- list_fmalloc(store)
  expect_identical(after$name, "b")
  expect_identical(after$description, "the first")
  expect_identical(after$put, before$put)
  expect_identical(get_fmalloc("b", store), 1)
  expect_identical(rename_fmalloc("b", "b", store), store)
})

test_that("names are text of 1 to 1024 bytes", {
  store <- new_store()
  latin1 <- "\xfcber"
  Encoding(latin1) <- "latin1"
  put_fmalloc(latin1, 1, store)
  expect_identical(names(store), "\u00fcber")
  expect_identical(get_fmalloc("\u00fcber", store), 1)
  bytes <- "\xff"
  Encoding(bytes) <- "bytes"
  wrong <- "\xff"
  Encoding(wrong) <- "UTF-8"
  for (name in list(NA_character_, "", character(), c("a", "b"), 1, NULL, bytes, wrong,
    strrep("x", 1025), strrep("\u00fc", 513), quote(a))) {
    expect_error(put_fmalloc(name, 1, store), class = "fmalloc_argument")
    expect_error(get_fmalloc(name, store), class = "fmalloc_argument")
  }
  for (name in c(strrep("x", 1024), strrep("\u00fc", 512), "a b", "..", "\n", "if", "NA", "\U1F600")) {
    put_fmalloc(name, name, store)
    expect_identical(get_fmalloc(name, store), name)
  }
  expect_identical(length(store), 9L)
  expect_error(put_fmalloc("a", 1, store, description = strrep("x", 2049)), class = "fmalloc_argument")
  expect_error(put_fmalloc("a", 1, store, description = NA), class = "fmalloc_argument")
  expect_error(put_fmalloc("a", 1, store, serialize = NA), class = "fmalloc_argument")
  expect_error(exists_fmalloc(NA_character_, store), class = "fmalloc_argument")
})

test_that("the handle is used as an environment is", {
  store <- new_store()
  before <- store
  store$a <- 1:3
  store[["b c"]] <- "x"
  expect_identical(store, before)
  expect_s3_class(store, "fmalloc_runtime")
  expect_identical(attr(store, "mode"), "persistent")
  expect_identical(store$a, 1:3)
  expect_identical(store[["b c"]], "x")
  expect_null(store$none)
  expect_null(store[["none"]])
  expect_identical(length(store), 2L)
  store$none <- NULL
  store$a <- NULL
  expect_identical(names(store), "b c")
  store$d <- data.frame(x = 1:3)
  store$d$y <- c("p", "q", "r")
  store$d$x[2] <- 0L
  expect_identical(store$d, data.frame(x = c(1L, 0L, 3L), y = c("p", "q", "r")))
  expect_identical(as.list(store), list(`b c` = "x", d = store$d))
  expect_identical(with(store, paste(`b c`, sum(d$x))), "x 4")
  y <- 10
  expect_identical(with(store, d$x[1] + y), 11)
  expect_identical(utils:::.DollarNames(store, "^d"), "d")
  expect_error(names(store) <- "z", class = "fmalloc_argument")
  expect_error(store[[1]], class = "fmalloc_argument")
  expect_error(store$f <- mean, "x is a function", class = "fmalloc_argument")
  expect_output(str(store), "fmalloc_runtime")
  local(store$inner <- 1) # the handle is copied, the store is the same
  expect_identical(store$inner, 1)
})

test_that("the default store is meant where no handle is given", {
  path <- tempfile()
  init_fmalloc(path)
  on.exit(cleanup_fmalloc())
  put_fmalloc("a", 1)
  expect_identical(get_fmalloc("a"), 1)
  expect_true(exists_fmalloc("a"))
  rename_fmalloc("a", "b")
  expect_identical(list_fmalloc()$name, "b")
  expect_identical(transaction_fmalloc(expr = { put_fmalloc("c", 3); 5 }), 5)
  remove_fmalloc("b")
  expect_identical(list_fmalloc()$name, "c")
})

test_that("a closed store, a reader and a scratch store refuse in their own words", {
  path <- tempfile()
  store <- open_fmalloc(path)
  store$a <- 1:3
  cleanup_fmalloc(store)
  expect_error(put_fmalloc("b", 1, store), class = "fmalloc_closed")
  expect_error(store$b <- 1, class = "fmalloc_closed")
  expect_error(store$a, class = "fmalloc_closed")
  expect_error(get_fmalloc("a", store), class = "fmalloc_closed")
  expect_error(exists_fmalloc("a", store), class = "fmalloc_closed")
  expect_identical(length(store), 0L)
  reader <- open_fmalloc(path, access = "read")
  expect_identical(reader$a, 1:3)
  expect_error(put_fmalloc("b", 1, reader), class = "fmalloc_read_only")
  expect_error(reader$a <- NULL, class = "fmalloc_read_only")
  expect_error(transaction_fmalloc(reader, stop("not reached")), class = "fmalloc_read_only")
  cleanup_fmalloc(reader)
  scratch <- new_store(mode = "scratch")
  expect_error(put_fmalloc("b", 1, scratch), class = "fmalloc_mode")
  expect_identical(names(scratch), character())
  expect_error(put_fmalloc("b", 1, "store"), class = "fmalloc_argument")
})

test_that("the listing says what there is", {
  store <- new_store()
  put_fmalloc("m", matrix(0, 1000, 3), store, description = "zeros")
  put_fmalloc("d", data.frame(a = 1:5, b = letters[1:5]), store)
  store$q <- quote(a + b)
  now <- as.numeric(Sys.time())
  list <- list_fmalloc(store)
  expect_identical(names(list), c("name", "class", "type", "size", "bytes", "put", "description"))
  expect_identical(list$name, c("d", "m", "q"))
  expect_identical(list$class, c("data.frame", "matrix/array", "call"))
  expect_identical(list$type, c("list", "double", "language"))
  expect_identical(list$size, c("5 x 2", "1000 x 3", "3"))
  expect_true(list$bytes[2] >= 24000 && list$bytes[2] < 30000)
  expect_s3_class(list$put, "POSIXct")
  expect_true(all(abs(as.numeric(list$put) - now) < 60))
  expect_identical(list$description, c("", "zeros", ""))
  expect_identical(nrow(list_fmalloc(new_store())), 0L)
})

test_that("two hundred replacements need no more room than two", {
  path <- tempfile()
  store <- open_fmalloc(path)
  value <- function(k) data.frame(n = k + seq_len(1e5), s = sprintf("%d: text number %d", k, seq_len(1e5)))
  one <- value(1)
  for (k in 1:200) {
    one$n <- k + seq_len(1e5) # 400 kB, and the strings of a megabyte or two are new
    store$d <- one
    sync_fmalloc(store)
  }
  expect_identical(file.size(path), 33554432)
  expect_identical(store$d, one)
  expect_identical(names(store), "d")
  info <- .Call(rfm_c_info, store)
  expect_lt(info$live_bytes, 1e7)
  store$d <- NULL
  sync_fmalloc(store)
  gc()
  store$e <- 1
  sync_fmalloc(store)
  expect_lt(.Call(rfm_c_info, store)$live_bytes, 1000)
})

test_that("what is held lives on when its name is gone, and what was saved for good", {
  store <- new_store()
  x <- as.numeric(1:1e5)
  store$x <- x
  held <- store$x
  saved <- serialize(store$x, NULL)
  store$y <- x + 1
  other <- store$y
  store$x <- NULL
  store$y <- NULL
  sync_fmalloc(store)
  gc()
  for (k in 1:5) store$z <- rnorm(1e5)
  sync_fmalloc(store)
  expect_identical(held, x)
  expect_identical(other, x + 1)
  expect_identical(unserialize(saved), x)
})

test_that("a store is printed with the objects that were put last", {
  store <- new_store()
  expect_length(format(store), 5)
  store$cars <- mtcars
  store[["an odd\nname"]] <- 1:3
  text <- format(store)
  expect_match(text[6], "^  objects    2$")
  expect_match(text[7], "an odd\\\\nname  integer     3        ")
  expect_match(text[8], "cars           data.frame  32 x 11  .* KB +20[0-9-]{8} [0-9:]{5}$")
  transaction_fmalloc(store, for (k in 1:50) store[[sprintf("v%02d", k)]] <- k)
  text <- format(store)
  expect_match(text[6], "objects    52, of which these were put last")
  expect_length(text, 16)
  expect_identical(capture.output(print(store)), text)
  s <- summary(store)
  expect_identical(s$names, 52L)
  expect_identical(s$objects$objects[s$objects$class == "integer"], 51L)
  expect_output(print(s), "52 objects")
  expect_output(print(summary(new_store())), "0 objects")
})

test_that("the doors of names believe nobody", {
  store <- new_store()
  for (call in list(
    quote(.Call(rfm_c_give, store, NULL)), quote(.Call(rfm_c_give, store, store)),
    quote(.Call(rfm_c_change, store, "a", list(store), "", 0)),
    quote(.Call(rfm_c_change, store, "a", list(NULL, NULL), "", 0)),
    quote(.Call(rfm_c_change, store, 1, list(NULL), "", 0)),
    quote(.Call(rfm_c_change, store, "a", list(NULL), NULL, 0)),
    quote(.Call(rfm_c_change, store, "a", list(NULL), "", 0L)),
    quote(.Call(rfm_c_change, store, NA_character_, list(NULL), "", 0)),
    quote(.Call(rfm_c_named, store, 1)), quote(.Call(rfm_c_named, store, character())),
    quote(.Call(rfm_c_store, store, 1, NULL, NULL)), quote(.Call(rfm_c_survey, store, 1, 1)),
    quote(.Call(rfm_c_let_go, 1)), quote(.Call(rfm_c_stored_bytes, store, 1))
  )) {
    expect_error(eval(call), class = "fmalloc_argument", label = deparse(call))
  }
  expect_error(.Call(rfm_c_names, 1), class = "fmalloc_closed")
  expect_null(.Call(rfm_c_change, store, "a", list(NULL), "", 0))
  expect_identical(names(store), character())
  pointer <- .Call(rfm_c_store, store, 1:3, FALSE, NULL)
  .Call(rfm_c_change, store, "a", list(pointer), "note", NaN)
  .Call(rfm_c_let_go, list(pointer, NULL))
  .Call(rfm_c_let_go, list(pointer))
  expect_error(.Call(rfm_c_give, store, pointer), class = "fmalloc_argument")
  expect_identical(store$a, 1:3)
})

test_that("names and notes are looked at before anything is copied", {
  store <- new_store()
  copied <- FALSE
  testthat::local_mocked_bindings(put = function(...) copied <<- TRUE, .package = "Rfmalloc")
  expect_error(put_fmalloc(NA, 1:10, store), class = "fmalloc_argument")
  expect_error(put_fmalloc("a", 1:10, store, description = 1), class = "fmalloc_argument")
  expect_false(copied)
})

# The formals of a function are such symbols.
test_that("an empty symbol spoils neither listings nor pictures", {
  store <- new_store()
  put_fmalloc("empty", quote(expr = ), store)
  store$formals <- as.list(formals(mean))
  expect_identical(list_fmalloc(store)$class, c("name", "list"))
  expect_match(format(store), "empty +name", all = FALSE)
  expect_identical(summary(store)$names, 2L)
  expect_identical(get_fmalloc("empty", store), quote(expr = ))
  expect_identical(store$formals, as.list(formals(mean)))
})

test_that("objects with a class that live by reference are listed", {
  store <- new_store()
  put_fmalloc("counter", structure(new.env(), class = "Counter"), store, serialize = TRUE)
  put_fmalloc("handle", store, store, serialize = TRUE)
  put_fmalloc("plain", list2env(list(a = 1, b = 2)), store, serialize = TRUE)
  expect_identical(list_fmalloc(store)$size, c("1", "1", "2"))
  expect_identical(list_fmalloc(store)$class, c("Counter", "fmalloc_runtime", "environment"))
  expect_match(format(store), "counter +Counter", all = FALSE)
  expect_identical(summary(store)$names, 3L)
})
