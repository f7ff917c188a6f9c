# Session one: the bird strikes go into a store, and references to them into an
# .rds file. Then it works on, until it is killed.

source("tests/demo/telling.R")

heading("Session one: ten thousand birds")

tell("Since 1990 American pilots report to the FAA when an aircraft hits an animal.
  The package brings 10,000 of these reports along. We read them as one reads any
  CSV file:")
reports <- read_reports()
show(sprintf("%s reports, %s columns, %s to %s", number(nrow(reports)), ncol(reports),
  format(min(reports[["Flight Date"]]), "%d %B %Y"),
  format(max(reports[["Flight Date"]]), "%d %B %Y")))

tell("Now we open a store: a file that vectors can live in. We ask for 256 MB, far
  more than five columns need. The file is sparse, so it costs the disk only what is
  in it.")
store <- open_fmalloc(store_path, size_gb = 0.25)
show(format(store))

tell("Five columns move in: the dates, the speed, and three costs in dollars. They are
  R vectors, assigned to with x[] <- ... like any other; the dates keep their class
  Date, the %s unknown speeds stay NA.",
  number(sum(is.na(reports[[columns[["speed"]]]]))))
strikes <- list()
for (name in names(columns)) {
  values <- reports[[columns[[name]]]]
  x <- create_fmalloc_vector("numeric", length(values), store)
  x[] <- as.numeric(values)
  if (inherits(values, "Date")) class(x) <- "Date"
  strikes[[name]] <- x
}
show(capture.output(print(list_fmalloc_allocations(store)[c("generation", "state", "type",
  "length", "payload_offset", "payload_nbytes")], row.names = FALSE)))

saveRDS(strikes, references_path)
tell("saveRDS() writes the list of five vectors to strikes.rds. What it writes is not
  the %s of data but references to them, %s in all. From this moment the saved
  columns can't change any more; whoever assigns to one gets a copy. Of its %s, the
  store's file now takes %s of the disk.",
  megabytes(sum(vapply(strikes, length, 1)) * 8), megabytes(file.size(references_path)),
  megabytes(file.size(store_path)), megabytes(disk_bytes(store_path)))

tell("Nothing was closed, nothing was synced. The session goes on computing with the
  columns, and in the middle of that somebody gets impatient:")
file.create(file.path(out, "ready")) -> done
repeat total <- sum(strikes$repair + strikes$other)
