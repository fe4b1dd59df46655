#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Requests of plugins against nginx: what is not modified costs a 304, limits hold over all processes, a Retry-After
# pauses a credential over a restart, a server that is down is asked less and less, and the operator sees it.
. "$SRC/tests/e2e/lib.sh"
need jq nginx python3 curl
PATH=$PATH:/usr/sbin
mkdir -p "$work/web/static" "$work/web/tmp"
printf '[1, 2, 3]\n' >"$work/web/static/list"
printf '[]\n' >"$work/web/static/idle"
head -c 600000 /dev/zero | tr '\0' 'x' >"$work/web/static/slow"
head -c 5200 /dev/zero | tr '\0' 'x' >"$work/web/static/five"
port=$(port_take)
cat >"$work/web/nginx.conf" <<CONF
daemon off;
master_process off;
pid $work/web/pid;
error_log $work/web/error.log warn;
events { worker_connections 256; }
http {
	log_format short '\$request_method \$uri \$status';
	access_log $work/web/access.log short;
	client_body_temp_path $work/web/tmp;
	proxy_temp_path $work/web/tmp;
	fastcgi_temp_path $work/web/tmp;
	uwsgi_temp_path $work/web/tmp;
	scgi_temp_path $work/web/tmp;
	default_type application/json;
	limit_req_zone \$uri zone=paced:1m rate=20r/s;
	limit_req_zone \$uri zone=tight:1m rate=30r/m;
	limit_req_status 429;
	server {
		listen 127.0.0.1:$port;
		root $work/web/static;
		etag on;
		location /paced { limit_req zone=paced burst=6 nodelay; try_files /list =404; }
		location /tight { limit_req zone=tight nodelay; error_page 429 = @tight; try_files /list =404; }
		location @tight { internal; add_header Retry-After 2 always; return 429 '{}'; }
		location /spent { add_header Retry-After 3600 always; return 429 '{}'; }
		location /drop { return 444; }
		location /down { return 503; }
		location /away { return 302 http://127.0.0.1:1/; }
		location /moved { return 307 /list; }
		location /slow { limit_rate 1024; }
		location /five { limit_rate 1024; etag off; }
	}
}
CONF
server_start "$port" nginx -c "$work/web/nginx.conf" -p "$work/web" || { not_ok "nginx listens"; finish; }

config <<CONF
running = 2;
plugins = ( { name = "asker"; options = { base = "http://127.0.0.1:$port"; watch = "/idle"; };
              sources = { watch = { interval = "1s"; }; }; } );
CONF
daemon_start || finish broken

# ask JSON: the answer of the operation, as JSON.
ask() { drover call asker.ask "$1"; }
# asked "METHOD URI STATUS": how often nginx says so.
asked() { grep -cxF "$1" "$work/web/access.log"; }
told() { equal "$(ask "$1" | jq -rc "$2")" "$3"; }

once=4
check "a first answer" told '{"path":"/list","flags":2}' '[.code,.status,.not_modified,.body]' '[0,200,0,"[1, 2, 3]\n"]'
check "another process has it from the cache" told '{"path":"/list","flags":2}' '[.code,.status,.not_modified,.body]' '[0,200,1,"[1, 2, 3]\n"]'
check "which cost a 304" equal "$(asked 'GET /list 200') $(asked 'GET /list 304')" "1 1"
printf '[4]\n' >"$work/web/static/list"
check "what has changed is new" told '{"path":"/list","flags":2}' '[.not_modified,.body]' '[0,"[4]\n"]'
check "without the cache it is asked anew" told '{"path":"/list"}' '[.not_modified,.status]' '[0,200]'

# Twelve processes at once, 10 a second together: nginx allows 20 with a few at once, and refuses none of them.
i=0
waiting=
while [ "$i" -lt 12 ]; do
	ask '{"path":"/paced","count":10,"per_ms":1000}' >"$work/paced.$i" 2>&1 &
	waiting="$waiting $!"
	i=$((i + 1))
done
for p in $waiting; do wait "$p"; done
check "all come through" equal "$(cat "$work"/paced.* | jq -s 'map(select(.status == 200)) | length')" 12
check "and none was refused" equal "$(asked 'GET /paced 429')" 0

# One in two seconds is allowed: of two that come in a row the second is late.
check "what meets a limit is tried again after Retry-After" until_true told '{"path":"/tight"}' '[.status, .tries > 1]' '[200,true]'
check "a drop is tried again" told '{"path":"/drop","patience":4000,"credential":"dropped"}' '[.code, .tries > 1]' '[-1,true]'
dropped=$(asked 'POST /drop 444')
check "but once is once" told "{\"method\":\"POST\",\"path\":\"/drop\",\"flags\":$once,\"credential\":\"careful\"}" '[.code,.tries]' '[-1,1]'
check "at nginx too" equal "$(($(asked 'POST /drop 444') - dropped))" 1
check "a redirect elsewhere is refused" told '{"path":"/away","credential":"led"}' '[.code,.tries]' '[-5,1]'
# The second would wait for nearly all of its time, if it comes soon after the first.
late=0
spared() {
	late=$((late + 1))
	told "{\"path\":\"/list\",\"count\":1,\"per_ms\":10000,\"credential\":\"late$late\"}" .code 0 &&
		told "{\"path\":\"/list\",\"count\":1,\"per_ms\":10000,\"patience\":11000,\"credential\":\"late$late\"}" '[.code,.tries]' '[-2,0]'
}
check "who would wait until no time is left does not wait" until_true spared
for i in 1 2 3 4 5; do ask '{"method":"POST","path":"/moved","credential":"mover"}' >"$work/moved"; done
check "a redirect that is not followed is no trouble of the server" told '{"path":"/list","credential":"mover"}' .status 200
check "a body that trickles ends in time" told '{"path":"/slow","timeout":3000,"patience":3000,"credential":"slow"}' '[.code,.status]' '[-1,200]'

# Down: after five requests none goes out for half a minute.
turned_away() { ask '{"path":"/down","patience":1500,"credential":"downed"}' >"$work/down" 2>&1; grep -q "failed 5 times in a row" "$work/down"; }
check "a server that is down is given up" until_true turned_away
began=$SECONDS
check "after five requests" equal "$(asked 'GET /down 503')" 5
for i in 1 2 3 4 5 6 7 8; do turned_away; done
check "and is not asked again for 30 s" [ "$(asked 'GET /down 503')" -le $((5 + (SECONDS - began + 5) / 30)) ]
check "and when it will be asked again" equal "$(jq '.code == -1 and .retry_after > 0 and .retry_after <= 30000' "$work/down")" true
check "status says it" sh -c "$BUILD/drover --socket $work/drover.sock status | grep -q 'warning.*as downed: 5 failures in a row'"
curl -s --unix-socket "$work/drover.sock" http://localhost/metrics >"$work/metrics"
check "the metrics too" grep -qxF "drover_plugin_http_breaker_open{origin=\"http://127.0.0.1:$port\",credential=\"downed\"} 1" "$work/metrics"
check "and how requests ended" grep -qE '^drover_plugin_http_requests_total\{plugin="asker",origin="[^"]*",class="again"\} [1-9]' "$work/metrics"
check "nobody else is held up" told '{"path":"/list"}' .status 200

# A source that waits for a trickle holds up nobody: its request is not in nginx's log before it has ended.
sed -i 's|watch = "/idle"|watch = "/slow?source"|' "$work/drover.conf"
slow=$(asked 'GET /slow 200')
check "the source asks for what takes ten minutes" drover reload
polled() { drover source list --json | jq -e '.. | objects | select(.name? == "asker.watch") | .state' 2>/dev/null | grep -q polling; }
check "it is being polled" until_true polled
check "an operation comes through meanwhile" told '{"path":"/list"}' .status 200
drover submit asker.ask --key meanwhile --payload '{"path":"/list"}' >/dev/null
ran() { job_is 1 succeeded; }
check "and a job" until_true ran
check "all while it waits" equal "$(asked 'GET /slow 200')" "$slow"
sed -i 's|watch = "/slow?source"|watch = "/idle"|' "$work/drover.conf"
check "back" drover reload

check "a long pause is a quota" told '{"path":"/spent","credential":"spent"}' '[.code, .tries, .retry_after >= 3600000]' '[-2,1,true]'
check "that holds for the credential" told '{"path":"/list","credential":"spent"}' '[.code,.status]' '[-2,0]'
drover submit asker.ask --key spent --payload '{"path":"/list","credential":"spent"}' >/dev/null
held() { drover show --json 2 | jq -e '.state == "delayed"' >/dev/null; }
check "a job with it waits" until_true held
daemon_kill
daemon_start || finish broken
check "and after a restart" told '{"path":"/list","credential":"spent"}' '[.code,.status]' '[-2,0]'
check "status says it" sh -c "$BUILD/drover --socket $work/drover.sock status | grep -q 'warning.*as spent: paused for'"
check "one request was spent on it" equal "$(asked 'GET /spent 429')" 1

# The source polls each second meanwhile: all but its first answer were 304.
idle() { [ "$(asked 'GET /idle 304')" -ge 10 ]; }
check "the source goes on" until_true idle
check "and costs nothing but 304s" equal "$(asked 'GET /idle 200')" 1
check "the cache is its owner's alone" equal "$(find "$work/state/http" \( -type f ! -perm 600 \) -o \( -type d ! -perm 700 \) | wc -l)" 0
check "the log has a line a request" sh -c "grep '\"msg\":\"http\"\\|\"message\":\"http\"' $work/drover.log | jq -e 'select(.url | endswith(\"/list\")) | .status' | grep -q 200"

# Two sources of one runner, five seconds a poll: none of the two hangs because it stood behind the other.
sed -i 's|watch = "/idle"|watch = "/five"|; s|watch = { interval = "1s"; };|watch = { interval = "1s"; poll_timeout = "9s"; }; look = { interval = "1s"; poll_timeout = "9s"; };|' "$work/drover.conf"
check "two slow sources" drover reload
turns() { [ "$(asked 'GET /five 200')" -ge 4 ]; }
check "take turns" until_true turns
check "and none of them hangs" equal "$(drover plugin list --json | jq -r '.plugins[0].starts')" 1
daemon_stop
finish
