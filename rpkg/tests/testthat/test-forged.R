# References that were changed by hand: each gives an error that says what is wrong.

forged <- function(text, from, to) {
  changed <- sub(from, to, text, fixed = TRUE)
  stopifnot(changed != text)
  tryCatch(unserialize(charToRaw(changed)), error = identity)
}

# proves I9
test_that("a forged reference is an error that says why", {
  path <- tempfile(fileext = ".bin")
  store <- new_store(path = path)
  x <- stored(c(1, 2, 3), store)
  text <- rawToChar(serialize(x, NULL, ascii = TRUE))
  invalid <- "invalid Rfmalloc serialized reference"
  cases <- list(
    list("\n19\n6\n13\n1\n1\n", "\n19\n6\n13\n1\n2\n", "reference", "newer Rfmalloc"),
    list("\n14\n1\n1\n16\n", "\n14\n1\n0\n16\n", "reference", "out of range"),
    list("\n14\n1\n1\n16\n", "\n14\n1\n1.5\n16\n", "reference", "out of range"),
    list("\n14\n1\n1\n16\n", "\n14\n1\nNA\n16\n", "reference", "out of range"),
    list("\n14\n1\n1\n16\n", "\n14\n1\n1e300\n16\n", "reference", "out of range"),
    list("\n14\n1\n3\n16\n", "\n14\n1\n-3\n16\n", "reference", "out of range"),
    list("\n14\n1\n3\n16\n", "\n14\n1\n2.5\n16\n", "reference", "out of range"),
    list("\n7\nnumeric\n14\n", "\n5\nthing\n14\n", "reference", "type that does not exist"),
    list("\n16\n1\n262153\n7\nnumeric\n14\n", "\n19\n1\n262153\n7\nnumeric\n14\n",
      "reference", "wrong type or length"),
    list("\n14\n1\n3\n16\n", "\n14\n2\n3\n3\n16\n", "reference", "wrong type or length"),
    list("\n14\n1\n1\n16\n", "\n14\n1\n99\n16\n", "no_record", "there is no vector 99"),
    list("\n7\nnumeric\n14\n", "\n7\ninteger\n14\n", "mismatch", invalid),
    list("\n14\n1\n3\n16\n", "\n14\n1\n4\n16\n", "mismatch", invalid)
  )
  for (case in cases) {
    told <- forged(text, case[[1]], case[[2]])
    expect_s3_class(told, paste0("fmalloc_", case[[3]]))
    expect_match(conditionMessage(told), case[[4]], fixed = TRUE)
  }
  told <- forged(sub("\n19\n6\n", "\n19\n7\n", text, fixed = TRUE),
    paste0(path, "\n"), paste0(path, "\n254\n"))
  expect_match(conditionMessage(told), "wrong type or length", fixed = TRUE)
  expect_identical(plain(unserialize(charToRaw(text))), c(1, 2, 3))
})

test_that("a reference to another store than the one at its path says so", {
  path <- tempfile(fileext = ".bin")
  store <- new_store(path = path)
  text <- rawToChar(serialize(stored(c(1, 2, 3), store), NULL, ascii = TRUE))
  uuid <- regmatches(text, regexpr("\n24\n16\n..", text))
  other <- sub("..$", if (endsWith(uuid, "00")) "01" else "00", uuid)
  told <- forged(text, uuid, other)
  expect_s3_class(told, "fmalloc_mismatch")
  expect_match(conditionMessage(told), "another store", fixed = TRUE)
  elsewhere <- sub(path, sub("bin$", "not", path), text, fixed = TRUE)
  told <- forged(elsewhere, uuid, other)
  expect_s3_class(told, "fmalloc_no_file")
  expect_match(conditionMessage(told), "If the file was moved", fixed = TRUE)
})
