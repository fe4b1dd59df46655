#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# jira2md 3.0.1 (npm): what stands in code is converted as if it were prose, in both directions.
#
# Guess: code spans and blocks come out as they went in; only what encloses them changes.
# Seen: the line a*b*c of a fenced block becomes a_b_c for Jira; {{a_b_c}} becomes `a*b*c`, and
# {code}a*b*c{code} becomes a**b**c, for Markdown. Names with two underscores are turned into
# emphasis outside of code as well: file_name_x is file*name*x.
#
# So a program that an issue quotes is another one after the way through this converter: take the
# code out before and put it back after, or read the text with a parser.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund jira2md@3.0.1 \
	>install.log 2>&1 || { cat install.log; exit 1; }

cat >convert.js <<'JS'
const jira2md = require("jira2md");
const show = (text) => JSON.stringify(text);
const fenced = "```js\na*b*c\n```";
console.log("to Jira", show(fenced), show(jira2md.to_jira(fenced)));
for (const text of ["{{a_b_c}}", "{code}\na*b*c\n{code}", "file_name_x"])
	console.log("to Markdown", show(text), show(jira2md.to_markdown(text)));
JS
node convert.js | tee seen
cat >expected <<'TEXT'
to Jira "```js\na*b*c\n```" "{code:js}\na_b_c\n{code}"
to Markdown "{{a_b_c}}" "`a*b*c`"
to Markdown "{code}\na*b*c\n{code}" "```\na**b**c\n```"
to Markdown "file_name_x" "file*name*x"
TEXT
cmp seen expected && echo "jira2md 3.0.1 behaves as described"
