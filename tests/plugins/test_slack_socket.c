/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Socket Mode against a server that says what the test wants, byte by byte:
 * fragments, garbage, too much, renewal, silence.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "slack_kit.h"
#include "suite.h"

#define MAGIC "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define HELLO "{\"type\":\"hello\",\"num_connections\":1}"
#define EVENT(id, s) \
	"{\"envelope_id\":\"" id "\",\"type\":\"events_api\",\"payload\":{\"event\":{\"type\":" \
				 "\"app_mention\",\"user\":\"U1\"," \
	"\"text\":\"<@U0BOT> hi\",\"ts\":\"17000000" s ".000100\",\"channel\":\"C1\"}}}"
#define DISABLED "{\"type\":\"disconnect\",\"reason\":\"link_disabled\"}"

enum { TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, FIN = 0x80 };

static struct kit kit;
static struct fake *fake;
static struct drover_error err;
static int listening, port;
static pid_t server;
static SSL *tls;                     /* of the server's connection; NULL: none */
static EVP_PKEY *key;
static X509 *certificate;

/*
 * ---- the server, in a process of its own: a failed check ends it with 1 ----
 */

static void
must(int good, int line)
{
	if (good)
		return;
	fprintf(stderr, "server: line %d\n", line);
	_exit(1);
}

#define MUST(x) must(x, __LINE__)

static void
put(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	while (len > 0) {
		n = tls != NULL ? SSL_write(tls, at, (int)len) : send(fd, at, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

static ssize_t
receive(int fd, void *data, size_t len)
{
	return tls != NULL ? SSL_read(tls, data, (int)len) : read(fd, data, len);
}

static void
get(int fd, void *data, size_t len)
{
	char *at = data;
	ssize_t n;

	while (len > 0) {
		MUST((n = receive(fd, at, len)) > 0);
		at += n;
		len -= (size_t)n;
	}
}

static void
put_frame(int fd, int first, const void *data, size_t len)
{
	unsigned char head[10] = { (unsigned char)first };
	size_t n = 2, i;

	if (len < 126) {
		head[1] = (unsigned char)len;
	} else if (len < 65536) {
		head[1] = 126;
		head[2] = (unsigned char)(len >> 8);
		head[3] = (unsigned char)len;
		n = 4;
	} else {
		head[1] = 127;
		for (i = 0; i < 8; i++)
			head[2 + i] = (unsigned char)(len >> (56 - 8 * i));
		n = 10;
	}
	put(fd, head, n);
	put(fd, data, len);
}

static void
say(int fd, const char *text)
{
	put_frame(fd, FIN | TEXT, text, strlen(text));
}

/*
 * The next frame of a client, which must be masked and small; its opcode, or -1
 * at the end.
 */
static int
get_frame(int fd, char *data, size_t size)
{
	unsigned char head[2], mask[4];
	size_t len, i;

	if (receive(fd, head, 1) != 1)
		return -1;
	get(fd, head + 1, 1);
	MUST((head[1] & 0x80) != 0 && (head[0] & FIN) != 0);
	len = head[1] & 0x7f;
	MUST(len < 126 && len < size);
	get(fd, mask, 4);
	get(fd, data, len);
	for (i = 0; i < len; i++)
		data[i] = (char)(data[i] ^ mask[i % 4]);
	data[len] = '\0';
	return head[0] & 0x0f;
}

/* The next text of the client is this; pings of it are answered. */
static void
expect(int fd, const char *text)
{
	char data[256];
	int opcode;

	while ((opcode = get_frame(fd, data, sizeof(data))) == PING)
		put_frame(fd, FIN | PONG, data, strlen(data));
	MUST(opcode == TEXT);
	MUST(strcmp(data, text) == 0);
}

static void
expect_end(int fd)
{
	char data[256];
	int opcode;

	while ((opcode = get_frame(fd, data, sizeof(data))) >= 0 && opcode != CLOSE)
		;
}

static int
take(void)
{
	int fd = accept(listening, NULL, NULL);

	MUST(fd >= 0);
	return fd;
}

/* Reads the request and says yes, or something else. */
static void
shake(int fd, const char *other)
{
	char request[4096] = "", nonce[128], answer[256];
	unsigned char digest[20], text[64];
	size_t used = 0;
	char *at;

	while (strstr(request, "\r\n\r\n") == NULL && used + 1 < sizeof(request)) {
		get(fd, request + used, 1);
		request[++used] = '\0';
	}
	/* The token is for the Web API alone. */
	MUST(strncmp(request, "GET /link/?ticket=", 18) == 0 && strstr(request, "xapp") == NULL &&
	    strstr(request, "xoxb") == NULL);
	if (other != NULL) {
		put(fd, other, strlen(other));
		return;
	}
	MUST((at = strcasestr(request, "sec-websocket-key:")) != NULL &&
	    sscanf(at + 18, " %60s", nonce) == 1);
	strcat(nonce, MAGIC);
	MUST(EVP_Digest(nonce, strlen(nonce), digest, NULL, EVP_sha1(), NULL) == 1);
	EVP_EncodeBlock(text, digest, sizeof(digest));
	snprintf(answer, sizeof(answer),
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
	    "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
	    text);
	put(fd, answer, strlen(answer));
}

/* ---- the tests ---- */

static void
setup(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);

	kit_open(&kit, NULL);
	fake = kit.fake;
	memset(&err, 0, sizeof(err));
	fake_secret(fake, "app_token", "xapp-secret");
	ck_assert_int_ge(listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
	ck_assert_int_eq(bind(listening, (struct sockaddr *)&at, sizeof(at)), 0);
	ck_assert_int_eq(listen(listening, 8), 0);
	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&at, &len), 0);
	port = ntohs(at.sin_port);
}

static void
teardown(void)
{
	close(listening);
	kit_close(&kit);
}

static void
offer(const char *scheme, const char *host, int n)
{
	fake_answer(fake, "POST", "/apps.connections.open", 200, NULL,
	    kit_text("{\"ok\":true,\"url\":\"%s://%s:%d/link/?ticket=%d&app_id=A1\"}", scheme, host,
		port, n));
}

static int
run(void (*serve)(void))
{
	int status, code;

	if ((server = fork()) == 0) {
		alarm(600);
		serve();
		_exit(0);
	}
	code = kit.source->listen(&fake->scope, kit.state, &err);
	ck_assert_int_eq(waitpid(server, &status, 0), server);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "the server ended with %d; listen: %d %s", status, code, err.text);
	return code;
}

