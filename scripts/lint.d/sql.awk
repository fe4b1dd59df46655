# SPDX-License-Identifier: Apache-2.0
# Prints SQL that is not laid out by clause: literals that contain two of the words with which clauses
# begin. A statement of one literal with at most 70 characters may contain them all. Adjacent literals,
# with the macros between them, are one statement.
function count(s) {
	return gsub(/(^|[^a-z_])(select|from|where|order by|limit|values|set|left join|on conflict|group by)($|[^a-z_])/, "&", s)
}
function finish(   i) {
	if ((text ~ /^(select|insert into|update|delete from|with) / ||
	    text ~ /^(from|where|set|values|order by|group by|limit) .*\$[0-9]/) &&
	    !(parts == 1 && length(text) <= 70))
		for (i = 1; i <= parts; i++)
			if (clauses[i] > 1)
				print FILENAME ":" line[i] ": two clauses in \"" part[i] "\""
	parts = depth = 0
	text = ""
}
FNR == 1 { finish(); comment = macro = 0 }
{
	if ($0 ~ /^#/)
		macro = 1
	for (i = 1; i <= length($0); i++) {
		c = substr($0, i, 1)
		two = substr($0, i, 2)
		if (comment) {
			if (two == "*/") {
				comment = 0
				i++
			}
		} else if (two == "/*") {
			comment = 1
			i++
		} else if (c == "'") {
			i += substr($0, i + 1, 1) == "\\" ? 3 : 2
		} else if (c == "\"") {
			s = ""
			for (i++; i <= length($0) && (c = substr($0, i, 1)) != "\""; i++)
				s = s c (c == "\\" ? substr($0, ++i, 1) : "")
			part[++parts] = s
			line[parts] = FNR
			clauses[parts] = count(s)
			text = text s
		} else if (c == "(" && parts > 0) {
			depth++
		} else if ((c == ")" && --depth < 0) || c ~ /[;{}]/ || (c == "," && depth <= 0)) {
			finish()
		}
	}
	if (macro && $0 !~ /\\$/) {
		macro = 0
		finish()
	}
}
END { finish() }
