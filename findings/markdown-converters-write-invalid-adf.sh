#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# marklassian 1.2.1 and md-to-adf 0.6.4 (npm): Markdown that is valid becomes an Atlassian document
# that @atlaskit/adf-schema 57.7.22 refuses, or an exception.
#
# Guess: a converter whose one purpose is this format writes what the format allows, and flattens
# what it cannot nest.
# Seen: marklassian maps node to node. A quote or a table in a list item, a heading or a rule in a
# quote, a task below a task and an empty code block give documents that are refused, and with them
# the whole comment. md-to-adf throws at ~~text~~ and at an empty code block, and also writes a
# quote into a list item.
#
# So check a converted document against the schema before it is posted, and have plain text ready.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund marklassian@1.2.1 md-to-adf@0.6.4 \
	@atlaskit/adf-schema@57.7.22 ajv@8.17.1 ajv-draft-04@1.0.0 >install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >convert.mjs <<'JS'
import { createRequire } from "module";
import fs from "fs";
import { markdownToAdf } from "marklassian";
const require = createRequire(import.meta.url);
const Ajv = require("ajv-draft-04");
const schema = "node_modules/@atlaskit/adf-schema/dist/json-schema/v1/full.json";
const valid = new Ajv({ strict: false }).compile(JSON.parse(fs.readFileSync(schema)));
const plain = (document) => JSON.parse(JSON.stringify(document));
const converters = { marklassian: markdownToAdf, "md-to-adf": require("md-to-adf") };
for (const text of ["- a\n\n  > q", "- | a |\n  |---|\n  | b |", "> # h", "> ---",
	"- [ ] a\n  - [ ] b", "```\n```", "~~s~~"]) {
	const said = Object.entries(converters).map(([name, convert]) => {
		try {
			return `${name} ${valid(plain(convert(text))) ? "valid" : "refused"}`;
		} catch (error) {
			return `${name} throws`;
		}
	});
	console.log(JSON.stringify(text), said.join(", "));
}
JS
node convert.mjs | tee seen
cat >expected <<'TEXT'
"- a\n\n  > q" marklassian refused, md-to-adf refused
"- | a |\n  |---|\n  | b |" marklassian refused, md-to-adf valid
"> # h" marklassian refused, md-to-adf valid
"> ---" marklassian refused, md-to-adf valid
"- [ ] a\n  - [ ] b" marklassian refused, md-to-adf valid
"```\n```" marklassian refused, md-to-adf throws
"~~s~~" marklassian valid, md-to-adf throws
TEXT
cmp seen expected && echo "both converters behave as described"
