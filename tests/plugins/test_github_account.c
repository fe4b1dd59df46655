/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin github as an App, its operations, and its webhook. */
#include <sys/wait.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "github_kit.h"
#include "suite.h"

static char *pem;
static char token[2][700];

static void
setup_app(void)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	BIO *out = BIO_new(BIO_s_mem());
	char *data;
	long len;
	int i;

	ck_assert_int_eq(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
	len = BIO_get_mem_data(out, &data);
	pem = calloc(1, (size_t)len + 1);
	memcpy(pem, data, (size_t)len);
	BIO_free(out);
	EVP_PKEY_free(key);
	for (i = 0; i < 2; i++) {
		memset(token[i], 'a' + i, 600);
		memcpy(token[i], "ghs_12345_ey.J.", 15);
	}
	kit_setup();
	kit->outside.nsecrets = 0;
	fake_secret(kit, "private_key", pem);
	fake_option(kit, "app_id", "12345");
	fake_serve(kit, "GET", "/app", 200, NULL,
	    "{\"slug\":\"drover\",\"permissions\":{\"contents\":\"write\",\"issues\":\"read\","
	    "\"metadata\":\"read\"}}");
	fake_serve(kit, "GET", KIT_REPO "/installation", 200, NULL, "{\"id\":9007199254740993}");
}

static void
teardown_app(void)
{
	kit_teardown();
	free(pem);
}

static void
give_token(int i, const char *expires)
{
	fake_answer(kit, "POST", "/app/installations/9007199254740993/access_tokens", 201, NULL,
	    kit_text("{\"token\":\"%s\",\"expires_at\":\"%s\"}", token[i], expires));
}

static int
call(const char *operation, const char *request)
{
	memset(&kit_err, 0, sizeof(kit_err));
	kit->outside.replied[0] = '\0';
	return kit_operation(operation)->call(&kit->scope, kit_state, request, strlen(request),
	    &kit_err);
}

static int
status(void)
{
	return call("status", "{\"repo\":\"web\",\"sha\":\"abc123\",\"state\":\"success\"}");
}

static bool
sent_with(int n, const char *path, const char *secret)
{
	const struct fake_request *request = fake_request(kit, "POST", path, n);

	return request != NULL &&
	    strstr(request->headers, kit_text("Authorization: Bearer %s\n", secret)) != NULL;
}

START_TEST(an_app_asks_for_a_token_once_and_before_it_ends)
{
	fake_serve(kit, "POST", KIT_REPO "/statuses/abc123", 201, NULL, "{\"id\":1}");
	give_token(0, "2026-11-21T11:00:00Z");
	ck_assert_msg(status() == 0, "%s", kit_err.text);
	ck_assert_int_eq(status(), 0);
	ck_assert(sent_with(1, KIT_REPO "/statuses", token[0]));
	ck_assert_int_eq(fake_requests(kit, "POST", "/app/installations"), 1);
	ck_assert_str_eq(fake_request(kit, "POST", "/app/installations", 0)->credential,
	    "app/12345");
	ck_assert_str_eq(fake_request(kit, "POST", KIT_REPO "/statuses", 0)->credential,
	    "installation/acme");
	ck_assert_ptr_nonnull(strstr(kit->outside.masked, token[0]));
	ck_assert_ptr_null(strstr(kit->log, "ghs_"));
	/* The hour is not over, but nearly. */
	kit->wall += 47 * 60000;
	ck_assert_int_eq(status(), 0);
	ck_assert_int_eq(fake_requests(kit, "POST", "/app/installations"), 1);
	give_token(1, "2026-11-21T12:00:00Z");
	kit->wall += 4 * 60000;
	ck_assert_int_eq(status(), 0);
	ck_assert(sent_with(3, KIT_REPO "/statuses", token[1]));
}
END_TEST

