/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler of fatal signals. It runs on a stack of its own, uses only
 * write(2) and plain stores, and then lets the default action end the process.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "run/crash.h"

#define CRASH_STACK (32 * 1024)

static void crash_handle(int);
static void crash_add(char *line, size_t size, size_t *len, const char *text);

/* The handler has no argument that could lead to this state. */
static struct {
	const char *plugin;
	const char *callback, *what, *name;
	char *share;
	size_t share_size;
	char stack[CRASH_STACK];
} crash;

static void
crash_add(char *line, size_t size, size_t *len, const char *text)
{
	while (text != NULL && *text != '\0' && *len + 1 < size)
		line[(*len)++] = *text++;
	line[*len] = '\0';
}

static void
crash_handle(int number)
{
	char line[256], digits[3] = { (char)('0' + number / 10), (char)('0' + number % 10), '\0' };
	size_t len = 0;

	crash_add(line, sizeof line, &len, "plugin ");
	crash_add(line, sizeof line, &len, crash.plugin);
	crash_add(line, sizeof line, &len, ": signal ");
	crash_add(line, sizeof line, &len, number < 10 ? digits + 1 : digits);
	if (crash.what != NULL) {
		crash_add(line, sizeof line, &len, " in ");
		crash_add(line, sizeof line, &len, crash.callback);
		crash_add(line, sizeof line, &len, " of ");
		crash_add(line, sizeof line, &len, crash.what);
		crash_add(line, sizeof line, &len, " ");
		crash_add(line, sizeof line, &len, crash.name);
	}
	for (size_t i = 0; crash.share != NULL && i <= len && i < crash.share_size; i++)
		crash.share[i] = i + 1 == crash.share_size ? '\0' : line[i];
	crash_add(line, sizeof line, &len, "\n");
	if (write(STDERR_FILENO, line, len) == -1)
		len = 0;
	(void)raise(number);
}

void
crash_install(const char *plugin)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };
	stack_t stack = { .ss_sp = crash.stack, .ss_size = sizeof crash.stack };
	struct sigaction action = { .sa_handler = crash_handle,
		.sa_flags = SA_RESETHAND | SA_ONSTACK };

	crash.plugin = plugin;
	MUST(sigaltstack(&stack, NULL) == 0);
	for (size_t i = 0; i < ARRAY_LEN(fatal); i++)
		MUST(sigaction(fatal[i], &action, NULL) == 0);
}

void
crash_at(const char *callback, const char *what, const char *name)
{
	if (crash.plugin == NULL)
		return;
	crash.callback = callback;
	crash.name = name;
	crash.what = what;
}

void
crash_share(char *out, size_t size)
{
	crash.share = out;
	crash.share_size = size;
}
