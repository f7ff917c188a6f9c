# Another package's C code, through Rfmalloc.h: vectors and blocks that it makes,
# fills, reads, keeps and frees; and what it must not do, done on purpose.

source("tests/process/tap.R")
suppressPackageStartupMessages(library(rfmclient))

C <- client_call
folder <- if (length(arguments)) dirname(arguments) else work_folder()
place <- function(name) file.path(folder, name)
reason <- function() C("c_last_error")
poke <- function(block, bytes) invisible(C("c_poke", block, as.raw(bytes)))
peek <- function(block, n) as.integer(C("c_peek", block, n))
same <- function(a, b) identical(capture.output(print(a)), capture.output(print(b)))
# A call that fails without a jump: it says so, and says why.
refused <- function(value, failure, why, what) {
  ok(identical(value, failure) && grepl(why, reason()), what, ": ", reason())
}

# The other process: keeps a block, and one that it does not keep, and is killed.
if (length(arguments)) {
  store <- open_fmalloc(arguments)
  C("c_malloc", store, 5000)
  block <- C("c_malloc", store, 1000)
  poke(block, rep(1:250, 4))
  id <- C("c_keep", block)
  poke(block, 99)
  say(id)
  Sys.sleep(60)
}

# ---- what a client finds when it is loaded ----

ok(C("c_version"), "the loaded version is that of the header")
ok(identical(C("cpp_version"), 1L), "the header works in C++")
ok(identical(reason(), ""), "no call has failed yet")
ok(inherits(error_of(C("c_raise")), "fmalloc_argument"), "there is nothing to raise yet")

# The vignette shows the function that is tested here.
body <- function(file) {
  lines <- readLines(file)
  start <- grep("^squares\\(", lines)
  lines[start:(start + grep("^}", lines[-seq_len(start)])[1])]
}
ok(identical(body("tests/client/rfmclient/src/smallest.c"), body("rpkg/vignettes/c-api.Rmd")),
  "the vignette's squares() is the one that is tested")

# ---- runtimes ----

ok(is.null(C("c_default")), "no default runtime")
refused(C("c_malloc", NULL, 10), NULL, "fmalloc not initialized", "malloc without a default")
e <- error_of(C("c_create", NULL, 13, 10))
ok(inherits(e, "fmalloc_argument") && grepl("fmalloc not initialized", conditionMessage(e)),
  "a vector without a default: ", conditionMessage(e))
refused(C("c_sync", NULL), -1L, "fmalloc not initialized", "sync without a default")

path <- place("store.bin")
store <- C("c_open", path, 0.125, NULL)
ok(inherits(store, "fmalloc_runtime") && attr(store, "initialized") &&
  attr(store, "mode") == "persistent" && file.size(path) == 2^27, "C opens a store")
for (bad in list(
  list("", 0, NULL, "cannot be empty"), list(place("x"), -1, NULL, "size_gb must be a positive"),
  list(place("x"), 1e9, NULL, "size_gb too large"), list(place("x"), 0, "none", "should be one of"),
  list(place("x"), 0, "read", "No such file"), list(path, 0, "scratch", "already open with mode"),
  list(NULL, 0, NULL, "filepath must be"))) {
  e <- error_of(do.call(C, c("c_open", bad[1:3])))
  ok(!is.null(e) && grepl(bad[[4]], conditionMessage(e)), "open refuses: ", conditionMessage(e))
}
ok(identical(names(C("c_list", store)), names(list_fmalloc_allocations(store))) &&
  nrow(C("c_list", store)) == 0, "a new store lists no rows")

# ---- vectors ----

x <- client_squares(store, 1000)
ok(inherits(x, "fmalloc_vector") && identical(as.numeric(x[]), (1:1000)^2),
  "a vector that C has filled")
