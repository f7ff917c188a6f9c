# From ctags' output to what the index needs: file TAB line TAB name TAB kind
# (kind ends in "*" when the name is private to its file: a static function, or
# anything else that no header has). A prototype counts only where there is no
# definition; members, include guards and reserved names do not count.
# usage: awk -f tags.awk TAGS_OF_HEADERS TAGS_OF_SOURCES
BEGIN { FS = OFS = "\t" }
FNR == 1 { part++ }
/^!_/ || $1 ~ /_H_?$|^_/ || $4 == "member" || $4 == "header" { next }
{
	sub(/^.*lit\//, "lit/", $2)
	row = $2 OFS $3 + 0 OFS $1 OFS $4 (private() ? "*" : "")
	if ($4 == "prototype") { proto[$1] = row; next }
	defined[$1] = 1
	if (!(row in seen)) print row
	seen[row] = 1
}
END { for (n in proto) if (!(n in defined)) print proto[n] }
function private() {
	return $0 ~ /\tfile:/ || (part == 2 && $4 != "function" && $4 != "prototype")
}
