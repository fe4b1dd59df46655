#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# @atlaskit/adf-schema 57.7.22 (npm): documents that nest as Markdown does are no valid documents.
#
# Guess: blocks of Atlassian's document format nest as blocks of Markdown do, so that any comment
# can be posted by mapping node to node.
# Seen: a list item holds code blocks and lists, and so does a quote, but neither holds a quote, a
# heading, a table, a rule or a panel. A cell holds all of these but a table. Text is code or bold,
# not both, though code may be a link.
#
# So a converter must lift a block out of its list or quote, or write it in another way, and test
# its output against the schema.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund \
	@atlaskit/adf-schema@57.7.22 ajv@8.17.1 ajv-draft-04@1.0.0 \
	>install.log 2>&1 || { cat install.log; exit 1; }

cat >nest.js <<'JS'
const fs = require("fs");
const Ajv = require("ajv-draft-04");
const schema = "node_modules/@atlaskit/adf-schema/dist/json-schema/v1/full.json";
const valid = new Ajv({ strict: false }).compile(JSON.parse(fs.readFileSync(schema)));
const text = (t, ...marks) => ({ type: "text", text: t, marks });
const block = (type, ...content) => ({ type, content });
const plain = block("paragraph", text("a"));
const blocks = {
	heading: { type: "heading", attrs: { level: 2 }, content: [text("a")] },
	codeBlock: block("codeBlock", { type: "text", text: "a" }),
	bulletList: block("bulletList", block("listItem", plain)),
	blockquote: block("blockquote", plain),
	table: block("table", block("tableRow", { ...block("tableCell", plain), attrs: {} })),
	rule: { type: "rule" },
	panel: { ...block("panel", plain), attrs: { panelType: "info" } },
};
const frames = {
	"list item": (b) => block("bulletList", block("listItem", plain, b)),
	quote: (b) => block("blockquote", plain, b),
	panel: (b) => ({ ...block("panel", plain, b), attrs: { panelType: "info" } }),
	cell: (b) => block("table", block("tableRow", { ...block("tableCell", plain, b), attrs: {} })),
};
const is = (...content) => valid({ version: 1, type: "doc", content });
for (const [name, frame] of Object.entries(frames))
	console.log(`${name}:`, Object.keys(blocks).filter((b) => is(frame(blocks[b]))).join(" "));
const mark = (type) => ({ type });
console.log("code and strong:", is(block("paragraph", text("a", mark("code"), mark("strong")))));
console.log("code and link:", is(block("paragraph",
	text("a", mark("code"), { type: "link", attrs: { href: "https://a.example" } }))));
JS
node nest.js | tee seen
cat >expected <<'TEXT'
list item: codeBlock bulletList
quote: codeBlock bulletList
panel: heading codeBlock bulletList rule
cell: heading codeBlock bulletList blockquote rule panel
code and strong: false
code and link: true
TEXT
cmp seen expected && echo "@atlaskit/adf-schema 57.7.22 behaves as described"
