# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Sourced by the other scripts: installs the packages that they need, and builds out of tree.
#
#   prepare_packages PACKAGE...              installs Debian packages, and names them first
#   prepare_configure DIR [CONFIGURE-ARGUMENT...]
#   prepare_make DIR [TARGET...]
#   prepare_build DIR [CONFIGURE-ARGUMENT...]    does both
#   prepare_tests                            installs the tests' packages, configures $build for them
#
# DROVER_SKIP_PACKAGES=1 says that the packages are installed, DROVER_SKIP_BUILD=1 that the build is
# there.

top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
# shellcheck disable=SC2034
build_packages="gcc libc6-dev make autoconf automake libtool pkg-config git ca-certificates
  libevent-dev libcurl4-openssl-dev libssl-dev libcjson-dev libconfig-dev libgit2-dev libsqlite3-dev libpcre2-dev
  libwebsockets-dev libcmark-gfm-dev libcmark-gfm-extensions-dev uthash-dev bubblewrap"
test_packages="check libsubunit-dev lighttpd jq curl sqlite3 mandoc abigail-tools shellcheck python3
  python3-jsonschema openssl nginx-light clang ccache xz-utils procps binutils git-lfs git-crypt"

say() { printf '%s\n' "$*" >&2; }

die() {
	say "$(basename "$0"): $*"
	exit 1
}

missing_packages() {
	for p in "$@"; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$p"
	done
}

prepare_packages() {
	[ -z "${DROVER_SKIP_PACKAGES:-}" ] || return 0
	if [ ! -r /etc/debian_version ] || ! command -v apt-get >/dev/null 2>&1; then
		say "This is not Debian. drover needs what these Debian packages contain:"
		say "  $*"
		die "install the same on this system, then run this again with DROVER_SKIP_PACKAGES=1"
	fi
	missing=$(missing_packages "$@")
	[ -n "$missing" ] || return 0
	say "Installing from Debian: $missing"
	sudo=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null 2>&1 || die "run it as root, or install sudo, or install by hand: $missing"
		sudo=sudo
	fi
	$sudo apt-get update -qq || say "apt-get update failed; going on with the package lists from before"
	install_quietly || die "apt-get could not install: $missing"
}

# Debian starts a web server when it is installed and at each boot. The tests start their own on
# loopback, so this prevents it.
install_quietly() (
	policy=/usr/sbin/policy-rc.d
	if [ ! -e "$policy" ]; then
		trap '$sudo rm -f "$policy"' EXIT
		trap 'exit 130' INT TERM
		printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null && $sudo chmod 755 "$policy"
	fi
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || exit 1
	[ -d /run/systemd/system ] || exit 0
	for p in $missing; do
		case $p in
		lighttpd | nginx-light) $sudo systemctl disable --now "${p%-light}" >/dev/null 2>&1 || say "${p%-light} could not be switched off" ;;
		esac
	done
)

# Runs make. On a terminal it counts the files that are compiled.
prepare_make() {
	[ -z "${DROVER_SKIP_BUILD:-}" ] || return 0
	dir=$1
	shift
	began=$(date +%s)
	: >"$dir/make.out"
	make -C "$dir" -j"$(nproc)" "$@" >"$dir/make.out" 2>&1 &
	make=$!
	if [ -t 2 ]; then
		while kill -0 "$make" 2>/dev/null; do
			printf '\rBuilding ... %s files' "$(grep -c '^  CC ' "$dir/make.out")" >&2
			sleep 0.5
		done
		printf '\r\033[K' >&2
	else
		say "Building ..."
	fi
	wait "$make" || {
		tail -n 40 "$dir/make.out" >&2
		die "the build failed, see $dir/make.out"
	}
	say "Built in $dir ($(($(date +%s) - began)) s)"
}

prepare_configure() {
	build=$1
	shift
	[ -z "${DROVER_SKIP_BUILD:-}" ] || return 0
	mkdir -p "$build"
	if [ ! -x "$top/configure" ] || [ -n "$(find "$top/configure.ac" -newer "$top/configure")" ]; then
		say "Making configure ..."
		(cd "$top" && ./autogen.sh) >"$build/autogen.out" 2>&1 || {
			cat "$build/autogen.out" >&2
			die "autogen.sh failed"
		}
	fi
	if [ ! -f "$build/Makefile" ] || [ -n "$(find "$top/configure" -newer "$build/config.status")" ]; then
		say "Configuring in $build ..."
		cc=gcc
		command -v ccache >/dev/null 2>&1 && cc="ccache gcc"
		(cd "$build" && "$top/configure" CC="$cc" "$@") >"$build/configure.out" 2>&1 || {
			tail -n 20 "$build/configure.out" >&2
			die "configure failed, see $build/config.log"
		}
	fi
}

prepare_build() {
	prepare_configure "$@"
	prepare_make "$1"
}

prepare_tests() {
	# shellcheck disable=SC2086
	prepare_packages $build_packages $test_packages
	prepare_configure "${DROVER_CHECK_BUILD:-$top/build-check}" --enable-werror --enable-sanitizers CFLAGS="-g -O1"
	build=$(cd "$build" && pwd)
}
