#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# doc/words.md has a row for each word of the list below; each file that it and doc/architecture.md name exists, and so does
# each message.
set -eu
cd "${srcdir:-.}"
bad=0

for word in \
	plugin source pipeline operation job attempt epoch pool gate lease repo agent worker scope \
	outcome result settle \
	supervisor fleet runner slot peer call channel link message tick notice refusal limit breaker \
	mirror tree keeper chores trash wip; do
	grep -q "^| $word |" doc/words.md && continue
	echo "doc/words.md: the word \"$word\" has no row: add \"| $word | meaning | it is not | file |\""
	bad=1
done

for page in doc/words.md doc/architecture.md; do
	paths=$(grep -oE '`(bench|core|data|doc|include|man|plugins|scripts|tests)/[A-Za-z0-9_./-]*`' "$page" | tr -d '`' | sort -u)
	[ -n "$paths" ] || { echo "$page names no file"; bad=1; }
	for path in $paths; do
		[ -e "$path" ] && continue
		echo "$page:$(grep -nF "\`$path\`" "$page" | head -n 1 | cut -d: -f1): $path does not exist"
		bad=1
	done
done
for name in $(grep -oE '\b[A-Z]+(_[A-Z]+)+\b' doc/architecture.md | sort -u); do
	grep -q "MESSAGE($name," core/wire/message_table.h && continue
	echo "doc/architecture.md: $name is no message of core/wire/message_table.h"
	bad=1
done
exit $bad
