# The same code on ordinary columns and on columns that lie in a store, in the hands of
# other packages: data.table, tibble and vctrs, nanoarrow, Matrix. They reach into
# vectors from C in ways of their own. The vectors carry no class of this package, as
# as_fmalloc() makes them: one that they have not heard of some of these packages refuse.
# What is not installed is skipped.

source("tests/process/tap.R")
source("rpkg/tests/testthat/helper-store.R")
source("rpkg/tests/testthat/helper-equality.R")

store <- new_store()
set.seed(11)
n <- 300
ordinary <- list(
  i = replace(sample.int(50, n, TRUE), 7, NA), d = replace(round(rnorm(n), 2), 9, NaN),
  l = sample(c(TRUE, FALSE, NA), n, TRUE), t = as.Date("2024-01-01") + sample.int(9, n, TRUE),
  f = factor(sample(c("lo", "mid", "hi"), n, TRUE)), s = sample(c(letters, NA, "\u00e9"), n, TRUE)
)
columns <- lapply(ordinary, stored_operand, store, FALSE)
matrices <- list(m = matrix(rnorm(30), 6), z = matrix(c(0, 1, 0, 2, 0, 3), 2))
stored_matrices <- lapply(matrices, stored_operand, store, FALSE)

# Lines of R code, each evaluated with the ordinary operands and with ours.
same <- function(package, lines, given = ordinary, ours = columns) {
  if (!requireNamespace(package, quietly = TRUE)) {
    skip(package, "is not installed")
    return(invisible())
  }
  for (expression in as.list(parse(text = lines, keep.source = FALSE))) {
    wanted <- outcome_of(expression, given)
    if (inherits(wanted$value, "failed")) {
      ok(FALSE, package, ": ", deparse1(expression), " fails: ", unclass(wanted$value))
    }
    ok(equal_outcomes(outcome_of(expression, ours), wanted), package, ": ",
      deparse1(expression))
  }
  ok(identical(lapply(ours, bare), given), package, ": the operands are as they were")
}

