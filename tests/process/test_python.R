# A reader in another language: tests/reader/read_store.py, which was written from the book's
# appendix on the format, lists and prints what R put into a store. Its lines are compared with
# the same lines made by R, doubles by their bits.

source("tests/process/tap.R")

script <- normalizePath("tests/reader/read_store.py")

# -- The canonical form, made by R ---------------------------------------------------------

bits <- function(x) {
  bytes <- matrix(as.character(writeBin(x, raw(), size = 8, endian = "big")), 8)
  do.call(paste0, lapply(1:8, function(k) bytes[k, ]))
}
shown_double <- function(x) paste(bits(x), sprintf("%.15g", x))

escapes <- lapply(as.raw(0:255), function(b) {
  code <- as.integer(b)
  if (code %in% c(34, 92)) return(as.raw(c(92, code)))
  if (code < 32 || code == 127) return(charToRaw(sprintf("\\x%02x", code)))
  b
})
flagged_escapes <- c(escapes[1:128], lapply(128:255, function(b) charToRaw(sprintf("\\x%02x", b))))

shown_string <- function(s) {
  if (is.na(s)) return("NA")
  flagged <- Encoding(s) == "bytes"
  bytes <- as.integer(charToRaw(if (flagged) s else enc2utf8(s))) + 1L
  text <- rawToChar(as.raw(unlist((if (flagged) flagged_escapes else escapes)[bytes])))
  text <- paste0(if (flagged) "b", "\"", text, "\"")
  Encoding(text) <- "UTF-8"
  text
}

is_value <- function(x) isS4(x) ||
  typeof(x) %in% c("symbol", "language", "pairlist", "expression", "S4")

canonical <- function(x, depth = 0) {
  line <- function(deeper, text) {
    if (length(text)) paste0(strrep("  ", depth + deeper), text) else character()
  }
  if (is.null(x)) return(line(0, "NULL"))
  if (is_value(x)) {
    bytes <- as.character(serialize(x, NULL, xdr = FALSE, version = 3))
    rows <- split(bytes, (seq_along(bytes) - 1) %/% 32)
    return(c(line(0, paste("serialized", length(bytes))),
      line(1, vapply(rows, paste, "", collapse = "", USE.NAMES = FALSE))))
  }
  y <- x
  attributes(y) <- NULL
  elements <- switch(typeof(y),
    logical = line(1, ifelse(is.na(y), "NA", ifelse(y, "TRUE", "FALSE"))),
    integer = line(1, ifelse(is.na(y), "NA", sprintf("%d", y))),
    double = if (length(y)) line(1, shown_double(y)),
    complex = if (length(y)) line(1, paste0(shown_double(Re(y)), "  ", shown_double(Im(y)))),
    raw = line(1, as.character(y)),
    character = line(1, vapply(y, shown_string, "", USE.NAMES = FALSE)),
    list = unlist(lapply(y, canonical, depth = depth + 1))
  )
  dress <- attributes(x)
  if ("row.names" %in% names(dress)) dress["row.names"] <- list(.row_names_info(x, 0L))
  c(line(0, paste(typeof(y), length(y))), elements,
    unlist(lapply(order(enc2utf8(as.character(names(dress))), method = "radix"), function(k) {
      name <- shown_string(names(dress)[k])
      c(line(1, paste0("@", substr(name, 2, nchar(name) - 1))), canonical(dress[[k]], depth + 2))
    })))
}

catalogue <- function(store) {
  seen <- list_fmalloc(store)
  value <- vapply(seen$name, function(name) is_value(get_fmalloc(name, store)), NA)
  seen$class[value] <- seen$size[value] <- "?"
  seen$type[value] <- "serialized"
  if (!nrow(seen)) return(character())
  # in the order of the bytes of the names
  seen <- seen[order(enc2utf8(seen$name), method = "radix"), ]
  paste(vapply(seen$name, shown_string, ""), seen$class, seen$type, seen$size,
    format(seen$put, "%Y-%m-%d %H:%M:%S", tz = "UTC"),
    vapply(seen$description, shown_string, ""), sep = "\t")
}

# -- The script ------------------------------------------------------------------------------

python <- function(...) {
  out <- tempfile()
  said <- tempfile()
  on.exit(unlink(c(out, said)))
  status <- system2("python3", c("-B", shQuote(c(...))), stdout = out, stderr = said)
  list(status = status, lines = readLines(out, encoding = "UTF-8", warn = FALSE),
    said = paste(readLines(said, warn = FALSE), collapse = "\n"))
}
reader <- function(...) python(script, "--", ...)

