# SPDX-License-Identifier: Apache-2.0
# Prints lines over 100 columns, where a tab goes to the next multiple of 8, and lines over 80 columns
# of a comment that stands alone.
function columns(s,   n, i) {
	n = 0
	while ((i = index(s, "\t")) > 0) {
		n += i - 1
		n += 8 - n % 8
		s = substr(s, i + 1)
	}
	gsub(/[\200-\277]/, "", s)
	return n + length(s)
}
FNR == 1 { comment = 0 }
{
	if (comment == 0 && $0 ~ /^[ \t]*\/\*/)
		comment = $0 ~ /\*\/[ \t]*[^ \t\\]/ ? 100 : 80
	else if (comment == 0 && $0 ~ /\/\*/)
		comment = 100
	most = comment == 80 ? 80 : 100
	if ($0 ~ /\*\//)
		comment = 0
	if (columns($0) > most)
		print FILENAME ":" FNR ": " columns($0) " columns, at most " most
}
