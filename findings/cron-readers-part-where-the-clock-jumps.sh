#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# cron-parser 5.10.6 and croner 11.0.1 (npm), systemd 252 (Debian): the same schedule runs at three
# different times on the two days of the year on which clocks are changed.
#
# Guess: a time that the clock jumps over runs once, right after the jump or at the same distance
# from midnight, the same for every reader; a step within the hour that comes twice runs in the
# first one only, or in both, again the same for all.
# Seen, in Europe/Berlin in 2026: "30 2 * * *" on 29 March runs at 03:30 by cron-parser, at 03:00
# by croner, and not at all by systemd's calendar. "*/20 2 * * *" runs three times at 03:00, 03:20,
# 03:40 by cron-parser and not on that day by croner; on 25 October it runs three times by
# cron-parser and systemd, and six times by croner.
#
# So a schedule that must run once a day keeps out of 02:00 to 03:00, and one reader's "next run"
# must not be shown for a job that another one starts.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund cron-parser@5.10.6 croner@11.0.1 >install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >next.mjs <<'JS'
import { CronExpressionParser } from "cron-parser";
import { Cron } from "croner";
const tz = "Europe/Berlin";
const readers = {
	"cron-parser": (line, from, to) => {
		const times = CronExpressionParser.parse(line, { currentDate: from, tz });
		const found = [];
		for (let next = times.next().toDate(); next < to; next = times.next().toDate())
			found.push(next);
		return found;
	},
	croner: (line, from, to) =>
		new Cron(line, { timezone: tz }).nextRuns(12, from).filter((t) => t < to),
};
const days = [["30 2 * * *", "2026-03-28T23:00Z", "2026-03-29T22:00Z"],
	["*/20 2 * * *", "2026-03-28T23:00Z", "2026-03-29T22:00Z"],
	["*/20 2 * * *", "2026-10-24T22:00Z", "2026-10-25T23:00Z"]];
for (const [line, from, to] of days)
	for (const [name, read] of Object.entries(readers))
		console.log(`${from.slice(0, 7)} ${line} ${name}:`, read(line, new Date(from), new Date(to))
			.map((time) => time.toISOString().slice(11, 16)).join(" ") || "not at all");
JS
next() { # DAY CALENDAR: systemd's runs on that day, in UTC
	systemd-analyze calendar --base-time="$1" --iterations=8 "$2 Europe/Berlin" |
		sed -n 's/.*\(20[0-9-]* [0-9:]*\) UTC$/\1/p' | sed -n "s/^$3 \(.....\).*/\1/p" | tr '\n' ' '
}
{
	node next.mjs
	echo "2026-03 systemd: $(TZ=UTC next '2026-03-28 23:00:00 UTC' 02:30 2026-03-29)"
	echo "2026-10 systemd: $(TZ=UTC next '2026-10-24 22:00:00 UTC' 02:00/20 2026-10-25)"
} | tee seen
cat >expected <<'TEXT'
2026-03 30 2 * * * cron-parser: 01:30
2026-03 30 2 * * * croner: 01:00
2026-03 */20 2 * * * cron-parser: 01:00 01:20 01:40
2026-03 */20 2 * * * croner: not at all
2026-10 */20 2 * * * cron-parser: 00:00 00:20 00:40
2026-10 */20 2 * * * croner: 00:00 00:20 00:40 01:00 01:20 01:40
2026-03 systemd: 
2026-10 systemd: 00:00 00:20 00:40 
TEXT
cmp seen expected && echo "all three behave as described"
