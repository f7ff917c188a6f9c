# Session two: a new process finds the table, checks it, uses it, and then fits
# a model on a matrix of 20 million rows that never enters R's memory as a whole.

source("tests/demo/telling.R")

heading("Session two: what is left")

found <- check_fmalloc(store_path)
if (!found$sound) stop("the store is damaged")
tell("A new R process. It knows nothing but where the file is.")
seconds <- seconds_of({
  store <- open_fmalloc(store_path)
  strikes <- store$strikes
})
show("store <- open_fmalloc(\"strikes.bin\")",
  sprintf("strikes <- store$strikes              %s", duration(seconds)))
tell("The table is back, mapped from the file where the dead process had put it.
  open_fmalloc() found that the last owner had not said goodbye, and followed the log of
  what exists to its last whole record.")
show(format(store))
if (store$cost != strikes$cost[store$drawn]) stop("half a transaction")
tell("The dead process was busy putting two objects that belong together. Report %s was the last
  that it drew, and its cost, %s dollars, is the cost that it put: both objects, or neither.",
  number(store$drawn), number(store$cost))

tell("Trust is good; we read the CSV once more and compare every value.")
reports <- read_reports()
same <- vapply(names(columns), function(name) {
  sum(mapply(identical, strikes[[name]], reports[[columns[[name]]]]))
}, 1)
show(sprintf("%-7s %s of %s values identical", names(same), number(same), number(nrow(reports))))
if (any(same != nrow(reports))) stop("the store and the CSV differ")
if (!identical(collect_fmalloc(readRDS(references_path)), collect_fmalloc(strikes))) {
  stop("the references lead elsewhere")
}
tell("(So do the references in strikes.rds lead to the same.) And rfm-check, which shares no code with
  what wrote the file, looked at it before we opened it, and calls it sound:")
show(capture.output(print(found)))

heading("What birds cost, and when they fly")

year <- format(strikes$date, "%Y")
month <- as.integer(format(strikes$date, "%m"))
by_year <- tapply(strikes$cost, year, sum)
reports_by_year <- table(year)
show(
  sprintf("%4s %10s %14s  %s", "year", "reports", "cost in $", ""),
  sprintf("%4s %10s %14s  %s", names(by_year), number(as.vector(reports_by_year)),
    number(by_year), strrep("#", round(40 * by_year / max(by_year))))
)
by_month <- table(factor(month, 1:12, month.abb))
show(
  "strikes by month",
  sprintf("%s %6s  %s", names(by_month), number(as.vector(by_month)),
    strrep("#", round(40 * by_month / max(by_month))))
)
tell("%s is the month of birds: migration, and the year's young in the air. (The
  reports end on %s, so the last year is not a whole one.)",
  month.name[which.max(by_month)], format(max(strikes$date), "%d %B %Y"))

picture <- file.path(out, "strikes.png")
png(picture, width = 1200, height = 560, res = 120, type = "cairo")
par(mfrow = c(1, 2), mar = c(4, 4.5, 2.5, 1), las = 1, bty = "n", family = "serif")
barplot(by_year / 1e6, ylim = range(pretty(c(0, by_year / 1e6))), col = "#4a6d7c", border = NA, las = 2,
  main = "Cost of bird strikes, million $", cex.names = 0.8)
barplot(by_month, ylim = range(pretty(c(0, by_month))), col = "#b5653a", border = NA, las = 2,
  main = "Reports by month", cex.names = 0.8)
invisible(dev.off())
tell("Both as a picture: %s", picture)

heading("Twenty million rows")

tell("Ten thousand rows fit anywhere. To see the store at work we draw 20 million rows
  from the reports, with replacement, into a matrix of 8 columns: 1.2 GB in
  a store of its own. It is made and filled in blocks of a million rows.")
known <- which(!is.na(reports[["Speed IAS in knots"]]))
cases <- cbind(
  cost = log10(1 + strikes$cost[known]),
  intercept = 1,
  speed = strikes$speed[known] / 100,
  year = as.numeric(year[known]) - 1996,
  summer = -cos(2 * pi * (month[known] - 1) / 12),
  night = as.numeric(reports[["Time of day"]][known] == "Night"),
  medium = as.numeric(reports[["Wildlife Size"]][known] == "Medium"),
  large = as.numeric(reports[["Wildlife Size"]][known] == "Large")
)
rows <- 2e7
block <- 1e6
set.seed(1)
invisible(gc(reset = TRUE))
seconds <- seconds_of({
  store <- open_fmalloc(large_path, size_gb = 1.5)
  sample_rows <- create_fmalloc_matrix("numeric", rows, ncol(cases),
    list(NULL, colnames(cases)), store, zero_initialize = FALSE)
  for (first in seq(1, rows, by = block)) {
    drawn <- sample.int(nrow(cases), block, replace = TRUE)
    sample_rows[first:(first + block - 1), ] <- cases[drawn, ]
  }
})
show(sprintf("%s rows, %s columns, %s in %s", number(rows), ncol(cases),
  megabytes(8 * length(sample_rows)), duration(seconds)))

tell("What makes a strike expensive? We regress the logarithm of its cost on speed,
  year, season, darkness and the size of the animal. Least squares needs the cross
  products of the columns only, and those are sums over blocks:")
seconds <- seconds_of({
  products <- matrix(0, ncol(cases), ncol(cases))
  for (first in seq(1, rows, by = block)) {
    products <- products + crossprod(sample_rows[first:(first + block - 1), ])
  }
  x <- -1
  estimate <- solve(products[x, x], products[x, 1])
  residual <- products[1, 1] - sum(estimate * products[x, 1])
})
heap <- heap_bytes()
names(estimate) <- colnames(cases)[-1]
small <- lm.fit(cases[, -1], cases[, 1])
error <- sqrt(diag(solve(products[x, x])) * residual / rows * rows / nrow(cases))
show(
  sprintf("%-10s %10s %12s %18s", "", "estimate", "(std error)", "on the originals"),
  sprintf("%-10s %10.4f %12s %18.4f", names(estimate), estimate,
    sprintf("(%.4f)", error), small$coefficients),
  "",
  sprintf("fitted in %s", duration(seconds))
)
if (max(abs(estimate - small$coefficients)) > 0.05) stop("the fit is off")
if (names(which.max(abs(estimate))) != "large") stop("another story must be told")
tell("A large animal makes the cost about %s times that of a small one, other things
  equal; nothing else in the table comes close. (Resampling adds no knowledge: the
  standard errors are those of the %s reports, not of 20 million rows.)",
  number(10^estimate[["large"]], 1), number(nrow(cases)))
show(
  sprintf("the data              %10s", megabytes(8 * length(sample_rows))),
  sprintf("R's memory, at most   %10s", megabytes(heap))
)
seconds <- seconds_of(store$resampled <- sample_rows)
rm(sample_rows)
seconds_close <- seconds_of(cleanup_fmalloc(store))
tell("The matrix gets a name, which takes %s, for it lies in the store already. And this time the
  store is closed as it should be: until all of it is on the disk, that takes %s.",
  duration(seconds), duration(seconds_close))
