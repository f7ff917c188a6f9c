# SIGINT in the middle of long loops: R regains control, nothing is half done, the
# store is sound and goes on working.

source("tests/process/tap.R")

loops <- list(
  arithmetic = quote(repeat y <- x * 2 + 1),
  mathematics = quote(repeat y <- sin(x)),
  subset = quote(repeat y <- x[2:1e6]),
  create = quote(repeat y <- create_fmalloc_vector("integer", 10, store)),
  save = quote(repeat { y <- x + 1; serialize(y, NULL); destroy_fmalloc_vector(y, unsafe = TRUE) }),
  sync = quote(repeat { y <- create_fmalloc_vector("raw", 10, store); sync_fmalloc(store) })
)

worker <- function(folder, name) {
  path <- file.path(folder, paste0(name, ".bin"))
  store <- open_fmalloc(path, size_gb = 0.0625)
  x <- create_fmalloc_vector("numeric", 1e6, store)
  x[] <- 1
  where <- list_fmalloc_allocations(store)$payload_offset[1]
  say("looping")
  result <- tryCatch(eval(loops[[name]]), interrupt = function(e) "interrupted")
  rm(list = intersect("y", ls()))
  gc()
  rows <- list_fmalloc_allocations(store)
  say(result)
  say(sum(x) == 1e6 && sum(x + 1) == 2e6 && rows$payload_offset[1] == where)
  say(!any(rows$state == "temporary"))
  say(check_fmalloc(path)$sound)
}

observer <- function() {
  seed()
  folder <- work_folder()
  for (name in names(loops)) {
    process <- start("worker", folder, name)
    ok(hear(process) == "looping", name, ": under way")
    Sys.sleep(runif(1, 0.3, 0.8))
    signal(process, tools::SIGINT)
    said <- told(process)
    ok(identical(said[1], "interrupted"), name, ": interrupted (", said[1], ")")
    ok(identical(said[2], "TRUE"), name, ": the vector is as before")
    ok(identical(said[3], "TRUE"), name, ": no temporary is left over")
    ok(identical(said[4], "TRUE"), name, ": the store is sound")
    ok(rfm_check(file.path(folder, paste0(name, ".bin"))) == 0, name, ": rfm-check agrees")
  }
  finish()
}

if (length(arguments)) worker(arguments[2], arguments[3]) else observer()
