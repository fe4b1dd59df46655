/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measuring tools of bench/run.sh: the bare limits of this machine (spawn,
 * append), and a client that loads the API. Each prints one number, or one line
 * of numbers, to stdout.
 */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"

static int tool_spawn(int, char **);
static int tool_append(int, char **);
static int tool_beanstalk(int, char **);
static int tool_noop(int, char **);
static int tool_enqueue(int, char **);
static int tool_wake(int, char **);
static int tool_first(int, char **);
static int tool_get(int, char **);
static int tool_log(int, char **);

static const struct tool {
	const char *name, *args;
	int argc;
	int (*run)(int, char **);
} tools[] = {
	{ "spawn", "N WIDTH: /bin/true by posix_spawn, WIDTH at once; per second", 2, tool_spawn },
	{ "append", "FILE N: append 256 bytes and fdatasync; per second", 2, tool_append },
	{ "beanstalk",
	    "PORT N WIDTH: put N jobs, WIDTH workers that reserve, posix_spawn /bin/true and "
	    "delete; per second",
	    3, tool_beanstalk },
	{ "noop",
	    "SOCKET N TAG: submit N exec.command jobs of /bin/true and wait for all; per second", 3,
	    tool_noop },
	{ "enqueue", "SOCKET N CLIENTS BATCH TAG: held jobs, acknowledged; per second", 5,
	    tool_enqueue },
	{ "wake",
	    "SOCKET N SELF FILE TAG: submit to the first instruction of the command; p50 and p99 "
	    "in ms",
	    5, tool_wake },
	{ "first", "FILE: writes the monotonic time in microseconds", 1, tool_first },
	{ "get", "SOCKET PATH N: GET, median in ms", 3, tool_get },
	{ "log", "FILE N: lines through a scope; per second", 2, tool_log },
};