static void
serve_fragments(void)
{
	static const char event[] = EVENT("e-1", "01");
	char data[256];
	int fd = take();

	shake(fd, NULL);
	say(fd, HELLO);
	put_frame(fd, TEXT, event, 10);
	put_frame(fd, FIN | PING, "still?", 6);
	put_frame(fd, 0, event + 10, 0);
	put_frame(fd, 0, event + 10, 20);
	MUST(get_frame(fd, data, sizeof(data)) == PONG && strcmp(data, "still?") == 0);
	put_frame(fd, FIN, event + 30, sizeof(event) - 31);
	expect(fd, "{\"envelope_id\":\"e-1\"}");
	say(fd, EVENT("e-2", "02"));
	say(fd, EVENT("e-3", "03"));
	expect(fd, "{\"envelope_id\":\"e-2\"}");
	expect(fd, "{\"envelope_id\":\"e-3\"}");
	say(fd, DISABLED);
	expect_end(fd);
}

START_TEST(an_event_is_kept_then_acknowledged)
{
	int i, found = 0;

	offer("ws", "127.0.0.1", 1);
	ck_assert_int_eq(run(serve_fragments), DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, "switched off"));
	ck_assert_str_eq(fake->outside.woken, "mention");
	for (i = 0; i < fake->outside.nkv; i++)
		found += strncmp(fake->outside.kv[i].key, "hint/", 5) == 0 &&
		    strncmp(fake->outside.kv[i].value, "C1 17000000", 11) == 0;
	ck_assert_int_eq(found, 3);
	ck_assert_ptr_nonnull(
	    strstr(fake_request(fake, "POST", "/apps.connections.open", 0)->headers,
		"Authorization: Bearer xapp-secret"));
}
END_TEST

static void
serve_garbage(void)
{
	int fd = take();

	shake(fd, NULL);
	say(fd, "not JSON");
	say(fd, "");
	say(fd, "[[[[");
	put_frame(fd, FIN | BINARY, EVENT("bin", "04"), sizeof(EVENT("bin", "04")) - 1);
	say(fd, "{\"type\":\"never_heard_of_it\",\"envelope_id\":\"u-1\"}");
	expect(fd, "{\"envelope_id\":\"u-1\"}");
	say(fd, DISABLED);
	expect_end(fd);
}

