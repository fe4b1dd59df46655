#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# @stoplight/prism-cli 5.14.2 (npm): a query parameter that is an integer from 1 to 5 may be empty
# or hexadecimal, though 1.5, 9 and "abc" are refused.
#
# Guess: the mock reads a query parameter by its schema, so that what is no decimal integer within
# the bounds is answered with 422.
# Seen: "q=" is valid, without the default or the minimum being applied; "q=0x1" and "q=1e0" are
# valid. In a JSON body the same schema refuses "" and "0x1".
#
# So a client that sends an empty cursor or page passes its contract test here and fails at the
# vendor: assert the query string itself in the test.
set -eu
version=5.14.2
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund "@stoplight/prism-cli@$version" >install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >contract.yaml <<'YAML'
openapi: 3.0.3
info: { title: one number, version: "1" }
paths:
  /query:
    get:
      parameters:
        - { name: q, in: query, schema: { type: integer, minimum: 1, maximum: 5 } }
      responses: { "204": { description: valid } }
  /body:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              properties: { q: { type: integer, minimum: 1, maximum: 5 } }
      responses: { "204": { description: valid } }
YAML
cat >free.js <<'JS'
const server = require("net").createServer().listen(0, "127.0.0.1", () => {
	console.log(server.address().port);
	server.close();
});
JS
port=$(node free.js)
node node_modules/.bin/prism mock --host 127.0.0.1 --port "$port" contract.yaml >prism.log 2>&1 &
server=$!
until grep -q "is listening" prism.log; do
	kill -0 "$server" || { cat prism.log; exit 1; }
	sleep 0.1
done
{
	for value in 1 "" 0x1 1e0 1.5 9 abc; do
		code=$(curl -s -o answer -w '%{http_code}' "http://127.0.0.1:$port/query?q=$value")
		echo "query \"$value\": $code"
	done
	for value in '""' '"0x1"'; do
		code=$(curl -s -o answer -w '%{http_code}' -H 'Content-Type: application/json' \
			-d "{\"q\":$value}" "http://127.0.0.1:$port/body")
		echo "body $value: $code"
	done
} | tee seen
cat >expected <<'TEXT'
query "1": 204
query "": 204
query "0x1": 204
query "1e0": 204
query "1.5": 422
query "9": 422
query "abc": 422
body "": 422
body "0x1": 422
TEXT
cmp seen expected && echo "Prism $version behaves as described"