START_TEST(a_refused_token_is_renewed_once)
{
	give_token(0, "2026-11-21T11:00:00Z");
	give_token(1, "2026-11-21T11:00:00Z");
	fake_answer(kit, "POST", KIT_REPO "/statuses/abc123", 401, NULL,
	    "{\"message\":\"Bad credentials\"}");
	fake_answer(kit, "POST", KIT_REPO "/statuses/abc123", 201, NULL, "{\"id\":1}");
	ck_assert_msg(status() == 0, "%s", kit_err.text);
	ck_assert(sent_with(1, KIT_REPO "/statuses", token[1]));
	/* Refused again is refused. */
	give_token(0, "2026-11-21T11:00:00Z");
	fake_serve(kit, "POST", KIT_REPO "/statuses/abc123", 401, NULL, "{}");
	ck_assert_int_eq(status(), DROVER_AUTH);
	ck_assert_int_eq(fake_requests(kit, "POST", KIT_REPO "/statuses"), 4);
}
END_TEST

static int
git_token(const char *request)
{
	return call("git-token", request);
}

START_TEST(git_gets_the_token_of_the_installation)
{
	ck_assert_uint_eq(kit_operation("git-token")->flags, DROVER_OPERATION_CREDENTIAL);
	give_token(0, "2026-11-21T11:00:00Z");
	ck_assert_int_eq(git_token("{\"repo\":\"web\"}"), 0);
	ck_assert_str_eq(kit->outside.replied,
	    kit_text("{\"token\":\"%s\",\"expires_at\":%lld}", token[0],
		(long long)KIT_NOW + 3600000));
	/*
	 * It is the one that is there, but for the last minutes, and for one
	 * that the remote has refused.
	 */
	ck_assert_int_eq(git_token("{\"repo\":\"web\"}"), 0);
	ck_assert_ptr_nonnull(strstr(kit->outside.replied, token[0]));
	give_token(1, "2026-11-21T10:05:00Z");
	ck_assert_int_eq(git_token("{\"repo\":\"web\",\"refused\":true}"), 0);
	ck_assert_str_eq(kit->outside.replied,
	    kit_text("{\"token\":\"%s\",\"expires_at\":%lld}", token[1],
		(long long)KIT_NOW + 300000));
	give_token(0, "2026-11-21T11:00:00Z");
	ck_assert_int_eq(git_token("{\"repo\":\"web\"}"), 0);
	ck_assert_ptr_nonnull(strstr(kit->outside.replied, token[0]));
	ck_assert_int_eq(git_token("{\"repo\":\"unheard-of\"}"), DROVER_CONFIG);
	ck_assert_str_eq(kit->outside.replied, "");
}
END_TEST

START_TEST(git_gets_the_personal_token)
{
	ck_assert_int_eq(git_token("{\"repo\":\"web\"}"), 0);
	ck_assert_str_eq(kit->outside.replied, "{\"token\":\"ghp_secret\"}");
}
END_TEST

START_TEST(an_app_that_is_not_installed_says_so)
{
	kit->outside.answers[kit->outside.nanswers - 1].status = 404;
	ck_assert_int_eq(status(), DROVER_AUTH);
	ck_assert_ptr_nonnull(strstr(kit_err.text, "acme/web: the GitHub App is not installed"));
}
END_TEST

START_TEST(a_probe_says_what_an_app_lacks)
{
	give_token(0, "2026-11-21T11:00:00Z");
	fake_serve(kit, "GET", KIT_REPO, 200, NULL, "{\"full_name\":\"acme/web\"}");
	ck_assert_int_eq(call("probe", "{}"), 0);
	ck_assert_ptr_nonnull(strstr(kit->outside.replied,
	    "\"ok\":false,\"as\":\"drover[bot]\",\"base\":\"https://api.github.test\""));
	ck_assert_ptr_nonnull(strstr(kit->outside.replied,
	    "the App lacks the permissions issues: write, pull_requests: write"));
	ck_assert_ptr_nonnull(strstr(kit->outside.replied, "acme/web can be worked on"));
}
END_TEST

