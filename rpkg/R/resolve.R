# Where the store of a reference may lie, if it is neither open nor at the path that the
# reference names: a file of the same name beside the .rds file that is being read, in the
# working folder, or in one of the folders of the option Rfmalloc.path. The C code calls
# this while R unserializes, opens the files for reading and looks at their UUIDs.

reference_candidates <- function(hint) {
  tryCatch({
    folders <- c(folders_of_file(file_being_read()), getwd(), folders_by_option())
    setdiff(file.path(sub("/+$", "", folders), basename(hint)), hint)
  }, error = function(e) character())
}

# The argument of the innermost readRDS() or load() that is under way, as a path.
file_being_read <- function() {
  for (k in rev(seq_len(sys.nframe()))) {
    reader <- sys.function(k)
    if (identical(reader, readRDS) || identical(reader, load)) {
      file <- sys.frame(k)$file
      return(if (inherits(file, "connection")) summary(file)$description else file)
    }
  }
  NULL
}

# The folder of a file, and of what it links to.
folders_of_file <- function(file) {
  if (!is.character(file) || length(file) != 1L || is.na(file) || !file.exists(file)) {
    return(NULL)
  }
  file <- path.expand(file)
  dirname(c(file, normalizePath(file)))
}

folders_by_option <- function() {
  folders <- getOption("Rfmalloc.path")
  if (is.character(folders)) path.expand(folders[!is.na(folders) & nzchar(folders)])
}
