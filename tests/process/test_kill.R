# kill -9 at a random moment of a loop that allocates, writes, frees, serializes and
# syncs, 100 times on one store. Every reopening must find all that was there, with
# its values, and rfm-check must call the store sound, before and after: proves I4, I9.
#
# The other process keeps a journal: `> op` before it does something, `< op` after.
# So what must be there is known but for the one operation in flight, which must
# be wholly there or not at all.

source("tests/process/tap.R")

# The values of a vector, from the number it was made with.
values_of <- function(number, length) (seq_len(length) * 7 + number * 1000) %% 99991

# ---- the process that is killed

victim <- function(folder, seed) {
  set.seed(as.integer(seed))
  store <- open_fmalloc(file.path(folder, "store.bin"))
  journal <- file(file.path(folder, "journal"), "a")
  write <- function(...) {
    cat(paste0(paste(...), "\n"), file = journal) # one system call
    flush(journal)
  }
  known <- readRDS(file.path(folder, "known.rds"))
  live <- known$id[known$reference & !known$freed]
  kept <- list()
  say("ready")
  repeat {
    what <- sample(c("create", "write", "free", "temporary", "sync"), 1,
      prob = c(6, 3, 2 + length(live) / 20, 3, 1))
    if (what == "create") {
      number <- sample.int(1e6, 1)
      length <- sample(c(1, 10, 100, 5000, 30000), 1)
      type <- sample(c("numeric", "integer"), 1)
      write("> create", type, length)
      x <- create_fmalloc_vector(type, length, store)
      id <- .Call(Rfmalloc:::rfm_c_vector_info, x)$id
      write("< create", id, type, length)
      x[] <- if (type == "integer") as.integer(values_of(number, length)) else values_of(number, length)
      write("< fill", id, number)
      if (runif(1) < 0.7) {
        file <- file.path(folder, paste0("reference-", id, ".rds"))
        write("> seal", id)
        saveRDS(x, file)
        write("< seal", id)
        live <- c(live, id)
        if (runif(1) < 0.5) x[1] <- -1
      } else {
        kept[[as.character(id)]] <- x
      }
      rm(x)
    } else if (what == "write" && length(kept)) {
      id <- sample(names(kept), 1)
      number <- sample.int(1e6, 1)
      n <- length(kept[[id]])
      write("> fill", id)
      kept[[id]][] <- if (is.integer(kept[[id]])) as.integer(values_of(number, n)) else values_of(number, n)
      write("< fill", id, number)
    } else if (what == "free" && length(live) > 3) {
      id <- live[sample.int(length(live), 1)]
      x <- readRDS(file.path(folder, paste0("reference-", id, ".rds")))
      write("> free", id)
      destroy_fmalloc_vector(x, unsafe = TRUE)
      write("< free", id)
      live <- setdiff(live, id)
      rm(x)
    } else if (what == "temporary" && length(live)) {
      x <- readRDS(file.path(folder, paste0("reference-", live[sample.int(length(live), 1)], ".rds")))
      y <- x + 1
      y[1] <- 0
      rm(x, y)
      if (runif(1) < 0.2) gc()
    } else if (what == "sync") {
      write("> sync")
      sync_fmalloc(store)
      write("< sync")
    }
  }
}

# ---- the process that kills and looks

# The journal's whole lines: what the kill tore off said nothing yet.
lines_of <- function(file) {
  if (!file.exists(file)) return(character())
  text <- readChar(file, file.size(file), useBytes = TRUE)
  strsplit(sub("[^\n]*$", "", text), "\n", fixed = TRUE)[[1]]
}

# What must be there after the journal's last line.
follow <- function(known, journal) {
  pending <- NULL
  for (line in strsplit(journal, " ", fixed = TRUE)) {
    if (line[1] == ">") {
      pending <- line[-1]
      if (line[2] == "fill") known$number[known$id == line[3]] <- NA
      next
    }
    pending <- NULL
    id <- as.numeric(line[3])
    if (line[2] == "create") {
      known <- rbind(known, data.frame(id = id, type = line[4], length = as.numeric(line[5]),
        number = NA_real_, reference = FALSE, freed = FALSE))
    }
    if (line[2] == "fill") known$number[known$id == id] <- as.numeric(line[4])
    if (line[2] == "seal") known$reference[known$id == id] <- TRUE
    if (line[2] == "free") known$freed[known$id == id] <- TRUE
  }
  list(known = known, pending = pending)
}

