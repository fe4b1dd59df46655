# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2154 # variables are named after vendors and set by eval
# Sourced after tests/e2e/lib.sh: the fakes of GitHub, Jira and Slack, each behind `prism proxy --errors` on the vendor's
# contract and nginx in front of that. What the contract has no word for goes past Prism; so does everything where the
# contracts (../shared/contracts beside the source tree), node, npm or nginx are out of reach, and then contract=no.
contract=no
fakes_dir=$SRC/tests/fakes
contracts=$SRC/../shared/contracts
export PYTHONDONTWRITEBYTECODE=1 SCARF_ANALYTICS=false

# fake_start NAME [ARGUMENT...]: its URL in $NAME_fake, and in $NAME_url until a front stands before it.
fake_start() {
	vendor=$1
	shift
	python3 "$fakes_dir/$vendor.py" --parent $$ "$@" >"$work/$vendor.port" 2>"$work/$vendor.err" &
	until_true unless_gone $! test -s "$work/$vendor.port" && [ -s "$work/$vendor.port" ] || { cat "$work/$vendor.err"; return 1; }
	eval "${vendor}_port=$(cat "$work/$vendor.port")"
	eval "${vendor}_fake=http://127.0.0.1:\$${vendor}_port ${vendor}_url=http://127.0.0.1:\$${vendor}_port"
}

