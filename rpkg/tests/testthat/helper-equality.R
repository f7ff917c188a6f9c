# The machinery of test-equality.R: expressions, operands of every type and shape, and
# the comparison of what base R makes of ordinary operands with what becomes of the
# same expression when some of them, or all, live in a store.

# The variables of an expression. x and y are of one length and awkward, k recycles,
# s is single, e empty, n named, m and w are matrices (m has dimnames), a is an array,
# l is long enough for R's wrappers, b for several blocks, u has an attribute of its own,
# o is of another type, f is a matrix in which nothing is missing.
operands_of <- function(values, others) {
  few <- rep_len(values, 6)
  list(
    x = values, y = rev(values), k = values[1:2], s = values[2], e = values[0],
    n = structure(few, names = letters[6:1]),
    m = structure(few, dim = 2:3, dimnames = list(c("p", "q"), c("a", "b", "c"))),
    w = structure(rev(few), dim = 2:3),
    a = structure(rep_len(values, 12), dim = c(2L, 3L, 2L)),
    l = rep_len(values, 130), u = structure(values, unit = "cm"), b = rep_len(values, 20000),
    o = rep_len(others, length(values)), f = finite_matrix(values)
  )
}

# Products of numbers go other ways if one of them is missing or infinite.
finite_matrix <- function(values) {
  few <- if (is.character(values) || is.list(values)) values[!is.na(values)]
  else values[is.finite(abs(as.complex(values)))]
  structure(rep_len(few, 15), dim = c(5L, 3L), dimnames = list(NULL, c("r", "s", "t")))
}

equality_values <- function(type) {
  switch(type,
    numeric = replace(samples$numeric, 7, -0),
    character = c("b", "a", NA, "", "B\u00fc", "10", "a long one beyond the cell"),
    list = list(1:3, NULL, c(a = 2.5), TRUE, as.raw(1:2), 3 + 1i, 7L),
    samples[[type]]
  )
}

binary_operators <- c("+", "-", "*", "/", "^", "%%", "%/%", "==", "!=", "<", ">", "<=",
  ">=", "&", "|")
operand_pairs <- list(c("x", "y"), c("x", "s"), c("s", "x"), c("x", "k"), c("n", "x"),
  c("m", "w"), c("s", "m"), c("e", "s"), c("m", "a"), c("l", "k"), c("x", "o"),
  c("o", "n"), c("u", "n"), c("x", "NULL"), c("2L", "x"), c("x", "0.5"), c("l", "'b'"),
  c("n", "1i"))

mathematical <- c("abs", "sign", "sqrt", "floor", "ceiling", "trunc", "round", "signif",
  "exp", "log", "log2", "log10", "expm1", "log1p", "cos", "sin", "tan", "cospi", "sinpi",
  "tanpi", "acos", "asin", "atan", "cosh", "sinh", "tanh", "acosh", "asinh", "atanh",
  "lgamma", "gamma", "digamma", "trigamma", "cumsum", "cumprod", "cummax", "cummin", "Re",
  "Im", "Mod", "Arg", "Conj", "-", "+", "!")
reducing <- c("sum", "prod", "max", "min", "range", "any", "all", "mean", "median", "var",
  "anyNA", "which.max", "which.min", "is.unsorted", "anyDuplicated", "length", "fivenum",
  "typeof", "mode", "storage.mode", "is.numeric", "is.vector", "is.matrix", "is.array",
  "is.atomic", "is.character", "is.list", "nrow", "NCOL")
rearranging <- c("is.na", "is.nan", "is.finite", "is.infinite", "rev", "sort", "order",
  "unique", "duplicated", "which", "names", "dim", "dimnames", "as.vector",
  "as.character", "as.logical", "as.numeric", "as.integer", "as.complex", "as.list", "t",
  "table", "summary", "head", "tail", "unlist", "diff", "rank", "xtfrm", "nchar",
  "toupper", "factor", "unname", "rowSums", "colSums", "rowMeans", "colMeans",
  "crossprod", "tcrossprod", "diag", "rle", "scale", "as.matrix", "as.data.frame",
  "format", "seq_along", "unclass", "array", "matrix", "data.frame", "paste", "row",
  "sd", "na.omit", "complete.cases", "lengths", "stack", "labels",
  "as.vector", "aperm", "list", "drop", "proportions", "rownames", "deparse", "quantile")

