#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Arrows between the folders of core/ go one way. Three looks: at each include, which must be on the list below; at the
# calls between objects, where no two files of different folders may reach each other in a circle; and at the libraries,
# none of which may need a symbol that only the programs' own objects have.
#
#   layers.sh --picture    prints the folders and what each includes, drawn from the sources
set -eu
src=${SRC:-.}
build=${BUILD:-.}

# Folder: the folders that it may include. The one place where super and run meet is named as a file.
allowed='
base:
config: base
store: base
wire: base
queue: base config store
lease: base config store
notice: base config store queue lease
load: base config
host: base config lease wire
host/http: base config lease wire host
host/agent: base config lease wire host
host/change: base config lease wire host host/agent
run: base config lease wire load host host/http host/agent host/change
core: base config store queue lease notice
super: base config store queue lease notice wire core run/runner.h
api: base config store queue lease notice core super
cli: base config
daemon: base config store queue lease notice load core super api
main: base config lease load run daemon
'

# file:line:folder:included path. Of the files beside the folders, each is a folder of its own.
includes() {
	(cd "$src/core" && grep -rnE --include='*.[ch]' '^#[[:space:]]*include[[:space:]]+"' .) |
		sed -nE 's|^\./([^:]*):([0-9]+):[^"]*"([^"]*)".*|\1:\2:\3|p' |
		awk -F: '{
			folder = $1
			if (!sub("/[^/]*$", "", folder))
				sub("\\.[ch]$", "", folder)
			print $1 ":" $2 ":" folder ":" $3
		}'
}

folder_rules='
	BEGIN {
		n = split(allowed, lines, "\n")
		for (i = 1; i <= n; i++) {
			folder = lines[i]
			if (!sub(":.*", "", folder))
				continue
			known[folder] = 1
			rest = lines[i]
			sub("[^:]*:", "", rest)
			m = split(rest, may, " ")
			for (j = 1; j <= m; j++)
				good[folder, may[j]] = 1
		}
	}
	# "" for headers that are not of core/: build.h, drover/plugin.h.
	function folder_of(path,  folder) {
		folder = path
		if (!sub("/[^/]*$", "", folder))
			sub("\\.[ch]$", "", folder)
		return folder in known ? folder : ""
	}'

if [ "${1-}" = --picture ]; then
	includes | awk -F: -v allowed="$allowed" "$folder_rules"'
		{ to = folder_of($4); if (to != "" && to != $3) print $3 " -> " to }' | sort -u
	exit 0
fi

bad=0
wrong=$(includes | awk -F: -v allowed="$allowed" "$folder_rules"'
	{
		to = folder_of($4)
		if (!($3 in known))
			print "core/" $1 ": folder " $3 " is not in the list of tests/package/layers.sh"
		else if (to != "" && to != $3 && !(($3, to) in good) && !(($3, $4) in good))
			print "core/" $1 ":" $2 ": " $3 " must not include \"" $4 "\""
	}')
[ -z "$wrong" ] || { printf '%s\n' "$wrong"; bad=1; }

# "file symbol U|D" for each global symbol of each object of core/.
symbols() {
	find "$build/core" -name '*.o' | grep -E '/\.libs/|/core/[a-z]+\.o$' | while read -r object; do
		file=$(printf '%s\n' "${object#"$build"/core/}" | sed -E 's|\.libs/||; s|\.o$||; s|/lib[a-z]+_la-|/|')
		nm -g "$object" | awk -v file="$file" '
			NF == 3 && $2 ~ /[TDBRVWC]/ { print file, $3, "D" }
			NF == 2 && $1 == "U" { print file, $2, "U" }'
	done
}

command -v nm >/dev/null || { echo "skipped: nm is not installed (Debian: binutils)"; exit 77; }
symbols=$(symbols)
[ "$(printf '%s\n' "$symbols" | wc -l)" -gt 1000 ] || { echo "no objects below $build/core: build first"; exit 1; }

circles=$(printf '%s\n' "$symbols" | awk '
	{ if ($3 == "D") home[$2] = $1; else { n++; user[n] = $1; wants[n] = $2 } }
	function folder(file) { sub("/[^/]*$", "", file); return file }
	# Marks what can be reached from a file.
	function reach(from, file,  i, parts, m) {
		if ((from, file) in reached)
			return
		reached[from, file] = 1
		m = split(calls[file], parts, " ")
		for (i = 1; i <= m; i++)
			reach(from, parts[i])
	}
	END {
		for (i = 1; i <= n; i++) {
			to = home[wants[i]]
			if (to == "" || to == user[i] || (user[i], to) in edge)
				continue
			edge[user[i], to] = wants[i]
			calls[user[i]] = calls[user[i]] " " to
			files[user[i]] = files[to] = 1
		}
		for (file in files)
			reach(file, file)
		for (pair in edge) {
			split(pair, ends, SUBSEP)
			if (folder(ends[1]) != folder(ends[2]) && (ends[2], ends[1]) in reached)
				print "core/" ends[1] ".c calls " edge[pair] "() of core/" ends[2] ".c, which leads back to it"
		}
	}' | sort)
[ -z "$circles" ] || { printf '%s\n' "$circles"; bad=1; }

upward=$(printf '%s\n' "$symbols" | awk '
	{
		if ($3 == "D")
			home[$2] = $1
		else {
			n++
			user[n] = $1
			wants[n] = $2
		}
	}
	END {
		for (i = 1; i <= n; i++)
			if (home[wants[i]] ~ /^(daemon|main|cli\/main)$/ && user[i] !~ /^(daemon|main|cli\/main)$/)
				print "core/" user[i] ".c needs " wants[i] "(), which no library has"
	}')
[ -z "$upward" ] || { printf '%s\n' "$upward"; bad=1; }
exit $bad