types <- c(logical = 10L, integer = 13L, numeric = 14L, complex = 15L, raw = 24L)
for (name in names(types)) {
  v <- C("c_create", store, types[[name]], 65)
  ok(inherits(v, name) && identical(as.vector(v[]), vector(name, 65)), "C makes ", name)
  ok(C("c_is_vector", v) == 1L && C("c_type", v) == types[[name]] && C("c_length", v) == 65 &&
    !is.null(C("c_payload", v)) && C("c_remainder", C("c_payload", v), 64) == 0, "and knows ", name)
}
rows <- subset(C("c_list", store), state == "committed")
texts <- C("c_create", store, 16L, 3)
texts[2] <- "longer than a cell can be, by far"
ok(C("c_is_vector", texts) == 1L && C("c_type", texts) == 16L && C("c_length", texts) == 3 &&
  identical(as.vector(texts[]), c("", "longer than a cell can be, by far", "")), "C makes character")
ok(is.null(C("c_payload", texts)) && C("c_writable", texts) == 0L, "whose cells it does not give out")
both <- C("c_create", store, 19L, 2)
both[[2]] <- texts
ok(C("c_is_vector", both) == 1L && C("c_type", both) == 19L && C("c_length", both) == 2 &&
  is.null(both[[1]]) && C("c_is_vector", both[[2]]) == 1L, "C makes lists")
ok(is.null(C("c_payload", both)) && C("c_writable", both) == 0L, "whose ids it does not give out")
ok(identical(rows$type, c("numeric", names(types))), "they are in the catalogue")
for (other in list(1:10, NULL, "a", list(), quote(x), sum, store, mtcars)) {
  ok(C("c_is_vector", other) == 0L && C("c_type", other) == 0L && C("c_length", other) == -1 &&
    is.null(C("c_payload", other)) && C("c_writable", other) == 0L,
    "not a vector of ours: ", class(other)[1])
}
e <- error_of(C("c_create", store, 4L, 1))
ok(inherits(e, "fmalloc_argument") && grepl("Unsupported vector type: SEXPTYPE 4", conditionMessage(e)),
  "no vector of environments: ", conditionMessage(e))
e <- error_of(C("c_create", store, 13L, -1))
ok(inherits(e, "fmalloc_argument") && grepl("non-negative", conditionMessage(e)), "no negative length")
e <- error_of(C("c_create", store, 24L, 2^47))
ok(inherits(e, "fmalloc_too_large"), "no vector larger than a store can be")

ok(C("c_writable", x) == 1L, "a new vector may be written to")
poke(C("c_payload", x), rep(0, 16))
ok(identical(as.numeric(x[1:3]), c(0, 0, 9)), "what C writes, R sees")
file <- place("x.rds")
saveRDS(x, file)
ok(C("c_writable", x) == 0L, "one whose reference was saved may not")
y <- x[1:500]
ok(C("c_is_vector", y) == 1L && C("c_writable", y) == 1L, "a subset is a vector of its own")
invisible(destroy_fmalloc_vector(y))
ok(is.null(C("c_payload", y)) && C("c_writable", y) == 0L, "a destroyed vector has no address")

# ---- blocks ----