static int64_t
now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void
die(const char *what)
{
	fprintf(stderr, "bench-tools: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double
per_second(int64_t n, int64_t us)
{
	return us > 0 ? (double)n * 1e6 / (double)us : 0;
}

static int
tool_spawn(int argc, char **argv)
{
	char program[] = "/bin/true", *child[] = { program, NULL };
	long n = strtol(argv[0], NULL, 10), width = strtol(argv[1], NULL, 10), begun = 0, ended = 0;
	int64_t start = now_us();
	pid_t pid;

	while (ended < n) {
		while (begun < n && begun - ended < width) {
			if (posix_spawn(&pid, program, NULL, NULL, child, environ) != 0)
				die("posix_spawn");
			begun++;
		}
		if (wait(NULL) > 0)
			ended++;
	}
	printf("%.0f\n", per_second(n, now_us() - start));
	return 0;
}

static int
tool_append(int argc, char **argv)
{
	long n = strtol(argv[1], NULL, 10), i;
	char block[256];
	int64_t start;
	int fd = open(argv[0], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		die(argv[0]);
	memset(block, 'x', sizeof block);
	start = now_us();
	for (i = 0; i < n; i++)
		if (write(fd, block, sizeof block) != sizeof block || fdatasync(fd) != 0)
			die(argv[0]);
	printf("%.0f\n", per_second(n, now_us() - start));
	close(fd);
	return 0;
}

struct bean {
	FILE *talk;
	long n;
};

/*
 * Sends one command and reads the first word of its answer, with the number
 * after it in *number.
 */
static void
bean_ask(FILE *talk, const char *command, const char *expected, unsigned long *number)
{
	char line[256];

	fputs(command, talk);
	fflush(talk);
	if (fgets(line, sizeof line, talk) == NULL ||
	    strncmp(line, expected, strlen(expected)) != 0)
		die(expected);
	if (number != NULL)
		*number = strtoul(line + strlen(expected), NULL, 10);
}

static FILE *
bean_connect(const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtol(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	FILE *talk = NULL;

	if (fd < 0 || connect(fd, (struct sockaddr *)(void *)&to, sizeof to) != 0 ||
	    (talk = fdopen(fd, "r+")) == NULL)
		die("beanstalkd");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return talk;
}

static void *
bean_worker(void *arg)
{
	struct bean *b = arg;
	char program[] = "/bin/true", *child[] = { program, NULL }, text[64];
	unsigned long id;
	pid_t pid;

	for (long i = 0; i < b->n; i++) {
		bean_ask(b->talk, "reserve\r\n", "RESERVED ", &id);
		if (fgets(text, sizeof text, b->talk) == NULL ||
		    posix_spawn(&pid, program, NULL, NULL, child, environ) != 0 ||
		    waitpid(pid, NULL, 0) != pid)
			die("a job of beanstalkd");
		snprintf(text, sizeof text, "delete %lu\r\n", id);
		bean_ask(b->talk, text, "DELETED", NULL);
	}
	return NULL;
}

static int
tool_beanstalk(int argc, char **argv)
{
	long n = strtol(argv[1], NULL, 10), width = strtol(argv[2], NULL, 10), i;
	struct bean beans[16];
	pthread_t threads[16];
	int64_t start;

	if (width < 1 || width > 16)
		return 2;
	for (i = 0; i < width; i++)
		beans[i] = (struct bean){ bean_connect(argv[0]), n / width };
	start = now_us();
	for (i = 0; i < n / width * width; i++)
		bean_ask(beans[0].talk, "put 1 0 60 4\r\ntrue\r\n", "INSERTED ", NULL);
	for (i = 0; i < width; i++)
		if (pthread_create(&threads[i], NULL, bean_worker, &beans[i]) != 0)
			die("pthread_create");
	for (i = 0; i < width; i++) {
		pthread_join(threads[i], NULL);
		fclose(beans[i].talk);
	}
	printf("%.0f\n", per_second(n / width * width, now_us() - start));
	return 0;
}

static int
http_connect(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)(void *)&to, sizeof to) != 0)
		die(path);
	return fd;
}

/*
 * Sends one request over a kept connection; the body of the answer is in out.
 */
static int
http_ask(int fd, const char *method, const char *path, const char *body, struct buf *out)
{
	struct buf request = BUF_INIT, in = BUF_INIT;
	char chunk[65536];
	const char *end = NULL, *length;
	size_t want = 0;
	ssize_t n;
	int status;

	buf_addf(&request,
	    "%s %s HTTP/1.1\r\nHost: drover\r\nContent-Type: application/json\r\nContent-Length: "
	    "%zu\r\n\r\n%s",
	    method, path, body != NULL ? strlen(body) : 0, body != NULL ? body : "");
	if (write(fd, request.data, request.len) != (ssize_t)request.len)
		die("write");
	while (end == NULL || in.len < want) {
		n = read(fd, chunk, sizeof chunk);
		if (n <= 0)
			die("the daemon closed the connection");
		buf_add(&in, chunk, (size_t)n);
		if (end == NULL && (end = strstr(buf_str(&in), "\r\n\r\n")) != NULL) {
			length = strcasestr(in.data, "content-length:");
			want = (size_t)(end + 4 - in.data) +
			    (length != NULL && length < end ? strtoul(length + 15, NULL, 10) : 0);
		}
	}
	status = (int)strtol(in.data + 9, NULL, 10);
	if (out != NULL) {
		end = strstr(in.data, "\r\n\r\n");
		buf_clear(out);
		buf_adds(out, end + 4);
	}
	buf_free(&request);
	buf_free(&in);
	return status;
}

static void
jobs_batch(struct buf *body, const char *tag, long from, long to, const char *payload, bool held)
{
	long i;

	buf_clear(body);
	buf_addc(body, '[');
	for (i = from; i < to; i++)
		buf_addf(body,
		    "%s{\"kind\":\"exec.command\",\"key\":\"%s-%ld\",\"payload\":\"%s\"%s}",
		    i > from ? "," : "", tag, i, payload, held ? ",\"hold\":true" : "");
	buf_addc(body, ']');
}

static long
count_state(int fd, const char *state)
{
	struct buf out = BUF_INIT;
	cJSON *o, *value;
	long n;

	if (http_ask(fd, "GET", "/api/v1/status", NULL, &out) != 200)
		die("GET status");
	o = cJSON_Parse(buf_str(&out));
	value = cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(o, "queue"), "states"),
	    state);
	n = value == NULL         ? -1 :
	    cJSON_IsNumber(value) ? (long)value->valuedouble :
				    strtol(value->valuestring, NULL, 10);
	cJSON_Delete(o);
	buf_free(&out);
	if (n < 0)
		die("no counts in the status");
	return n;
}

static int
tool_noop(int argc, char **argv)
{
	long n = strtol(argv[1], NULL, 10), i, done;
	struct buf body = BUF_INIT;
	struct timespec nap = { 0, 20000000 };
	int fd = http_connect(argv[0]);
	int64_t start;

	done = count_state(fd, "succeeded");
	start = now_us();
	for (i = 0; i < n; i += 100) {
		jobs_batch(&body, argv[2], i, i + 100 < n ? i + 100 : n, "[\\\"/bin/true\\\"]",
		    false);
		if (http_ask(fd, "POST", "/api/v1/jobs", buf_str(&body), NULL) / 100 != 2)
			die("submit");
	}
	while (count_state(fd, "succeeded") < done + n)
		nanosleep(&nap, NULL);
	printf("%.0f\n", per_second(n, now_us() - start));
	buf_free(&body);
	return 0;
}

struct client {
	const char *socket, *tag;
	int number;
	long n, batch;
};