# Some words about a store that only a program at its bytes can say.
ask <- function(path, ...) {
  python("-c", paste(c("import sys", "sys.path.insert(0, 'tests/reader')",
    "import read_store as r", ...), collapse = "\n"), path)$lines
}
kinds <- function(path) {
  ask(path, "for kind, _, _ in r.Log(r.File(sys.argv[1])).records():",
    "    print(next(k for k in ('MOVE', 'EXTEND', 'OTHER') if getattr(r, k, kind) == kind))")
}
windows <- function(path) {
  as.integer(ask(path, "store = r.Store(sys.argv[1])",
    "print(sum(store.entries[store.taken_apart(id_)[0]].length != store.taken_apart(id_)[1][1]",
    "          for id_, _, _ in store.names.values()))"))
}

first_difference <- function(a, b) {
  if (identical(a, b)) return(NULL)
  n <- max(length(a), length(b))
  k <- which(!mapply(identical, c(a, rep(NA, n - length(a))), c(b, rep(NA, n - length(b)))))[1]
  paste0(", but line ", k, " is: ", a[k], " | R: ", b[k])
}

same <- function(path, name, value, when) {
  got <- reader(path, name)
  ok(got$status == 0 && identical(got$lines, canonical(value)), when, ": ", name, ", ",
    length(got$lines), " lines", got$said, first_difference(got$lines, canonical(value)))
}

same_list <- function(path, store, when) {
  got <- reader(path)
  ok(got$status == 0 && identical(got$lines, catalogue(store)), when, ": the list of ",
    length(got$lines), " objects", got$said, first_difference(got$lines, catalogue(store)))
}

# -- Objects of every type -------------------------------------------------------------------

latin1 <- "\xfcber"
Encoding(latin1) <- "latin1"
bytes <- c("\xff\x01", "\xc3\xa9 and more than twelve bytes")
Encoding(bytes) <- "bytes"
text <- c("a", NA, "", "twelve bytes", "thirteen byte", "\u00fcber \u03b1\u03b2 \U1F426",
  strrep("long ", 2000), latin1, bytes, "tab\t, line\nand \"quote\" \\ \x7f")
setClass("PythonPoint", representation(x = "numeric"))

objects <- list(
  logical = c(TRUE, NA, FALSE), integer = c(1L, NA, -5L, .Machine$integer.max),
  numeric = c(1.5, NA, NaN, Inf, -Inf, -0, 0, 1 / 3, 5e-324, 1.7976931348623157e308, pi * 1e20),
  complex = c(1+2i, NA, complex(real = NaN, imaginary = -0)), raw = as.raw(0:255), character = text,
  factor = factor(c("u", "v", NA, "u"), levels = c("v", "u")),
  ordered = factor(c("lo", "hi"), levels = c("lo", "hi"), ordered = TRUE),
  date = as.Date("2026-01-31") + 0:70,
  time = as.POSIXct("2026-01-31", tz = "Europe/Vienna") + c(0.5, NA),
  broken_time = as.POSIXlt("2026-01-31 12:00:00", tz = "UTC"),
  difference = as.difftime(c(1.5, 2), units = "hours"), series = ts(c(1, 4, 9), start = 2000),
  matrix = matrix(c(1.5, NaN, -0, Inf), 2, dimnames = list(c("r", "s"), NULL)),
  array = array(1:24, 2:4, list(NULL, b = letters[1:3], NULL)), flat = array(1:3, 3),
  named = c(a = 1L, "\u03b1\u03b2" = NA),
  list = list(1L, NULL, a = "x", list(b = NULL, list(2.5, list(NULL))), NULL),
  frame = data.frame(n = 1:3, f = factor(c("x", "y", "x")), s = c("one", NA, "three")),
  row_names = data.frame(n = 1:2, row.names = c("i", "j")),
  integer_rows = data.frame(n = 1:4)[c(4, 2), , drop = FALSE],
  list_column = structure(list(n = 1:2, l = list(1:3, list("a", NULL))), class = "data.frame",
    row.names = 1:2),
  no_rows = data.frame(a = integer(), b = character()), no_columns = data.frame()[1:3, ],
  no_logical = logical(), no_integer = integer(), no_numeric = numeric(), no_complex = complex(),
  no_raw = raw(), no_character = character(), no_list = list(),
  no_levels = factor(character()), no_matrix = matrix(numeric(), 0, 3),
  odd = structure(1, "a name\nwith \u00fc" = structure(2, deeper = structure(3, deepest = "end"))),
  call = quote(f(x, y = 2)[[1]]), symbol = quote(z), formula = y ~ x + log(z),
  calls = list(quote(a + b), expression(a, b + 1), pairlist(a = 1)),
  s4 = methods::new("PythonPoint", x = 1.5),
  sequence = 1:20000, much_text = sprintf("number %d of all of them", 1:5000)
)
environment(objects$formula) <- globalenv()
attr(objects$formula, ".Environment") <- NULL
objects["null"] <- list(NULL)
objects[["-a name, \"quoted\", with \u00fc and\ttab"]] <- "odd"