a <- C("c_malloc", store, 100)
b <- C("c_calloc", store, 25, 4)
ok(C("c_remainder", a, 64) == 0 && C("c_remainder", b, 64) == 0, "blocks are aligned to 64 bytes")
ok(C("c_remainder", C("c_malloc", store, 5000), 4096) == 0, "large ones to pages")
ok(C("c_bytes", a) == 100 && C("c_bytes", b) == 100, "they know their size")
ok(identical(peek(b, 100), integer(100)), "calloc gives zeros")
poke(a, 1:100)
ok(identical(peek(b, 100), integer(100)) && identical(peek(a, 100), 1:100), "and they are apart")
ok(C("c_id", a) == 0, "a block has no id at first")
# (R's own temporaries are of other lengths)
blocks <- function() {
  rows <- C("c_list", store)
  sum(rows$state == "temporary" & rows$length %in% c(1, 64, 100, 5000, 70000))
}
ok(blocks() == 3, "three blocks are listed")
ok(C("c_free", a) == 0L && C("c_free", NULL) == 0L, "free")
refused(C("c_free", a), -1L, "freed before, or never was one", "free twice")
ok(blocks() == 2, "one less is listed")
ok(identical(peek(b, 100), integer(100)), "its neighbour is as before")
zero <- C("c_malloc", store, 0)
ok(!is.null(zero) && C("c_bytes", zero) == 0 && C("c_free", zero) == 0L, "a block of 0 bytes")
refused(C("c_free", C("c_shift", b, 64)), -1L, "never was one", "free inside a block")
refused(C("c_free", C("c_foreign")), -1L, "never was one", "free of another allocator's memory")
refused(C("c_free", C("c_payload", x)), -1L, "never was one", "free of a vector's payload")
refused(C("c_bytes", a), 0, "never was one", "size of a freed block")
refused(C("c_id", a), 0, "never was one", "id of a freed block")
refused(C("c_keep", a), 0, "never was one", "keep a freed block")
refused(C("c_release", a), -1L, "never was one", "release a freed block")
refused(C("c_realloc", store, a, 10), NULL, "never was one", "realloc of a freed block")
refused(C("c_malloc", store, 2^50), NULL, "larger than any", "malloc of 2^50 bytes")
refused(C("c_calloc", store, 2^40, 2^40), NULL, "more than 64 bits", "calloc of 2^80 bytes")
ok(inherits(error_of(C("c_raise")), "fmalloc_too_large"), "a failure can be raised with its class")
refused(C("c_malloc", 1, 10), NULL, "closed", "malloc on something else")

b <- C("c_realloc", store, b, 10)
ok(C("c_bytes", b) == 10, "a block shrinks")
poke(b, 1:10)
b <- C("c_realloc", store, b, 1e6)
ok(C("c_bytes", b) == 1e6 && identical(peek(b, 10), 1:10), "and grows with its bytes")
refused(C("c_realloc", store, b, 2^50), NULL, "larger than any", "it cannot grow so much")
ok(C("c_bytes", b) == 1e6 && identical(peek(b, 10), 1:10), "and is as before")
fresh <- C("c_realloc", store, NULL, 64)
ok(C("c_bytes", fresh) == 64, "realloc of nothing is malloc")
ok(C("c_free", fresh) == 0L && C("c_free", b) == 0L, "both are freed")

# Thousands of calls in any order, compared with what lists in R remember; then the same
# blocks as the next session finds them.
invisible(seed())
model <- C("c_open", place("model.bin"), 0, NULL)
known <- list()                 # the addresses
truth <- list()                 # what should be there
ids <- numeric()
wrong <- 0
agrees <- function(block, bytes) {
  C("c_bytes", block) == length(bytes) && all(peek(block, length(bytes)) == bytes)
}
for (k in 1:3000) {
  what <- if (length(truth)) sample(5, 1) else 1
  i <- if (what > 1) sample(length(truth), 1)
  n <- sample(c(0, 1, 64, 100, 5000, 70000), 1)
  bytes <- sample(255, 1)
  if (what == 1) {
    i <- length(known) + 1
    known[[i]] <- C("c_malloc", model, n)
    truth[[i]] <- rep(bytes, n)
    ids[i] <- 0
    poke(known[[i]], truth[[i]])
  } else if (what == 2) {
    known[[i]] <- C("c_realloc", model, known[[i]], n)
    old <- truth[[i]][seq_len(min(n, length(truth[[i]])))]
    truth[[i]] <- c(old, rep(bytes, n - length(old)))
    wrong <- wrong + any(peek(known[[i]], length(old)) != old)
    poke(known[[i]], truth[[i]])
  } else if (what == 3) {
    wrong <- wrong + !agrees(known[[i]], truth[[i]])
  } else if (what == 4) {
    wrong <- wrong + (C("c_id", known[[i]]) != ids[i])
    ids[i] <- C("c_keep", known[[i]])
  } else {
    wrong <- wrong + !agrees(known[[i]], truth[[i]]) + (C("c_free", known[[i]]) != 0L)
    known[[i]] <- truth[[i]] <- NULL
    ids <- ids[-i]
  }
}
wrong <- wrong + sum(!mapply(agrees, known, truth))
ok(wrong == 0, "3000 calls in any order: ", length(known), " blocks left, none of them wrong")
invisible(C("c_cleanup", model))
model <- C("c_open", place("model.bin"), 0, NULL)
again <- lapply(ids[ids > 0], function(id) C("c_find", model, id))
ok(nrow(C("c_list", model)) >= length(again) && all(mapply(agrees, again, truth[ids > 0])),
  sum(ids > 0), " of them were kept, and are found as they were")