# What needs more than one argument, or says more than one thing.
equality_lines <- "
b + k; k %% b; b ^ l; b == l; b & k; l - b; b * s; round(b, 1); is.na(b); log(b); -b; b[20000:19990]; b[b == b[2]]
b / b; b < rev(b); sqrt(b); cumsum(b); cummin(b); cumprod(b); sum(b); range(b); Mod(b); !b; 2L %/% b; b - 1L; rev(b)
x[2:3]; x[-1]; x[x > 1]; x[c(TRUE, FALSE)]; x[0]; x[99]; x[c(1, NA, 9)]; x[NA]; x[]
x['a']; n['a']; n[c('f', 'zz')]; n[-2]; n[2]; x[[2]]; x[[99]]; n[['a']]; n[['zz']]; x[[0]]
x[[-1]]; x[[c(1, 2)]]; e[1]; e[[1]]; s[[1]]; s[1:3]; x[1.9]; x[as.numeric(2:3)]; x['1']
m[1, ]; m[, 2]; m[1, , drop = FALSE]; m[, 'b']; m['p', 'c']; m[2, 3]; m[[2, 3]]; m[9, 1]
m[cbind(1:2, 2:3)]; m[-1, ]; m[m == m]; m[5]; m[, c('a', 'zz')]; m[, 2:3]; m[NULL, ]
w[2:1, c(TRUE, FALSE, TRUE)]; w[, 2]; w[3:5]; w[1, 1, 1]; w[TRUE, 1]; w[0, ]; m[, NA]
a[1, 2, 2]; a[, , 1]; a[1, , ]; a[, 1, , drop = FALSE]; a[7:9]; a[cbind(1, 2, 1)]; a[1, 1]
l[100:130]; l[-(1:3)]; l[l == l[1]]; head(l, 65); tail(l, 65); head(l, -3); tail(m, 1); head(m, 1)
u[1:2]; u[]; u[2]; head(a, c(1, 2, 1)); subset(x, c(TRUE, FALSE, NA, TRUE, FALSE, TRUE, FALSE))
{ x[2] <- x[1]; x }; { x[2:3] <- y[1:2]; x }; { x[9] <- x[1]; x }; { x[] <- y; x }
{ x[x > 1] <- s; x }; { x[['a']] <- s; x }; { x[[2]] <- s; x }; { x[2] <- 2.5; x }
{ x[2] <- 'text'; x }; { x[2] <- 2i; x }; { x[2] <- TRUE; x }; { x[2] <- list(1); x }
{ x[2] <- NA; x }; { x[2] <- NULL; x }; { x[1:2] <- 1:3; x }; { x[[2]] <- NULL; x }
{ n['a'] <- n['b']; n }; { n['new'] <- s; n }; { n[2] <- s; n }; { n[['a']] <- s; n }
{ m[1, ] <- m[2, ]; m }; { m[, 2] <- s; m }; { m['p', 'b'] <- s; m }; { m[[1, 2]] <- s; m }
{ m[m == s] <- s; m }; { m[cbind(1, 1)] <- s; m }; { m[3, 1] <- s; m }; { m[5] <- s; m }
{ a[1, 1, 1] <- s; a }; { a[, , 2] <- a[, , 1]; a }; { l[65] <- s; l }; { l[1:64] <- s; l }
{ e[1] <- s; e }; { e[3] <- s; e }; { y <- x; y[1] <- s; x }; { f <- function(v) { v[1] <- s; v }; f(x); x }
{ names(x) <- letters[1:7]; x }; { names(n) <- NULL; n }; { names(n)[2] <- 'Z'; n }
{ dim(l) <- c(13, 10); l }; { dim(x) <- c(7, 1); x }; { dim(m) <- NULL; m }; { dim(m) <- c(3, 2); m }
{ dimnames(w) <- list(NULL, 1:3); w }; { dimnames(m) <- NULL; m }; { rownames(w) <- c('i', 'j'); w }
{ colnames(m)[2] <- 'Q'; m }; { attr(x, 'unit') <- 'm'; x }; { attributes(u) <- NULL; u }
{ levels(x) <- letters; x }; { is.na(x) <- 2; x }; { length(x) <- 3; x }; { length(x) <- 9; x }
{ length(n) <- 2; n }; { storage.mode(x) <- 'double'; x }; { mode(x) <- 'character'; x }
{ diag(w) <- s; w }; { dim(x) <- c(2, 2); x }; { oldClass(x) <- 'mine'; inherits(x, 'mine') }
{ y <- l; names(y) <- seq_along(y); y[2] <- s; list(l, y) }; { attr(l, 'a') <- 1; l[1] <- s; l }
c(x, y); c(x, s); c(s, x); c(n, x); c(x, NULL); c(NULL, x); c(a = x, b = s); c(x, 'text')
c(x, 1i); c(m, w); c(e, e); c(x, list(1)); c(list(1), x); c(x, recursive = TRUE); c(n, use.names = FALSE)
append(x, s); append(x, y, after = 2); rep(x, 2); rep(n, 2); rep(x, each = 2); rep(x, 1:7)
rep(x, length.out = 10); rep(m, 2); rep_len(x, 9); rep.int(x, 2); rep(e, 3); rep(x, 0)
cbind(x, y); rbind(x, y); cbind(x); rbind(m, w); cbind(m, w); cbind(m, 1:2); cbind(n, n); rbind(n)
cbind(1, x); cbind(a = x, b = y); rbind(x, y, deparse.level = 0); cbind(x, s); rbind(m, x[1:3])
cbind(m, x); cbind(e, e); cbind(data.frame(q = 1:7), x); rbind(u, x); cbind(l, l)
cbind(x, y, deparse.level = 2); cbind(x + 1, y, deparse.level = 1); cbind(x, c(x, y), deparse.level = 2); cbind(x, k); rbind(k, x); cbind(x, NULL)
cbind(NULL, x); rbind(NULL, m, NULL); cbind(m, m, k); cbind(m, 1:3); cbind(m, a = k, s); rbind(w, m, z = 1:3); rbind(m, n); cbind(n, x[1:6]); cbind(x[1:6], n)
rbind(n, m); cbind(x, o); rbind(o, x, 2L); cbind(x, 'text'); cbind('text', m); rbind(x, 1i); cbind(as.raw(1), x); rbind(x, as.raw(1:7)); cbind(TRUE, x)
cbind(b, k); rbind(b, k, 1); rbind(b, b)[, 8190:8194]; cbind(b, s, b); rbind(l, l, l); cbind(l, 1); rbind(k, l); cbind(a, x); rbind(x, e); cbind(e, s); cbind(s, e)
cbind(x, factor(x)); rbind(x, as.Date('2024-01-01')); cbind(x, ts(1:7)); rbind(data.frame(q = 1), s); cbind(x, data.frame(q = 1:7)); cbind(m, quote(z)); cbind(x, expression(z))
rbind(t(m), w[, 1:2]); cbind(m, w, deparse.level = 0); rbind(`a b` = x, y); (function(...) cbind(...))(x, y); (function(...) rbind(..., 1))(p = x, y); cbind(x = 1, x); cbind(n)[2, ]
cbind(m[0, ], m[0, ]); rbind(m[0, ], m); cbind(m[, 0], k); rbind(m[, 0], w[, 0]); cbind(u, array(x, 7)); cbind(array(x, 7, list(letters[1:7])), y); cbind(deparse.level = 0, x, y)
c(m, x); c(b, b)[19990:20010]; c(k, b, s)[1:9]; c(a = n, b = n); c(a = x, 1); c(x, b = NULL, z = k); c(n, n); c(x, as.raw(1:2)); c(x, TRUE, NA); c(x, 2L, 0.5); c(x, o, k); c(o, x)
c(x, factor('q')); c(x, as.Date('2024-01-01')); c(x, mean); c(s, s); c(s, NULL); c(x, list(1), recursive = TRUE); c(array(x, 7, list(letters[1:7])), k); c(a = s, x, use.names = FALSE)
c(x, x, x, recursive = TRUE, use.names = FALSE); c(l, 'text')[130:131]; c(x, y, recursive = NA); c(x, use.names = NA); c(l, l, l); do.call(c, list(p = x, q = y)); c(e, x); c(e, s); c(x, e)
rep(x, each = 3, times = 2); rep(x, each = 2, length.out = 5); rep(n, each = 2, times = 2); rep(n, length.out = 9); rep(n, c(2, 0, 1, 3, 1, 1)); rep(x, times = -1); rep(x, 1:3); rep(x, NA)
rep(x, len = 3); rep(x, 2, 5); rep(x, 2, 5, 2); rep(x, each = 0); rep(x, times = 2.9); rep(x, '2'); rep(x, length.out = 0); rep(x, 1.5, each = 2); rep(k, each = 9000)[8990:9010]; rep(s, each = 3); rep(s, 9)
rep(b, 2)[19998:20003]; rep(b, each = 2)[19998:20003]; rep(b, rep(c(1, 2), 10000))[29998:30000]; rep(l, length.out = 300); rep(m, each = 2); rep(a, 2); rep(array(x, 7, list(letters[1:7])), 2); rep(x, c(0, 0, 0, 0, 0, 0, 1))
rep(n, times = 3, length.out = 4); rep(x, TRUE); rep(x, integer()); rep(x, each = c(2, 3)); rep(u, 2); rep_len(n, 4); rep.int(n, 2); rep(x, times = 7:1, each = 1); rep(x, times = rep(1, 14), each = 2); rep(x, 0, 3); rep(e, 2)
x %*% t(x); t(x) %*% x; x %*% 1; s %*% m; m %*% 1:2; m %*% y; k %*% m; m %*% t(m); w %*% x[1:3]; x[1:3] %*% w; e %*% e; m[0, ] %*% t(m); m[, 0] %*% m[0, ]; m %*% NULL; m %*% factor(1:3); m %*% 'a'
crossprod(m, k); crossprod(k, m); crossprod(s, m[1, , drop = FALSE]); crossprod(m[1, , drop = FALSE], x); crossprod(x, y); crossprod(m, t(w)); crossprod(e); crossprod(m, y); crossprod(m, m); crossprod(m, NULL)
tcrossprod(x, y); tcrossprod(x, s); tcrossprod(s, x); tcrossprod(m, x[1:3]); tcrossprod(m[, 1, drop = FALSE], x); tcrossprod(x[1:3], w); tcrossprod(x, w[, 1, drop = FALSE]); tcrossprod(m[1, , drop = FALSE], x[1:3]); tcrossprod(e); tcrossprod(m, 1:2)
f %*% t(f); crossprod(f); tcrossprod(f); crossprod(f, f[, 1:2]); tcrossprod(f, 2 * f[1:2, ]); f %*% 1:3; 1:5 %*% f; f %*% m[1, ]; crossprod(f, 5:1); tcrossprod(f[, 1]); f[, 2] %*% f
f %*% t(m); m %*% t(f); crossprod(f, 1:5 > 2); crossprod(f[1, , drop = FALSE], f[2, ]); f[, 1, drop = FALSE] %*% f[1, , drop = FALSE]; tcrossprod(f, w); t(f) %*% f; f[1, ] %*% f[2, ]; tcrossprod(f[, 1], f[, 2])
f %*% matrix(c(1:4, NA, 6), 3); crossprod(f, matrix(c(1:9, Inf), 5)); tcrossprod(f, matrix(c(1:8, NaN), 3)); matrix(c(NA, 1:14), 3) %*% f; crossprod(cbind(f, NA)); tcrossprod(rbind(f, Inf)); f %*% t(f) %*% f
tcrossprod(b[1:200])[190:200, 3]; crossprod(matrix(b, 100))[5, 1:9]; matrix(b, 100) %*% matrix(b, 200)[, 1:100] -> z; dim(array(l, c(13, 10)) %*% array(l, c(10, 13))); (m + 0i) %*% t(w); 1:2 %*% m[, -3]; m %*% diag(3)
tcrossprod(structure(m, dimnames = list(r = NULL, cc = c('a', 'b', 'c')))); structure(m, dimnames = list(r = c('p', 'q'), cc = NULL)) %*% t(m); crossprod(m, structure(w, dimnames = list(r = NULL, v = NULL)))
{ options(matprod = 'internal'); z <- m %*% t(w); options(matprod = 'default'); z }; { m[2] <- m[1]; crossprod(m) }; crossprod(is.na(m)); is.na(m) %*% t(w); outer(x, x); x %*% array(1, 7); array(1:2, 2) %*% m
ifelse(x == y, x, y); ifelse(is.na(x), s, x); ifelse(x, 1, 0); ifelse(m == s, m, 0); ifelse(c(TRUE, NA), x, y)
sort(x, decreasing = TRUE); sort(n); sort(x, na.last = TRUE); sort(x, method = 'radix'); sort(x, method = 'shell')
sort(l); sort(m); sort(x, index.return = TRUE); sort(x, partial = 2); sort.int(x); sort(u)
order(x, decreasing = TRUE); order(x, y); order(x, na.last = NA); order(n); order(l); sort.list(x)
order(x, y, method = 'radix', decreasing = c(TRUE, FALSE)); rank(x, ties.method = 'first'); rank(n)
unique(l); unique(m); unique(m, MARGIN = 2); duplicated(m); unique(x, fromLast = TRUE); anyDuplicated(m)
match(x, y); match(y, s); match(s, x); x %in% y; y %in% k; match(x, o); match(x, 2); is.element(s, x)
union(x, y); intersect(x, k); setdiff(x, k); setequal(x, y); rev(n); rev(m); rev(e)
table(x, y); table(x, useNA = 'always'); table(m); tabulate(1:3); cut(x, 3); findInterval(x, 1:3)
factor(x, levels = y); factor(n); as.factor(x); interaction(x, y); tapply(1:7, y, sum); split(x, o); split(x, y)
split(1:7, x); by(1:7, x, sum); aggregate(1:7, list(y), sum); ave(1:7, x); outer(k, k); outer(x, y, '=='); outer(x, k, paste)
which(x == s); which(n == n[1]); which(m == m[2], arr.ind = TRUE); which(is.na(x)); which(x)
apply(m, 1, sum); apply(m, 2, function(v) v); apply(m, c(1, 2), identity); apply(a, 3, length); apply(m, 1, rev)
sapply(x, identity); lapply(n, identity); vapply(x, length, 0L); sapply(m, typeof); Map(c, x, y); mapply(function(p, q) list(p, q), x, y)
Reduce(c, x); Filter(Negate(is.na), x); Map(identity, n); do.call(c, list(x, y)); do.call(cbind, list(x, y)); Recall
t(x); t(n); t(m); t(w); t(a); t(t(m)); aperm(m); aperm(a, 3:1); aperm(a); m %*% t(w); w %*% 1:3; x %*% y; 1:2 %*% m
x %*% m; m %*% w; crossprod(m, w); tcrossprod(m, w); crossprod(w); tcrossprod(w); crossprod(x); x %o% k; tcrossprod(x); t(m) %*% m
colSums(a, dims = 2); rowSums(a, dims = 2); rowMeans(a, dims = 2); colMeans(a); rowSums(m, na.rm = TRUE); colMeans(w, na.rm = TRUE)
rowSums(x); colSums(m, dims = 2); rowSums(a, dims = 3); rowMeans(m, na.rm = TRUE); colSums(m, na.rm = NA)
rowsum(m, 1:2); rowsum(x, c(1, 1, 2, 2, 3, 3, 3)); sweep(w, 2, 1:3); scale(w, scale = FALSE); max.col(w, 'first'); addmargins(w)
prop.table(w); diag(k); diag(m); det(w[, 1:2]); solve(w[, 1:2]); w[, 1:2] %*% k; upper.tri(m); lower.tri(w, diag = TRUE); kronecker(k, m)
sum(x, y); sum(x, na.rm = TRUE); sum(x, 1L); prod(x, na.rm = TRUE); max(x, y, na.rm = TRUE); min(x, na.rm = TRUE); max(e); min(e, s)
range(x, na.rm = TRUE); range(x, finite = TRUE); range(x, y); range(e); any(x, na.rm = TRUE); all(x, TRUE); any(x > 1); all(e)
mean(x, na.rm = TRUE); mean(x, trim = 0.2); mean(m); mean(e); median(x, na.rm = TRUE); median(e); var(x, y); var(w); cor(w); cov(x, y)
quantile(x, na.rm = TRUE); quantile(x, 0.3, na.rm = TRUE, type = 1); quantile(l, na.rm = TRUE, names = FALSE); weighted.mean(x, 1:7)
pmax(x, y); pmin(x, y, na.rm = TRUE); pmax(m, 1); pmin(n, s); cor(x, y); cumall <- cumsum(rev(x)); diff(x, lag = 2); diff(m)
round(x, 1); round(x, digits = -1); signif(x, 2); round(m, 2); log(x, 2); log(x, base = 10); round(x, 1:2); atan2(x, y); beta(x, 2); choose(x, 2)
round(digits = 1, x = x); log(base = 2, x = x); log(x, k); trunc(x, 1); round(u); exp(u); signif(m, digits = 1); bitwAnd(x, 3L); xor(x, y)
isTRUE(x); identical(x, x); all.equal(x, x); all.equal(x, y); identical(x[], x); identical(x, y); is.null(x); isTRUE(all.equal(m, m))
is.na(n); is.na(m); is.na(a); is.nan(n); is.finite(m); is.infinite(u); is.na(u); anyNA(e); anyNA(m); anyNA(list(x, y), recursive = TRUE)
as.vector(m); as.vector(n); as.numeric(n); as.character(m); as.integer(u); as.list(n); as.vector(x, 'list'); as.vector(x, 'character'); as.vector(x, mode = 'numeric')
as.data.frame(m); data.frame(x = x, y = y); data.frame(m); data.frame(x, row.names = letters[1:7]); as.data.frame(a); as.data.frame(n); data.frame(I(x))
matrix(x, 7, 2); matrix(l, 13); array(x, c(2, 3)); array(m, 6); matrix(m, 3); as.matrix(x); as.matrix(m); as.array(x); as.matrix(n); data.matrix(data.frame(x, y))
paste(x); paste0(n, 'z'); paste(x, y, collapse = '|'); format(x); format(m); nchar(x); substr(x, 1, 2); sprintf('%s', x); toString(x); rev(toString(y))
formatC(x); prettyNum(x); encodeString(x); dQuote(x, FALSE); trimws(x); gsub('a', 'b', x); grepl('a', x); startsWith(x, 'a'); strsplit(x, ''); chartr('a', 'z', x)
capture.output(print(as.vector(x))); capture.output(cat(x)); capture.output(str(as.vector(x))); deparse(as.vector(x)); capture.output(dput(as.vector(n)))
unlist(list(x, y)); unlist(list(a = x, b = s)); unlist(list(n, m)); rapply(list(x), length, how = 'unlist'); simplify2array(list(k, k)); stack(list(a = x, b = y))
merge(data.frame(key = x, p = 1:7), data.frame(key = y, q = 1:7)); expand.grid(k, 1:2); rle(x); inverse.rle(rle(x)); embed(k, 2); rowSums(is.na(m))
switch(2, x, y); seq_along(x); seq_len(length(x)); seq(x); rev(seq_along(m)); length(m); nrow(a); NROW(x); NCOL(m); ncol(x); dim(as.matrix(x)); lengths(x)
vapply(seq_along(x), function(i) is.na(x[[i]])[1], NA); for (v in x) v; { r <- 0L; for (v in x) r <- r + 1L; r }; { z <- x; z[[3]] <- s; z }
while (FALSE) x; if (length(x) > 3) x; is.na(x) | x == s; !is.na(x) & x != s; x == y | is.na(x); -x + y; (x + y) * 2; x + y - y; sqrt(abs(x)); x / y * 3
(m + w)[1, ]; (x == y)[2:3]; t(m)[, 1]; sum(x == y, na.rm = TRUE); cumsum(is.na(x)); rev(x)[1:3]; sort(x)[1]; m[2, ] * 2; sum(m[, 1]); max(n, na.rm = TRUE)
stopifnot(x); nlevels(x); levels(x); inherits(x, 'list'); is.function(x); is.environment(x); rawToChar(x); utf8ToInt(x); as.hexmode(x); rev(as.list(x))
array(a, 12); a[2, , ] + 1; a == a; -a; a + 1:2; dim(a + a); apply(a, c(1, 3), length); rowSums(a); colSums(a); sum(a); a[, , 1] * 2; slice <- a[1, , 2]
mode(x); storage.mode(m); object.size(e) > 0; is.object(as.vector(x)); nchar(n, 'bytes'); is.vector(n); is.vector(u); is.numeric(m); is.primitive(x); Negate(is.null)(x)
"

