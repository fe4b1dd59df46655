#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# slackify-markdown 4.5.0 (npm): three marks of Markdown come out as Markdown, or not at all.
#
# Guess: what mrkdwn has no mark for is written so that it reads well: a hard line break as a line
# break, a rule as a line, a task's box as a box.
# Seen: a hard break is a backslash at the end of the line, a rule is ***, and "- [x] done" and
# "- [ ] open" are the same bullet, so that a reader cannot tell what is done. Bold text is wrapped
# in U+200B, which a search for the text with its stars does not find.
#
# So a report with a check list needs its boxes drawn before the conversion.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund slackify-markdown@4.5.0 >install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >convert.js <<'JS'
const module_ = require("slackify-markdown");
const convert = module_.slackifyMarkdown || module_.default || module_;
const escaped = (text) => JSON.stringify(text).replace(/[^ -~]/g,
	(c) => "\\u" + c.codePointAt(0).toString(16).padStart(4, "0"));
for (const text of ["one  \ntwo", "---", "- [x] done\n- [ ] open", "**bold**"])
	console.log(escaped(text), escaped(convert(text)));
JS
node convert.js | tee seen
cat >expected <<'TEXT'
"one  \ntwo" "one\\\ntwo\n"
"---" "***\n"
"- [x] done\n- [ ] open" "\u2022   done\n\u2022   open\n"
"**bold**" "\u200b*bold*\u200b\n"
TEXT
cmp seen expected && echo "slackify-markdown 4.5.0 behaves as described"
