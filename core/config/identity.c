/* SPDX-License-Identifier: Apache-2.0 */
/* Reads an identity and finds the one that counts for a repo. */
#include "config/identity.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static bool identity_is_trimmed(char);
static void identity_add(struct buf *, const char *);

/* git takes such characters away at either end of a name and an address. */
static bool
identity_is_trimmed(char c)
{
	return (unsigned char)c <= ' ' || strchr(".,:;<>\"\\'", c) != NULL;
}

bool
identity_split(const char *text, char **name, char **mail)
{
	size_t len = strlen(text), name_len = strcspn(text, "<"), mail_len;
	const char *address;

	if (!text_is_utf8(text, len) || name_len < 2 || name_len == len || text[len - 1] != '>')
		return false;
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return false;
	address = text + name_len + 1;
	mail_len = (size_t)(text + len - 1 - address);
	if (text[name_len - 1] != ' ' || mail_len < 3 || strcspn(address, "<> ") != mail_len ||
	    memchr(address, '@', mail_len) == NULL || memchr(text, '>', name_len) != NULL)
		return false;
	name_len--;
	if (identity_is_trimmed(text[0]) || identity_is_trimmed(text[name_len - 1]) ||
	    identity_is_trimmed(address[0]) || identity_is_trimmed(address[mail_len - 1]))
		return false;
	if (name != NULL)
		*name = xstrndup(text, name_len);
	if (mail != NULL)
		*mail = xstrndup(address, mail_len);
	return true;
}

static void
identity_add(struct buf *out, const char *text)
{
	size_t len;

	while (*text != '\0' && identity_is_trimmed(*text))
		text++;
	for (len = strlen(text); len > 0 && identity_is_trimmed(text[len - 1]); len--)
		;
	for (size_t i = 0; i < len; i++)
		if (text[i] != '<' && text[i] != '>')
			buf_add(out, &text[i], 1);
}

char *
identity_join(const char *name, const char *mail)
{
	struct buf out = BUF_INIT;
	char *joined;

	identity_add(&out, name);
	buf_adds(&out, " <");
	identity_add(&out, mail);
	buf_adds(&out, ">");
	joined = buf_take(&out);
	if (identity_split(joined, NULL, NULL))
		return joined;
	free(joined);
	return NULL;
}

struct identity
identity_of(const struct config *c, const struct config_repo *repo)
{
	return (struct identity){
		.author = repo->author != NULL ? repo->author : c->author,
		.signoff = repo->signoff || c->signoff,
		.sign_key_file =
		    repo->sign_key_file != NULL ? repo->sign_key_file : c->sign_key_file,
	};
}
