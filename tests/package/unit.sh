#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The unit of systemd: how much it leaves open, as systemd counts it, and that agents can work in the sandbox below it.
set -u
srcdir=${srcdir:-.}
command -v systemd-analyze >/dev/null 2>&1 || { echo "skipped: systemd-analyze is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() { failed=1; echo "unit.sh:1: error: $*"; }

sed 's|@sbindir@|/usr/sbin|; s|@sysconfdir@|/etc|' "$srcdir/data/droverd.service.in" >"$work/droverd.service"
systemd-analyze security --offline=yes --no-pager "$work/droverd.service" >"$work/out" 2>&1
exposure=$(sed -n 's/.*Overall exposure level for droverd.service: \([0-9]*\)\.\([0-9]\).*/\1\2/p' "$work/out")
[ -n "$exposure" ] || { echo "skipped: this systemd-analyze does not look at files"; exit 77; }
[ "$exposure" -le 35 ] || fail "the exposure is $exposure tenths, at most 35: $(grep '✗' "$work/out")"
# With a part of /proc covered, the kernel lets no user namespace mount a /proc of its own.
for key in ProtectHostname ProtectKernelTunables ProtectKernelLogs ProtectProc ProcSubset; do
	! grep "^$key=" "$work/droverd.service" || fail "bwrap cannot mount /proc below $key"
done
namespaces=$(sed -n 's/^RestrictNamespaces=//p' "$work/droverd.service")
for name in user mnt pid ipc net; do
	case " $namespaces " in *" $name "*) ;; *) fail "bwrap needs a namespace of $name" ;; esac
done
exit $failed