expressions <- function() {
  pair <- function(op) vapply(operand_pairs, function(p) {
    sprintf("%s %s %s", p[1], op, p[2])
  }, "")
  one <- function(functions, shapes) {
    as.vector(outer(functions, shapes, function(f, v) sprintf("`%s`(%s)", f, v)))
  }
  lines <- parse(text = equality_lines, keep.source = FALSE)
  text <- unique(c(unlist(lapply(binary_operators, pair)),
    one(mathematical, c("x", "n", "m", "u", "s", "e")),
    one(reducing, c("x", "m", "e", "l")), one(rearranging, c("x", "n", "m", "a", "s", "e"))))
  c(as.list(parse(text = text, keep.source = FALSE)), as.list(lines))
}

# A value without what is our own about it: the class.
bare <- function(v) {
  if (is.list(v)) {
    kept <- attributes(v)
    v <- lapply(unclass(v), bare)
    attributes(v) <- lapply(kept, bare)
  }
  class <- oldClass(v)
  ours <- grepl("^fmalloc", class)
  if (any(ours)) oldClass(v) <- class[seq_len(which(ours)[1L] - 1L)]
  if (length(oldClass(v)) == 0L) oldClass(v) <- NULL
  v
}

# What evaluating an expression gives: the value, or the error; and the warnings.
outcome_of <- function(expression, variables) {
  warnings <- character()
  value <- tryCatch(
    withCallingHandlers(eval(expression, list2env(variables, parent = globalenv())),
      warning = function(w) {
        warnings <<- c(warnings, conditionMessage(w))
        tryInvokeRestart("muffleWarning")
      }),
    error = function(e) structure(conditionMessage(e), class = "failed")
  )
  list(value = value, warnings = warnings)
}

