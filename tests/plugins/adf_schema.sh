#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each document that the plugin jira writes is valid by Atlassian's own schema.
set -u
schema=${SRC:?}/../shared/contracts/adf-schema-v1-full.json
[ -r "$schema" ] || { echo "skipped: no contracts (../shared/contracts) beside the source tree"; exit 77; }
# Debian's package serves Debian's python3 only, which need not be the first in PATH.
for python in python3 /usr/bin/python3 ""; do
	[ -n "$python" ] || { echo "skipped: python3 has no jsonschema (Debian: python3-jsonschema)"; exit 77; }
	! "$python" -c 'import jsonschema' 2>/dev/null || break
done
dir=$(mktemp -d "${TMPDIR:-/tmp}/drover-adf.XXXXXX") || exit 1
trap 'rm -rf "$dir"' EXIT
for seed in 1 "$(date +%s)"; do
	echo "seed $seed"
	./adf_corpus "$seed" >"$dir/corpus" || exit 1
	"$python" -W ignore - "$schema" "$dir/corpus" <<'END' || exit 1
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
v = jsonschema.Draft4Validator(schema)
bad = n = 0
def doc(text):
    return {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]}
# The schema itself refuses what it should, or this test would prove nothing.
assert v.is_valid(doc("x")) and not v.is_valid(doc("")) and not v.is_valid({"type": "doc", "version": 1, "content": [{"type": "text", "text": "x"}]})
for line in open(sys.argv[2], encoding="utf-8"):
    n += 1
    document = json.loads(line)
    for error in v.iter_errors(document):
        bad += 1
        print("%s\n  in %s" % (error.message[:300], line[:600]))
        break
    def walk(node):
        for child in node.get("content", []):
            if child.get("type") == "text" and not child["text"]:
                raise SystemExit("an empty text in " + line)
            if child.get("type") == "text" and "\n" in child["text"] and node["type"] != "codeBlock":
                raise SystemExit("a line end that shows as a blank in " + line)
            walk(child)
    walk(document)
print("%d documents, %d invalid" % (n, bad))
sys.exit(bad > 0 or n < 600)
END
done
