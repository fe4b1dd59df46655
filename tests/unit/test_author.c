/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In whose name drover commits: what the identity asks for is in the commit,
 * and what a job writes into a repository is not.
 */
#include <stdbool.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "config/sign.h"

#include "suite.h"
#include "test_tree.h"

#define PERSON     "Ada, of Acme <ada@acme.example>"
#define SIGNED_OFF "Signed-off-by: Ada, of Acme <ada@acme.example>"

static struct tree t;

static void
setup(void)
{
	tree_setup();
	gitrepo_tree(&up, &t, 1);
	t.identity.author = PERSON;
	gitrepo_prepare(&t, "new", NULL);
	ck_assert_int_eq(shell(t.path, "echo z >>a.txt"), 0);
}

static void
teardown(void)
{
	tree_free(&t);
	tree_teardown();
}

/* Where a program is missing, its signatures are not tested. */
static bool
found(const char *program)
{
	return shell(up.dir, "command -v %s >/dev/null", program) == 0;
}

static char *
commit(const char *message)
{
	static char made[65];
	struct buf without = BUF_INIT;
	struct squash ask = { .without = &without, .message = message };

	OK(tree_squash(&t, &ask, made, sizeof made, err));
	buf_free(&without);
	return made;
}

START_TEST(author_is_the_configured_one)
{
	ck_assert_int_eq(shell(t.path, "git config user.name z; git config user.email z@z.z"), 0);
	ck_assert_int_eq(shell(up.mirror, "git config user.name z; git config user.email z@z.z"),
	    0);
	ck_assert_str_eq(shell_out(t.path, "git log -1 --format='%%an <%%ae>|%%cn <%%ce>|%%b' %s",
			     commit("Fix it\n")),
	    PERSON "|" PERSON "|");
	t.identity.author = NULL;
	ck_assert_int_eq(shell(t.path, "echo y >>a.txt"), 0);
	OK(tree_commit(&t, "more", NULL, 0, err));
	ck_assert_str_eq(shell_out(t.path, "git log -1 --format='%%an <%%ae>|%%cn <%%ce>'"),
	    "drover <drover@localhost>|drover <drover@localhost>");
	OK(tree_fetch(&t, err));
	ck_assert_str_eq(shell_out(up.mirror, "git config --get-regexp '^user' || true"), "");
}
END_TEST

static const struct {
	const char *message, *whole;
} sign_offs[] = {
	{ "Fix it\n", "Fix it\n\n" SIGNED_OFF },
	{ "fix: it", "fix: it\n\n" SIGNED_OFF },
	{ "Fix it\n\nBecause of\nthis: that.\n\n",
	    "Fix it\n\nBecause of\nthis: that.\n\n" SIGNED_OFF },
	{ "Fix it\n\nWhy.\n\nTicket: T-1\nCloses: #2\n",
	    "Fix it\n\nWhy.\n\nTicket: T-1\nCloses: #2\n" SIGNED_OFF },
	{ "Fix it\n\n" SIGNED_OFF "\nTicket: T-1\n", "Fix it\n\n" SIGNED_OFF "\nTicket: T-1" },
	{ "Fix it\n\nnot " SIGNED_OFF "\n", "Fix it\n\nnot " SIGNED_OFF "\n\n" SIGNED_OFF },
};

START_TEST(sign_off_is_there_once)
{
	t.identity.signoff = true;
	ck_assert_str_eq(shell_out(t.path, "git cat-file commit %s | sed '1,/^$/d'",
			     commit(sign_offs[_i].message)),
	    sign_offs[_i].whole);
}
END_TEST

START_TEST(signature_of_ssh_is_good)
{
	char *key;

	if (!found("ssh-keygen"))
		return;
	key = path_join(up.dir, "key");
	ck_assert_int_eq(shell(up.dir,
			     "ssh-keygen -q -t ed25519 -N '' -C x -f key; "
			     "echo \"ada@acme.example $(cat key.pub)\" >signers"),
	    0);
	/* A job that has a key of its own signs with it in vain. */
	ck_assert_int_eq(shell(t.path,
			     "git config gpg.format ssh; git config gpg.ssh.program false; "
			     "git config user.signingKey /nonexistent; git config commit.gpgSign "
			     "true"),
	    0);
	t.identity.sign_key_file = key;
	t.identity.signoff = true;
	ck_assert_str_eq(shell_out(t.path,
			     "git -c gpg.format=ssh -c gpg.ssh.program=ssh-keygen "
			     "-c gpg.ssh.allowedSignersFile=%s/signers verify-commit %s 2>&1 | "
			     "grep -o 'Good \"git\" signature for ada@acme.example'; git fsck "
			     "--strict",
			     up.dir, commit("Fix it\n\nSee: this\n")),
	    "Good \"git\" signature for ada@acme.example");
	free(key);
}
END_TEST

START_TEST(signature_of_openpgp_is_good)
{
	char *key;

	if (!found("gpg"))
		return;
	key = path_join(up.dir, "key.asc");
	ck_assert_int_eq(shell(up.dir,
			     "export GNUPGHOME=$(mktemp -d); trap 'gpgconf --kill all; rm -rf "
			     "$GNUPGHOME' EXIT; gpg -q --batch --passphrase '' "
			     "--quick-generate-key "
			     "'" PERSON "' ed25519 sign 2>/dev/null; umask 077; "
			     "gpg -q --armor --export-secret-keys >key.asc; "
			     "gpg -q --armor --export >pub.asc"),
	    0);
	t.identity.sign_key_file = key;
	ck_assert_str_eq(shell_out(t.path,
			     "export GNUPGHOME=$(mktemp -d); gpg -q --import %s/pub.asc "
			     "2>/dev/null; "
			     "git log -1 --format='%%G? %%GS' %s; rm -rf $GNUPGHOME; "
			     "ls -d /tmp/drover-gpg-* 2>/dev/null | grep -c . || true",
			     up.dir, commit("Fix it\n")),
	    "U Ada, of Acme <ada@acme.example>\n0");
	free(key);
}
END_TEST

START_TEST(signature_without_a_good_key_fails)
{
	struct buf out = BUF_INIT;
	char *key;

	if (!found("ssh-keygen"))
		return;
	key = path_join(up.dir, "key");
	ck_assert_int_eq(shell(up.dir,
			     "ssh-keygen -q -t ed25519 -N 'words' -f key; "
			     "cp key.pub public; chmod 600 public"),
	    0);
	FAILS(sign_text(key, "x", 1, &out, err), DROVER_CONFIG, "the key must have no passphrase");
	ck_assert_int_eq(shell(up.dir, "chmod 640 key"), 0);
	FAILS(sign_text(key, "x", 1, &out, err), DROVER_CONFIG, "run chmod 600");
	free(key);
	key = path_join(up.dir, "public");
	FAILS(sign_text(key, "x", 1, &out, err), DROVER_CONFIG, "is no private key");
	free(key);
	buf_free(&out);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "author", setup, teardown);

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, author_is_the_configured_one);
	tcase_add_loop_test(tc, sign_off_is_there_once, 0, (int)ARRAY_LEN(sign_offs));
	tcase_add_test(tc, signature_of_ssh_is_good);
	tcase_add_test(tc, signature_of_openpgp_is_good);
	tcase_add_test(tc, signature_without_a_good_key_fails);
}

SUITE(cases)
