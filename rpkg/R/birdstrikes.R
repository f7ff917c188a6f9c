#' Bird strikes: 10,000 reports
#'
#' Reports of aircraft striking wildlife in the United States, 1990 to 2002, in
#' `system.file("extdata", "birdstrikes.csv.gz", package = "Rfmalloc")`.
#'
#' @format A compressed CSV file with a header and 14 columns: `Airport Name`,
#'   `Aircraft Make Model`, `Effect Amount of damage`, `Flight Date`,
#'   `Aircraft Airline Operator`, `Origin State`, `Phase of flight`,
#'   `Wildlife Size`, `Wildlife Species`, `Time of day`, `Cost Other`,
#'   `Cost Repair`, `Cost Total $` (US dollars), `Speed IAS in knots` (2,836 missing).
#' @source The Wildlife Strike Database of the Federal Aviation Administration,
#'   <https://wildlife.faa.gov>, a work of the United States Government, in the
#'   public domain.
#' @examples
#' strikes <- read.csv(
#'   system.file("extdata", "birdstrikes.csv.gz", package = "Rfmalloc"),
#'   check.names = FALSE
#' )
#' path <- tempfile(fileext = ".bin")
#' store <- open_fmalloc(path)
#' cost <- create_fmalloc_vector("numeric", nrow(strikes), runtime = store)
#' cost[] <- strikes[["Cost Total $"]]
#' tapply(cost, substr(strikes[["Flight Date"]], 1, 4), sum)
#' rm(cost)
#' cleanup_fmalloc(store)
#' unlink(path)
#' @name birdstrikes
NULL
