# What R CMD INSTALL copies when it has compiled: the package's library, as it would
# without this file, and the program rfm-check, into the folder bin.
put <- function(files, folder, mode) {
  dir.create(folder, recursive = TRUE, showWarnings = FALSE)
  copied <- file.copy(files, folder, overwrite = TRUE)
  if (!length(files) || !all(copied)) stop("could not copy to ", folder)
  Sys.chmod(file.path(folder, files), mode)
}
put(Sys.glob(paste0("*", SHLIB_EXT)), file.path(R_PACKAGE_DIR, paste0("libs", R_ARCH)), "0755")
put("rfm-check", file.path(R_PACKAGE_DIR, "bin"), "0755")
if (file.exists("symbols.rds")) {
  put("symbols.rds", file.path(R_PACKAGE_DIR, paste0("libs", R_ARCH)), "0644")
}