START_TEST(a_credential_must_be_whole)
{
	static const struct {
		const char *app, *key, *pat, *says;
	} cases[] = {
		{ "", NULL, NULL, "no credential" },
		{ "1", NULL, NULL, "no private_key" },
		{ "1", "x", "y", "both app_id" },
	};
	void *opened;

	kit->outside.nsecrets = 0;
	fake_option(kit, "app_id", cases[_i].app);
	if (cases[_i].key != NULL)
		fake_secret(kit, "private_key", cases[_i].key);
	if (cases[_i].pat != NULL)
		fake_secret(kit, "token", cases[_i].pat);
	ck_assert_int_eq(kit_plugin->open(&kit->scope, &opened, &kit_err), DROVER_CONFIG);
	ck_assert_ptr_nonnull(strstr(kit_err.text, cases[_i].says));
}
END_TEST

START_TEST(a_probe_of_a_token_tells_of_each_repository)
{
	fake_repo(kit, "api", "https://github.com/acme/api.git", "github");
	fake_repo(kit, "old", "https://github.com/acme/old.git", "github");
	fake_serve(kit, "GET", KIT_REPO, 200, NULL, "{\"permissions\":{\"push\":true}}");
	fake_serve(kit, "GET", "/repos/acme/api", 200, NULL, "{\"permissions\":{\"push\":false}}");
	fake_serve(kit, "GET", "/repos/acme/old", 404, NULL, "{}");
	ck_assert_int_eq(call("probe", "{}"), 0);
	ck_assert_ptr_nonnull(strstr(kit->outside.replied, "\"as\":\"drover-bot\""));
	ck_assert_ptr_nonnull(strstr(kit->outside.replied, "{\"what\":\"token\",\"ok\":true"));
	ck_assert_ptr_nonnull(strstr(kit->outside.replied, "{\"what\":\"repo web\",\"ok\":true"));
	ck_assert_ptr_nonnull(strstr(kit->outside.replied,
	    "{\"what\":\"repo api\",\"ok\":false,\"text\":\"acme/api: the token may not push"));
	ck_assert_ptr_nonnull(strstr(kit->outside.replied, "{\"what\":\"repo old\",\"ok\":false"));
	/* The newline that a file ends in is no part of it. */
	ck_assert_ptr_nonnull(strstr(fake_request(kit, "GET", KIT_REPO, 0)->headers,
	    "Authorization: Bearer ghp_secret\n"));
	ck_assert_ptr_nonnull(strstr(fake_request(kit, "GET", KIT_REPO, 0)->headers,
	    "X-GitHub-Api-Version: 2022-11-28\n"));
}
END_TEST

static const char open_pull[] =
    "{\"repo\":\"web\",\"branch\":\"drover/x\",\"title\":\"T\",\"body\":\"B "
    "@all\",\"base\":\"main\",\"draft\":true,\"labels\":[\"bug\",\"none\"],\"key\":\"P-1\"}";

START_TEST(a_pull_request_is_opened_once_for_a_branch)
{
	fake_answer(kit, "GET", KIT_REPO "/pulls?head=", 200, NULL,
	    "[{\"number\":7,\"state\":\"closed\",\"head\":{\"ref\":\"drover/x\"}},"
	    "{\"number\":8,\"state\":\"open\",\"head\":{\"ref\":\"drover/"
	    "other\"}},{\"number\":9,\"state\":\"open\",\"head\":{\"ref\":\"drover/x\","
	    "\"repo\":{\"full_name\":\"mallory/web\"}},\"base\":{\"repo\":{\"full_name\":\"acme/"
	    "web\"}}}]");
	fake_serve(kit, "GET", KIT_REPO "/labels", 200, NULL, "[{\"name\":\"bug\"}]");
	fake_serve(kit, "POST", KIT_REPO "/issues/31/labels", 200, NULL, "[]");
	fake_serve(kit, "POST", KIT_REPO "/pulls", 201, NULL, "{\"number\":31,\"html_url\":\"u\"}");
	ck_assert_msg(call("open-pull", open_pull) == 0, "%s", kit_err.text);
	ck_assert_str_eq(kit->outside.replied,
	    "{\"labels\":[\"bug\"],\"number\":\"31\",\"url\":\"u\",\"created\":true}");
	ck_assert_ptr_nonnull(
	    strstr(fake_request(kit, "POST", KIT_REPO "/pulls", 0)->body, "\"draft\":true"));
	ck_assert_ptr_null(strstr(fake_request(kit, "POST", KIT_REPO "/pulls", 0)->body, "@all"));
	/* The same key again: nothing is even looked for. */
	ck_assert_int_eq(call("open-pull", open_pull), 0);
	ck_assert_str_eq(kit->outside.replied,
	    "{\"labels\":[\"bug\"],\"number\":\"31\",\"url\":\"u\",\"created\":false}");
	ck_assert_int_eq(fake_requests(kit, "POST", KIT_REPO "/pulls"), 1);
}
END_TEST

