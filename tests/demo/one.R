# Session one: the bird strikes go into a store, under a name. Then it works on, replacing
# two other objects again and again, until it is killed.

source("tests/demo/telling.R")

heading("Session one: ten thousand birds")

tell("Since 1990 American pilots report to the FAA when an aircraft hits an animal.
  The package brings 10,000 of these reports along. We read them as one reads any
  CSV file:")
reports <- read_reports()
show(sprintf("%s reports, %s columns, %s to %s", number(nrow(reports)), ncol(reports),
  format(min(reports[["Flight Date"]]), "%d %B %Y"),
  format(max(reports[["Flight Date"]]), "%d %B %Y")))

tell("Now we open a store: a file that R objects can live in. We ask for 256 MB, far
  more than this table needs. The file is sparse, so it costs the disk only what is
  in it.")
store <- open_fmalloc(store_path, size_gb = 0.25)
show(format(store))

strikes <- reports[columns]
names(strikes) <- names(columns)
store$strikes <- strikes
tell("store$strikes <- strikes puts a data frame of six columns there, under a name: the dates keep
  their class Date, the %s unknown speeds stay NA, the species are text. Of its %s, the store's file
  now takes %s of the disk.", number(sum(is.na(strikes$speed))),
  megabytes(file.size(store_path)), megabytes(disk_bytes(store_path)))
show(format(store))

saveRDS(store$strikes, references_path)
tell("Who likes .rds files may have one. saveRDS() writes no data then, but references to them,
  %s in all.", megabytes(file.size(references_path)))

tell("Nothing was closed, nothing was synced. The session goes on: it draws one costly strike after
  the other, and puts two objects again and again, which belong together. That is a transaction.")
show("repeat {", "  k <- sample(which(strikes$cost > 0), 1)", "  transaction_fmalloc(store, {",
  "    store$drawn <- k", "    store$cost <- strikes$cost[k]", "  })", "}")
tell("In the midst of that somebody gets impatient:")
costly <- which(strikes$cost > 0)
rounds <- 0
repeat {
  k <- sample(costly, 1)
  transaction_fmalloc(store, {
    store$drawn <- k
    store$cost <- strikes$cost[k]
  })
  rounds <- rounds + 1
  if (rounds == 100) file.create(file.path(out, "ready")) -> done
}
