#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Files that git filters on their way into a commit: by a filter of the user's own, git-crypt and Git
# LFS. What should be filtered never leaves unfiltered, and a filter that an agent defines never runs.
. "$SRC/tests/e2e/lib.sh"
need git jq base64

git config --global filter.based.clean base64
git config --global filter.based.smudge 'base64 -d'
git config --global filter.based.required true
git config --global filter.failing.clean 'echo no >&2; false'

# repo NAME FILTER: a repository whose secrets/* have that filter, with secrets/env and plain.txt.
repo() {
	make_repo "$work/$1" 3
	(
		cd "$work/$1" && mkdir secrets && echo 'secrets/* filter='"$2" >.gitattributes && echo plain >plain.txt &&
			echo password=first >secrets/env && git add . && git commit -qm secrets && git push -q origin main
	)
}
repo based based
repo named unknown
repo failing based && (cd "$work/failing" && echo 'late/* filter=failing' >>.gitattributes && git commit -qam late && git push -q origin main)
make_repo "$work/none" 3

# With a key in the user's settings, as after `git-crypt export-key`. The remote has ciphertext alone.
if command -v git-crypt >/dev/null; then
	make_repo "$work/crypt" 3
	(
		cd "$work/crypt" && git-crypt init >/dev/null && git-crypt export-key "$work/key" && mkdir secrets &&
			echo 'secrets/* filter=git-crypt diff=git-crypt' >.gitattributes && echo password=first >secrets/env && git add . &&
			git commit -qm secrets && git push -q origin main
	)
	git config --global filter.git-crypt.clean "git-crypt clean --key-file=$work/key"
	git config --global filter.git-crypt.smudge "git-crypt smudge --key-file=$work/key"
	git config --global filter.git-crypt.required true
fi
# LFS objects lie in lfs/objects of the remote. The user has not run `git lfs install`.
if command -v git-lfs >/dev/null; then
	make_repo "$work/lfs" 3
	(
		cd "$work/lfs" && git lfs install --local >/dev/null && git lfs track '*.bin' >/dev/null && head -c 50000 /dev/urandom >big.bin &&
			git add . && git commit -qm big && git push -q origin main 2>/dev/null
	)
	make_repo "$work/astray" 3
	(
		cd "$work/astray" && echo '*.bin filter=lfs' >.gitattributes && git config -f .lfsconfig lfs.url https://other.example/lfs &&
			git add . && git commit -qm astray && git push -q origin main
	)
fi

cat >"$work/run" <<'END'
#!/bin/sh
cat >/dev/null
. "${0%/*}/agent"
END
chmod +x "$work/run"
settings() {
	config <<-CONF
		agents = { script = { command = ("$work/run"); prompt = "stdin"; output = "plain"; }; };
		repos = ( $(for r in based named failing none crypt lfs astray; do
			printf '{ name = "%s"; url = "%s"; base = "main"; },' "$r" "$work/$r.git"
		done)
		          { name = "lfsfile"; url = "file://$work/lfs.git"; base = "main"; },
		          { name = "lfsgit"; url = "$work/lfs.git"; base = "main"; transport = "git"; },
		          { name = "bygit"; url = "$work/based.git"; base = "main"; transport = "git"; } );
		plugins = ( { name = "inbox"; pipelines = { ticket = { agent = "script"; retries = 0; }; }; } );
	CONF
}
settings
check "the daemon starts" daemon_start || finish broken

# run REPO WHAT: one job whose agent does WHAT; its id in $job.
n=0
run() {
	n=$((n + 1))
	printf '%s\n' "$2" >"$work/agent"
	drover submit inbox.ticket -k "t$n" -t "Ticket $n" -r "$1" -p "Ticket $n" >"$work/said" 2>&1
	job=$n
	until_true ended
}
ended() { [[ $(job_state "$job") =~ succeeded|held|dead ]]; }
branch() { git -C "$1" for-each-ref --format='%(refname)' "refs/heads/drover/" | grep "/ticket-$job-"; }
pushed() { git -C "$work/$1.git" cat-file blob "$(branch "$work/$1.git"):$2"; }
changed() { git -C "$work/$1.git" diff --name-only "main...$(branch "$work/$1.git")" | tr '\n' ' '; }
why() { drover show --json "$job" | jq -r '.held_why + .error'; }

for how in based bygit; do
	run "$how" 'cat secrets/env >../seen; echo password=second >secrets/env; echo password=third >secrets/new'
	check "$how: the job succeeds" equal "$(job_state "$job")" succeeded
	check "$how: the agent sees the contents" equal "$(cat "$work/state/trees/$how/seen")" password=first
	check "$how: a changed file is filtered" equal "$(pushed based secrets/env | base64 -d 2>&1)" password=second
	check "$how: a new file is filtered" equal "$(pushed based secrets/new | base64 -d 2>&1)" password=third
	run "$how" 'echo more >>plain.txt; touch secrets/env'
	check "$how: a file that did not change is no change" equal "$(changed based)" "plain.txt "
done