START_TEST(an_open_pull_request_is_found)
{
	static const char mine[] = "[{\"number\":9,\"state\":\"open\",\"html_url\":\"v\",\"head\":{"
				   "\"ref\":\"drover/x\"}}]";

	fake_serve(kit, "GET", KIT_REPO "/labels", 404, NULL, "{}");
	if (_i == 1) {
		/* Somebody was quicker. */
		fake_answer(kit, "GET", KIT_REPO "/pulls?head=", 200, NULL, "[]");
		fake_answer(kit, "POST", KIT_REPO "/pulls", 422, NULL,
		    "{\"message\":\"Validation Failed\",\"errors\":[\"A pull request already "
		    "exists for acme:drover/x.\"]}");
	}
	fake_answer(kit, "GET", KIT_REPO "/pulls?head=", 200, NULL, mine);
	ck_assert_msg(call("open-pull", open_pull) == 0, "%s", kit_err.text);
	ck_assert_ptr_nonnull(
	    strstr(kit->outside.replied, "\"number\":\"9\",\"url\":\"v\",\"created\":false"));
}
END_TEST

START_TEST(a_pull_request_that_cannot_be_is_permanent)
{
	fake_serve(kit, "GET", KIT_REPO "/pulls?head=", 200, NULL, "[]");
	fake_serve(kit, "POST", KIT_REPO "/pulls", 422, NULL,
	    "{\"message\":\"Validation Failed\",\"errors\":[{\"message\":\"No commits between main "
	    "and drover/x\"}]}");
	ck_assert_int_eq(call("open-pull", open_pull), DROVER_PERMANENT);
	ck_assert_ptr_nonnull(strstr(kit_err.text, "No commits between"));
}
END_TEST

START_TEST(a_write_follows_a_renamed_repository)
{
	fake_answer(kit, "POST", KIT_REPO "/statuses/abc123", 307,
	    "Location: https://api.github.test/repositories/1/statuses/abc123", "{}");
	fake_serve(kit, "GET", KIT_REPO, 200, NULL, "{\"full_name\":\"acme/site\"}");
	fake_answer(kit, "POST", "/repos/acme/site/statuses/abc123", 201, NULL, "{\"id\":1}");
	ck_assert_msg(status() == 0, "%s", kit_err.text);
	ck_assert_str_eq(kit->outside.replied, "{\"id\":\"1\"}");
}
END_TEST

START_TEST(a_comment_is_posted_once_for_a_key)
{
	static const char request[] =
	    "{\"repo\":\"web\",\"number\":\"12\",\"text\":\"Hi\",\"key\":\"k1\"}";

	fake_serve(kit, "POST", KIT_REPO "/issues/12/comments", 201, NULL,
	    "{\"id\":55,\"html_url\":\"u\"}");
	ck_assert_msg(call("comment", request) == 0, "%s", kit_err.text);
	ck_assert_str_eq(kit->outside.replied, "{\"id\":\"55\",\"url\":\"u\"}");
	ck_assert_int_eq(call("comment", request), 0);
	ck_assert_str_eq(kit->outside.replied, "{\"id\":\"55\",\"url\":\"u\"}");
	ck_assert_int_eq(fake_requests(kit, "POST", KIT_REPO "/issues/12/comments"), 1);
	/* Elsewhere it is another. */
	fake_serve(kit, "POST", KIT_REPO "/issues/13/comments", 201, NULL,
	    "{\"id\":56,\"html_url\":\"u\"}");
	ck_assert_int_eq(call("comment",
			     "{\"repo\":\"web\",\"number\":13,\"text\":\"Hi\",\"key\":\"k1\"}"),
	    0);
	ck_assert_int_eq(fake_requests(kit, "POST", KIT_REPO "/issues/13/comments"), 1);
}
END_TEST

