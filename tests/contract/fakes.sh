#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # variables are named after vendors and set by eval
# The fakes of the end-to-end tests are held to the vendors: their official clients drive them, and Prism checks each
# request and each answer against the published contract.
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/contract/lib.sh"
need python3 curl jq openssl
contract_nodes || skip "skipped: $why"
for vendor in github jira slack; do
	fake_start $vendor || { not_ok "the fake of $vendor starts"; finish; }
done
contract_front github jira slack || finish
openssl genrsa -out "$work/key" 2048 2>/dev/null && openssl rsa -in "$work/key" -pubout -out "$work/key.pub" 2>/dev/null
cp "$SRC/tests/contract/clients.mjs" "$nodes/clients.mjs"
for vendor in github jira slack; do
	eval "url=\$${vendor}_url fake=\$${vendor}_fake"
	node "$nodes/clients.mjs" "$vendor" "$url" "$fake" "$work/key" >"$work/$vendor.clients" 2>&1 &
	eval "${vendor}_client=$!"
done
for vendor in github jira slack; do
	eval "wait \$${vendor}_client"
	cat "$work/$vendor.clients"
	passed=$((passed + $(grep -c '^ok - ' "$work/$vendor.clients")))
	failed=$((failed + $(grep -c '^not ok - ' "$work/$vendor.clients")))
	check "$vendor: its client came to the end" [ "$(grep -c '^ok - ' "$work/$vendor.clients")" -ge 7 ]
	say "$vendor: what the contract has no word for:"
	contract_unknown $vendor | sed 's/^/  /'
done
# The clients were refused where they should be: those answers are the contract's own, so nothing is left to find.
check "nothing against a contract" equal "$(contract_violations github jira slack)" ""
finish