ok(!anyDuplicated(ids[ids > 0]), "each under its own id")
for (block in again) C("c_free", block)
ok(!any(C("c_list", model)$state == "committed"), "and are freed for good")
invisible(C("c_cleanup", model))

# ---- blocks that are kept ----

a <- C("c_malloc", store, 300)
poke(a, rep(5, 300))
id <- C("c_keep", a)
ok(id > 0 && C("c_keep", a) == id && C("c_id", a) == id, "a kept block has an id, and one only")
row <- C("c_list", store)
row <- row[row$generation == id, ]
ok(row$state == "committed" && row$type == "bytes" && row$length == 300 && !row$recoverable,
  "it is in the catalogue")
e <- error_of(recover_fmalloc_vector(store, row$record_offset))
ok(inherits(e, "fmalloc_no_record"), "but not as a vector: ", conditionMessage(e))
ok(same(C("c_find", store, id), a), "found at the same address while it is in use")
ok(C("c_release", a) == 0L && C("c_bytes", a) == 300, "released once, it is still there")
ok(C("c_release", a) == 0L, "released as often as made and found")
refused(C("c_release", a), -1L, "never was one", "and no more")
a <- C("c_find", store, id)
ok(identical(peek(a, 300), rep(5L, 300)), "found again with its bytes")
refused(C("c_find", store, 0), NULL, ".", "there is no id 0")
refused(C("c_find", store, id + 100), NULL, ".", "nor one that was never given")
refused(C("c_find", store, 1), NULL, "is a vector", "a vector is not a block")
ok(C("c_is_vector", x) == 1L && identical(as.numeric(x[3]), 9), "which it does no harm")
grown <- C("c_realloc", store, a, 20000)
ok(C("c_id", grown) == id && C("c_bytes", grown) == 20000 &&
  identical(peek(grown, 300), rep(5L, 300)), "a kept block that grows keeps its id and its bytes")
ok(same(C("c_find", store, id), grown) && C("c_release", grown) == 0L, "and is found where it is now")
refused(C("c_bytes", a), 0, "never was one", "and no more where it was")
grown <- C("c_realloc", store, grown, 10000)
ok(C("c_id", grown) == id && C("c_bytes", grown) == 10000, "it shrinks")
grown <- C("c_realloc", store, grown, 20000)
ok(C("c_sync", store) == 0L, "sync from C")
cleanup_fmalloc(store)
refused(C("c_malloc", store, 10), NULL, "closed", "malloc on a closed runtime")
refused(C("c_realloc", store, grown, 10), NULL, "closed", "realloc on a closed runtime")
refused(C("c_sync", store), -1L, "closed", "sync of a closed runtime")
refused(C("c_find", store, id), NULL, "closed", "find on a closed runtime")
poke(grown, rep(6, 300))
ok(identical(peek(grown, 300), rep(6L, 300)), "after cleanup_fmalloc() a block goes on working: proves I11")
refused(C("c_free", grown), -1L, "closed", "but a kept one cannot be freed for good")
ok(rfm_check(path) == 0, "rfm-check: sound")
ok(C("c_release", grown) == 0L, "it can be released")
rm(x, y, v, texts, both)
invisible(gc())
store <- C("c_open", path, 0, "persistent")
ok(!attr(store, "initialized"), "the store is opened again")
grown <- C("c_find", store, id)
ok(C("c_bytes", grown) == 20000 && identical(peek(grown, 300), rep(6L, 300)),
  "the block is found in the next session, as last written")
