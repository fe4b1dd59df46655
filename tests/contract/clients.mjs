// SPDX-License-Identifier: Apache-2.0
// The vendors' own clients against the fakes, through Prism: what they do to a fake a bot does to the vendor.
// Usage: node clients.mjs VENDOR URL CONTROL [APP_KEY_FILE]; one line "ok - ..." or "not ok - ..." for each step.
import { readFileSync } from "node:fs";

const [vendor, url, control, keyFile] = process.argv.slice(2);
let failed = 0;

async function step(name, run) {
	try {
		await run();
		console.log(`ok - ${vendor}: ${name}`);
	} catch (trouble) {
		failed++;
		console.log(`not ok - ${vendor}: ${name}`);
		const more = trouble.response?.data ?? trouble.data ?? trouble.cause ?? "";
		console.log(`   ${trouble.message} ${JSON.stringify(more).slice(0, 1500)}`);
	}
}

function same(got, wanted) {
	if (JSON.stringify(got) !== JSON.stringify(wanted))
		throw new Error(`got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
}

async function ctl(what, body) {
	const answer = await fetch(`${control}/_control/${what}`, body && { method: "POST", body: JSON.stringify(body) });
	if (!answer.ok)
		throw new Error(`control ${what}: ${await answer.text()}`);
	return answer.json();
}

async function refused(promise, status) {
	const got = await promise.then(() => 200, (trouble) => trouble.status ?? trouble.response?.status ?? trouble.message);
	same(got, status);
}

async function github() {
	const { Octokit } = await import("octokit");
	const { createAppAuth } = await import("@octokit/auth-app");
	const quiet = { debug() {}, info() {}, warn() {}, error() {} };
	const kit = new Octokit({ auth: "ghp_faketoken", baseUrl: url, log: quiet, throttle: { enabled: false }, retry: { enabled: false } });
	const repo = { owner: "acme", repo: "web" };
	await ctl("add/repo", { name: "acme/web", labels: ["bug"], permissions: { dev: "write" } });
	await ctl("add/branch", { repo: "acme/web", name: "drover/x" });
	let issue, pull, comment, review;
	await step("who am I", async () => same((await kit.rest.users.getAuthenticated()).data.login, "drover-bot"));
	await step("a repository", async () => same((await kit.rest.repos.get(repo)).data.permissions.push, true));
	await step("a branch and its ref", async () => {
		same((await kit.rest.repos.getBranch({ ...repo, branch: "drover/x" })).data.name, "drover/x");
		same((await kit.rest.git.getRef({ ...repo, ref: "heads/drover/x" })).data.ref, "refs/heads/drover/x");
	});
	await step("an issue is made, found and closed", async () => {
		issue = (await kit.rest.issues.create({ ...repo, title: "One", body: "@drover-bot please", labels: ["bug"] })).data.number;
		same((await kit.rest.issues.get({ ...repo, issue_number: issue })).data.title, "One");
		same((await kit.rest.issues.listForRepo({ ...repo, labels: "bug", sort: "updated", since: "2020-01-01T00:00:00Z" })).data.length, 1);
		await kit.rest.issues.update({ ...repo, issue_number: issue, state: "closed" });
	});
	await step("comments are made, listed, edited and reacted to", async () => {
		comment = (await kit.rest.issues.createComment({ ...repo, issue_number: issue, body: "hi" })).data.id;
		same((await kit.rest.issues.listComments({ ...repo, issue_number: issue })).data.length, 1);
		same((await kit.rest.issues.listCommentsForRepo({ ...repo, sort: "updated", direction: "asc", since: "2020-01-01T00:00:00Z" })).data[0].body, "hi");
		same((await kit.rest.issues.updateComment({ ...repo, comment_id: comment, body: "ho" })).data.body, "ho");
		same((await kit.rest.reactions.createForIssueComment({ ...repo, comment_id: comment, content: "eyes" })).status, 201);
		same((await kit.rest.reactions.createForIssueComment({ ...repo, comment_id: comment, content: "eyes" })).status, 200);
		same((await kit.rest.reactions.listForIssueComment({ ...repo, comment_id: comment })).data.length, 1);
		same((await kit.rest.reactions.createForIssue({ ...repo, issue_number: issue, content: "rocket" })).status, 201);
		same((await kit.rest.issues.getComment({ ...repo, comment_id: comment })).data.reactions.eyes, 1);
	});
	await step("labels", async () => {
		await kit.rest.issues.addLabels({ ...repo, issue_number: issue, labels: ["new"] });
		same((await kit.rest.issues.listLabelsOnIssue({ ...repo, issue_number: issue })).data.map((l) => l.name), ["bug", "new"]);
		await kit.rest.issues.removeLabel({ ...repo, issue_number: issue, name: "new" });
		await refused(kit.rest.issues.removeLabel({ ...repo, issue_number: issue, name: "new" }), 404);
		same((await kit.rest.issues.listLabelsForRepo(repo)).data.length, 2);
		same((await kit.rest.issues.listEvents({ ...repo, issue_number: issue })).data.map((e) => e.event), ["labeled", "unlabeled"]);
	});
	await step("a pull request is made once", async () => {
		const wanted = { ...repo, head: "drover/x", base: "main", title: "Change", body: "because" };
		pull = (await kit.rest.pulls.create(wanted)).data.number;
		await refused(kit.rest.pulls.create(wanted), 422);
		same((await kit.rest.pulls.list({ ...repo, head: "acme:drover/x", state: "open" })).data.map((p) => p.number), [pull]);
		same((await kit.rest.pulls.get({ ...repo, pull_number: pull })).data.mergeable, null);
		same((await kit.rest.pulls.get({ ...repo, pull_number: pull })).data.mergeable, true);
		same((await kit.rest.pulls.update({ ...repo, pull_number: pull, title: "Better" })).data.title, "Better");
		if (!(await kit.rest.pulls.get({ ...repo, pull_number: pull, mediaType: { format: "diff" } })).data.startsWith("diff --git"))
			throw new Error("no diff");
	});
	await step("files, commits and checks of it", async () => {
		same((await kit.rest.pulls.listFiles({ ...repo, pull_number: pull })).data.length, 1);
		const sha = (await kit.rest.pulls.listCommits({ ...repo, pull_number: pull })).data[0].sha;
		same((await kit.rest.repos.createCommitStatus({ ...repo, sha, state: "success", context: "drover", description: "done" })).data.state, "success");
		same((await kit.rest.repos.getCombinedStatusForRef({ ...repo, ref: sha })).data.state, "success");
		same((await kit.rest.checks.listForRef({ ...repo, ref: sha })).data.total_count, 0);
	});
	await step("a review, its comments and a reply", async () => {
		review = await ctl("add/review", { repo: "acme/web", number: pull, body: "Hm.", state: "CHANGES_REQUESTED", comments: [{ path: "README", line: 1, body: "why?" }] });
		const reviews = (await kit.rest.pulls.listReviews({ ...repo, pull_number: pull })).data;
		same(reviews.map((r) => r.body), ["Hm."]);
		same((await kit.rest.pulls.listCommentsForReview({ ...repo, pull_number: pull, review_id: reviews[0].id })).data.length, 1);
		const top = (await kit.rest.pulls.listReviewComments({ ...repo, pull_number: pull })).data[0].id;
		const reply = (await kit.rest.pulls.createReplyForReviewComment({ ...repo, pull_number: pull, comment_id: top, body: "so" })).data;
		same(reply.in_reply_to_id, top);
		await refused(kit.rest.pulls.createReplyForReviewComment({ ...repo, pull_number: pull, comment_id: reply.id, body: "so" }), 422);
		same((await kit.rest.pulls.listReviewCommentsForRepo({ ...repo, since: "2020-01-01T00:00:00Z" })).data.length, 2);
		same((await kit.rest.reactions.createForPullRequestReviewComment({ ...repo, comment_id: top, content: "eyes" })).status, 201);
		await kit.rest.pulls.createReview({ ...repo, pull_number: pull, event: "COMMENT", body: "I see" });
		same((await kit.rest.pulls.getReviewComment({ ...repo, comment_id: top })).data.body, "why?");
	});
	await step("permissions", async () => {
		same((await kit.rest.repos.getCollaboratorPermissionLevel({ ...repo, username: "dev" })).data.permission, "write");
	});
	await step("the search", async () => {
		same((await kit.rest.search.issuesAndPullRequests({ q: "repo:acme/web is:issue mentions:drover-bot" })).data.total_count, 1);
	});
	await step("pages to the end", async () => {
		for (let i = 0; i < 7; i++)
			await ctl("add/issue", { repo: "acme/web", title: `Issue ${i}` });
		same((await kit.paginate(kit.rest.issues.listForRepo, { ...repo, state: "all", per_page: 2 })).length, 9);
	});
	await step("a conditional request", async () => {
		const etag = (await kit.rest.issues.listForRepo(repo)).headers.etag;
		await refused(kit.rest.issues.listForRepo({ ...repo, headers: { "if-none-match": etag } }), 304);
	});
	await step("a merge", async () => same((await kit.rest.pulls.merge({ ...repo, pull_number: pull })).data.merged, true));
	await step("an App and its installation token", async () => {
		await ctl("add/app", { id: 7, slug: "drover", public_key: readFileSync(keyFile + ".pub", "utf8") });
		const { id } = await ctl("add/installation", { app: 7, account: "acme", repos: ["acme/web"] });
		const auth = { appId: 7, privateKey: readFileSync(keyFile, "utf8") };
		const app = new Octokit({ authStrategy: createAppAuth, auth, baseUrl: url, log: quiet });
		same((await app.rest.apps.getAuthenticated()).data.slug, "drover");
		same((await app.rest.apps.listInstallations()).data.length, 1);
		same(String((await app.rest.apps.getRepoInstallation(repo)).data.id), id);
		const bot = new Octokit({ authStrategy: createAppAuth, auth: { ...auth, installationId: id }, baseUrl: url, log: quiet, throttle: { enabled: false } });
		same((await bot.rest.issues.createComment({ ...repo, issue_number: issue, body: "from the App" })).data.user.login, "drover[bot]");
		same((await bot.rest.apps.listReposAccessibleToInstallation()).data.total_count, 1);
	});
	await step("a renamed repository", async () => {
		await ctl("add/rename", { old: "acme/web", new: "acme/site" });
		same((await kit.rest.issues.get({ ...repo, issue_number: issue })).data.title, "One");
	});
	await step("a limit", async () => {
		await ctl("fault", { path: "/user$", kind: "status", status: 403, headers: { "Retry-After": "1", "X-RateLimit-Remaining": "0" }, body: { message: "You have exceeded a secondary rate limit" } });
		await refused(kit.rest.users.getAuthenticated(), 403);
	});
}

async function jira() {
	const { createCloudClient } = await import("jira.js");
	const kit = createCloudClient({ host: url, auth: { type: "basic", email: "bot@example.com", apiToken: "jira-token" } });
	const doc = (text) => ({ type: "doc", version: 1, content: [{ type: "paragraph", content: [{ type: "text", text }] }] });
	const { key } = await ctl("add/issue", { project: "SHOP", summary: "Fix it", description: "Please.", labels: ["bug"] });
	let comment;
	await ctl("add/comment", { issue: key, body: "And soon." });
	await step("who am I", async () => same((await kit.myself.getCurrentUser()).accountId, "bot-1"));
	await step("the server", async () => same((await kit.serverInfo.getServerInfo()).deploymentType, "Cloud"));
	await step("the search, page by page", async () => {
		for (let i = 0; i < 4; i++)
			await ctl("add/issue", { project: "SHOP", summary: `More ${i}` });
		const keys = [];
		let token;
		do {
			const page = await kit.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: "assignee = currentUser() AND status = \"To Do\" ORDER BY created ASC", fields: ["summary", "status", "*all"], maxResults: 2, nextPageToken: token });
			keys.push(...page.issues.map((i) => i.key));
			token = page.nextPageToken;
		} while (token);
		same(keys.length, 5);
		await refused(kit.issueSearch.searchAndReconsileIssuesUsingJqlPost({ jql: "order by created" }), 400);
	});
	await step("an issue with its history", async () => {
		await ctl("move", { issue: key, status: "In Review" });
		const issue = await kit.issues.getIssue({ issueIdOrKey: key, expand: "changelog" });
		same(issue.changelog.histories.length, 1);
		same((await kit.issues.getChangeLogs({ issueIdOrKey: key })).total, 1);
		await refused(kit.issues.getIssue({ issueIdOrKey: "SHOP-99" }), 404);
	});
	await step("transitions", async () => {
		const open = (await kit.issues.getTransitions({ issueIdOrKey: key })).transitions;
		await kit.issues.doTransition({ issueIdOrKey: key, transition: { id: open.find((t) => t.to.name === "In Progress").id } });
		same((await kit.issues.getIssue({ issueIdOrKey: key, fields: ["status"] })).fields.status.name, "In Progress");
	});
	await step("comments and their properties", async () => {
		comment = await kit.issueComments.addComment({ issueIdOrKey: key, body: doc("Hello") });
		same((await kit.issueComments.getComments({ issueIdOrKey: key, orderBy: "-created" })).comments[0].id, comment.id);
		await kit.issueCommentProperties.setCommentProperty({ commentId: comment.id, propertyKey: "drover", body: { id: 1 } });
		same((await kit.issueCommentProperties.getCommentProperty({ commentId: comment.id, propertyKey: "drover" })).value, { id: 1 });
		await kit.issueComments.updateComment({ issueIdOrKey: key, id: comment.id, body: { body: doc("Hello again") } });
		await kit.issueComments.deleteComment({ issueIdOrKey: key, id: comment.id });
	});
	await step("issue properties and remote links", async () => {
		await kit.issueProperties.setIssueProperty({ issueIdOrKey: key, propertyKey: "drover", body: { a: 1 } });
		same((await kit.issueProperties.getIssueProperty({ issueIdOrKey: key, propertyKey: "drover" })).value, { a: 1 });
		await kit.issueProperties.deleteIssueProperty({ issueIdOrKey: key, propertyKey: "drover" });
		const link = { issueIdOrKey: key, globalId: "pr-1", object: { url: "https://example.com/1", title: "PR 1" } };
		const first = await kit.issueRemoteLinks.createOrUpdateRemoteIssueLink(link);
		same((await kit.issueRemoteLinks.createOrUpdateRemoteIssueLink(link)).id, first.id);
		same((await kit.issueRemoteLinks.getRemoteIssueLinks({ issueIdOrKey: key })).length, 1);
	});
	await step("a subtask", async () => {
		const made = await kit.issues.createIssue({ fields: { project: { key: "SHOP" }, parent: { key }, summary: "Part", issuetype: { name: "Sub-task" }, description: doc("x") } });
		same((await kit.issues.getIssue({ issueIdOrKey: made.key })).fields.parent.key, key);
		await refused(kit.issues.createIssue({ fields: { project: { key: "SHOP" }, summary: "Part", issuetype: { name: "Sub-task" } } }), 400);
	});
	await step("attachments", async () => {
		const { id } = await ctl("add/attachment", { issue: key, filename: "a.png", size: 100 });
		same((await kit.issueAttachments.getAttachment({ id })).filename, "a.png");
	});
	await step("accounts, projects, statuses, fields", async () => {
		same((await kit.users.getUser({ accountId: "bot-1" })).displayName, "drover");
		same((await kit.userSearch.findUsers({ query: "drover" })).length, 1);
		same((await kit.projects.searchProjects({})).values[0].key, "SHOP");
		same((await kit.projects.getProject({ projectIdOrKey: "SHOP" })).issueTypes.some((t) => t.subtask), true);
		same((await kit.projects.getAllStatuses({ projectIdOrKey: "SHOP" }))[0].statuses.length, 4);
		same((await kit.workflowStatuses.getStatuses()).length, 4);
		if (!(await kit.issueFields.getFields()).some((f) => f.id === "summary"))
			throw new Error("no summary");
	});
}

async function slack() {
	const { WebClient } = await import("@slack/web-api");
	const { SocketModeClient } = await import("@slack/socket-mode");
	const quiet = { debug() {}, info() {}, warn() {}, error() {}, setLevel() {}, getLevel() { return "error"; }, setName() {} };
	const kit = new WebClient("xoxb-fake", { slackApiUrl: `${url}/api/`, retryConfig: { retries: 0 }, rejectRateLimitedCalls: true, logger: quiet });
	await ctl("add/channel", { id: "C1", name: "dev", members: ["U0BOT", "U0ANA"] });
	const first = (await ctl("add/message", { channel: "C1", text: "<@U0BOT> one" })).ts;
	await step("who am I", async () => same((await kit.auth.test()).user_id, "U0BOT"));
	await step("conversations", async () => {
		same((await kit.conversations.list({ types: "public_channel,private_channel" })).channels.length, 1);
		same((await kit.users.conversations({ types: "public_channel" })).channels[0].id, "C1");
		same((await kit.conversations.info({ channel: "C1" })).channel.is_member, true);
		same((await kit.conversations.members({ channel: "C1" })).members.length, 2);
	});
	await step("a message in a thread, with metadata, edited", async () => {
		const made = await kit.chat.postMessage({ channel: "C1", thread_ts: first, text: "hello", metadata: { event_type: "drover", event_payload: { job: "1" } } });
		await kit.chat.update({ channel: "C1", ts: made.ts, text: "hello again" });
		const thread = await kit.conversations.replies({ channel: "C1", ts: first, include_all_metadata: true });
		same(thread.messages.map((m) => m.text), ["<@U0BOT> one", "hello again"]);
		same(thread.messages[1].metadata.event_payload, { job: "1" });
		same((await kit.chat.getPermalink({ channel: "C1", message_ts: made.ts })).ok, true);
	});
	await step("history by pages", async () => {
		for (let i = 0; i < 5; i++)
			await ctl("add/message", { channel: "C1", text: `m${i}` });
		let seen = 0;
		for await (const page of kit.paginate("conversations.history", { channel: "C1", limit: 2 }))
			seen += page.messages.length;
		same(seen, 6);
	});
	await step("reactions", async () => {
		await kit.reactions.add({ channel: "C1", timestamp: first, name: "eyes" });
		same(await kit.reactions.add({ channel: "C1", timestamp: first, name: "eyes" }).catch((t) => t.data.error), "already_reacted");
		same((await kit.reactions.get({ channel: "C1", timestamp: first })).message.reactions[0].name, "eyes");
		await kit.reactions.remove({ channel: "C1", timestamp: first, name: "eyes" });
	});
	await step("people", async () => {
		same((await kit.users.info({ user: "U0ANA" })).user.is_bot, false);
		same(await kit.users.info({ user: "U9" }).catch((t) => t.data.error), "user_not_found");
		await ctl("add/group", { id: "S1", handle: "devs", users: ["U0ANA"] });
		same((await kit.usergroups.users.list({ usergroup: "S1" })).users, ["U0ANA"]);
	});
	await step("a limit", async () => {
		await ctl("set", { enforce: true });
		await kit.chat.postMessage({ channel: "C1", text: "x" }).catch(() => 0);
		same(await kit.chat.postMessage({ channel: "C1", text: "x" }).catch((t) => t.code), "slack_webapi_rate_limited_error");
		await ctl("set", { enforce: false });
	});
	await step("Socket Mode", async () => {
		await ctl("set", { pieces: 3 });
		const client = new SocketModeClient({ appToken: "xapp-fake", clientOptions: { slackApiUrl: `${url}/api/` }, logger: quiet });
		const heard = [];
		const both = new Promise((done) => client.on("slack_event", async ({ ack, body }) => {
			await ack();
			heard.push(body.event.type);
			if (heard.length === 2)
				done();
		}));
		await client.start();
		await ctl("add/message", { channel: "C1", text: "<@U0BOT> two" });
		await both;
		same(heard, ["message", "app_mention"]);
		for (let i = 0; i < 100 && (await ctl("sockets")).acks < 2; i++)
			await new Promise((done) => setTimeout(done, 20));
		same((await ctl("sockets")).acks, 2);
		const made = (await ctl("sockets")).made;
		await ctl("socket", { do: "disconnect", reason: "refresh_requested" });
		for (let i = 0; i < 500 && (await ctl("sockets")).made === made; i++)
			await new Promise((done) => setTimeout(done, 20));
		same((await ctl("sockets")).made, made + 1);
		await client.disconnect();
	});
}

await { github, jira, slack }[vendor]();
process.exit(failed ? 1 : 0);