every_type <- function(folder) {
  path <- file.path(folder, "every.bin")
  store <- open_fmalloc(path, size_gb = 131072 / 2^30)
  for (name in names(objects)) {
    put_fmalloc(name, objects[[name]], store, description = if (name == "raw") "256 \u00e4" else "")
  }
  same_list(path, store, "a store in use")
  for (name in names(objects)) same(path, name, objects[[name]], "in use")
  expected <- catalogue(store)
  cleanup_fmalloc(store)
  rm(store)
  gc(full = TRUE)
  before <- tools::md5sum(path)
  got <- reader(path)
  ok(got$status == 0 && identical(got$lines, expected), "closed: the same list", got$said)
  for (name in c("list", "character", "numeric")) same(path, name, objects[[name]], "closed")
  ok(identical(before, tools::md5sum(path)), "the script has not changed the file")
  got <- reader(path, "nobody")
  ok(got$status == 1 && grepl("nobody", got$said), "a name that is not there: ", got$said)
}

# -- Objects come and go ---------------------------------------------------------------------

changes <- function(folder) {
  path <- file.path(folder, "changes.bin")
  store <- open_fmalloc(path, size_gb = 131072 / 2^30)
  state <- list()
  for (k in 1:300) {      # enough for the log to need more segments, and to be written anew
    name <- sprintf("object %d", k %% 23)
    state[[name]] <- objects[[1 + k %% length(objects)]]
    store[[name]] <- state[[name]]
    if (k %% 60 == 0) sync_fmalloc(store)
  }
  remove_fmalloc("object 3", store)
  rename_fmalloc("object 4", "an\u00f6ther name", store)
  transaction_fmalloc(store, {
    store$one <- list(1, "one")
    store$two <- factor("two")
    store[["object 5"]] <- NULL
  })
  same_list(path, store, "after replacing, removing and renaming")
  for (name in names(store)) same(path, name, store[[name]], "replaced")

  x <- create_fmalloc_vector("numeric", 30000, store)
  x[] <- sin(1:30000)
  store$ours <- x
  s <- create_fmalloc_vector("character", 9000, store)
  s[] <- sprintf("number %d of several thousand strings", 1:9000)
  store$strings <- list(s[1:3], x, s)
  x[1] <- NA
  for (name in c("ours", "strings")) same(path, name, store[[name]], "a vector of the store")
  ok(identical(reader(path, "ours")$lines[2], "  3feaed548f090cee 0.841470984807897"),
    "what was put stays what it was")

  # A list that a commit knows moves when it is changed.
  l <- create_fmalloc_vector("list", 3, store)
  l[[1]] <- as_fmalloc(1, store)
  sync_fmalloc(store)
  l[[2]] <- as_fmalloc("moved", store)
  store$moved <- l
  same(path, "moved", store$moved, "a list that was moved")
  ok("MOVE" %in% kinds(path), "there is a MOVE in the log")

  # R makes a large part of a sealed vector a view of it, which is stored with its whole.
  store$whole <- sin(1:30000)
  store$whole_text <- sprintf("number %d of several thousand strings", 1:9000)
  whole <- store$whole
  store$part <- whole[101:29000]
  store$text_part <- store$whole_text[11:8990]
  same(path, "part", sin(101:29000), "a part of a vector")
  same(path, "text_part", store$whole_text[11:8990], "a part of a vector of strings")
  ok(identical(windows(path), 2L), "the parts are stored as windows")

  if (exists("view_fmalloc")) {
    store$view <- view_fmalloc(whole, 101, 20000)
    same(path, "view", sin(101:20100), "a view")
  } else skip("a view", "there is no view_fmalloc()")
  if (exists("append_fmalloc")) {
    for (k in 1:4) {
      append_fmalloc("numbers", k + 1:9000 / 1e4, store)
      append_fmalloc("texts", sprintf("text %d, of a good length", 1:4500 * k), store)
      append_fmalloc("table", data.frame(n = rep(k, 9000), s = sprintf("row number %d", 1:9000)),
        store)
      if (k == 3) store$three <- store$texts
    }
    for (name in c("numbers", "texts", "table", "three")) {
      same(path, name, store[[name]], "appended to")
    }
    ok(length(store$three) == 13500, "what was taken before goes on with its length")
    ok("EXTEND" %in% kinds(path), "there is an EXTEND in the log")
  } else skip("what was appended to", "there is no append_fmalloc()")
  if (exists("compact_fmalloc")) {
    rm(x, s, whole, l)
    for (name in setdiff(names(store), c("one", "two"))[1:10]) store[[name]] <- NULL
    gc(full = TRUE)
    compact_fmalloc(store)
    same_list(path, store, "compacted")
    for (name in names(store)) same(path, name, store[[name]], "compacted")
  } else skip("a compacted store", "there is no compact_fmalloc()")
  cleanup_fmalloc(store)
}

