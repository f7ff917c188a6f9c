# What C does with a store, for R: each function of src/doors.c under its name.
client_squares <- function(store, n) .Call(squares, store, n)
client_tally <- function(store, id, x) .Call(tally, store, id, x)
client_call <- function(door, ...) .Call(getNativeSymbolInfo(door, "rfmclient"), ...)
