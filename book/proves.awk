# Lists what tests say they prove: a comment "proves I3" (or "proves I3, I5")
# stands inside a test or just above it. Output: invariant TAB file TAB test.
# The test is the C function or the test_that() around the comment; in a
# script, where there is neither, the file itself.
function flush_to(test,   i) {
	for (i = 1; i <= n; i++) print waiting[i] "\t" file "\t" test
	n = 0
}
FNR == 1 { flush_to(file); file = FILENAME; inside = "" }
/^[a-z_][a-z0-9_]*\(/ { name = $0; sub(/\(.*/, "", name); header = name }
/^static [a-z].*[ *][a-z_][a-z0-9_]*\(/ {
	name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name); header = name
}
/^{/ && header != "" { inside = header; header = ""; flush_to(inside) }
/^}/ { inside = "" }
/test_that\(/ {
	inside = $0
	sub(/.*test_that\(["']/, "", inside)
	sub(/["'],? *\{?$/, "", inside)
	flush_to(inside)
}
/proves I[0-9]/ {
	rest = substr($0, index($0, "proves I") + 7)
	while (match(rest, /^(,? *(and )?)I[0-9]+/)) {
		id = substr(rest, RSTART, RLENGTH)
		sub(/.*I/, "I", id)
		rest = substr(rest, RSTART + RLENGTH)
		waiting[++n] = id
	}
	if (inside != "") flush_to(inside)
}
/^\}\)/ { inside = "" }
END { flush_to(file) }
