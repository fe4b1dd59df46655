/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text with {{variables}}: one walk serves both filling them in and checking
 * them.
 */
#include <string.h>

#include "config/template.h"

static size_t template_variable(const char *at, const char *end, char *name);

/*
 * Returns the length of the {{name}} that begins at `at`, and copies the name;
 * 0 if no variable begins there.
 */
static size_t
template_variable(const char *at, const char *end, char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
	const char *p = at + 2, *begin;
	size_t len;

	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	for (begin = p; p < end && *p != '\0' && strchr(allowed, *p) != NULL; p++)
		;
	len = (size_t)(p - begin);
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (len == 0 || len > TEMPLATE_NAME_MAX || end - p < 2 || p[0] != '}' || p[1] != '}')
		return 0;
	memcpy(name, begin, len);
	name[len] = '\0';
	return (size_t)(p + 2 - at);
}

int
template_walk(const char *text, size_t len, const char *file, const struct template_reader *reader,
    struct error *err)
{
	const char *end = text + len, *begin = text, *p = text;
	char name[TEMPLATE_NAME_MAX + 1];
	unsigned int line = 1;
	size_t n;

	while (p < end) {
		if (*p == '\n')
			line++;
		if (*p != '{' || end - p < 2 || p[1] != '{') {
			p++;
			continue;
		}
		if (end - p >= 4 && p[2] == '{' && p[3] == '{') {
			reader->text(reader->arg, begin, (size_t)(p + 2 - begin));
			begin = p += 4;
			continue;
		}
		if (p > begin)
			reader->text(reader->arg, begin, (size_t)(p - begin));
		if ((n = template_variable(p, end, name)) == 0)
			return error_set(err, DROVER_CONFIG,
			    "%s:%u: {{ begins a variable, written {{name}}; for two braces as they "
			    "are write {{{{",
			    file, line);
		if (reader->variable(reader->arg, name, line, err) != 0)
			return -1;
		begin = p += n;
	}
	if (p > begin)
		reader->text(reader->arg, begin, (size_t)(p - begin));
	return 0;
}