Sys.setenv(OMP_THREAD_LIMIT = "2")
if (requireNamespace("data.table", quietly = TRUE)) {
  # as code of a user: the package must know that it may use [.data.table
  assign(".datatable.aware", TRUE, globalenv())
}
same("data.table", "
as.list(data.table::data.table(i, d, l, t, f, s)[order(i, d)])
as.list(data.table::data.table(i, d, s)[i > 20 & !is.na(i)])
as.list(data.table::data.table(i, d, f)[, list(n = .N, total = sum(d), m = mean(i, na.rm = TRUE)), by = f])
as.list(data.table::data.table(i, d, s)[, list(d[1], max(i)), keyby = s])
as.list(data.table::data.table(i, d, f, s)[, .N, by = list(f, s)])
as.list(unique(data.table::data.table(i, f))); as.list(data.table::data.table(d, t)[t == t[1]])
as.list({ x <- data.table::data.table(i, d); data.table::set(x, 1L, 'd', 99); x }); sum(d, na.rm = TRUE)
as.list({ x <- data.table::data.table(i, d); x[i == 3, d := -1]; x }); as.list({ x <- data.table::data.table(i, d); x[, e := d * i]; x })
as.list(merge(data.table::data.table(i, d), data.table::data.table(i = 1:5, w = letters[1:5]), by = 'i'))
as.list({ x <- data.table::data.table(s, i, key = 's'); x['b'] }); as.list(data.table::rbindlist(list(list(i, d), list(i, d))))
as.list(data.table::melt(data.table::data.table(i = seq_along(d), d, e = d), id.vars = 'i')); data.table::fifelse(l, d, 0)
data.table::between(i, 3, 9); data.table::shift(d, 2L); data.table::rleid(f); data.table::uniqueN(s); data.table::frank(d)
data.table::nafill(i, 'locf'); data.table::`%chin%`(s, c('a', 'b')); data.table::chmatch(s, letters); data.table::fcase(i > 10, d, i <= 10, -d)
data.table::frollmean(d, 3); data.table::fsetdiff(data.table::data.table(i), data.table::data.table(i = 1:9))$i
as.list(data.table::setorder(data.table::data.table(s, i), s, -i)); data.table::first(d, 3); data.table::last(s, 2)
as.list(data.table::dcast(data.table::data.table(f, l, i), f ~ l, value.var = 'i', fun.aggregate = length)); as.list(data.table::tstrsplit(s, 'a'))
")

same("vctrs", "
vctrs::vec_slice(i, 3:9); vctrs::vec_c(d, i); vctrs::vec_unique(s); vctrs::vec_order(d); vctrs::vec_sort(i); vctrs::vec_match(s, letters)
vctrs::vec_duplicate_detect(i); vctrs::vec_group_id(f); vctrs::vec_rep(t, 2); vctrs::vec_cast(i, double()); vctrs::vec_size(d)
vctrs::vec_count(f); vctrs::vec_assign(d, 2:3, 0); vctrs::vec_equal(i, rev(i)); vctrs::vec_compare(d, rev(d)); vctrs::vec_split(d, f)
vctrs::vec_detect_missing(s); vctrs::vec_in(s, c('a', NA)); vctrs::vec_fill_missing(i); vctrs::vec_ptype(t); vctrs::vec_rank(i)
vctrs::vec_rbind(data.frame(i, d), data.frame(i, d)); vctrs::vec_cbind(data.frame(i), data.frame(s)); vctrs::vec_interleave(i, i)
vctrs::vec_chop(s, list(1:2, 5:9)); vctrs::vec_locate_matches(i, 1:9); vctrs::vec_run_sizes(f); vctrs::vec_proxy(t); vctrs::vec_recycle(i[1], 3)
")
same("tibble", "
tibble::tibble(i, d, l, t, f, s); tibble::tibble(i, d)[2:9, ]; tibble::tibble(d, s)[['s']]; tibble::add_column(tibble::tibble(i), d)
tibble::add_row(tibble::tibble(i, s), i = 3L, s = 'z'); tibble::as_tibble(data.frame(i, d)); tibble::tibble(i, d)[order(d), ]
{ x <- tibble::tibble(i, d); x$d[3] <- 1.5; x }; { x <- tibble::tibble(s); x$s[2:3] <- 'q'; x }; tibble::enframe(d)
utils::capture.output(print(tibble::tibble(i, d, s, t, f, l))); tibble::rowid_to_column(tibble::tibble(s)); tibble::deframe(tibble::tibble(s, i))
")

same("nanoarrow", "
as.vector(nanoarrow::convert_array(nanoarrow::as_nanoarrow_array(i))); as.vector(nanoarrow::convert_array(nanoarrow::as_nanoarrow_array(d)))
as.vector(nanoarrow::convert_array(nanoarrow::as_nanoarrow_array(l))); as.vector(nanoarrow::convert_array(nanoarrow::as_nanoarrow_array(s)))
nanoarrow::convert_array(nanoarrow::as_nanoarrow_array(t)); nanoarrow::convert_array(nanoarrow::as_nanoarrow_array(f))
as.data.frame(nanoarrow::as_nanoarrow_array(data.frame(i, d, s, t))); format(nanoarrow::infer_nanoarrow_schema(d))
as.data.frame(nanoarrow::as_nanoarrow_array_stream(data.frame(i, s)))
")

# Our rowSums() steps aside for objects that another package's is made for.
if (requireNamespace("Matrix", quietly = TRUE)) library(Matrix, warn.conflicts = FALSE)
same("Matrix", "
as.matrix(Matrix::Matrix(m)); as.matrix(Matrix::Matrix(z, sparse = TRUE)); as.matrix(Matrix::Matrix(m) %*% z[, rep(1, 5)][c(1, 2, 1, 2, 1), ])
as.matrix(Matrix::crossprod(Matrix::Matrix(m))); Matrix::rowSums(Matrix::Matrix(z, sparse = TRUE)); as.matrix(Matrix::t(Matrix::Matrix(z)))
Rfmalloc::rowSums(Matrix::Matrix(z, sparse = TRUE)); Rfmalloc::colMeans(Matrix::Matrix(m)); Matrix::rankMatrix(m)[1]; as.matrix(Matrix::Diagonal(x = m[, 1]))
as.matrix(Matrix::sparseMatrix(i = 1:6, j = 6:1, x = m[, 2])); Matrix::norm(Matrix::Matrix(m)); as.matrix(Matrix::kronecker(m, z)); Matrix::nnzero(z)
as.matrix(Matrix::solve(Matrix::Matrix(crossprod(m[, 1:2])), m[1:2, 1])); as.matrix(Matrix::bdiag(m, z)); as.matrix(Matrix::rbind2(Matrix::Matrix(m), Matrix::Matrix(m)))
", matrices, stored_matrices)

cleanup_fmalloc(store)
finish()