START_TEST(garbage_is_passed_over)
{
	offer("ws", "127.0.0.1", 1);
	ck_assert_int_eq(run(serve_garbage), DROVER_CONFIG);
	ck_assert_str_eq(fake->outside.woken, "");
}
END_TEST

static void
serve_huge(void)
{
	static char block[65536];
	int fd = take(), i;

	shake(fd, NULL);
	say(fd, HELLO);
	memset(block, 'x', sizeof(block));
	for (i = 0; i < 17; i++)
		put_frame(fd, i == 0 ? TEXT : 0, block, sizeof(block));
	expect_end(fd);
}

START_TEST(too_much_ends_the_connection)
{
	offer("ws", "127.0.0.1", 1);
	ck_assert_int_eq(run(serve_huge), 0);
	ck_assert_str_eq(fake->outside.woken, "mention");
}
END_TEST

static void
serve_renewal(void)
{
	int old = take(), new;

	shake(old, NULL);
	say(old, HELLO);
	say(old, "{\"type\":\"disconnect\",\"reason\":\"refresh_requested\"}");
	new = take();
	shake(new, NULL);
	/* Until the new one says hello the old one serves. */
	say(old, EVENT("o-1", "05"));
	expect(old, "{\"envelope_id\":\"o-1\"}");
	say(new, HELLO);
	expect_end(old);
	close(old);
	say(new, EVENT("n-1", "06"));
	expect(new, "{\"envelope_id\":\"n-1\"}");
	say(new, "{\"type\":\"disconnect\",\"reason\":\"warning\"}");
	old = take();
	shake(old, NULL);
	say(old, HELLO);
	expect_end(new);
	say(old, DISABLED);
	expect_end(old);
}

START_TEST(the_new_connection_is_up_before_the_old_one_is_left)
{
	offer("ws", "127.0.0.1", 1);
	offer("ws", "localhost", 2);
	offer("ws", "127.0.0.1", 3);
	ck_assert_int_eq(run(serve_renewal), DROVER_CONFIG);
	ck_assert_int_eq(fake_requests(fake, "POST", "/apps.connections.open"), 3);
}
END_TEST

static void
serve_nobody(void)
{
	close(take());
}

static void
serve_refusal(void)
{
	int fd = take();

	shake(fd, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	close(fd);
}

static void
serve_redirect(void)
{
	int fd = take();

	shake(fd,
	    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: "
	    "0\r\n\r\n");
	close(fd);
}

static void
serve_wrong_key(void)
{
	int fd = take();

	shake(fd,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
	    "Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n");
	close(fd);
}

static void
serve_end(void)
{
	int fd = take();

	shake(fd, NULL);
	say(fd, HELLO);
	close(fd);
}

START_TEST(connections_that_fail)
{
	static void (*const servers[])(
	    void) = { serve_nobody, serve_refusal, serve_redirect, serve_wrong_key };
	size_t i;

	for (i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
		offer("ws", "127.0.0.1", 1);
		ck_assert_int_eq(run(servers[i]), DROVER_AGAIN);
		ck_assert_ptr_nonnull(strstr(err.text, "Socket Mode"));
	}
	/* One that has worked is made again at once. */
	offer("ws", "127.0.0.1", 1);
	ck_assert_int_eq(run(serve_end), 0);
}
END_TEST

START_TEST(addresses_that_are_not_taken)
{
	static const char *const urls[] = { "ws://192.0.2.1/link/", "http://127.0.0.1/", "wss:///x",
		"wss://host:0/", "wss://host:99999/", "wss://host", "", "wss://ho st/",
		"ws://127.0.0.1.example/", "wss://user@host/" };
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		fake_answer(fake, "POST", "/apps.connections.open", 200, NULL,
		    kit_text("{\"ok\":true,\"url\":\"%s\"}", urls[i]));
		ck_assert_msg(kit.source->listen(&fake->scope, kit.state, &err) == DROVER_PERMANENT,
		    "%s", urls[i]);
	}
	fake_answer(fake, "POST", "/apps.connections.open", 200, NULL,
	    "{\"ok\":false,\"error\":\"invalid_auth\"}");
	ck_assert_int_eq(kit.source->listen(&fake->scope, kit.state, &err), DROVER_AUTH);
	fake_answer(fake, "POST", "/apps.connections.open", 429, "Retry-After: 30", "");
	ck_assert_int_eq(kit.source->listen(&fake->scope, kit.state, &err), DROVER_QUOTA);
}
END_TEST

