# cbind() and rbind(). The elements are bound in C, into the store; what the result is
# called, and whether R itself must do it, is decided here. See the chapter on binding.

#' @export
cbind.fmalloc <- function(..., deparse.level = 1) {
  parts <- list(...)
  method <- method_of_another("cbind", parts)
  if (!is.null(method)) return(method(..., deparse.level = deparse.level))
  tags <- labels_of(parts, as.list(substitute(list(...)))[-1L], deparse.level)
  bound("cbind", parts, tags, sys.call(-1L))
}

#' @export
rbind.fmalloc <- function(..., deparse.level = 1) {
  parts <- list(...)
  method <- method_of_another("rbind", parts)
  if (!is.null(method)) return(method(..., deparse.level = deparse.level))
  tags <- labels_of(parts, as.list(substitute(list(...)))[-1L], deparse.level)
  bound("rbind", parts, tags, sys.call(-1L))
}

# The method that R would have found without this package: that of the first object
# which has one, or else that for formal classes. Ours are seen as what they are.
method_of_another <- function(generic, parts) {
  formal <- FALSE
  for (part in parts) {
    if (!is.object(part) || inherits(part, "fmalloc")) next
    for (class in .class2(part)) {
      method <- utils::getS3method(generic, class, optional = TRUE)
      if (!is.null(method)) return(method)
    }
    formal <- formal || isS4(part)
  }
  if (formal) get(generic, asNamespace("methods"))
}

# What a part that is no matrix is called in the result: its tag, or what it is called in
# the call, as far as deparse.level wants that. R shortens what is not a name.
labels_of <- function(parts, expressions, deparse.level) {
  labels <- vector("list", length(parts))
  tags <- names(parts)
  level <- as.integer(deparse.level)[1L]
  for (k in seq_along(parts)) {
    expression <- expressions[[k]]
    if (!is.null(tags) && nzchar(tags[k])) {
      labels[[k]] <- tags[k]
    } else if (level %in% 1L && is.symbol(expression)) {
      labels[[k]] <- as.character(expression)
    } else if (level %in% 2L) {
      text <- deparse(expression, 500L, backtick = TRUE, control = NULL)[1L]
      labels[[k]] <- if (nchar(text) > 10L) paste0(substr(text, 1L, 10L), "...") else text
    }
  }
  labels
}

# One function for both: `own` is the dimension along which the parts are put side by
# side, 2 for cbind() and 1 for rbind(); `other` is the one they share.
bound <- function(generic, parts, labels, call) {
  y <- if (all_bindable(parts)) {
    own <- if (generic == "cbind") 2L else 1L
    bound_in_store(parts, labels, own, shapes_of(parts, 3L - own), call)
  }
  if (!is.null(y)) return(y)
  home <- which(vapply(parts, is_fmalloc, NA))
  names(parts) <- vapply(labels, function(l) if (is.null(l)) "" else l, "")
  y <- do.call(generic, c(lapply(parts, view), list(deparse.level = 0)), quote = TRUE)
  if (length(home)) in_store(y, parts[[home[1L]]]) else y
}

all_bindable <- function(parts) {
  all(vapply(parts, is_bindable, NA)) && any(vapply(parts, is_fmalloc, NA))
}

is_bindable <- function(part) is_joinable(part) && length(part) <= .Machine$integer.max

# Which parts are matrices, which ones count, and how far they extend in the dimension
# they share. Empty vectors count only where there is nothing else.
shapes_of <- function(parts, other) {
  is_matrix <- vapply(parts, function(p) length(dim(p)) == 2L, NA)
  size <- vapply(parts, length, 0)
  across <- size
  across[is_matrix] <- vapply(parts[is_matrix], function(p) dim(p)[other], 0)
  counts <- is_matrix | size > 0 | !any(across > 0)
  extent <- if (any(is_matrix)) across[is_matrix][1L] else max(0, size[counts])
  list(is_matrix = is_matrix, size = size, counts = counts, extent = extent,
    fit = all(across[is_matrix] == extent))
}

# NULL if R must do it, or is to say what is wrong.
bound_in_store <- function(parts, labels, own, shapes, call) {
  extent <- shapes$extent
  if (!shapes$fit || extent == 0) return(NULL)
  thickness <- as.double(shapes$counts)
  thickness[shapes$is_matrix] <- vapply(parts[shapes$is_matrix], function(p) dim(p)[own], 0)
  dim <- c(sum(thickness), extent)[c(own, 3L - own)]
  if (any(dim > .Machine$integer.max)) return(NULL)
  dimnames <- bound_names(parts, labels, own, shapes)
  y <- if (own == 2L) {
    .Call(rfm_c_bind, parts, thickness * extent, 1, as.integer(dim), dimnames)
  } else {
    .Call(rfm_c_bind, parts, thickness, extent, as.integer(dim), dimnames)
  }
  if (!is.null(y)) warn_of_length(shapes, own, call)
  y
}

warn_of_length <- function(shapes, own, call) {
  odd <- !shapes$is_matrix & shapes$size > 0 &
    (shapes$size > shapes$extent | shapes$extent %% shapes$size != 0)
  if (any(odd)) {
    warning(simpleWarning(paste0("number of ", c("columns", "rows")[own],
      " of result is not a multiple of vector length (arg ", which(odd)[1L], ")"), call))
  }
}

# Along the shared dimension the first part that has suitable names gives them. The other
# names are those of all parts together, if any part has some.
bound_names <- function(parts, labels, own, shapes) {
  shared <- NULL
  along <- vector("list", length(parts))
  named <- FALSE
  for (k in which(shapes$counts)) {
    part <- parts[[k]]
    if (shapes$is_matrix[k]) {
      ours <- dimnames(part)[[own]]
      theirs <- dimnames(part)[[3L - own]]
      along[[k]] <- if (is.null(ours)) rep.int("", dim(part)[own]) else ours
    } else {
      ours <- labels[[k]]
      theirs <- if (length(part) == shapes$extent) names(part)
      along[[k]] <- if (is.null(ours)) "" else ours
    }
    named <- named || !is.null(ours)
    if (is.null(shared)) shared <- theirs
  }
  if (!named && is.null(shared)) return(NULL)
  list(shared, if (named) as.character(unlist(along)))[c(3L - own, own)]
}
