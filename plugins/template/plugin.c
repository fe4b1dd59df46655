/*
 * The plugin example: turns each line of a text file into a job, and has a
 * command read it. Replace what lines_poll() reads and what line_run() does;
 * drover-plugin(7) describes everything else.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <drover/plugin.h>

#define LINE_SIZE 4096

static int fail(struct drover_error *, enum drover_class, const char *, ...) DROVER_PRINTF(3, 4);

static int
fail(struct drover_error *err, enum drover_class code, const char *format, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, format);
	vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	return code;
}


static const struct drover_option lines_options[] = {
	{ "path", DROVER_PATH, DROVER_REQUIRED, NULL, "File to read lines from." },
	{ NULL, 0, 0, NULL, NULL },
};

/*
 * The cursor is "INODE OFFSET": how much of which file was handed over. drover
 * keeps it together with the jobs.
 */
static int
lines_poll(struct drover_scope *scope, void *source, const char *cursor, struct drover_error *err)
{
	const char *path = scope->host->option->string(scope, "path");
	int room = scope->host->capacity->available(scope, "example.line", err), code = 0;
	char line[LINE_SIZE], key[64], next[64];
	uintmax_t inode = 0;
	intmax_t offset = 0;
	struct stat st;
	FILE *in;

	if (room <= 0)
		return room;
	if ((in = fopen(path, "re")) == NULL || fstat(fileno(in), &st) != 0) {
		if (in != NULL)
			fclose(in);
		return fail(err, DROVER_CONFIG, "%s: cannot be read", path);
	}
	if (cursor == NULL || sscanf(cursor, "%ju %jd", &inode, &offset) != 2 ||
	    inode != (uintmax_t)st.st_ino || offset > st.st_size)
		offset = 0;
	if (fseeko(in, (off_t)offset, SEEK_SET) != 0)
		code = fail(err, DROVER_INTERNAL, "%s: cannot seek", path);
	while (code == 0 && room > 0 && fgets(line, sizeof(line), in) != NULL) {
		struct drover_item item = { .size = sizeof(item),
			.kind = "example.line",
			.key = key,
			.title = "A line" };

		item.payload = line;
		item.payload_len = strlen(line);
		if (item.payload_len < sizeof(line) - 1 && strchr(line, '\n') == NULL)
			break; /* the rest of this line is still being written */
		snprintf(key, sizeof(key), "%ju:%jd", (uintmax_t)st.st_ino, offset);
		code = scope->host->queue->emit(scope, &item, err);
		offset = (intmax_t)ftello(in);
		room--;
	}
	fclose(in);
	snprintf(next, sizeof(next), "%ju %jd", (uintmax_t)st.st_ino, offset);
	return code == 0 ? scope->host->queue->cursor(scope, next, err) : code;
}

static const struct drover_source lines = {
	.size = sizeof(struct drover_source),
	.name = "lines",
	.summary = "Turns the lines of a file into jobs.",
	.options = lines_options,
	.interval_ms = 30000,
	.poll = lines_poll,
};


static const struct drover_option line_options[] = {
	{ "command", DROVER_STRING, 0, "cat", "Command that reads the line." },
	{ NULL, 0, 0, NULL, NULL },
};

static int
line_run(struct drover_scope *scope, void *plugin, const struct drover_job *job,
    struct drover_error *err)
{
	const char *argv[] = { scope->host->option->string(scope, "command"), NULL };
	struct drover_command command = { .size = sizeof(command), .argv = argv, .cwd = "/" };
	struct drover_outcome outcome = { .size = sizeof(outcome) };
	int code;

	command.input = job->payload;
	command.input_len = job->payload_len;
	if ((code = scope->host->exec->run(scope, &command, &outcome, err)) != 0)
		return code;
	if (outcome.status != 0)
		return fail(err, DROVER_INTERNAL, "%s failed", argv[0]);
	return scope->host->queue->result(scope, "command", argv[0], err);
}

static const struct drover_pipeline line = {
	.size = sizeof(struct drover_pipeline),
	.name = "line",
	.summary = "Has a command read the line.",
	.options = line_options,
	.retries = 1,
	.timeout_ms = 60000,
	.run = line_run,
};


static const struct drover_source *const sources[] = { &lines, NULL };
static const struct drover_pipeline *const pipelines[] = { &line, NULL };

const struct drover_plugin drover_plugin_v1 = {
	DROVER_PLUGIN_HEADER,
	.name = "example",
	.version = "0.1",
	.summary = "Lines of a file as jobs.",
	.sources = sources,
	.pipelines = pipelines,
};
