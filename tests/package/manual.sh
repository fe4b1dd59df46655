#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every page of the manual is sound mdoc, drover.conf(5) has every key of `drover config example`, and drover-plugin(7)
# every group of services.
set -eu
command -v mandoc >/dev/null || { echo "skipped: mandoc is not installed"; exit 77; }
man=${srcdir:-.}/man
(cd "$man" && mandoc -Tlint -W warning ./*.[1-8])
bad=0
example=$(./drover config example)
for key in $(printf '%s\n' "$example" | sed -n 's/^[#[:space:]]*\([a-z_]*\) = .*/\1/p' | sort -u); do
	# The names of its sample pool, agent, source and pipeline are no keys.
	case $key in huge | codex | pr-comment) continue ;; esac
	grep -qE "^\.It Cm (\"$key = |$key\$)" "$man/drover.conf.5" && continue
	echo "man/drover.conf.5 has no item for the key $key"
	bad=1
done
for group in $(sed -n '/^struct drover_host {/,/^};/s/.* \*\([a-z]*\);$/\1/p' "${srcdir:-.}/include/drover/plugin.h"); do
	grep -q "^\.It Fa $group\$" "$man/drover-plugin.7" && continue
	echo "man/drover-plugin.7 has no item for the group $group"
	bad=1
done
exit $bad
