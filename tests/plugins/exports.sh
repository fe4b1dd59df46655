#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each plugin exports its descriptor and nothing else; what sanitizers add is theirs.
set -eu
bad=0 seen=0
for so in .libs/*.so; do
	[ -f "$so" ] || continue
	symbols=$(nm -D --defined-only "$so" | awk '{ print $NF }' | grep -Ev '^(__odr_asan|__asan|__ubsan|__tsan|__sancov|___asan)' || :)
	seen=$((seen + 1))
	if [ "$symbols" != drover_plugin_v1 ]; then
		echo "$so exports:" $symbols >&2
		bad=1
	fi
done
if [ "$seen" -lt 2 ]; then
	echo "no plugins in .libs: run this where they were built" >&2
	exit 1
fi
exit $bad