static void *
client_main(void *arg)
{
	struct client *c = arg;
	struct buf body = BUF_INIT;
	char tag[64];
	int fd = http_connect(c->socket);
	long i;

	snprintf(tag, sizeof tag, "%s-%d", c->tag, c->number);
	for (i = 0; i < c->n; i += c->batch) {
		jobs_batch(&body, tag, i, i + c->batch < c->n ? i + c->batch : c->n,
		    "[\\\"/bin/true\\\"]", true);
		if (http_ask(fd, "POST", "/api/v1/jobs", buf_str(&body), NULL) / 100 != 2)
			die("submit");
	}
	close(fd);
	buf_free(&body);
	return NULL;
}

static int
tool_enqueue(int argc, char **argv)
{
	struct client clients[64];
	pthread_t threads[64];
	long n = strtol(argv[1], NULL, 10), len = strtol(argv[2], NULL, 10), i;
	int64_t start = now_us();

	if (len < 1 || len > 64)
		return 2;
	for (i = 0; i < len; i++) {
		clients[i] =
		    (struct client){ argv[0], argv[4], (int)i, n / len, strtol(argv[3], NULL, 10) };
		if (pthread_create(&threads[i], NULL, client_main, &clients[i]) != 0)
			die("pthread_create");
	}
	for (i = 0; i < len; i++)
		pthread_join(threads[i], NULL);
	printf("%.0f\n", per_second(n / len * len, now_us() - start));
	return 0;
}

static int
compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t
read_first(const char *file)
{
	struct timespec nap = { 0, 200000 };
	char text[32];
	ssize_t n;
	int fd;

	for (;;) {
		fd = open(file, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
		if (fd >= 0)
			close(fd);
		if (n > 0 && text[n - 1] == '\n') {
			unlink(file);
			return strtoll(text, NULL, 10);
		}
		nanosleep(&nap, NULL);
	}
}

static int
tool_wake(int argc, char **argv)
{
	long n = strtol(argv[1], NULL, 10), i;
	struct buf body = BUF_INIT;
	int64_t *took = xcalloc((size_t)n, sizeof *took), start;
	int fd = http_connect(argv[0]);

	unlink(argv[3]);
	for (i = 0; i < n; i++) {
		buf_clear(&body);
		buf_addf(&body,
		    "{\"kind\":\"exec.command\",\"key\":\"%s-%ld\",\"payload\":\"[\\\"%s\\\","
		    "\\\"first\\\",\\\"%s\\\"]\"}",
		    argv[4], i, argv[2], argv[3]);
		start = now_us();
		if (http_ask(fd, "POST", "/api/v1/jobs", buf_str(&body), NULL) / 100 != 2)
			die("submit");
		took[i] = read_first(argv[3]) - start;
	}
	qsort(took, (size_t)n, sizeof *took, compare);
	printf("%.2f %.2f\n", (double)took[n / 2] / 1000, (double)took[n * 99 / 100] / 1000);
	free(took);
	buf_free(&body);
	return 0;
}

static int
tool_first(int argc, char **argv)
{
	char text[32], temporary[4096];
	int64_t now = now_us();
	int fd, n;

	snprintf(temporary, sizeof temporary, "%s.tmp", argv[0]);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	n = snprintf(text, sizeof text, "%lld\n", (long long)now);
	if (fd < 0 || write(fd, text, (size_t)n) != n || close(fd) != 0 ||
	    rename(temporary, argv[0]) != 0)
		die(argv[0]);
	return 0;
}

static int
tool_get(int argc, char **argv)
{
	long n = strtol(argv[2], NULL, 10), i;
	int64_t *took = xcalloc((size_t)n, sizeof *took), start;
	int fd = http_connect(argv[0]);

	for (i = 0; i < n; i++) {
		start = now_us();
		if (http_ask(fd, "GET", argv[1], NULL, NULL) != 200)
			die(argv[1]);
		took[i] = now_us() - start;
	}
	qsort(took, (size_t)n, sizeof *took, compare);
	printf("%.2f\n", (double)took[n / 2] / 1000);
	free(took);
	return 0;
}

static int
tool_log(int argc, char **argv)
{
	struct log_scope scope = { .part = "job",
		.plugin = "github",
		.trace = "0af7651916cd43dd8448eb211c80319c",
		.kind = "github.pr-comment",
		.key = "acme/web#12:3391",
		.worker = "w1",
		.job = 4711,
		.attempt = 2 };
	struct error err = { 0 };
	long n = strtol(argv[1], NULL, 10), i;
	int64_t start;

	if (log_open(argv[0], DROVER_INFO, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	start = now_us();
	for (i = 0; i < n; i++)
		log_line(&scope, DROVER_INFO, "step agent has ended", NULL, 0);
	printf("%.0f\n", per_second(n, now_us() - start));
	log_close();
	return 0;
}

int
main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc >= 2 && i < ARRAY_LEN(tools); i++)
		if (strcmp(tools[i].name, argv[1]) == 0 && argc - 2 == tools[i].argc)
			return tools[i].run(argc - 2, argv + 2);
	for (i = 0; i < ARRAY_LEN(tools); i++)
		fprintf(stderr, "bench-tools %s %s\n", tools[i].name, tools[i].args);
	return 2;
}