# A vector's bytes as they stand in the file.
bytes_of <- function(path, row) {
  file <- file(path, "rb")
  on.exit(close(file))
  seek(file, row$payload_offset)
  readBin(file, if (row$type == "integer") "integer" else "double", row$length)
}

# The complaints about a reopened store: none, if all is well.
complaints <- function(store, path, folder, known, pending) {
  rows <- list_fmalloc_allocations(store)
  found <- rows[rows$state == "committed", ]
  here <- known[!known$freed, ]
  wrong <- character()
  missing <- setdiff(here$id, found$generation)
  if (identical(pending[1], "free")) missing <- setdiff(missing, as.numeric(pending[2]))
  if (length(missing)) wrong <- c(wrong, paste("lost:", toString(missing)))
  extra <- setdiff(found$generation, here$id)
  if (length(extra) > identical(pending[1], "create")) {
    wrong <- c(wrong, paste("too many:", toString(extra)))
  }
  if (any(rows$state == "temporary")) wrong <- c(wrong, "temporaries survived")
  for (k in which(here$id %in% found$generation)) {
    row <- found[found$generation == here$id[k], ]
    if (row$type != here$type[k] || row$length != here$length[k]) {
      wrong <- c(wrong, paste("type or length of", here$id[k]))
    } else if (!is.na(here$number[k]) &&
      !identical(as.numeric(bytes_of(path, row)), values_of(here$number[k], here$length[k]))) {
      wrong <- c(wrong, paste("values of", here$id[k]))
    }
  }
  for (k in which(here$reference & here$id %in% found$generation)) {
    x <- readRDS(file.path(folder, paste0("reference-", here$id[k], ".rds")))
    if (!identical(as.numeric(x[]), values_of(here$number[k], here$length[k]))) {
      wrong <- c(wrong, paste("reference to", here$id[k]))
    }
  }
  gone <- known$id[known$freed & known$reference]
  for (id in gone[seq_len(min(5, length(gone)))]) {
    if (!inherits(error_of(readRDS(file.path(folder, paste0("reference-", id, ".rds")))),
      "fmalloc_error")) wrong <- c(wrong, paste("a reference to the freed", id))
  }
  wrong
}

observer <- function() {
  seed <- seed()
  folder <- work_folder()
  rounds <- as.integer(Sys.getenv("RFM_ROUNDS", "100"))
  journal <- file.path(folder, "journal")
  known <- data.frame(id = numeric(), type = character(), length = numeric(),
    number = numeric(), reference = logical(), freed = logical())
  operations <- 0
  in_flight <- character()
  # For the next victim.
  hand_over <- function() {
    saveRDS(known, file.path(folder, "known.rds"))
    unlink(journal)
  }
  hand_over()
  kill_rounds(folder, seed, rounds, function(store, path) {
    lines <- lines_of(journal)
    operations <<- operations + length(lines)
    after <- follow(known, lines)
    known <<- after$known
    in_flight <<- c(in_flight, after$pending[1])
    wrong <- complaints(store, path, folder, known, after$pending)
    # What the one operation in flight left is known from now on.
    rows <- list_fmalloc_allocations(store)
    rows <- rows[rows$state == "committed", ]
    extra <- rows[!rows$generation %in% known$id, ]
    if (nrow(extra)) {
      known <<- rbind(known, data.frame(id = extra$generation, type = extra$type,
        length = extra$length, number = NA_real_, reference = FALSE, freed = FALSE))
    }
    known$freed[!known$id %in% rows$generation] <<- TRUE
    hand_over()
    list(wrong = wrong, found = paste0(length(lines), " journal lines, ",
      sum(!known$freed), " vectors"))
  })
  note(rounds, " kills, ", operations, " journal lines, ", nrow(known), " vectors made, ",
    sum(known$freed), " freed, ", sum(known$reference), " saved; killed in the middle of: ",
    paste(names(table(in_flight)), table(in_flight), collapse = ", "))
  finish()
}

if (length(arguments)) victim(arguments[2], arguments[3]) else observer()
