# Equality with base R is the specification: each expression of helper-equality.R, for
# each type that a store can hold, with all operands in the store, with some, and with
# all of them but without a class of ours.

others_of <- c(logical = "integer", integer = "numeric", numeric = "integer",
  complex = "numeric", raw = "integer", character = "integer", list = "list")

# Which operands are ordinary when only the left, or only the right, ones are ours.
right <- c("y", "k", "w", "o")

# RFM_TYPE=integer runs the test of that type only: see tests/process/test_sabotage.sh.
only <- Sys.getenv("RFM_TYPE")

for (type in if (nzchar(only)) only else names(others_of)) {
  test_that(paste("expressions on", type, "vectors give what base R gives"), {
    store <- new_store()
    list_of <- expressions()
    expect_gt(length(list_of), 300)
    operands <- operands_of(equality_values(type), equality_values(others_of[[type]]))
    base <- lapply(list_of, outcome_of, operands)
    for (mode in c("ours", "left", "right", "plain")) {
      ours <- names(operands)
      if (mode == "left") ours <- setdiff(ours, right)
      if (mode == "right") ours <- right
      variables <- operands
      variables[ours] <- lapply(operands[ours], stored_operand, store, mode != "plain")
      found <- differences(list_of, variables, base, type, mode)
      expect_identical(found, character())
      if (length(found)) break
      for (name in ours) {
        expect_identical(bare(variables[[name]]), operands[[name]],
          label = paste("operand", name, "afterwards,", type, mode))
      }
    }
  })
}

test_that("factors, dates and times that lie in a store behave as ordinary ones", {
  skip_if(nzchar(only), "tests of one type are wanted")
  store <- new_store()
  base <- lapply(object_expressions, outcome_of, object_operands)
  stored <- lapply(object_operands, stored_operand, store, FALSE)
  for (name in names(stored)) expect_true(is_backed(stored[[name]]))
  expect_identical(differences(object_expressions, stored, base, "object", "plain"),
    character())
  expect_identical(lapply(stored, bare), object_operands)
})

test_that("results as large as their operands lie in the store, with the right class", {
  skip_if(nzchar(only), "tests of one type are wanted")
  store <- new_store()
  for (type in setdiff(names(others_of), "list")) {
    operands <- operands_of(equality_values(type), equality_values(type))
    variables <- lapply(operands, stored_operand, store, TRUE)
    for (expression in backed_expressions) {
      result <- tryCatch(
        suppressWarnings(eval(expression, variables)),
        error = function(e) NULL
      )
      if (is.null(result) || is.list(result)) next
      words <- c(
        if (length(dim(result)) == 2L) "fmalloc_matrix"
        else if (length(dim(result))) "fmalloc_array" else "fmalloc_vector",
        "fmalloc", if (is.double(result)) "numeric" else typeof(result)
      )
      expect_true(is_backed(result), label = paste(type, deparse1(expression)))
      expect_identical(class(result), words, label = paste(type, deparse1(expression)))
    }
  }
})

# A result that shared the operand's data would change with it.
test_that("no result changes when its operand does, and the operand changes in place", {
  skip_if(nzchar(only), "tests of one type are wanted")
  store <- new_store()
  for (expression in c(in_place_expressions, backed_expressions, trace_expressions)) {
    x <- stored(as.numeric(200:1), store)
    m <- stored_matrix(matrix(as.numeric(1:200), 20), store)
    y <- k <- 3
    what <- deparse1(expression)
    at <- c(info_of(x)$offset, info_of(m)$offset)
    result <- tryCatch(suppressWarnings(eval(expression)), error = function(e) NULL)
    kept <- unserialize(serialize(bare(result), NULL))
    x[1] <- -5
    m[1] <- -5
    expect_identical(bare(result), kept, label = what)
    if (!counted && list(expression) %in% in_place_expressions) {
      expect_identical(c(info_of(x)$offset, info_of(m)$offset), at, label = what)
    }
  }
})
