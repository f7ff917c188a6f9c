# The doors that R functions call must not believe their arguments either.
door <- function(name, ...) do.call(".Call", list(getFromNamespace(name, "Rfmalloc"), ...))

test_that("doors for whole objects refuse what does not fit", {
  store <- new_store()
  x <- stored(1:10, store)
  refused <- function(...) expect_error(door(...), class = "fmalloc_argument")
  refused("rfm_c_type_bytes", 1)
  expect_identical(door("rfm_c_type_bytes", "closure"), 0)
  refused("rfm_c_class", "foo", 0)
  refused("rfm_c_class", "raw", -1)
  refused("rfm_c_like", store, sum, TRUE)
  refused("rfm_c_like", "store", 1:3, TRUE)
  refused("rfm_c_like", store, 1:3, NA)
  refused("rfm_c_move", 1:9, x, NULL)
  refused("rfm_c_move", as.numeric(1:10), x, NULL)
  refused("rfm_c_move", 1:10, 1:10, NULL)
  refused("rfm_c_alias", 1:10, TRUE)
  refused("rfm_c_alias", x, NULL)
  refused("rfm_c_put", x, 1, x)
  refused("rfm_c_put", list(1), 2, x)
  refused("rfm_c_put", list(1), 0, x)
  refused("rfm_c_recover", "store", 1, TRUE)
  refused("rfm_c_recover", store, "1", TRUE)
  refused("rfm_c_map", 1)
  expect_error(door("rfm_c_sizes", 1:3), class = "fmalloc_closed")
  expect_identical(door("rfm_c_keep", 1:3), 1:3)
})

test_that("moving tells how far it is, block by block", {
  store <- new_store(size_gb = 0.125)
  x <- as.numeric(1:(2^21 + 5))
  y <- door("rfm_c_like", store, x, TRUE)
  told <- numeric()
  door("rfm_c_move", x, y, function(bytes) told <<- c(told, bytes))
  expect_identical(told, c(2^23, 2^23, 40))
  expect_identical(y, x)
})

test_that("what tells may fail, and may destroy the target", {
  store <- new_store(size_gb = 0.125)
  x <- as.numeric(1:(2^21 + 5))
  y <- door("rfm_c_like", store, x, TRUE)
  expect_error(door("rfm_c_move", x, y, function(bytes) destroy_fmalloc_vector(y)),
    "closed fmalloc ALTREP vector handle", class = "fmalloc_closed")
})

# proves I13
test_that("records are written for all columns or for none", {
  store <- new_store()
  columns <- list(door("rfm_c_like", store, 1:10, TRUE), 5, door("rfm_c_like", store, 1:3, TRUE),
    door("rfm_c_like", store, 1:3, TRUE))
  destroy_fmalloc_vector(columns[[4]])
  expect_error(door("rfm_c_keep", columns), class = "fmalloc_closed")
  expect_identical(unique(list_fmalloc_allocations(store)$state), "tombstone")
  columns[c(1, 3, 4)] <- lapply(1:3, function(k) door("rfm_c_like", store, 1:10, TRUE))
  expect_identical(door("rfm_c_keep", columns), columns)
  expect_identical(sum(list_fmalloc_allocations(store)$state == "committed"), 3L)
})

# proves I7
test_that("of two objects on one payload neither changes the other", {
  store <- new_store()
  x <- create_fmalloc_vector("integer", 3, store)
  x[] <- 1:3
  y <- .Call(Rfmalloc:::rfm_c_alias, x, TRUE)
  x[1] <- 50L
  y[2] <- 60L
  expect_identical(collect_fmalloc(x), c(50L, 2L, 3L))
  expect_identical(collect_fmalloc(y), c(1L, 60L, 3L))
})