# -- Kill, and power cut ---------------------------------------------------------------------

victim <- function(folder) {
  store <- open_fmalloc(file.path(folder, "killed.bin"))
  store$synced <- c(first = 1, second = 2)
  store$both <- "old"
  sync_fmalloc(store)
  store$both <- list("new", 1:3)
  store$later <- "not synced, and long enough for a part of its own"
  store$synced <- NULL
  say("ready")
  k <- 0
  repeat store$counter <- (k <- k + 1)
}

# A copy of a file with other bytes: `deeds` change d, and then superblocks get their checksum.
forged <- function(from, to, ...) {
  file.copy(from, to, overwrite = TRUE)
  ask(to, "d = bytearray(open(sys.argv[1], 'rb').read())", ..., "for at in (0, 4096):",
    "    if any(d[at:at + 128]):",
    "        d[at + 124:at + 128] = r.crc32c(d[at:at + 124]).to_bytes(4, 'little')",
    "open(sys.argv[1], 'wb').write(d)")
  to
}

killed <- function(folder) {
  path <- file.path(folder, "killed.bin")
  process <- start("victim", folder)
  if (hear(process) != "ready") stop("the other process did not get ready")
  Sys.sleep(0.3)
  signal(process, tools::SIGKILL)
  told(process)
  list <- reader(path)
  all <- lapply(c("both", "later", "counter"), function(name) reader(path, name)$lines)
  # what a machine that was switched off meanwhile leaves: another boot id
  cut <- forged(path, file.path(folder, "cut.bin"), "d[72] ^= 1", "d[4096 + 72] ^= 1")
  store <- open_fmalloc(path, size_gb = 131072 / 2^30)
  ok(identical(list$lines, catalogue(store)), "after a kill: the list of ", length(list$lines),
    list$said)
  ok(identical(all, lapply(c("both", "later", "counter"), function(n) canonical(store[[n]]))),
    "after a kill: the same values, ", store$counter, " times replaced")
  cleanup_fmalloc(store)

  list <- reader(cut)
  store <- open_fmalloc(cut, access = "read")
  ok(identical(names(store), c("both", "synced")) && identical(list$lines, catalogue(store)),
    "after a power cut: the list of the last sync, ", length(list$lines), list$said)
  same(cut, "synced", c(first = 1, second = 2), "after a power cut")
  same(cut, "both", "old", "after a power cut")
  cleanup_fmalloc(store)
}

# -- While another process writes ------------------------------------------------------------

writer <- function(folder) {
  store <- open_fmalloc(file.path(folder, "busy.bin"))
  for (name in names(objects)[1:20]) store[[name]] <- objects[[name]]
  put <- function(k) transaction_fmalloc(store, {
    store$numbers <- rep(as.numeric(k), 2000)
    store$words <- rep(sprintf("this is round number %d", k), 500)
  })
  put(1)
  say("ready")
  await(file.path(folder, "compared"))
  k <- 1
  while (!file.exists(file.path(folder, "stop"))) {
    put(k <- k + 1)
    if (k %% 50 == 0) sync_fmalloc(store)
    if (exists("compact_fmalloc") && k %% 100 == 0) compact_fmalloc(store)
  }
  say(k)
}