ok(C("c_free", grown) == 0L && is.null(C("c_find", store, id)), "freed for good")

# ---- cleaning up from C ends the blocks with the last handle ----

second <- C("c_open", path, 0, NULL)
a <- C("c_malloc", store, 100)
k <- C("c_malloc", store, 100)
poke(k, 1:100)
id <- C("c_keep", k)
invisible(C("c_cleanup", second))
ok(C("c_bytes", a) == 100, "another handle is open: the blocks stay")
invisible(C("c_cleanup", store))
refused(C("c_bytes", a), 0, "never was one", "with the last handle a block ends")
refused(C("c_bytes", k), 0, "never was one", "and the address of a kept one")
other <- start(path)
killed <- as.numeric(hear(other))
ok(!is.na(killed), "so the file is free for another process")
ok(inherits(error_of(C("c_open", path, 0, NULL)), "fmalloc_locked"), "which now has it")

# ---- a reader, and a process that is killed ----

reader <- C("c_open", path, 0, "read")
k2 <- C("c_find", reader, id)
ok(identical(peek(k2, 100), 1:100), "a reader finds a kept block")
k3 <- C("c_find", reader, killed)
ok(identical(peek(k3, 3), c(99L, 2L, 3L)), "also one that was kept a moment ago")
a <- C("c_malloc", reader, 100)
poke(a, 1:100)
ok(identical(peek(a, 100), 1:100), "a reader has blocks of its own")
refused(C("c_keep", a), 0, "open for reading", "and can keep none")
refused(C("c_free", k2), -1L, "open for reading", "nor free one for good")
refused(C("c_realloc", reader, k2, 1e5), NULL, "open for reading", "nor give it another size")
a <- C("c_realloc", reader, a, 1e5)
ok(C("c_bytes", a) == 1e5 && identical(peek(a, 100), 1:100), "its own it may resize")
poke(k2, rep(0, 100))
invisible(C("c_cleanup", reader))
signal(other, 9L)
invisible(suppressWarnings(told(other)))
ok(rfm_check(path) == 0, "rfm-check after kill -9: sound")
store <- C("c_open", path, 0, NULL)
ok(identical(peek(C("c_find", store, id), 100), 1:100), "what the reader wrote stayed with it")
k3 <- C("c_find", store, killed)
ok(identical(peek(k3, 1000), c(99L, rep(1:250, 4)[-1])), "a kept block survives kill -9: proves I4")
ok(!any(C("c_list", store)$length == 5000), "one that was not kept does not")

# ---- a tally that goes on ----

id <- client_tally(store, 0, as.raw(c(1, 1, 255)))
ok(client_tally(store, id, as.raw(1)) == id, "a tally is continued under its id")
counts <- readBin(C("c_peek", C("c_find", store, id), 2048), "double", 256)
ok(identical(counts[c(1, 2, 256)], c(0, 3, 1)), "and has counted")
ok(inherits(error_of(client_tally(store, 12345, raw())), "fmalloc_no_record"), "an unknown tally is an R error")

# ---- scratch, another store, the default ----

scratch <- C("c_open", place("scratch.bin"), 0, "scratch")
s <- C("c_malloc", scratch, 100)
refused(C("c_keep", s), 0, "scratch store", "nothing is kept in a scratch store")
refused(C("c_realloc", store, s, 10), NULL, "same fmalloc runtime", "realloc in another store")
refused(C("c_sync", scratch), -1L, "scratch store", "sync of a scratch store")
ok(inherits(error_of(client_tally(scratch, 0, raw())), "fmalloc_mode"), "an R error of its class")
ok(C("c_free", s) == 0L, "free in a scratch store")
invisible(C("c_cleanup", scratch))
ok(!file.exists(place("scratch.bin")), "the scratch file is gone")