equal_outcomes <- function(ours, base) {
  if (refuses_as_list(ours$value)) return(TRUE)
  identical(one_missing(bare(ours$value)), one_missing(bare(base$value))) &&
    identical(ours$warnings, base$warnings)
}

# A list in a store takes no ordinary objects, and gives no address to write to. That
# it says so, and when, is the subject of test-list.R.
refuses_as_list <- function(value) {
  inherits(value, "failed") &&
    grepl("ordinary R objects have no place|writable DATAPTR of an ALTLIST", value)
}

# An operand in the store, with all attributes, and with our class or without.
stored_operand <- function(values, store, classed) {
  x <- create_fmalloc_vector(typeof(values), length(values), store)
  x[] <- if (is.list(values)) {
    lapply(unname(values), function(v) if (!is.null(v)) stored_operand(v, store, classed))
  } else {
    as.vector(unclass(values))
  }
  type <- oldClass(x)[3]
  kept <- attributes(values)
  shape <- switch(min(length(kept$dim), 3L) + 1L, "vector", "array", "matrix", "array")
  oldClass(x) <- NULL
  for (name in setdiff(names(kept), "class")) attr(x, name) <- kept[[name]]
  oldClass(x) <- if (classed) c(paste0("fmalloc_", shape), "fmalloc", type) else kept$class
  x
}

