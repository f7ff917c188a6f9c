# Checks of arguments: each gives its argument in the form that C expects, or
# raises fmalloc_argument in the name of the function that the user called.

check_path <- function(filepath, what = "filepath") {
  if (!is.character(filepath) || length(filepath) != 1L || is.na(filepath)) {
    fail("argument", what, " must be one character string")
  }
  if (!nzchar(filepath)) {
    fail("argument", what, " cannot be empty")
  }
  path.expand(enc2native(filepath))
}

smallest_store <- 131072 # bytes: RFM_FILE_MIN_BYTES
largest_store <- 2^46 # bytes: RFM_FILE_MAX_BYTES

check_size <- function(size_gb) {
  if (is.null(size_gb)) return(NULL)
  if (!is.numeric(size_gb) || length(size_gb) != 1L || is.na(size_gb) || size_gb <= 0) {
    fail("argument", "size_gb must be a positive numeric value")
  }
  bytes <- ceiling(size_gb * 2^30)
  if (bytes > largest_store) {
    fail("argument", "size_gb too large: a store has at most ",
      largest_store / 2^30, " GB")
  }
  if (bytes < smallest_store) {
    fail("argument", "File too small: size_gb asks for ", format(bytes),
      " bytes, and a store needs at least ", smallest_store)
  }
  bytes
}

largest_length <- 2^52 # elements: R_XLEN_T_MAX

check_count <- function(n, what, largest = largest_length) {
  if (!is.numeric(n) || length(n) != 1L || is.na(n) || n < 0) {
    fail("argument", what, " must be a single non-negative number")
  }
  if (n != floor(n)) {
    fail("argument", what, " must be integer-valued, not ", format(n))
  }
  if (n > largest) {
    fail("argument", what, " must be at most ", format(largest, digits = 16))
  }
  as.double(n)
}

check_flag <- function(flag, what) {
  if (!is.logical(flag) || length(flag) != 1L || is.na(flag)) {
    fail("argument", what, " must be TRUE or FALSE")
  }
  flag
}

# Base R checks dimnames as it sets them; here the check must come before the
# vector exists in the file, in base R's words.
check_dimnames <- function(dimnames, dim) {
  if (is.null(dimnames)) return(NULL)
  if (!is.list(dimnames)) fail("argument", "'dimnames' must be a list")
  if (length(dimnames) > length(dim)) {
    fail("argument", "length of 'dimnames' [", length(dimnames),
      "] must match that of 'dims' [", length(dim), "]")
  }
  for (k in seq_along(dimnames)) {
    given <- length(dimnames[[k]])
    if (given != 0L && given != dim[k]) {
      fail("argument", "length of 'dimnames' [", k, "] not equal to array extent")
    }
  }
  dimnames
}

check_fmalloc_vector <- function(x) {
  if (!.Call(rfm_c_is_fmalloc, x)) {
    fail("argument", "x must be a vector that lives in an fmalloc store")
  }
  x
}

# What `plain` is where the caller did not say.
plain_by_option <- function() {
  option <- getOption("Rfmalloc.plain", FALSE)
  if (!is.logical(option) || length(option) != 1L || is.na(option)) {
    fail("argument", "'Rfmalloc.plain' must be TRUE or FALSE")
  }
  option
}