static void
serve_silence(void)
{
	char data[256];
	int fd = take();

	shake(fd, NULL);
	say(fd, HELLO);
	/* Its ping comes and gets no answer. */
	MUST(get_frame(fd, data, sizeof(data)) == PING);
	expect_end(fd);
}

START_TEST(silence_ends_the_connection)
{
	int i;

	for (i = 0; i < fake->noptions; i++)
		if (strcmp(fake->options[i].key, "ping_timeout") == 0)
			snprintf(fake->options[i].value, sizeof(fake->options[i].value), "2000");
	offer("ws", "127.0.0.1", 1);
	ck_assert_int_eq(run(serve_silence), 0);
}
END_TEST

/* A certificate for localhost, signed by nobody but itself, in a file. */
static void
certificate_make(char path[64])
{
	X509_EXTENSION *names, *authority;
	FILE *out;
	int fd;

	ck_assert_ptr_nonnull(key = EVP_RSA_gen(2048));
	ck_assert_ptr_nonnull(certificate = X509_new());
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
	    (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_set_pubkey(certificate, key);
	ck_assert_ptr_nonnull(
	    names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost"));
	ck_assert_ptr_nonnull(
	    authority = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE"));
	X509_add_ext(certificate, names, -1);
	X509_add_ext(certificate, authority, -1);
	X509_EXTENSION_free(names);
	X509_EXTENSION_free(authority);
	ck_assert_int_gt(X509_sign(certificate, key, EVP_sha256()), 0);
	snprintf(path, 64, "/tmp/drover-slack-XXXXXX");
	ck_assert_int_ge(fd = mkstemp(path), 0);
	ck_assert_ptr_nonnull(out = fdopen(fd, "w"));
	ck_assert_int_eq(PEM_write_X509(out, certificate), 1);
	ck_assert_int_eq(fclose(out), 0);
}

/* Whether the handshake comes to its end; the rest only when it does. */
static bool
tls_begin(int fd)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	MUST(context != NULL && SSL_CTX_use_certificate(context, certificate) == 1 &&
	    SSL_CTX_use_PrivateKey(context, key) == 1);
	MUST((tls = SSL_new(context)) != NULL && SSL_set_fd(tls, fd) == 1);
	return SSL_accept(tls) == 1;
}

static void
serve_tls(void)
{
	int fd = take();

	MUST(tls_begin(fd));
	shake(fd, NULL);
	say(fd, HELLO);
	say(fd, EVENT("t-1", "07"));
	expect(fd, "{\"envelope_id\":\"t-1\"}");
	say(fd, DISABLED);
	expect_end(fd);
}

/* The client goes before it has said anything. */
static void
serve_distrusted(void)
{
	char data;
	int fd = take();

	if (tls_begin(fd))
		MUST(SSL_read(tls, &data, 1) <= 0);
}

START_TEST(certificates_are_checked)
{
	char path[64];

	certificate_make(path);
	offer("wss", "localhost", 1);
	ck_assert_int_eq(run(serve_distrusted), DROVER_AGAIN);
	ck_assert_msg(strstr(err.text, "cert") != NULL, "%s", err.text);
	fake_option(fake, "ca_file", path);
	offer("wss", "127.0.0.1", 2);
	ck_assert_int_eq(run(serve_distrusted), DROVER_AGAIN);
	offer("wss", "localhost", 3);
	ck_assert_int_eq(run(serve_tls), DROVER_CONFIG);
	ck_assert_str_eq(fake->outside.woken, "mention");
	unlink(path);
	ck_assert_int_eq(kit.source->listen(&fake->scope, kit.state, &err), DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	X509_free(certificate);
	EVP_PKEY_free(key);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *t = suite_case(suite, "all", setup, teardown);

	/* The environment's proxy is not for us: nothing listens there. */
	setenv("http_proxy", "http://127.0.0.1:9", 1);
	tcase_add_test(t, an_event_is_kept_then_acknowledged);
	tcase_add_test(t, garbage_is_passed_over);
	tcase_add_test(t, too_much_ends_the_connection);
	tcase_add_test(t, the_new_connection_is_up_before_the_old_one_is_left);
	tcase_add_test(t, connections_that_fail);
	tcase_add_test(t, addresses_that_are_not_taken);
	tcase_add_test(t, silence_ends_the_connection);
	tcase_add_test(t, certificates_are_checked);
}

SUITE(cases)
