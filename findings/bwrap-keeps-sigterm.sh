#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bubblewrap 0.8.0 (Debian bubblewrap 0.8.0-2+deb12u1): SIGTERM to bwrap ends bwrap, and the program
# in the sandbox never learns of it.
#
# Guess: like env, timeout, setsid, tini or sudo, the wrapper hands signals on or is replaced by the
# program, so that a supervisor's SIGTERM gives the program time to tidy up.
# Seen: with --unshare-pid bwrap stays above the program and takes SIGTERM itself. With
# --die-with-parent the program is killed at once without having had a signal that it could catch;
# without it, the program goes on, with nothing left above it that would stop it. The pid that
# --info-fd tells is not the program's but that of bwrap's init in the sandbox, which ignores the
# signal. Only its child is the program.
#
# So a supervisor that gives a program time to tidy up signals the children of the pid that bwrap
# told it.
set -eu
version=0.8.0-2+deb12u1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "bubblewrap=$version" procps \
	>install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >program.sh <<'SH'
trap 'echo asked to end >>said; exit 0' TERM
echo $$ >>up
i=0
while [ ! -e stop ] && [ $i -lt 600 ]; do
	sleep 0.1
	i=$((i + 1))
done
echo went on >>said
SH
run() { # WHOM FLAG...: sends SIGTERM to WHOM, and says how the program ended
	whom=$1
	shift
	rm -f said up stop
	bwrap --ro-bind / / --dev /dev --proc /proc --bind "$work" "$work" --chdir "$work" \
		--unshare-pid "$@" --info-fd 3 sh program.sh 3>info &
	wrapper=$!
	until [ -s up ]; do sleep 0.05; done
	init=$(sed -n 's/.*"child-pid": \([0-9]*\).*/\1/p' info)
	case $whom in
	wrapper) kill -TERM "$wrapper" ;;
	init) kill -TERM "$init" ;;
	program) kill -TERM "$(pgrep -P "$init")" ;;
	esac
	# Either the program ends by the signal within 2 s, or a file tells it to end.
	i=0
	while kill -0 "$init" 2>/dev/null && [ $i -lt 20 ]; do
		sleep 0.1
		i=$((i + 1))
	done
	touch stop
	while kill -0 "$init" 2>/dev/null; do sleep 0.1; done
	wait "$wrapper" && status=0 || status=$?
	echo "to the $whom: bwrap ended with $status; program: $(cat said 2>/dev/null || echo killed)"
}
{
	run wrapper 2>/dev/null
	echo "and with --die-with-parent:"
	run wrapper --die-with-parent 2>/dev/null
	run init
	run program
} | tee seen
cat >expected <<'TEXT'
to the wrapper: bwrap ended with 143; program: went on
and with --die-with-parent:
to the wrapper: bwrap ended with 143; program: killed
to the init: bwrap ended with 0; program: went on
to the program: bwrap ended with 0; program: asked to end
TEXT
cmp seen expected && echo "bubblewrap $version behaves as described"