run based 'git config user.name A; git config user.email a@b; echo password=second >secrets/env; git add -A; git commit -qm own'
check "what the agent committed past the filter is filtered" equal "$(pushed based secrets/env | base64 -d 2>&1)" password=second
run based 'echo >.gitattributes; echo password=second >secrets/env'
check "an agent that takes the filter away is held" equal "$(job_state "$job")" held
check "for this file" has "$(why)" "secrets/env has filter=based, which the job took away from it"
check "and nothing is pushed" equal "$(branch "$work/based.git")" ""

run none "git config filter.spy.clean 'tee $work/spied'; git config filter.spy.smudge 'tee $work/spied'
echo '*.txt filter=spy' >.gitattributes; echo x >d0/f0.txt"
check "a filter that the agent defined is not known" has "$(why)" "d0/f0.txt has filter=spy, which is not configured here"
check "and the job is held" equal "$(job_state "$job")" held
run none 'echo y >d0/f1.txt'
check "the next job in that tree succeeds" equal "$(job_state "$job")" succeeded
check "the agent's filter never ran" test ! -e "$work/spied"
run none 'echo "secrets/* filter=based" >.gitattributes; mkdir secrets; echo password=new >secrets/a'
check "a filter of the user that the agent begins to use runs" equal "$(pushed none secrets/a | base64 -d 2>&1)" password=new

run named 'echo password=second >secrets/env'
check "an unknown filter holds the job" equal "$(job_state "$job")" held
check "with the file and the filter" has "$(why)" "secrets/env has filter=unknown, which is not configured here"
check "nothing is pushed" equal "$(branch "$work/named.git")" ""
check "the work is saved" test -n "$(git -C "$work/state/mirrors/named.git" for-each-ref refs/drover/wip)"
run named 'echo more >>plain.txt'
check "other files of that repo are pushed" equal "$(changed named)" "plain.txt "

run failing 'mkdir late; echo x >late/x'
check "a filter that fails holds the job" equal "$(job_state "$job")" held
check "with the file" has "$(why)" "late/x has filter=failing"
run failing 'echo more >>plain.txt'
check "the tree is of use again" equal "$(changed failing)" "plain.txt "

if [ -d "$work/crypt" ]; then
	run crypt 'cat secrets/env >../seen; echo password=second >secrets/env'
	check "git-crypt: the agent sees the contents" equal "$(cat "$work/state/trees/crypt/seen")" password=first
	check "git-crypt: the commit has ciphertext" equal "$(pushed crypt secrets/env | head -c 10 | tr -d '\0')" GITCRYPT
	check "git-crypt: which the key opens" equal "$(pushed crypt secrets/env | git-crypt smudge --key-file="$work/key")" password=second
else
	say "skipped: git-crypt is not installed"
fi

# fresh REPO: a clone of the pushed branch by somebody who uses LFS.
fresh() {
	rm -rf "$work/fresh"
	GIT_LFS_SKIP_SMUDGE=1 git clone -q -b "$(branch "$work/lfs.git" | sed 's,refs/heads/,,')" "$work/lfs.git" "$work/fresh" &&
		(cd "$work/fresh" && git lfs install --local && git lfs pull && git lfs fsck) >"$work/fsck" 2>&1
}
size() { stat -c %s "$1"; }
if [ -d "$work/lfs" ]; then
	for how in lfs lfsfile lfsgit; do
		run "$how" 'stat -c %s big.bin >../seen; head -c 70000 /dev/urandom >new.bin; echo x >>d0/f0.txt'
		check "$how: the job succeeds" equal "$(job_state "$job")" succeeded || why
		check "$how: the agent sees the contents" equal "$(cat "$work/state/trees/$how/seen")" 50000
		check "$how: the commit has a pointer" has "$(pushed lfs new.bin | head -c 200 | tr -d '\0')" "version https://git-lfs"
		check "$how: git lfs fsck of a fresh clone is clean" fresh || cat "$work/fsck"
		check "$how: which has the contents" equal "$(size "$work/fresh/new.bin")" 70000
	done
	run lfs 'git config user.name A; git config user.email a@b; head -c 70000 /dev/urandom >own.bin; git add -A; git commit -qm own'
	check "what the agent committed as it was becomes a pointer" has "$(pushed lfs own.bin | head -c 200 | tr -d '\0')" "version https://git-lfs"
	check "with its object at the remote" fresh
	run astray 'echo x >x'
	check "an LFS server on another host is refused" has "$(why)" ".lfsconfig names the LFS server https://other.example/lfs"
else
	say "skipped: git-lfs is not installed"
fi
daemon_stop

# Without git-lfs, and without git, in PATH. The programs of the daemon are the shell's.
mkdir "$work/few"
for p in sh cat git base64; do ln -s "$(command -v $p)" "$work/few/$p"; done
if [ -d "$work/lfs" ]; then
	PATH=$work/few daemon_start
	run lfs 'echo x >x'
	check "without git-lfs a repo that uses it is refused" has "$(why)" "lfs uses Git LFS (.gitattributes: filter=lfs): install git-lfs"
	daemon_stop
fi
rm "$work/few/git"
PATH=$work/few daemon_start
run based 'echo x >x'
check "without git a repo with filters is refused" has "$(why)" "uses filters (.gitattributes: filter=based), which only git can run"
finish