busy <- function(folder) {
  path <- file.path(folder, "busy.bin")
  process <- start("writer", folder)
  if (hear(process) != "ready") stop("the other process did not get ready")
  store <- open_fmalloc(path, access = "read")
  same_list(path, store, "while another process has the store open")
  for (name in names(store)) same(path, name, store[[name]], "open elsewhere")
  go(file.path(folder, "compared"))
  seen <- 0
  wrong <- character()
  for (k in 1:30) {
    name <- if (k %% 2) "numbers" else "words"
    got <- reader(path, name)
    values <- unique(got$lines[-1])
    head <- if (k %% 2) "double 2000" else "character 500"
    if (got$status != 0 || got$lines[1] != head || length(values) != 1) {
      wrong <- c(wrong, got$said, utils::head(values, 3))
    }
    seen <- seen + length(values)
  }
  go(file.path(folder, "stop"))
  rounds <- hear(process)
  told(process)
  ok(length(wrong) == 0, "thirty looks while another process replaced all ", rounds,
    " times: each saw whole objects", wrong)
  cleanup_fmalloc(store)
}

# -- The example of the book, and damage ------------------------------------------------------

example <- function(folder) {
  path <- file.path(folder, "tiny.bin")
  rows <- grep("^ *[0-9]+  ", readLines("tests/reader/tiny.txt"), value = TRUE)
  contents <- raw(131072)
  for (row in rows) {
    at <- as.integer(sub("^ *([0-9]+)  .*", "\\1", row))
    hex <- strsplit(trimws(substr(row, 9, 56)), " +")[[1]]
    contents[at + seq_along(hex)] <- as.raw(strtoi(hex, 16L))
  }
  writeBin(contents, path)
  ok(rfm_check(path) == 0, "the example in the book is a sound store")
  store <- open_fmalloc(path, access = "read")
  same_list(path, store, "the book's example")
  same(path, "gulls", structure(list(c("Larus", "Great Black-backed Gull"), c(1.5, NA)),
    names = c("name", "kg")), "the book's example")
  ok(identical(collect_fmalloc(store$gulls),
    list(name = c("Larus", "Great Black-backed Gull"), kg = c(1.5, NA))), "R finds the same in it")
  cleanup_fmalloc(store)

  # The same without its COMMIT and its NAME, as after the death of a process.
  half <- forged(path, file.path(folder, "half.bin"), "d[12968:13080] = bytes(112)",
    "d[12] = 0", "d[80] = 0", "d[64:80] = r.boot_id()")
  store <- open_fmalloc(half, access = "read")
  got <- reader(half)
  ok(identical(names(store), character()) && got$status == 0 && !length(got$lines) &&
    "0" == ask(half, "print(len(r.Store(sys.argv[1]).entries))"),
    "half a group counts as nothing", got$said)
  cleanup_fmalloc(store)
  # One cell of the list leads to the list.
  got <- reader(forged(path, file.path(folder, "loop.bin"), "d[77952] = 4"), "gulls")
  ok(got$status == 1 && grepl("contains itself", got$said), "a list in itself: ", got$said)
  # A COMMIT behind a broken record, after a power cut, and any record after a clean end.
  got <- reader(forged(path, file.path(folder, "hole.bin"), "d[12968] ^= 1", "d[12] = 0",
    "d[80] = 0"))
  ok(got$status == 1 && grepl("is broken although", got$said), "a COMMIT behind a hole: ", got$said)
  got <- reader(forged(path, file.path(folder, "short.bin"), "d[13032:13080] = bytes(48)"))
  ok(got$status == 1 && grepl("ends before record 9", got$said), "a clean end too early: ",
    got$said)
}

damage <- function(folder) {
  got <- reader("README.md")
  ok(got$status == 1 && grepl("too small to be a store", got$said), "a foreign file: ", got$said)
  other <- file.path(folder, "other.bin")
  writeBin(raw(131072), other)
  got <- reader(other)
  ok(got$status == 1 && grepl("does not begin like a store", got$said), "zeros: ", got$said)
  got <- reader(file.path(folder, "none.bin"))
  ok(got$status == 1 && grepl("No such file", got$said), "no file: ", got$said)
  for (path in file.path(folder, c("tiny.bin", "every.bin"))) {
    got <- python("tests/reader/spoil_store.py", path, 300, seed())
    ok(got$status == 0, "the script refuses what was spoiled, and never breaks: ",
      utils::tail(got$lines, 1), got$said)
  }
}

if (length(arguments)) {
  get(arguments[1])(arguments[2])
} else if (!nzchar(Sys.which("python3"))) {
  skip("a reader in Python", "there is no python3")
  finish()
} else {
  folder <- work_folder()
  every_type(folder)
  changes(folder)
  killed(folder)
  busy(folder)
  example(folder)
  damage(folder)
  finish()
}