# ctl NAME WHAT [JSON]: what the fake is told or asked, past all fronts.
ctl() {
	eval "at=\$$1_fake"
	at=$at/_control/$2
	if [ $# -gt 2 ]; then
		curl -sS --fail-with-body -H 'Content-Type: application/json' -d "$3" "$at" || { say "control $1 $2 $3" >&2; return 1; }
	else
		curl -sS --fail-with-body "$at"
	fi
}

# ask NAME WHAT FILTER: jq's answer from the fake's.
ask() { ctl "$1" "$2" | jq -r "$3"; }

# requests_more NAME N: waits until the fake has had N requests more.
requests_more() { ctl "$1" "wait/requests?after=$(($(ask "$1" counts .total) + $2))&timeout=$wait_limit" >/dev/null; }

# contract_nodes: the folder of node programs in $nodes; 1 and a reason in $why where there is none.
contract_nodes() {
	for tool in node npm jq; do
		command -v "$tool" >/dev/null 2>&1 || { why="$tool is not installed"; return 1; }
	done
	[ -f "$contracts/github-rest.openapi.json" ] || { why="no contracts (../shared/contracts) beside the source tree"; return 1; }
	command -v nginx >/dev/null 2>&1 || [ -x /usr/sbin/nginx ] || { why="nginx is not installed"; return 1; }
	nodes=${DROVER_CONTRACT_NODE:-$BUILD/contract-node}
	mkdir -p "$nodes"
	# Tests that run side by side install once.
	(
		flock 9
		if [ ! -x "$nodes/node_modules/.bin/prism" ] || ! cmp -s "$SRC/tests/contract/package-lock.json" "$nodes/installed"; then
			cp "$SRC/tests/contract/package.json" "$SRC/tests/contract/package-lock.json" "$nodes/" &&
				npm_get "$nodes" ci && cp "$nodes/package-lock.json" "$nodes/installed" && exit 0
			printf '%s\n' "${why:-$nodes cannot be written}" >"$nodes/why"
			exit 1
		fi
	) 9>"$nodes/lock" || { why=$(cat "$nodes/why"); return 1; }
}

listens() { curl -s -o /dev/null "http://127.0.0.1:$1/"; }

# The contract of a vendor for Prism, in $work/contract/NAME.json. Where the published text contradicts the vendor's own
# own answers it is loosened: Jira's remote links are an array, its 204 have no type and changes are from or to null; the account of an installation is no user and enterprise at once.
contract_build() {
	[ -d "$work/contract" ] && return 0
	sh "$contracts/build-mock.sh" "$work/contract" || return 1
	jq -c '.paths["/rest/api/3/issue/{issueIdOrKey}/remotelink"].get.responses["200"].content["application/json"].schema = {} |
		del(.paths[][]?.responses?["204"]?.content) |
		(.components.schemas.ChangeDetails.properties | .from, .to, .fromString, .toString) += {nullable: true}' \
		"$work/contract/jira-cloud-v3.json" >"$work/contract/jira.json"
	jq -c '(.. | objects | select(.account?.allOf? | length == 2) | .account) |= {}' "$work/contract/github-rest.json" >"$work/contract/github.json"
	mv "$work/contract/slack-web-api.json" "$work/contract/slack.json"
}

# contract_front NAME...: Prism and nginx before each fake; $NAME_url is nginx then. Without them the fakes stay bare.
contract_front() {
	contract_nodes || { say "skipped: the vendors' contracts: $why"; return 0; }
	contract_build || { say "skipped: the vendors' contracts: they could not be merged"; return 0; }
	for vendor in "$@"; do
		eval "upstream=\$${vendor}_fake"
		port=$(port_take)
		eval "${vendor}_prism=$port"
		"$nodes/node_modules/.bin/prism" proxy "$work/contract/$vendor.json" "$upstream" --errors -h 127.0.0.1 -p "$port" >"$work/$vendor.prism" 2>&1 &
		eval "${vendor}_proxy=$!"
	done
	nginx_conf "$@" >"$work/nginx.conf"
	for vendor in "$@"; do
		eval "port=\$${vendor}_prism proxy=\$${vendor}_proxy"
		until_true unless_gone "$proxy" listens "$port" && listens "$port" || { not_ok "prism listens for $vendor"; tail -n 5 "$work/$vendor.prism"; return 1; }
	done
	mkdir -p "$work/nginx"
	PATH=$PATH:/usr/sbin nginx -p "$work/nginx" -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
	proxy=$!
	for vendor in "$@"; do
		eval "port=\$${vendor}_front"
		until_true unless_gone "$proxy" listens "$port" && listens "$port" || { not_ok "nginx listens for $vendor"; tail -n 5 "$work/nginx.out"; return 1; }
		eval "${vendor}_url=http://127.0.0.1:$port"
		ctl "$vendor" public "{\"url\":\"http://127.0.0.1:$port\"}" >/dev/null
	done
	contract=yes
}

# What the contract has goes to Prism, the rest to the fake; Prism knows of no media type but application/json.
nginx_conf() {
	cat <<-CONF
		daemon off; master_process off; worker_processes 1; pid $work/nginx/pid; error_log $work/nginx.err warn;
		events { worker_connections 512; }
		http {
		  client_body_temp_path $work/nginx/b; proxy_temp_path $work/nginx/p; fastcgi_temp_path $work/nginx/f;
		  uwsgi_temp_path $work/nginx/u; scgi_temp_path $work/nginx/s;
		  log_format one escape=none '\$request_method \$request_uri \$status \$proxy_host \$upstream_http_sl_violations';
		  map_hash_bucket_size 512;
		  map \$http_accept \$accept { default application/json; ~(diff|patch|octet-stream) \$http_accept; }
		  client_max_body_size 0; proxy_http_version 1.1; proxy_buffering off;
	CONF
	for vendor in "$@"; do
		eval "prism=\$${vendor}_prism fake_port=\$${vendor}_port"
		front=$(port_take)
		eval "${vendor}_front=$front"
		printf '  map "$http_accept|$request_method $uri" $%s_up {\n    default 127.0.0.1:%s;\n    "~^[^|]*(diff|patch|octet-stream)" 127.0.0.1:%s;\n' "$vendor" "$fake_port" "$fake_port"
		jq -r '.paths | to_entries[] | .key as $p | .value | keys[] | select(. != "parameters") |
			"    \"~[|]" + ascii_upcase + " " + ($p | gsub("\\."; "\\.") | gsub("\\{ref\\}"; ".+") | gsub("\\{branch\\}"; ".+") | gsub("\\{[^}]*\\}"; "[^/]+")) + "$\""' \
			"$work/contract/$vendor.json" | sed "s/\$/ 127.0.0.1:$prism;/"
		printf '  }\n  server { listen 127.0.0.1:%s; access_log %s/%s.front one;\n    location / { proxy_set_header Accept $accept; proxy_set_header X-Arrived $msec; proxy_set_header Host $host:%s; proxy_pass http://$%s_up$request_uri; }\n' \
			"$front" "$work" "$vendor" "$front" "$vendor"
		printf '    location = / { return 204; }\n'
		printf '  }\n'
	done
	echo "}"
}

# contract_violations NAME...: requests and answers that Prism found against the contract, and how often.
contract_violations() {
	[ "$contract" = yes ] || return 0
	for vendor in "$@"; do
		grep -a '"severity":"Error"' "$work/$vendor.front" |
			sed 's/[?][^ ]*//; s/127[.]0[.]0[.]1:[0-9]* //; s/[0-9][0-9]*/N/g' | cut -c1-400 | sort | uniq -c | sed "s/^/$vendor: /"
	done
}

# contract_unknown NAME: requests of which the contract says nothing, each once.
contract_unknown() {
	[ "$contract" = yes ] || return 0
	eval "past=127.0.0.1:\$$1_port"
	awk -v past="$past" '$4 == past { sub(/[?].*/, "", $2); gsub(/[0-9]+/, "N", $2); print $1, $2 }' "$work/$1.front" | sort -u
}