# Where a vector with a class of ours is to be told from an ordinary one, and why. The
# second column names modes, the third types; empty means all but "plain".
explained <- matrix(ncol = 4, byrow = TRUE, c(
  # Is it a vector without attributes? It has one, its class.
  "is.vector|rle|embed|stack|sd", "", "", "R asks is.vector(), and a class is an attribute",
  "deparse", "", "", "prints the class",
  # Not generic functions that go other ways for objects.
  "pmax|pmin", "", "", "for objects R compares by `>`, which makes NaN NA, and keeps logical",
  "all.equal", "right", "", "the method is that of the ordinary target, and sees the class",
  "order", "", "complex raw", "R ranks objects: it can do so by radix, and refuses raw",
  "order|sort.list|is.unsorted", "", "list", "R refuses an object in other words",
  "summary|str|dput|all.equal|formatC|is.object", "", "list", "the elements have classes, too",
  "xtfrm", "", "character", "is the text, so that the method of order() has its say",
  "vapply", "", "character", "R makes a list of an object first, and so no names of its strings",
  # Lists.
  "order|sort.list|range|is.unsorted|sd", "", "list",
    "R refuses lists in other words, or later, when they are objects",
  "summary|all.equal", "", "list", "tells the classes of the elements",
  "formatC", "", "list", "warns of the class before it refuses the list",
  "as.vector", "", "list", "R keeps the attributes of lists, and a class is one"
))