START_TEST(a_comment_that_a_crash_left_unsure_is_looked_for)
{
	static const char request[] =
	    "{\"repo\":\"web\",\"number\":\"12\",\"text\":\"Hi\",\"key\":\"k1\"}";
	unsigned step;
	int status;
	bool ended = false;
	pid_t pid;

	for (step = 1; !ended; step++) {
		if (step > 1) {
			kit_teardown();
			kit_setup();
		}
		/* With markers and without. */
		if (_i == 1)
			kit->options[3].value[0] = '0';
		fake_serve(kit, "POST", KIT_REPO "/issues/12/comments", 201, NULL,
		    "{\"id\":55,\"html_url\":\"u\"}");
		kit->kill_at = step;
		if ((pid = fork()) == 0)
			_exit(call("comment", request) == 0 ? 0 : 1);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		kit->kill_at = 0;
		ended = WIFEXITED(status);
		if (ended)
			break;
		fake_serve(kit, "GET", KIT_REPO "/issues/12/comments", 200, NULL,
		    fake_requests(kit, "POST", "/") == 0 ?
			"[]" :
			kit_text("[{\"id\":54,\"user\":{\"login\":\"drover-bot\"},\"body\":"
				 "\"Other\"},{\"id\":55,\"html_url\":\"u\",\"user\":{\"login\":"
				 "\"drover-bot\"},%s]",
			    fake_request(kit, "POST", "/", 0)->body + 1));
		ck_assert_msg(call("comment", request) == 0, "%s", kit_err.text);
		ck_assert_str_eq(kit->outside.replied, "{\"id\":\"55\",\"url\":\"u\"}");
		ck_assert_msg(fake_requests(kit, "POST", "/") == 1, "killed at step %u", step);
	}
	ck_assert_uint_gt(step, 6);
}
END_TEST

START_TEST(a_copied_marker_is_no_post_of_ours)
{
	static const char request[] =
	    "{\"repo\":\"web\",\"number\":\"12\",\"text\":\"Hi\",\"key\":\"k1\"}";

	snprintf(kit->outside.effects[0].key, sizeof(kit->outside.effects[0].key),
	    "github/comment/acme/web#12/k1");
	kit->outside.effects[0].state = DROVER_EFFECT_UNSURE;
	kit->outside.neffects = 1;
	fake_serve(kit, "GET", KIT_REPO "/issues/12/comments", 200, NULL,
	    "[{\"id\":9,\"user\":{\"login\":\"mallory\"},\"body\":\"<!-- "
	    "drover:comment:acme/web_12/k1 trace= -->\"}]");
	fake_serve(kit, "POST", KIT_REPO "/issues/12/comments", 201, NULL,
	    "{\"id\":55,\"html_url\":\"u\"}");
	ck_assert_msg(call("comment", request) == 0, "%s", kit_err.text);
	ck_assert_int_eq(fake_requests(kit, "POST", "/"), 1);
	ck_assert_ptr_nonnull(strstr(fake_request(kit, "POST", "/", 0)->body,
	    "<!-- drover:comment:acme/web_12/k1 trace="));
}
END_TEST

