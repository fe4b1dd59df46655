#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A plugin may be written in any C since C99, and in C++: the header and all of its macros compile without a warning.
set -eu
tmp=$(mktemp -d "${TMPDIR:-/tmp}/drover-header-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/user.c" <<'C'
#include <drover/plugin.h>

#if DROVER_ABI_MAJOR != 1
#error "another major"
#endif

int user_has(const struct drover_host *host, const struct drover_host_log *log);
void user_says(const char *format, ...) DROVER_PRINTF(1, 2);
DROVER_EXPORT extern const struct drover_plugin drover_plugin_v1;

int
user_has(const struct drover_host *host, const struct drover_host_log *log)
{
	return DROVER_HAS(host, log) && DROVER_HAS(log, printf);
}
C
cp "$tmp/user.c" "$tmp/user.cc"
bad=0
tried=0
# try COMPILER STANDARD FILE LANGUAGE
try() {
	# A compiler may be two words, as in "ccache gcc".
	# shellcheck disable=SC2086
	$1 -std="$2" -x "$4" -fsyntax-only - </dev/null 2>/dev/null || { echo "skipped: $1 has no $2"; return 0; }
	tried=$((tried + 1))
	# shellcheck disable=SC2086
	$1 -std="$2" -Wall -Wextra -pedantic -Wundef -Wshadow -Wconversion -Werror -I"${srcdir:-.}/include" -fsyntax-only "$tmp/$3" || bad=1
}
for cc in "${CC:-cc}" clang; do
	for std in c99 c11 c17 c2x; do try "$cc" "$std" user.c c; done
done
for cxx in g++ clang++; do
	for std in c++11 c++17; do try "$cxx" "$std" user.cc c++; done
done
[ "$tried" -gt 0 ] || bad=1
exit $bad
