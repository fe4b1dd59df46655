#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# SQLite 3.40.1 (Debian sqlite3 3.40.1-2+deb12u2): "state in ('a', 'b', 'c')" in a check or in the
# condition of a partial index is built as a table in memory, and freed, by each statement that
# has to evaluate it.
#
# Guess: a list of constants is compiled into comparisons, or built once with the prepared
# statement; a check with "in" costs what a chain of "or" costs.
# Seen: with three or more values every such place opens an ephemeral b-tree, at each run of the
# statement: an insert into a table with one such check opens one, an update of the column in two
# partial indexes with such conditions opens five. The same conditions as a chain of comparisons
# open none, and so does a list of two values.
#
# A planner takes a partial index whose condition is a list for a query that says the chain, so
# conditions can be written anew without a change of queries.
set -eu
version=3.40.1-2+deb12u2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq "sqlite3=$version" "libsqlite3-0=$version" >/dev/null 2>&1
for package in *.deb; do dpkg -x "$package" root; done
library=$(dirname "$(find "$PWD/root" -name libsqlite3.so.0)")
sqlite() { LD_LIBRARY_PATH=$library "$PWD/root/usr/bin/sqlite3" "$@"; }

schema='
create table none (state text);
create table two (state text check (state in (1, 2)));
create table list (state text check (state in (1, 2, 3)));
create table chain (state text check (state = 1 or state = 2 or state = 3));
create table indexed (id integer primary key, name text, state text check (state in (1, 2, 3)));
create index i1 on indexed (name) where state in (1, 2, 3);
create index i2 on indexed (name) where state in (2, 3, 4);'
opened() { sqlite :memory: "$schema" "explain $1" | grep -c 'OpenEphemeral' || :; }
{
	sqlite --version | cut -d' ' -f1
	for table in none two list chain; do
		echo "insert, $table: $(opened "insert into $table values (?)")"
	done
	echo "update, two indexes: $(opened 'update indexed set state = ? where id = ?')"
	sqlite :memory: "$schema" \
		"explain query plan select name from indexed where name = 'x' and (state = 1 or state = 2 or state = 3)" |
		grep -o 'USING.*INDEX i1'
} | tee seen
cat >expected <<'TEXT'
3.40.1
insert, none: 0
insert, two: 0
insert, list: 1
insert, chain: 0
update, two indexes: 5
USING INDEX i1
TEXT
cmp seen expected && echo "sqlite3 $version behaves as described"