START_TEST(labels_are_set_where_they_exist)
{
	fake_serve(kit, "GET", KIT_REPO "/labels", 200, NULL, "[{\"name\":\"Bug\"}]");
	fake_serve(kit, "POST", KIT_REPO "/issues/12/labels", 200, NULL, "[]");
	fake_serve(kit, "DELETE", KIT_REPO "/issues/12/labels/in%20work", 404, NULL, "{}");
	ck_assert_msg(call("label",
			  "{\"repo\":\"web\",\"number\":\"12\",\"add\":[\"bug\",\"new\"],"
			  "\"remove\":[\"in work\"]}") == 0,
	    "%s", kit_err.text);
	ck_assert_str_eq(kit->outside.replied, "{\"labels\":[\"Bug\"],\"missing\":[\"new\"]}");
}
END_TEST

static const struct {
	const char *operation, *request;
} bad[] = {
	{ "open-pull", "" },
	{ "open-pull", "[]" },
	{ "open-pull", "{\"repo\":\"web\"}" },
	{ "open-pull", "{\"repo\":\"web\",\"branch\":\"b\"}" },
	{ "comment", "{\"repo\":\"web\",\"number\":\"1/../2\",\"text\":\"x\"}" },
	{ "comment", "{\"repo\":\"web\",\"number\":\"1\"}" },
	{ "label", "{\"repo\":\"web\",\"add\":[\"x\"]}" },
	{ "status", "{\"repo\":\"web\",\"sha\":\"../x\",\"state\":\"success\"}" },
	{ "status", "{\"repo\":\"web\",\"sha\":\"abc\",\"state\":\"good\"}" },
};

START_TEST(a_bad_request_is_refused_before_anything_is_written)
{
	ck_assert_int_eq(call(bad[_i].operation, bad[_i].request), DROVER_PERMANENT);
	ck_assert_int_eq(fake_requests(kit, "POST", "/"), 0);
	ck_assert_str_eq(kit->outside.replied, "");
}
END_TEST

START_TEST(an_unknown_repo_is_a_matter_of_configuration)
{
	ck_assert_int_eq(call("comment", "{\"repo\":\"nope\",\"number\":\"1\",\"text\":\"x\"}"),
	    DROVER_CONFIG);
}
END_TEST

/* ---- webhook ---- */

static const char body[] = "{\"action\":\"created\",\"issue\":{\"number\":1}}";

static int
deliver(const char *event, const char *signature, const char *text, struct drover_receipt *receipt)
{
	struct drover_field headers[4] = { { "x-github-event", event },
		{ "x-github-delivery", "72d3162e" }, { "content-type", "application/json" } };
	struct drover_delivery delivery = { .size = sizeof(delivery),
		.body = text,
		.body_len = strlen(text),
		.headers = headers,
		.headers_len = 3 };

	if (signature != NULL)
		headers[delivery.headers_len++] =
		    (struct drover_field){ "x-hub-signature-256", signature };
	memset(receipt, 0, sizeof(*receipt));
	receipt->size = sizeof(*receipt);
	kit->outside.woken[0] = '\0';
	return kit_plugin->hook(&kit->scope, kit_state, &delivery, receipt, &kit_err);
}

static const char *
sign_with(const char *secret, const char *text)
{
	unsigned char sum[32];
	unsigned int len = 0, i;
	const char *out = "sha256=";

	HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)text, strlen(text),
	    sum, &len);
	for (i = 0; i < len; i++)
		out = kit_text("%s%02x", out, sum[i]);
	return out;
}

static const char *
sign(const char *text)
{
	return sign_with("s3cret", text);
}

