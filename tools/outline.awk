# Part of tools/tangle: a filter in noweb's pipeline. Where a chunk is used on
# a line of its own, it puts the chunk's name there as a comment, so that the
# C that we ship reads as an outline of itself.
/^@begin code/ { code = 1; line = "" }
/^@end code/   { code = 0 }
code && /^@nl/ { line = "" }
code && /^@use / && line ~ /^[ \t]*$/ {
	name = substr($0, 6)
	gsub(/\[\[|\]\]/, "", name)
	gsub(/\*\//, "* /", name)
	print "@text /* " name " */"
	print "@nl"
	print "@text " line
}
{ print }
code && /^@text / { line = line substr($0, 7) }
