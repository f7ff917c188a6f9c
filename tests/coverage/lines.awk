# gcov's text to `file:line:count`, each line of code once: the largest count that
# any of the programs has for it.
/^ *-: *0:Source:/ {
	sub(/^ *-: *0:Source:/, "")
	file = $0
	sub(/^.*build\/dev\//, "build/dev/", file)
	if (file !~ /rfmclient/)
		sub(/^.*\/src\//, "build/dev/", file)
	sub(/^.*\/include\/Rfmalloc\.h$/, "Rfmalloc.h", file)
	if (file ~ /^[^\/]*\.h$/)
		file = "build/dev/" file
	mine = file ~ /^lit\// || file ~ /^build\/dev\//
	next
}
mine {
	count = $0
	sub(/:.*/, "", count)
	gsub(/[ *]/, "", count)
	if (count == "-")
		next
	line = $0
	sub(/^[^:]*: */, "", line)
	sub(/:.*/, "", line)
	if (line !~ /^[0-9]+$/)
		next
	n = count ~ /^[#=]/ ? 0 : count + 0
	at = file ":" line
	if (!(at in most) || n > most[at])
		most[at] = n
}
END {
	for (at in most)
		print at ":" (most[at] > 0 ? most[at] : 0)
}
