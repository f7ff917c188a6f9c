# What noweb's parser and the tests tell about chunks and invariants.
# usage: awk -f tidy.awk PROVES PIPELINE    (PROVES: from proves.awk)
function problem(where, text) { print where ": " text }
function here() { return file ":" line }

FILENAME == ARGV[1] {
	split($0, x, "\t")
	proved[x[1]] = 1
	named[x[1]] = x[2] ":1"
	next
}
/^@file / { file = substr($0, 7); line = 1; said = 0 }
/^@begin docs/ { docs = 1; said = 0 }
/^@end docs/ { docs = 0 }
/^@begin code/ { code = 1; length_of = -1; start = line }
/^@defn / {
	name = substr($0, 7)
	if (name in home && home[name] != file)
		problem(here(), "⟨" name "⟩ is also a chunk of " home[name])
	home[name] = file
	if (!(name in first)) first[name] = here()
	picture = name ~ /^arcs / || name ~ /\.dot$/
	if (!said && !picture)
		problem(here(), "⟨" name "⟩ has no prose before it")
	if (split(name, words, " ") > 10)
		problem(here(), "⟨" name "⟩: a name has at most ten words")
}
/^@use / { used[substr($0, 6)] = 1
	if (!(substr($0, 6) in use_at)) use_at[substr($0, 6)] = here() }
/^@end code/ {
	code = 0
	# (a file's root is a table of contents)
	if (length_of > 40 && name !~ /(^| )table( |$)|\.c$/)
		problem(file ":" start, "⟨" name "⟩ has " length_of \
		    " lines, at most 40 (unless its name says table)")
}
docs && /^@text / && substr($0, 7) ~ /[^ \t]/ { said = 1 }
docs && /^@quote/ { said = 1 }
docs && /^@text :::+ *\{\.inv / {
	id = substr($0, index($0, "#") + 1)
	sub(/[^A-Za-z0-9].*/, "", id)
	if (id in stated)
		problem(here(), id " is already stated at " stated[id])
	stated[id] = here()
	if ($0 ~ /\.later/) later[id] = 1
}
code && /^@text / { claim("keeps"); claim("proves") }
/^@(nl|index nl)/ { line++; if (code) length_of++ }

function claim(verb,   rest, id) {
	if (!match($0, verb " I[0-9]")) return
	rest = substr($0, RSTART + length(verb) + 1)
	while (match(rest, /^(, *)?(and )?I[0-9]+/)) {
		id = substr(rest, RSTART, RLENGTH); sub(/.*I/, "I", id)
		if (verb == "keeps") kept[id] = 1; else proved[id] = 1
		if (!(id in named)) named[id] = here()
		rest = substr(rest, RSTART + RLENGTH); sub(/^ /, "", rest)
	}
}

END {
	for (n in first)
		if (!(n in used) && n !~ /^[A-Za-z0-9_-]+\.[a-zA-Z]+$/)
			problem(first[n], "⟨" n "⟩ is used nowhere")
	for (n in use_at)
		if (!(n in first))
			problem(use_at[n], "⟨" n "⟩ is not defined")
	for (id in stated) {
		if (id in later) continue
		if (!(id in kept)) problem(stated[id], "no code keeps " id)
		if (!(id in proved)) problem(stated[id], "no test proves " id)
	}
	for (id in named)
		if (!(id in stated)) problem(named[id], id " is stated nowhere")
}
