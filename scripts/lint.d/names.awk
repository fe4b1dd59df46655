# SPDX-License-Identifier: Apache-2.0
# Prints functions and tags that two files define: a name shall have one meaning, and grep shall find
# it. A definition begins in column 1 with its type in the line before; a tag is followed by "{". The
# names in allow may be defined twice.
function define(kind, name) {
	if (name in allowed)
		return
	if ((kind, name) in at && file[kind, name] != FILENAME)
		print at[kind, name] " and " FILENAME ":" FNR ": " kind " " name
	at[kind, name] = FILENAME ":" FNR
	file[kind, name] = FILENAME
}
BEGIN {
	n = split(allow, names, " ")
	for (i = 1; i <= n; i++)
		allowed[names[i]] = 1
}
/^[A-Za-z_][A-Za-z0-9_]*\(/ && before ~ /^[a-z][^;(]*$/ {
	name = $0
	sub(/\(.*/, "", name)
	define("function", name)
}
match($0, /(struct|union|enum) [a-z_0-9]+ \{/) && $0 !~ /^[ \t]*\*/ {
	split(substr($0, RSTART, RLENGTH), word, " ")
	define(word[1], word[2])
}
{ before = $0 }
