#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds the plugin template as an outside author would, under a name of his own, against an installed tree:
# that of $DROVER_PREFIX, or the header, drover.pc and template of this build, installed into a temporary folder.
set -eu
build=$(pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/drover-template-XXXXXX")
trap 'rm -rf "$tmp"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL CFLAGS CPPFLAGS LDFLAGS 2>/dev/null || :

root=${DROVER_PREFIX-}
if [ -z "$root" ]; then
	root=$tmp/root
	make -s -C "$build" DESTDIR="$root" install-droverincludeHEADERS install-pkgconfigDATA install-dist_templateDATA
	export PKG_CONFIG_SYSROOT_DIR="$root"
fi
pc=$(find "$root" -name drover.pc | head -n 1)
template=$(find "$root" -path '*/template/plugin.c' | head -n 1)
[ -n "$pc" ] && [ -n "$template" ] || { echo "$root has no drover.pc or no template" >&2; exit 1; }
export PKG_CONFIG_PATH="${pc%/*}"

mkdir "$tmp/my-own_2"
cp "${template%/*}"/* "$tmp/my-own_2/"
cd "$tmp/my-own_2"
sed -i 's/example/my-own_2/g' plugin.c Makefile README.md
make -s CFLAGS='-O2 -Werror'
[ "$(nm -D --defined-only my-own_2.so | awk '{ print $NF }')" = drover_plugin_v1 ] ||
	{ echo "the template exports something else:" >&2; nm -D --defined-only my-own_2.so >&2; exit 1; }
make -s install DESTDIR="$tmp/installed" PLUGINDIR="$(pkg-config --variable=plugindir drover)"
[ "$(find "$tmp/installed" -name my-own_2.so | wc -l)" -eq 1 ] || { echo "install put it nowhere" >&2; exit 1; }
make -s clean
[ ! -e my-own_2.so ]
for variable in plugindir abi_major abi_minor; do
	[ -n "$(pkg-config --variable=$variable drover)" ] || { echo "drover.pc has no $variable" >&2; exit 1; }
done
