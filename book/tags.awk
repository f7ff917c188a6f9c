# From ctags' output to what the index needs: file TAB line TAB name TAB kind
# (kind ends in "*" when the name is private to its file). A prototype counts
# only where there is no definition; members, include guards and what the
# compiler never sees as a name of the program do not count.
BEGIN { FS = OFS = "\t" }
/^!_/ || $1 ~ /_H_?$/ || $4 == "member" || $4 == "header" { next }
{
	sub(/^.*lit\//, "lit/", $2)
	row = $2 OFS $3 + 0 OFS $1 OFS $4 ($0 ~ /\tfile:/ ? "*" : "")
	if ($4 == "prototype") { proto[$1] = row; next }
	defined[$1] = 1
	if (!(row in seen)) print row
	seen[row] = 1
}
END { for (n in proto) if (!(n in defined)) print proto[n] }