is_explained <- function(expression, type, mode) {
  fits <- vapply(explained[, 1L], function(names) {
    any(all.names(expression) %in% strsplit(names, "|", fixed = TRUE)[[1L]])
  }, NA)
  among <- function(column, what) {
    column == "" | vapply(strsplit(column, " "), function(set) what %in% set, NA)
  }
  mode != "plain" &&
    any(fits & among(explained[, 2L], mode) & among(explained[, 3L], type))
}

# The first differences that no row above explains, as text.
differences <- function(list_of, variables, base, type, mode) {
  found <- character()
  for (k in seq_along(list_of)) {
    outcome <- outcome_of(list_of[[k]], variables)
    if (equal_outcomes(outcome, base[[k]])) next
    if (is_explained(list_of[[k]], type, mode)) next
    found <- c(found, difference(list_of[[k]], paste(type, mode), outcome, base[[k]]))
    if (length(found) == 20L) break
  }
  found
}

difference <- function(expression, where, ours, base) {
  show <- function(outcome) {
    v <- bare(outcome$value)
    paste(c(utils::capture.output(utils::str(v)), outcome$warnings), collapse = "; ")
  }
  paste0(deparse1(expression), " [", where, "]\n  ours: ", substr(show(ours), 1, 500),
    "\n  base: ", substr(show(base), 1, 500))
}