invisible(init_fmalloc(place("default.bin")))
ok(inherits(C("c_default"), "fmalloc_runtime"), "C sees the default runtime")
v <- C("c_create", NULL, 13L, 10)
ok(C("c_is_vector", v) == 1L && nrow(list_fmalloc_allocations()) == 1, "makes a vector in it")
d <- C("c_malloc", NULL, 100)
ok(C("c_bytes", d) == 100 && nrow(C("c_list", NULL)) == 2 && C("c_sync", NULL) == 0L, "and a block")
invisible(C("c_cleanup", NULL))
ok(is.null(C("c_default")), "and cleans it up")
refused(C("c_bytes", d), 0, "never was one", "which ends the block")

# ---- what C may ask of any vector ----

numbers <- create_fmalloc_vector("numeric", 3, store)
numbers[] <- c(1, 2, 4)
texts <- create_fmalloc_vector("character", 3, store)
texts[] <- c("b", "a", "c")
ok(identical(C("c_known", texts), c(FALSE, FALSE)) && identical(C("c_known", numbers), c(FALSE, FALSE)),
  "of what may still change nothing is known")
invisible(serialize(list(numbers, texts), NULL))
ok(identical(C("c_known", numbers), c(TRUE, TRUE)), "sealed numbers are known to be whole and in order")
ok(C("c_known", texts)[1], "and strings to be whole")
gaps <- create_fmalloc_vector("character", 3, store)
gaps[] <- c("b", NA, "c")
invisible(serialize(gaps, NULL))
ok(!C("c_known", gaps)[1], "but not those with an NA")
e <- error_of(C("c_set", texts, 1L, "d"))
ok(inherits(e, "fmalloc_argument") && identical(texts[[1]], "b"),
  "C code cannot replace a string that was saved: ", conditionMessage(e))

# A list's address is made when somebody asks for it, and known from then on.
l <- create_fmalloc_vector("list", 3, store)
l[[1]] <- numbers
l[[3]] <- texts
l <- unserialize(serialize(l, NULL))
ok(!C("c_at_hand", l), "a list has no address at hand")
elements <- C("c_elements", l)
ok(identical(lapply(elements, as.vector), list(c(1, 2, 4), NULL, c("b", "a", "c"))),
  "its plain array has all elements")
ok(C("c_at_hand", l), "and stays at hand")
ok(C("c_at_hand", numbers) && !C("c_at_hand", texts), "numbers always have one, strings not")
k <- create_fmalloc_vector("list", 1, store)
outer <- create_fmalloc_vector("list", 1, store)
C("c_set", outer, 1L, k)
e <- error_of(C("c_set", k, 1L, outer))
ok(inherits(e, "fmalloc_argument") && grepl("element of itself", conditionMessage(e)) &&
  is.null(k[[1]]), "C code cannot make a loop: ", conditionMessage(e))
destroy_fmalloc_vector(l)
ok(!C("c_at_hand", l), "a destroyed list has no address")

# ---- strings that C holds on to ----

# C code protects nothing of what STRING_ELT() gives it: that must live as long as its
# vector. A string that the collector has freed leaves its place to the next one of its
# size; so many of these are made, and kept. Nothing here may hold the texts themselves
# meanwhile, or they would live on that.
text_of <- function(k) sprintf("held by C alone %04d", k)       # 20 bytes each
held <- function() {
  x <- create_fmalloc_vector("character", 3000, store)
  for (k in 1:3000) x[k] <- text_of(k)
  C("c_hold", x)
  x
}
usurped <- function() {                 # how many of them are something else by now
  for (k in 1:3) gc()
  others <- sprintf("some other text %04d", 1:50000)
  for (k in 1:3) gc()
  bytes <- C("c_held", 3000, 20)
  stopifnot(length(others) == 50000)
  sum(colSums(matrix(bytes != charToRaw(paste(text_of(1:3000), collapse = "")), 20)) > 0)
}
x <- held()
ok(usurped() == 0, "what STRING_ELT() gave is alive after the collector")
y <- x
y[c(1, 2000)] <- "the end of sharing what was read"
rm(y)
ok(usurped() == 0, "also when a copy has shared it for a while")
invisible(order(x))
ok(usurped() == 0, "also when all of them were given at once")
rm(x)
ok((lost <- usurped()) > 1500, "but no longer than the vector: ", lost, " of 3000 are gone")