START_TEST(a_proven_delivery_wakes_the_sources_that_have_something)
{
	static const char pull[] = "{\"issue\":{\"number\":1,\"pull_request\":{}}}",
			  broken[] = "{\"issue\":";
	struct drover_receipt receipt;

	fake_secret(kit, "webhook_secret", "s3cret");
	ck_assert_msg(deliver("issue_comment", sign(body), body, &receipt) == 0, "%s",
	    kit_err.text);
	ck_assert_str_eq(receipt.id, "72d3162e");
	ck_assert_str_eq(kit->outside.woken, "issue-command");
	ck_assert_int_eq(deliver("issue_comment", sign(pull), pull, &receipt), 0);
	ck_assert_str_eq(kit->outside.woken, "pr-mention");
	/* Proven, so that what it cannot read only wakes more. */
	ck_assert_int_eq(deliver("issue_comment", sign(broken), broken, &receipt), 0);
	ck_assert_str_eq(kit->outside.woken, "issue-command");
	ck_assert_int_eq(deliver("issues", sign(body), body, &receipt), 0);
	ck_assert_str_eq(kit->outside.woken, "issue-command");
	ck_assert_int_eq(deliver("star", sign(body), body, &receipt), 0);
	ck_assert_str_eq(kit->outside.woken, "");
	ck_assert_int_eq(deliver("ping", sign(body), body, &receipt), 0);
	ck_assert_int_eq(receipt.status, 200);
	ck_assert_str_eq(receipt.body, "pong\n");
}
END_TEST

START_TEST(an_unproven_delivery_is_refused)
{
	struct drover_receipt receipt;
	char near[80];

	ck_assert_int_eq(deliver("issues", sign(body), body, &receipt), DROVER_AUTH);
	fake_secret(kit, "webhook_secret", _i == 0 ? "s3cret" : _i == 1 ? "other" : "");
	if (_i == 0) {
		snprintf(near, sizeof(near), "%s", sign(body));
		near[70] = near[70] == '0' ? '1' : '0';
		ck_assert_int_eq(deliver("issues", near, body, &receipt), DROVER_AUTH);
		ck_assert_int_eq(deliver("issues", sign(body), "{}", &receipt), DROVER_AUTH);
		ck_assert_int_eq(deliver("issues", NULL, body, &receipt), DROVER_AUTH);
		ck_assert_int_eq(deliver("issues", sign(body) + 7, body, &receipt), DROVER_AUTH);
		ck_assert_int_eq(deliver("", sign(body), body, &receipt), DROVER_PERMANENT);
	} else
		ck_assert_int_eq(deliver("issues", sign_with(_i == 1 ? "s3cret" : "", body), body,
				     &receipt),
		    DROVER_AUTH);
	ck_assert_str_eq(kit->outside.woken, "");
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *app = suite_case(suite, "app", setup_app, teardown_app);
	TCase *tc = suite_case(suite, "operations", kit_setup, kit_teardown);

	tcase_add_test(app, an_app_asks_for_a_token_once_and_before_it_ends);
	tcase_add_test(app, a_refused_token_is_renewed_once);
	tcase_add_test(app, git_gets_the_token_of_the_installation);
	tcase_add_test(app, an_app_that_is_not_installed_says_so);
	tcase_add_test(app, a_probe_says_what_an_app_lacks);
	tcase_add_loop_test(tc, a_credential_must_be_whole, 0, 3);
	tcase_add_test(tc, git_gets_the_personal_token);
	tcase_add_test(tc, a_probe_of_a_token_tells_of_each_repository);
	tcase_add_test(tc, a_pull_request_is_opened_once_for_a_branch);
	tcase_add_loop_test(tc, an_open_pull_request_is_found, 0, 2);
	tcase_add_test(tc, a_pull_request_that_cannot_be_is_permanent);
	tcase_add_test(tc, a_write_follows_a_renamed_repository);
	tcase_add_test(tc, a_comment_is_posted_once_for_a_key);
	tcase_add_loop_test(tc, a_comment_that_a_crash_left_unsure_is_looked_for, 0, 2);
	tcase_add_test(tc, a_copied_marker_is_no_post_of_ours);
	tcase_add_test(tc, labels_are_set_where_they_exist);
	tcase_add_loop_test(tc, a_bad_request_is_refused_before_anything_is_written, 0,
	    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(tc, an_unknown_repo_is_a_matter_of_configuration);
	tcase_add_test(tc, a_proven_delivery_wakes_the_sources_that_have_something);
	tcase_add_loop_test(tc, an_unproven_delivery_is_refused, 0, 3);
}

SUITE(cases)
