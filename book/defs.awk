# Adds what ctags knows to noweb's pipeline: each definition becomes an
# "@index defn NAME" in the chunk, on the line, where it stands.
# usage: awk -f defs.awk TAGS PIPELINE    (TAGS: file TAB line TAB name)
BEGIN { FS = "\t" }
FILENAME == ARGV[1] { defs[$1, $2] = defs[$1, $2] "@index defn " $3 "\n"; next }
/^@file / { file = substr($0, 7); line = 1 }
/^@(nl|index nl)/ { printf "%s", defs[file, line]; line++ }
{ print }