# ---- threads and forks ----

t <- C("c_malloc", store, 100)
result <- C("c_thread", store, t)
ok(identical(peek(t, 100), rep(7L, 100)), "a thread may write into a block")
ok(result[[1]] && result[[2]] == -1L && grepl("main thread", result[[3]]),
  "but not take or free one: ", result[[3]])
ok(C("c_bytes", t) == 100, "it is still there")

library(parallel)
k <- C("c_malloc", store, 100)
poke(k, rep(3, 100))
id <- C("c_keep", k)
u <- C("c_malloc", store, 100)
poke(u, rep(8, 100))
child <- mccollect(mcparallel({
  mine <- C("c_malloc", store, 1000)
  poke(mine, rep(4, 1000))
  poke(t, rep(0, 100))
  poke(k, rep(0, 100))
  moved <- C("c_realloc", store, C("c_realloc", store, u, 90000), 5)
  list(c(peek(mine, 1000), peek(moved, 5)), C("c_keep", mine), reason(), C("c_free", k), reason(),
    C("c_free", mine), C("c_free", t), peek(k, 1))
}))[[1]]
ok(identical(child[[1]], c(rep(4L, 1000), rep(8L, 5))), "a child has blocks of its own, and resizes others")
ok(child[[2]] == 0 && child[[4]] == -1L && all(grepl("parent", c(child[[3]], child[[5]]))),
  "it keeps none and ends none for good: ", child[[3]])
ok(child[[6]] == 0L && child[[7]] == 0L && child[[8]] == 0L, "it frees what it likes in its own memory")
ok(identical(peek(t, 100), rep(7L, 100)) && identical(peek(k, 100), rep(3L, 100)) &&
  identical(peek(u, 100), rep(8L, 100)) && C("c_bytes", u) == 100,
  "the parent's blocks are as before: proves I12")
for (n in 1:50) C("c_malloc", store, 100000)
ok(identical(peek(t, 100), rep(7L, 100)) && identical(peek(u, 100), rep(8L, 100)), "and stay so")

# ---- a full store, and finalizers that free ----

small <- C("c_open", place("small.bin"), 131072 / 2^30, NULL)
victim <- C("c_malloc", small, 1000)
poke(victim, 1:100)
owner <- new.env()
invisible(reg.finalizer(owner, function(e) C("c_free", victim)))
temporaries <- C("c_create", small, 24L, 60000)
temporaries <- temporaries[1:50000]
size <- file.size(place("small.bin"))
stays <- C("c_malloc", small, 1000)
poke(stays, 1:100)
stays <- C("c_realloc", small, stays, 3e5)
ok(file.size(place("small.bin")) > size && identical(peek(stays, 100), 1:100),
  "the file grows for a block that finds no room")
ok(C("c_bytes", victim) == 1000, "a block that a finalizer will free is there")
rm(owner)
moved <- C("c_realloc", small, victim, 4 * file.size(place("small.bin")))
refused(moved, NULL, "never was one", "a finalizer that frees the very block that is being moved")
invisible(C("c_cleanup", small))
invisible(C("c_cleanup", store))
for (file in c("store.bin", "small.bin", "default.bin", "model.bin")) {
  ok(rfm_check(place(file)) == 0, "rfm-check: ", file, " is sound")
}
finish()
