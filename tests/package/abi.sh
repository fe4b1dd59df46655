#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The ABI as a compiler lays it out is the one that was acknowledged: tests/fixtures/abi/v1.xml. Run with --update to
# acknowledge a change, after doc/abi-history.md tells of it.
set -eu
src=${srcdir:-.}
baseline=$src/tests/fixtures/abi/v1.xml
for tool in abidw abidiff; do
	command -v "$tool" >/dev/null || { echo "skipped: $tool is not installed (Debian: abigail-tools)"; exit 77; }
done
[ "$(uname -m)" = x86_64 ] || { echo "skipped: the ABI on record is that of x86_64, this is $(uname -m)"; exit 77; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/drover-abi-XXXXXX")
trap 'rm -rf "$tmp"' EXIT

${CC:-cc} -std=c11 -g -gdwarf-4 -O0 -fPIC -shared -I"$src/include" -o "$tmp/libabi.so" "$src/tests/fixtures/abi/abi.c"
abidw --no-show-locs --no-corpus-path --no-comp-dir-path --no-architecture "$tmp/libabi.so" |
	sed "s|path='[^']*/abi[.]c'|path='abi.c'|" >"$tmp/now.xml"
if [ "${1-}" = --update ]; then
	cp "$tmp/now.xml" "$baseline"
	exit 0
fi

bad=0
for type in $(sed -nE 's/^(struct|enum) (drover_[a-z_]+) \{.*/\2/p' "$src/include/drover/plugin.h"); do
	grep -q "name='$type'.*id='" "$tmp/now.xml" || { echo "$type is out of reach of tests/fixtures/abi/abi.c"; bad=1; }
done
abidiff --harmless "$baseline" "$tmp/now.xml" || bad=1
[ "$bad" -eq 0 ] || echo "plugin.h has another layout: see doc/abi-history.md, \"A change of the ABI\""
exit $bad
