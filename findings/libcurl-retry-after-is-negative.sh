#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libcurl 7.88.1 (Debian libcurl4-openssl-dev 7.88.1-10+deb12u15): CURLINFO_RETRY_AFTER can be
# negative, and is a number too where the header is neither seconds nor a date.
#
# Guess: the documentation says "the number of seconds" and 0 where there is no such header, so the
# value is never below 0, and a header that cannot be read counts as none.
# Seen: a date that is past, as a clock that goes ahead makes of each, gives minus the seconds since
# then. A time in ISO 8601 gives its year, 2049, as if it were seconds.
#
# So bound the value on both sides before it becomes an unsigned wait or a timer.
set -eu
version=7.88.1-10+deb12u15
work=$(mktemp -d)
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "libcurl4-openssl-dev=$version" gcc libc6-dev python3 \
	>install.log 2>&1 || { cat install.log; exit 1; }

cat >server.py <<'PY'
import http.server
import urllib.parse

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(429)
        self.send_header("Retry-After", urllib.parse.unquote(self.path[1:]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with open("port", "w") as file:
    file.write(str(server.server_port) + "\n")
server.serve_forever()
PY
cat >ask.c <<'C'
/* ask PORT HEADER...: prints what libcurl makes of each Retry-After header. */
#include <curl/curl.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	for (int i = 2; i < argc; i++) {
		CURL *easy = curl_easy_init();
		char *header = curl_easy_escape(easy, argv[i], 0), url[512];
		curl_off_t seconds = 0;

		snprintf(url, sizeof url, "http://127.0.0.1:%s/%s", argv[1], header);
		curl_easy_setopt(easy, CURLOPT_URL, url);
		if (curl_easy_perform(easy) != CURLE_OK)
			return 1;
		curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
		if (seconds < 0)
			printf("%s: negative\n", argv[i]);
		else
			printf("%s: %lld\n", argv[i], (long long)seconds);
		curl_free(header);
		curl_easy_cleanup(easy);
	}
	return 0;
}
C
gcc -o ask ask.c -lcurl
python3 server.py &
server=$!
until [ -s port ]; do sleep 0.05; done
./ask "$(cat port)" 120 "Sun, 29 Nov 2020 10:00:00 GMT" 2049-11-29T20:00:00Z -5 | tee seen
cat >expected <<'TEXT'
120: 120
Sun, 29 Nov 2020 10:00:00 GMT: negative
2049-11-29T20:00:00Z: 2049
-5: 0
TEXT
cmp seen expected && echo "libcurl $version behaves as described"