# Objects of R's own classes. Their vectors lie in the store, and the class is R's.
object_operands <- list(
  f = factor(c("b", "a", NA, "b", "c")), g = factor(c("lo", "hi"), c("lo", "hi"), ordered = TRUE),
  d = as.Date("2024-02-28") + c(0:3, NA), p = as.POSIXct(c(0, 86400.5, NA, 3, 7), tz = "UTC"),
  h = as.difftime(c(1, 2.5, NA, 0, -1), units = "hours"), v = c(1.5, NA, 3, 0, -2), i = 5:1,
  q = structure(1:70, levels = as.character(1:70), class = "factor"),
  ts = ts(c(1, 4, 9, 16), start = 2000, frequency = 4)
)
object_expressions <- as.list(parse(keep.source = FALSE, text = "
f; f[2:3]; f[-1, drop = TRUE]; levels(f); table(f); as.integer(f); as.character(f); summary(f); f == 'b'; f == f
is.na(f); rev(f); sort(f); c(f, f); f + 1; rep(f, 2); unique(f); duplicated(f); match('a', f); f %in% 'b'; nlevels(f)
{ f[1] <- 'c'; f }; { f[1] <- 'zz'; f }; { levels(f)[1] <- 'A'; f }; { f[[2]] <- 'b'; f }; droplevels(f[1:2]); order(f)
interaction(f, f); split(v, f); tapply(v, f, sum); ave(v, f); by(v, f, length); aggregate(v, list(f), length); paste(f)
g > 'lo'; max(g); g[2] < g[1]; as.integer(g); range(g); sort(g, decreasing = TRUE); factor(g); q[3]; q[65:70]; table(q)[1:3]
d + 1; d - 1; d - d; d[2]; d[-1]; diff(d); format(d); weekdays(d); months(d); as.numeric(d); d > as.Date('2024-02-28'); d == d
range(d, na.rm = TRUE); mean(d, na.rm = TRUE); rev(d); sort(d); order(d); c(d, d); seq(d[1], by = 'day', length.out = 3)
cut(d, 'day'); is.na(d); { d[1] <- as.Date('2020-01-01'); d }; { d[1] <- NA; d }; unique(d); d %in% d[1]; as.POSIXct(d); rep(d, 2)
julian(d); trunc(d, 'month'); round(d); summary(d); as.character(d); data.frame(d, f, p); d * 2; -d; sum(d); table(d)
p + 1; p - p; p[1:2]; format(p); format(p, '%H:%M'); as.numeric(p); p > p[1]; range(p, na.rm = TRUE); diff(p); as.Date(p)
trunc(p, 'hours'); cut(p, 'day'); is.na(p); c(p, p); rev(p); sort(p); unique(p); seq(p[1], by = 60, length.out = 2); attr(p, 'tzone')
{ p[2] <- p[1]; p }; difftime(p, p); as.POSIXlt(p)$hour; strftime(p, '%Y'); round(p, 'mins'); summary(p); order(p); rep(p, 2)
h * 2; h + h; -h; sum(h, na.rm = TRUE); units(h); { units(h) <- 'mins'; h }; format(h); as.numeric(h, units = 'mins'); h[2]; mean(h, na.rm = TRUE)
h > 1; range(h, na.rm = TRUE); c(h, h); d + h; p + h; h / 2; abs(h); round(h); sqrt(h); v * h; v + d; d + v; i + d; v == f; i == f
f[order(v)]; v[f == 'b']; ifelse(is.na(f), 0, v); data.frame(f, v)[2, ]; merge(data.frame(f, v), data.frame(f, i)); model.matrix(~ f)[, 1]
lm(v ~ i)$coefficients; xtabs(~ f); cbind(f, v); rbind(d, d); as.vector(f); unclass(d); unclass(p); inherits(f, 'factor'); class(p)
ts + 1; window(ts, 2000.25); diff(ts); lag(ts, 1); log(ts); cumsum(ts); time(ts); ts[2]; ts * ts; -ts; ts == 4; aggregate(ts, FUN = sum)
"))

# Results that must lie in the store.
backed_expressions <- as.list(parse(keep.source = FALSE, text = "
x + 1L; 2L * x; x == y; !x; -x; x & TRUE; sqrt(x); exp(m); round(x, 1); log(x, 2); cumsum(x); cumprod(x); cummax(x); cummin(x)
x[2:3]; m[1:2, ]; x[-1]; rev(x); rep(x, 2); c(x, k); c(x, x); sort(x); sort(m); t(m); t(x); aperm(m); is.na(x); is.nan(x); is.finite(m)
is.infinite(x); duplicated(x); Re(x); Im(x); Mod(x); Conj(x); m %*% t(m); crossprod(m); tcrossprod(m); tcrossprod(x); x[]; m[]
head(x, 3); tail(x, 3); append(x, k); x > k; m + m; m == m; abs(m); unname(x); diff(x); rep_len(x, 3)[1:2]; x[order(x)]
cbind(x, y); rbind(x, y); cbind(x); cbind(m, w); rbind(m, w); cbind(1, x); rbind(x, 1L); cbind(m, k); cbind(as.raw(1), x); c(a = x, b = s); c(x, 1L)
rep(x, each = 2); rep(x, length.out = 3); rep(x, 1:7); rep(k, each = 9); rep(n, 3); crossprod(f); f %*% t(f); tcrossprod(f); f %*% 1:3; tcrossprod(f[, 1]); m %*% k[c(1, 1, 2)]
append(x, s, after = 2); cbind(b, 1); rbind(b, k); cbind(x, 'text'); c(x, 'text')
"))

# Operations after which an assignment to an element still works in place. (Functions that
# keep their arguments in a list, such as order(), cost a copy, for any vector.)
in_place_expressions <- as.list(parse(keep.source = FALSE, text = "
x + 1L; 2L * x; x == x; -x; x > 3; sqrt(x); exp(m); log(x, 2); cumsum(x); cummax(x); x[2:3]; m[1:2, ]; m[, 2]; x[-1]
rev(x); rep(x, 2); sort(x); t(m); is.na(x); Re(x); m %*% t(m); x[]; head(x, 3); tail(x, 3); m + m; sum(x); mean(x)
x[[3]]; x[3]; m[2, 3]; rowSums(m); colMeans(m); unique(x); anyDuplicated(x); rank(x); median(x); var(x); which(x > 3); any(x > 3)
"))

# Further operations that have methods here, or look at a whole vector.
trace_expressions <- as.list(parse(keep.source = FALSE, text = "
sum(x); mean(x); range(x); x[[3]]; x[3]; m[2, 3]; m[2, ]; rowSums(m); colMeans(m); unique(x); anyDuplicated(x); order(x); rank(x)
xtfrm(x); summary(x); median(x); quantile(x); var(x); table(x); all.equal(x, x); match(3, x); x %in% 3; which(x > 3); ifelse(x > 3, x, 0)
apply(m, 1, sum); lapply(x, identity); as.data.frame(m); data.frame(x); is.unsorted(x); as.vector(x); as.numeric(x); as.integer(x)
sapply(x, identity); sort(x, decreasing = TRUE); rev(sort(x)); paste(x); identical(x, x); format(m); sort(rev(x)); range(x)
"))
