#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example in drover-plugin(7) compiles without a warning and exports a descriptor.
set -eu
page=${srcdir:-.}/man/drover-plugin.7
include=${srcdir:-.}/include
tmp=$(mktemp -d "${TMPDIR:-/tmp}/drover-manual-XXXXXX")
trap 'rm -rf "$tmp"' EXIT

sed -n '/^\.\\" example begins$/,/^\.\\" example ends$/p' "$page" | sed -e '/^\./d' -e 's/\\&//g' -e 's/\\e/\\/g' >"$tmp/hello.c"
[ "$(wc -l <"$tmp/hello.c")" -ge 30 ] || { echo "$page: the example is missing" >&2; exit 1; }
${CC:-cc} -std=c11 -Wall -Wextra -Werror -I"$include" -fPIC -fvisibility=hidden -shared -o "$tmp/hello.so" "$tmp/hello.c"
[ "$(nm -D --defined-only "$tmp/hello.so" | awk '{ print $NF }')" = drover_plugin_v1 ]
