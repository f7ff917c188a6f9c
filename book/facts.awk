# Writes the C program that asks the compiler for every number the prose
# quotes: the [[=EXPR]] of the pipeline (from markup) and the fields of each
# struct drawn with {.layout struct=NAME}. #line makes the compiler itself
# report an unknown name at its place in lit/.
# usage: awk -f facts.awk -v headers="base.h …" MEMBERS PIPELINE
#        (MEMBERS: struct TAB field TAB type, in the order of the source)
BEGIN {
	FS = "\t"
	print "#include <stddef.h>\n#include <stdint.h>\n#include <stdio.h>"
	n = split(headers, h, " ")
	for (i = 1; i <= n; i++) print "#include \"" h[i] "\""
	print "struct fact { const char *what; uintmax_t a, b; int neg; };"
	print "static const struct fact facts[] = {"
}

function c_string(s) { gsub(/\\/, "\\\\", s); gsub(/"/, "\\\"", s); return s }
function place() { printf "#line %d \"%s\"\n", line, file }

FILENAME == ARGV[1] { fields[$1] = fields[$1] $2 "\t" $3 "\n"; next }
/^@file / { file = substr($0, 7); line = 1 }
/^@begin docs/ { docs = 1 }
/^@end docs/ { docs = 0 }
/^@quote/ { quoted = 1 }
/^@endquote/ { quoted = 0 }
quoted && /^@text =/ {
	expr = substr($0, 8)
	place()
	printf "{ \"value\\t%s\", (uintmax_t)(%s), 0, (%s) < 0 },\n",
	    c_string(expr), expr, expr
}
docs && /^@text ```+ *{[^}]*\.layout/ {
	name = $0
	sub(/.*struct=/, "", name)
	sub(/[^A-Za-z0-9_].*/, "", name)
	place()
	printf "{ \"struct\\t%s\", sizeof(struct %s), 0, 0 },\n", name, name
	n = split(fields[name], rows, "\n")
	for (i = 1; i < n; i++) {
		split(rows[i], f, "\t")
		printf "{ \"field\\t%s\\t%s\\t%s\", ", name, f[1], f[2]
		printf "offsetof(struct %s, %s), ", name, f[1]
		printf "sizeof(((struct %s *)0)->%s), 0 },\n", name, f[1]
	}
}
/^@(nl|index nl)/ { line++ }

END {
	print "{ NULL, 0, 0, 0 } };"
	print "int main(void) {"
	print "\tfor (const struct fact *f = facts; f->what; f++)"
	print "\t\tif (f->neg)"
	print "\t\t\tprintf(\"%s\\t%jd\\t0\\n\", f->what, (intmax_t)f->a);"
	print "\t\telse"
	print "\t\t\tprintf(\"%s\\t%ju\\t%ju\\n\", f->what, f->a, f->b);"
	print "\treturn 0;\n}"
}
