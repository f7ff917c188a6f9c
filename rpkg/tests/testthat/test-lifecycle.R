closed <- "closed fmalloc ALTREP vector handle"

# What anybody may do with a vector: each must say that it was destroyed.
uses <- list(
  element = function(x) x[1],
  scalar = function(x) x[[2]],
  subset = function(x) x[1:3],
  assign = function(x) { x[1] <- x[2]; x },
  all = function(x) x[],
  arithmetic = function(x) if (is.character(x)) paste(x) else x + x,
  compare = function(x) x == x,
  order = function(x) order(x),
  unique = function(x) unique(x),
  print = function(x) utils::capture.output(print(x)),
  format = function(x) format(x),
  convert = function(x) if (is.character(x)) nchar(x) else as.character(x),
  concatenate = function(x) c(x, x),
  reverse = function(x) rev(x),
  collect = function(x) collect_fmalloc(x),
  move = function(x) as_fmalloc(x, .Call(Rfmalloc:::rfm_c_runtime_of, x)),
  sizes = function(x) fmalloc_sizes(x),
  shape = function(x) as_fmalloc_matrix(x, 1),
  save = function(x) serialize(x, NULL)
)

test_that("use after destroy is an error everywhere", {
  store <- new_store()
  values <- c(samples[c("logical", "integer", "numeric", "complex")],
    list(character = c("a", NA, "a string of more than twelve bytes", "d")))
  for (type in names(values)) for (n in c(4, 70)) for (plain in c(FALSE, TRUE)) {
    x <- create_fmalloc_vector(type, n, store, plain = plain)
    x[] <- rep_len(values[[type]], n)
    same <- x
    wrapped <- structure(x, note = "mine")
    destroy_fmalloc_vector(x)
    if (is_backed(wrapped) && info_of(wrapped)$state == "destroyed") {
      expect_error(wrapped[[1]], closed, class = "fmalloc_closed")
    }
    expect_error(same[[1]], closed, class = "fmalloc_closed")
    expect_identical(length(x), as.integer(n))
    for (use in names(uses)) {
      if (type == "complex" && use == "order") next
      expect_error(uses[[use]](x), closed, class = "fmalloc_closed",
        label = paste(use, "of", n, type, if (plain) "plain"))
    }
    expect_false(destroy_fmalloc_vector(x))
  }
})

test_that("a data frame with a destroyed column says so", {
  store <- new_store()
  d <- as_fmalloc(data.frame(a = 1:5, b = c(1, 2, 3, 4, 5)), store)
  destroy_fmalloc_vector(d$b, unsafe = TRUE)
  expect_error(d[2, ], closed, class = "fmalloc_closed")
  expect_error(collect_fmalloc(d), closed, class = "fmalloc_closed")
  expect_error(as_fmalloc(d, store), closed, class = "fmalloc_closed")
  expect_identical(d$a, 1:5)
})

test_that("closing a store leaves its vectors alive, and takes nothing new", {
  first <- new_store()
  second <- new_store()
  x <- as_fmalloc(data.frame(a = 1:5, b = rnorm(5)), first)
  y <- as_fmalloc(1:5, second)
  ordinary <- collect_fmalloc(x)
  cleanup_fmalloc(first)
  expect_identical(x, ordinary)
  expect_identical(collect_fmalloc(x), ordinary)
  expect_true(is_fmalloc(x))
  expect_identical(fmalloc_sizes(x)$on_disk, c(64, 64))
  expect_error(as_fmalloc(1, first), "runtime is closed", class = "fmalloc_closed")
  expect_identical(as_fmalloc(x, second), ordinary)
  expect_identical(y, 1:5)
  expect_true(check_fmalloc(path_of(second))$sound)
})

test_that("vectors of several stores meet", {
  stores <- lapply(1:5, function(k) new_store())
  parts <- lapply(seq_along(stores), function(k) as_fmalloc(rep(as.numeric(k), 100), stores[[k]]))
  sums <- Reduce(`+`, parts)
  expect_identical(collect_fmalloc(sums), rep(15, 100))
  for (store in stores) expect_identical(
    sum(list_fmalloc_allocations(store)$state == "committed"), 1L)
  for (store in rev(stores)) cleanup_fmalloc(store)
  expect_identical(vapply(parts, sum, 0), 100 * (1:5))
})

test_that("the default store is used by all that take one, and may be replaced", {
  path <- c(tempfile(), tempfile())
  expect_silent(cleanup_fmalloc())
  init_fmalloc(path[1])
  x <- as_fmalloc(1:3)
  expect_identical(info_of(x)$path, normalizePath(path[1]))
  m <- create_fmalloc_matrix("raw", 1, 1)
  a <- create_fmalloc_array("raw", 1)
  expect_identical(nrow(list_fmalloc_allocations()), 3L)
  offset <- list_fmalloc_allocations()$record_offset[1]
  expect_identical(recover_fmalloc_vector(record_offset = offset, plain = TRUE), 1:3)
  expect_warning(init_fmalloc(path[2]), "already initialized")
  cleanup_fmalloc()
  expect_silent(cleanup_fmalloc())
  init_fmalloc(path[2])
  y <- as_fmalloc(4:6)
  expect_identical(info_of(y)$path, normalizePath(path[2]))
  expect_identical(x, 1:3)
  cleanup_fmalloc()
})
