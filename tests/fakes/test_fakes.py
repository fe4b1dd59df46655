#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fakes' own tests: what their answers, pages, limits, faults and holds are, asked over the socket as a client would."""
import argparse
import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake  # noqa: E402
import adf  # noqa: E402
import github  # noqa: E402
import jira  # noqa: E402
import slack  # noqa: E402
import websocket  # noqa: E402


class Client:
    def __init__(self, server, headers):
        self.port = server.server_address[1]
        self.headers = headers

    def __call__(self, method, path, body=None, **headers):
        """Status, headers, and the body as JSON or text."""
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        data = body if body is None or isinstance(body, (str, bytes)) else json.dumps(body)
        sent = dict(self.headers, **{k.replace("_", "-"): v for k, v in headers.items()})
        with contextlib.closing(link):
            link.request(method, path, data, {k: v for k, v in sent.items() if v is not None})
            answer = link.getresponse()
            text = answer.read()
        try:
            return answer.status, answer.headers, json.loads(text)
        except ValueError:
            return answer.status, answer.headers, text.decode("utf-8", "replace")

    def control(self, what, /, **body):
        status, _, answer = self("POST", "/_control/" + what, body, Content_Type="application/json")
        if status >= 400:
            raise AssertionError("%s: %s" % (what, answer))
        return answer

    def ask(self, what):
        return self("GET", "/_control/" + what)[2]


class Case(unittest.TestCase):
    fake_class = None
    headers = {}

    @classmethod
    def setUpClass(cls):
        cls.server = fake.start(cls.fake_class, argparse.Namespace(port=0, public_url="", git_root="", adf_schema=""))
        cls.client = Client(cls.server, cls.headers)

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def setUp(self):
        self.client.control("reset")


class GitHubTest(Case):
    fake_class = github.GitHub
    headers = {"User-Agent": "test", "Authorization": "Bearer ghp_faketoken"}
    repo = "/repos/acme/web"

    def setUp(self):
        super().setUp()
        self.client.control("add/repo", name="acme/web", labels=["bug"], permissions={"dev": "write"})

    def test_needs_a_user_agent_and_a_credential(self):
        self.assertEqual(self.client("GET", "/user", User_Agent="")[0], 403)
        self.assertEqual(self.client("GET", "/user", Authorization=None)[0], 401)
        self.assertEqual(self.client("GET", "/user", Authorization="Bearer wrong")[2]["message"], "Bad credentials")
        self.assertEqual(self.client("GET", "/user")[2]["login"], "drover-bot")

    def test_not_modified_is_free(self):
        _, first, _ = self.client("GET", self.repo + "/issues")
        status, second, body = self.client("GET", self.repo + "/issues", If_None_Match=first["ETag"])
        self.assertEqual((status, body), (304, ""))
        self.assertEqual(second["X-RateLimit-Remaining"], first["X-RateLimit-Remaining"])
        self.client.control("add/issue", repo="acme/web", title="New")
        status, third, _ = self.client("GET", self.repo + "/issues", If_None_Match=first["ETag"])
        self.assertEqual(status, 200)
        self.assertNotEqual(third["ETag"], first["ETag"])
        self.assertEqual(int(third["X-RateLimit-Remaining"]), int(first["X-RateLimit-Remaining"]) - 1)

    def test_pages_name_the_repository_by_id(self):
        for number in range(7):
            self.client.control("add/issue", repo="acme/web", title="Issue %d" % number)
        path, seen, pages = self.repo + "/issues?per_page=3&direction=asc", [], 0
        while path:
            status, headers, body = self.client("GET", path)
            self.assertEqual(status, 200)
            seen += [i["number"] for i in body]
            pages += 1
            following = [p for p in (headers["Link"] or "").split(", ") if 'rel="next"' in p]
            path = None
            if following:
                parts = urllib.parse.urlsplit(following[0][1:following[0].index(">")])
                self.assertIn("/repositories/", parts.path)
                path = parts.path + "?" + parts.query
        self.assertEqual((seen, pages), ([1, 2, 3, 4, 5, 6, 7], 3))

    def test_issues_hold_pulls(self):
        self.client.control("add/pull", repo="acme/web", head="drover/x")
        body = self.client("GET", self.repo + "/issues")[2]
        self.assertIn("pull_request", body[0])

    def test_comments_since(self):
        issue = self.client.control("add/issue", repo="acme/web", title="A")["number"]
        now = int(time.time())
        self.client.control("add/comment", repo="acme/web", number=issue, body="old", created=now - 100)
        made = self.client.control("add/comment", repo="acme/web", number=issue, body="new", created=now)
        path = self.repo + "/issues/comments?sort=updated&direction=asc&since="
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        self.assertEqual([c["body"] for c in self.client("GET", path + stamp)[2]], ["new"])
        self.client.control("edit", repo="acme/web", what="comment", id=made["id"], body="newer")
        self.assertEqual([c["body"] for c in self.client("GET", path + stamp)[2]], ["newer"])
        self.assertEqual(self.client("GET", path + "yesterday")[0], 422)

    def test_a_second_pull_is_refused(self):
        self.client.control("add/branch", repo="acme/web", name="drover/x")
        wanted = {"title": "T", "head": "drover/x", "base": "main"}
        self.assertEqual(self.client("POST", self.repo + "/pulls", wanted)[0], 201)
        status, _, body = self.client("POST", self.repo + "/pulls", wanted)
        self.assertEqual((status, body["errors"][0]["message"]), (422, "A pull request already exists for acme:drover/x."))
        self.assertEqual(len(self.client("GET", self.repo + "/pulls?head=acme:drover/x&state=open")[2]), 1)
        self.assertEqual(self.client("POST", self.repo + "/pulls", dict(wanted, head="drover/none"))[0], 422)

    def test_a_reaction_is_made_once(self):
        issue = self.client.control("add/issue", repo="acme/web", title="A")["number"]
        made = self.client.control("add/comment", repo="acme/web", number=issue, body="hi")["id"]
        path = self.repo + "/issues/comments/%s/reactions" % made
        self.assertEqual(self.client("POST", path, {"content": "eyes"})[0], 201)
        self.assertEqual(self.client("POST", path, {"content": "eyes"})[0], 200)
        self.assertEqual(self.client("POST", path, {"content": "nod"})[0], 422)
        self.assertEqual(self.client.ask("counts")["all_writes"], 1)

    def test_replies_go_to_the_first_comment_only(self):
        pull = self.client.control("add/pull", repo="acme/web", head="drover/x")["number"]
        top = self.client.control("add/review_comment", repo="acme/web", number=pull, body="why?")["id"]
        path = self.repo + "/pulls/%d/comments/%s/replies"
        status, _, reply = self.client("POST", path % (pull, top), {"body": "because"})
        self.assertEqual((status, str(reply["in_reply_to_id"])), (201, top))
        self.assertEqual(self.client("POST", path % (pull, reply["id"]), {"body": "no"})[0], 422)

    def test_association_and_permission(self):
        self.client.control("add/team", org="acme", slug="devs", members=["mia"])
        issue = self.client.control("add/issue", repo="acme/web", title="A", user="mallory")["number"]
        for login in ("mia", "dev"):
            self.client.control("add/comment", repo="acme/web", number=issue, body="x", user=login)
        said = {c["user"]["login"]: c["author_association"] for c in self.client("GET", self.repo + "/issues/comments")[2]}
        self.assertEqual(said, {"mia": "MEMBER", "dev": "COLLABORATOR"})
        self.assertEqual(self.client("GET", self.repo + "/issues/1")[2]["author_association"], "NONE")
        self.assertEqual(self.client("GET", self.repo + "/collaborators/dev/permission")[2]["permission"], "write")
        self.assertEqual(self.client("GET", self.repo + "/collaborators/mallory/permission")[2]["permission"], "read")
        self.assertEqual(self.client("GET", self.repo + "/collaborators/nobody/permission")[0], 404)
        self.assertEqual(self.client("GET", "/orgs/acme/teams/devs/memberships/mia")[2]["state"], "active")
        self.assertEqual(self.client("GET", "/orgs/acme/teams/devs/memberships/mallory")[0], 404)

    def test_a_renamed_repository_redirects(self):
        self.client.control("add/rename", old="acme/web", new="acme/site")
        status, headers, _ = self.client("GET", self.repo + "/issues?state=open")
        self.assertEqual(status, 301)
        where = urllib.parse.urlsplit(headers["Location"])
        self.assertEqual(self.client("GET", where.path + "?" + where.query)[0], 200)
        self.assertEqual(self.client("POST", self.repo + "/issues", {"title": "x"})[0], 307)

    def test_labels_are_made_silently(self):
        issue = self.client.control("add/issue", repo="acme/web", title="A")["number"]
        body = self.client("POST", self.repo + "/issues/%d/labels" % issue, {"labels": ["Bug", "new"]})[2]
        self.assertEqual([l["name"] for l in body], ["bug", "new"])
        self.assertEqual([l["name"] for l in self.client("GET", self.repo + "/labels")[2]], ["bug", "new"])
        self.assertEqual([e["event"] for e in self.client("GET", self.repo + "/issues/%d/events" % issue)[2]], ["labeled", "labeled"])

    def test_limits_are_counted_and_enforced(self):
        issue = self.client.control("add/issue", repo="acme/web", title="A")["number"]
        path = self.repo + "/issues/%d/comments" % issue
        self.client("POST", path, {"body": "one"})
        self.client("POST", path, {"body": "two"})
        report = self.client.ask("limits")
        self.assertEqual([v["limit"] for v in report["violations"]], ["a second between writes"])
        self.client.control("set", enforce=True)
        status, headers, body = self.client("POST", path, {"body": "three"})
        self.assertEqual((status, headers["Retry-After"]), (403, "2"))
        self.assertIn("secondary rate limit", body["message"])
        self.assertEqual(len(self.client.ask("state")["acme/web"]["comments"]), 2)

    def test_points_are_weighed(self):
        for _ in range(3):
            self.client("GET", "/user")
        self.client("POST", self.repo + "/issues", {"title": "x"})
        self.assertEqual(self.client.ask("limits")["peaks"]["points per minute"], 8)

    def test_ids_above_two_to_the_53(self):
        self.client.control("reset", ids_from=9007199254740993)
        self.client.control("add/repo", name="acme/web")
        self.client.control("add/issue", repo="acme/web", title="A")
        made = self.client.control("add/comment", repo="acme/web", number=1, body="x")["id"]
        self.assertGreater(int(made), 2 ** 53)
        self.assertEqual(self.client("GET", self.repo + "/issues/comments/" + made)[0], 200)

    # Faults.
    def test_faults(self):
        self.client.control("fault", kind="status", status=502, count=2, path="/user")
        self.assertEqual([self.client("GET", "/user")[0] for _ in range(3)], [502, 502, 200])
        self.client.control("fault", kind="html", path="/user")
        self.assertIn("<html>", self.client("GET", "/user")[2])
        self.client.control("fault", kind="truncate", path="/user")
        with self.assertRaises(http.client.IncompleteRead):
            self.client("GET", "/user")
        self.client.control("fault", kind="big", bytes=1 << 20, path="/user")
        self.assertEqual(len(self.client("GET", "/user")[2]), 1 << 20)
        issue = self.client.control("add/issue", repo="acme/web", title="A")["number"]
        for kind, comments in (("refuse", 0), ("drop", 1)):
            self.client.control("fault", kind=kind, method="POST")
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
                self.client("POST", self.repo + "/issues/%d/comments" % issue, {"body": "x"})
            self.assertEqual(len(self.client.ask("state")["acme/web"]["comments"]), comments)

    def test_an_empty_page_in_the_middle(self):
        for number in range(4):
            self.client.control("add/issue", repo="acme/web", title="Issue %d" % number)
        self.client.control("fault", kind="empty", path="/issues", query="page=1")
        _, headers, body = self.client("GET", self.repo + "/issues?per_page=2&page=1")
        self.assertEqual(body, [])
        self.assertIn('rel="next"', headers["Link"])

    def test_hold_after_a_write(self):
        issue = self.client.control("add/issue", repo="acme/web", title="A")["number"]
        self.client.control("hold", nth=1)
        got = []
        thread = threading.Thread(target=lambda: got.append(self.client("POST", self.repo + "/issues/%d/comments" % issue, {"body": "x"})[0]))
        thread.start()
        self.assertEqual(self.client.ask("wait/held?timeout=20")["held"]["nth"], 1)
        self.assertEqual(len(self.client.ask("state")["acme/web"]["comments"]), 1)
        self.assertEqual(got, [])
        self.client.control("release")
        thread.join(20)
        self.assertEqual(got, [201])

    # Real parts: openssl and git.
    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_an_app(self):
        with tempfile.TemporaryDirectory() as folder:
            key, public = folder + "/key", folder + "/public"
            subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
            subprocess.run(["openssl", "rsa", "-in", key, "-pubout", "-out", public], check=True, capture_output=True)
            self.client.control("add/app", id=7, slug="drover", public_key_file=public)
            number = self.client.control("add/installation", app=7, account="acme", repos=["acme/web"])["id"]

            def jwt(**claims):
                said = dict({"iat": int(time.time()) - 60, "exp": int(time.time()) + 500, "iss": "7"}, **claims)
                parts = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=") for p in ({"alg": "RS256", "typ": "JWT"}, said)]
                signed = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=b".".join(parts), check=True, capture_output=True).stdout
                return "Bearer " + b".".join(parts + [base64.urlsafe_b64encode(signed).rstrip(b"=")]).decode()
            path = "/app/installations/%s/access_tokens" % number
            self.assertEqual(self.client("GET", "/app", Authorization=jwt())[2]["slug"], "drover")
            self.assertEqual(str(self.client("GET", self.repo + "/installation", Authorization=jwt())[2]["id"]), number)
            self.assertEqual(self.client("POST", path, Authorization=jwt(exp=int(time.time()) + 700))[0], 401)
            self.assertEqual(self.client("POST", path, Authorization=jwt(iat=int(time.time()) + 60))[0], 401)
            good = jwt()
            forged = good[:-8] + ("A" * 8 if not good.endswith("A" * 8) else "B" * 8)
            self.assertEqual(self.client("POST", path, Authorization=forged)[0], 401)
            status, _, token = self.client("POST", path, Authorization=good)
            self.assertEqual(status, 201)
            self.assertGreater(len(token["token"]), 480)
            self.assertEqual(token["token"].count("."), 2)
            said = "Bearer " + token["token"]
            self.assertEqual(self.client("GET", "/user", Authorization=said)[0], 403)
            made = self.client("POST", self.repo + "/issues", {"title": "x"}, Authorization=said)[2]
            self.assertEqual((made["user"]["login"], made["user"]["type"], made["performed_via_github_app"]["slug"]), ("drover[bot]", "Bot", "drover"))
            self.client.control("set", skew=3601)
            self.assertEqual(self.client("GET", self.repo, Authorization=said)[0], 401)

    def test_heads_of_a_real_repository(self):
        with tempfile.TemporaryDirectory() as folder:
            env = dict(os.environ, GIT_AUTHOR_NAME="T", GIT_AUTHOR_EMAIL="t@localhost", GIT_COMMITTER_NAME="T", GIT_COMMITTER_EMAIL="t@localhost")

            def git(*args):
                return subprocess.run(["git", "-C", folder + "/tree", *args], env=env, check=True, capture_output=True, text=True).stdout.strip()
            subprocess.run(["git", "init", "-q", "-b", "main", folder + "/tree"], check=True)
            git("commit", "-q", "--allow-empty", "-m", "one")
            subprocess.run(["git", "clone", "-q", "--bare", folder + "/tree", folder + "/bare.git"], check=True, capture_output=True)
            self.client.control("add/repo", name="acme/real", git=folder + "/bare.git")
            path = "/repos/acme/real/pulls"
            wanted = {"title": "T", "head": "topic", "base": "main"}
            self.assertEqual(self.client("POST", path, wanted)[2]["errors"][0]["field"], "head")
            git("push", "-q", folder + "/bare.git", "main:topic")
            self.assertIn("No commits between", self.client("POST", path, wanted)[2]["errors"][0]["message"])
            with open(folder + "/tree/file", "w", encoding="ascii") as file:
                file.write("text\n")
            git("add", "file")
            git("commit", "-q", "-m", "two")
            git("push", "-q", folder + "/bare.git", "main:topic")
            made = self.client("POST", path, wanted)[2]
            self.assertEqual(made["head"]["sha"], git("rev-parse", "HEAD"))
            self.assertIn("+text", self.client("GET", path + "/1", Accept="application/vnd.github.diff")[2])


class JiraTest(Case):
    fake_class = jira.Jira
    headers = {"Authorization": "Basic " + base64.b64encode(b"bot@example.com:jira-token").decode(), "Content-Type": "application/json"}
    api = "/rest/api/3"

    def setUp(self):
        super().setUp()
        self.key = self.client.control("add/issue", project="SHOP", summary="Fix it", description="Please.")["key"]

    def search(self, text, **more):
        status, _, body = self.client("POST", self.api + "/search/jql", dict({"jql": text, "fields": ["summary", "status"]}, **more))
        return status, body

    def found(self, text, **more):
        status, body = self.search(text, **more)
        self.assertEqual(status, 200, body)
        return [i["key"] for i in body["issues"]]

    def test_who_is_nobody_is_not_told(self):
        self.assertEqual(self.client("GET", self.api + "/myself", Authorization=None)[0], 401)
        self.assertEqual(self.client("GET", self.api + "/issue/" + self.key, Authorization=None)[0], 404)
        self.assertEqual(self.client("POST", self.api + "/search/jql", {"jql": "project = SHOP"}, Authorization=None)[2]["issues"], [])
        self.assertEqual(self.client("GET", self.api + "/myself", Authorization="Basic eDp5")[0], 401)

    def test_a_scoped_token_opens_the_prefix_only(self):
        self.client.control("reset", prefix="/ex/jira/123", scoped=True)
        self.assertEqual(self.client("GET", self.api + "/myself")[0], 401)
        body = self.client("GET", "/ex/jira/123" + self.api + "/myself")[2]
        self.assertEqual(body["accountId"], "bot-1")
        self.assertIn("/ex/jira/123/rest", body["self"])

    def test_search(self):
        self.client.control("add/issue", project="SHOP", summary="Other", assignee="ana")
        self.assertEqual(self.found('assignee = currentUser() AND status = "To Do" ORDER BY created DESC'), [self.key])
        self.assertEqual(self.found("project in (SHOP) AND (status = Done OR summary ~ other)"), ["SHOP-2"])
        self.assertEqual(self.found("project = SHOP AND updated >= '-5m' order by key asc"), ["SHOP-1", "SHOP-2"])
        for bad in ("order by created", "status = Nowhere", "colour = red", "project = SHOP AND", "updated > yesterday"):
            self.assertEqual(self.search(bad)[0], 400, bad)
        self.assertEqual(self.search("project = SHOP", startAt=0)[0], 400)
        self.assertEqual(self.client("POST", self.api + "/search", {"jql": "project = SHOP"})[0], 410)
        self.assertNotIn("fields", self.client("POST", self.api + "/search/jql", {"jql": "project = SHOP"})[2]["issues"][0])

    def test_pages_by_token(self):
        for number in range(4):
            self.client.control("add/issue", project="SHOP", summary="More %d" % number)
        keys, more, pages = [], {}, 0
        while True:
            body = self.search("project = SHOP order by key asc", maxResults=2, **more)[1]
            keys += [i["key"] for i in body["issues"]]
            pages += 1
            if body["isLast"]:
                self.assertNotIn("nextPageToken", body)
                break
            more = {"nextPageToken": body["nextPageToken"]}
        self.assertEqual((len(keys), pages), (5, 3))

    def test_the_search_lags_behind(self):
        self.assertEqual(self.found("status = 'To Do'"), [self.key])
        self.client.control("set", lag=1000)
        self.client.control("move", issue=self.key, status="In Progress")
        self.assertEqual(self.found("status = 'To Do'"), [self.key])
        number = self.client("GET", self.api + "/issue/" + self.key)[2]["id"]
        self.assertEqual(self.found("status = 'To Do'", reconcileIssues=[int(number)]), [])
        self.client.control("add/issue", project="SHOP", summary="New")
        self.assertEqual(self.found("project = SHOP"), [self.key])

    def test_an_issue_with_its_history(self):
        self.client.control("move", issue=self.key, status="In Progress")
        body = self.client("GET", self.api + "/issue/%s?fields=summary,status&expand=changelog" % self.key)[2]
        self.assertEqual(set(body["fields"]), {"summary", "status"})
        item = body["changelog"]["histories"][0]["items"][0]
        self.assertEqual((item["field"], item["fromString"], item["toString"]), ("status", "To Do", "In Progress"))
        self.assertEqual(self.client("GET", self.api + "/issue/SHOP-99")[0], 404)

    def test_comments_are_documents(self):
        path = self.api + "/issue/%s/comment" % self.key
        status, _, made = self.client("POST", path, {"body": adf.doc("Hello"), "properties": [{"key": "drover", "value": {"id": 1}}]})
        self.assertEqual((status, made["author"]["accountId"]), (201, "bot-1"))
        self.assertEqual(self.client("GET", self.api + "/comment/%s/properties/drover" % made["id"])[2]["value"], {"id": 1})
        for bad in ("text", {"type": "doc", "content": []}, adf.doc(""), {"type": "doc", "version": 1, "content": [{"type": "text", "text": "x"}]},
                    {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]}):
            self.assertEqual(self.client("POST", path, {"body": bad})[0], 400, bad)
        self.assertEqual(self.client("POST", path, {"body": adf.doc("x" * 32768)})[0], 400)
        listed = self.client("GET", path + "?orderBy=-created&expand=properties")[2]
        self.assertEqual((listed["total"], listed["comments"][0]["properties"][0]["key"]), (1, "drover"))

    def test_transitions(self):
        path = self.api + "/issue/%s/transitions" % self.key
        open_now = {t["to"]["name"]: t["id"] for t in self.client("GET", path)[2]["transitions"]}
        self.assertNotIn("To Do", open_now)
        self.assertEqual(self.client("POST", path, {"transition": {"id": int(open_now["Done"])}})[0], 400)
        self.assertEqual(self.client("POST", path, {"transition": {"id": open_now["Done"]}})[0], 204)
        self.assertEqual(self.client("POST", path, {"transition": {"id": open_now["Done"]}})[0], 400)
        self.assertEqual(self.client.ask("state")[self.key]["moves"], ["Done"])

    def test_links_and_properties_are_upserts(self):
        link = {"globalId": "pr-1", "object": {"url": "http://x/1", "title": "PR 1"}}
        path = self.api + "/issue/%s/remotelink" % self.key
        self.assertEqual([self.client("POST", path, link)[0] for _ in range(2)], [201, 200])
        self.assertEqual(len(self.client("GET", path)[2]), 1)
        self.assertEqual(self.client("POST", path, {"object": {"title": "x"}})[0], 400)
        path = self.api + "/issue/%s/properties/drover" % self.key
        self.assertEqual(self.client("GET", path)[0], 404)
        self.assertEqual([self.client("PUT", path, {"a": 1})[0] for _ in range(2)], [201, 200])
        self.assertEqual(self.client("GET", path)[2]["value"], {"a": 1})

    def test_subtasks(self):
        fields = {"project": {"key": "SHOP"}, "summary": "Part", "issuetype": {"name": "Sub-task"}}
        self.assertEqual(self.client("POST", self.api + "/issue", {"fields": fields})[0], 400)
        status, _, made = self.client("POST", self.api + "/issue", {"fields": dict(fields, parent={"key": self.key})})
        self.assertEqual(status, 201)
        self.assertEqual([s["key"] for s in self.client("GET", self.api + "/issue/" + self.key)[2]["fields"]["subtasks"]], [made["key"]])

    def test_attachments(self):
        number = self.client.control("add/attachment", issue=self.key, filename="a.png", size=100)["id"]
        one = self.client("GET", self.api + "/issue/" + self.key)[2]["fields"]["attachment"][0]
        self.assertEqual((one["id"], one["size"]), (number, 100))
        status, headers, _ = self.client("GET", self.api + "/attachment/content/" + number)
        self.assertEqual((status, urllib.parse.urlsplit(headers["Location"]).hostname), (303, "api.media.atlassian.com"))
        self.assertEqual(self.client("GET", self.api + "/attachment/content/%s?redirect=false" % number)[1]["Content-Type"], "image/png")

    def test_groups_and_roles(self):
        self.client.control("add/user", account="mia", groups=["devs"])
        number = self.client.control("add/role", project="SHOP", name="Developers", users=["mia"])["id"]
        self.assertEqual([g["name"] for g in self.client("GET", self.api + "/user/groups?accountId=mia")[2]], ["devs"])
        self.assertEqual(self.client("GET", self.api + "/user?accountId=mia&expand=groups")[2]["groups"]["items"][0]["name"], "devs")
        where = self.client("GET", self.api + "/project/SHOP/role")[2]["Developers"]
        self.assertTrue(where.endswith("/role/" + number))
        self.assertEqual(self.client("GET", urllib.parse.urlsplit(where).path)[2]["actors"][0]["actorUser"]["accountId"], "mia")

    def test_limits_by_issue(self):
        for number in range(21):
            self.client("PUT", self.api + "/issue/%s/properties/p%d" % (self.key, number), {"n": number})
        self.assertIn("writes per issue in 2 s", [v["limit"] for v in self.client.ask("limits")["violations"]])
        self.client.control("set", enforce=True)
        status, headers, _ = self.client("PUT", self.api + "/issue/%s/properties/x" % self.key, {})
        self.assertEqual((status, headers["RateLimit-Reason"]), (429, "jira-per-issue-on-write"))
        self.assertRegex(headers["X-RateLimit-Reset"], r"T\d\d:\d\dZ$")

    def test_data_center(self):
        self.client.control("reset", flavor="server", token="pat")
        key = self.client.control("add/issue", project="SHOP", summary="Fix it", description="Please.")["key"]
        said = {"Authorization": "Bearer pat"}
        self.assertEqual(self.client("GET", "/rest/api/2/myself", **said)[2]["name"], "bot-1")
        found = self.client("POST", "/rest/api/2/search", {"jql": "assignee = currentUser()"}, **said)[2]
        self.assertEqual((found["total"], found["issues"][0]["fields"]["description"]), (1, "Please."))
        path = "/rest/api/2/issue/%s/comment" % key
        self.assertEqual(self.client("POST", path, {"body": "h1. Hello"}, **said)[2]["body"], "h1. Hello")
        self.assertEqual(self.client("POST", path, {"body": adf.doc("x")}, **said)[0], 400)


class SlackTest(Case):
    fake_class = slack.Slack
    headers = {"Authorization": "Bearer xoxb-fake", "Content-Type": "application/json; charset=utf-8"}

    def setUp(self):
        super().setUp()
        self.client.control("add/channel", id="C1", name="dev", members=["U0BOT", "U0ANA"])

    def call(self, name, body=None, **headers):
        return self.client("POST", "/api/" + name, body, **headers)[2]

    def read(self, name, **query):
        return self.client("GET", "/api/%s?%s" % (name, urllib.parse.urlencode(query)))[2]

    def say(self, text, **more):
        return self.client.control("add/message", **dict({"channel": "C1", "text": text}, **more))["ts"]

    def test_errors_are_answers(self):
        status, _, body = self.client("GET", "/api/conversations.info?channel=C9")
        self.assertEqual((status, body["ok"], body["error"]), (200, False, "channel_not_found"))
        self.assertEqual(self.call("auth.test", Authorization="Bearer xoxb-wrong")["error"], "invalid_auth")
        self.assertEqual(self.call("auth.test", Authorization=None)["error"], "not_authed")
        self.assertEqual(self.client("GET", "/api/auth.test?token=xoxb-fake", Authorization=None)[2]["error"], "not_authed")
        self.assertEqual(self.call("chat.fly")["error"], "unknown_method")
        self.assertEqual(self.call("auth.test")["user_id"], "U0BOT")
        self.assertEqual(self.call("chat.postMessage", {"channel": "C1", "text": "x"}, Content_Type="application/json")["warning"], "missing_charset")
        self.client.control("add/channel", id="C2", members=[])
        self.assertEqual(self.call("chat.postMessage", {"channel": "C2", "text": "x"})["error"], "not_in_channel")
        self.client.control("add/token", token="xoxb-poor", scopes=["users:read"])
        self.assertEqual(self.call("chat.postMessage", {"channel": "C1", "text": "x"}, Authorization="Bearer xoxb-poor")["needed"], "chat:write")

    def test_reads_take_no_json(self):
        self.assertEqual(self.call("conversations.history", {"channel": "C1"})["error"], "channel_not_found")
        self.assertTrue(self.client("POST", "/api/conversations.history", "channel=C1", Content_Type="application/x-www-form-urlencoded")[2]["ok"])

    def test_history_and_threads(self):
        first = self.say("one")
        reply = self.say("under one", thread_ts=first)
        second = self.say("two")
        self.assertEqual([m["text"] for m in self.read("conversations.history", channel="C1")["messages"]], ["two", "one"])
        self.assertEqual([m["ts"] for m in self.read("conversations.history", channel="C1", oldest=first)["messages"]], [second])
        self.assertEqual(len(self.read("conversations.history", channel="C1", oldest=first, inclusive="true")["messages"]), 2)
        thread = self.read("conversations.replies", channel="C1", ts=first, oldest=reply)["messages"]
        self.assertEqual([m["ts"] for m in thread], [first])
        thread = self.read("conversations.replies", channel="C1", ts=reply)["messages"]
        self.assertEqual(([m["ts"] for m in thread], thread[0]["reply_count"]), ([first, reply], 1))
        self.assertEqual(self.read("conversations.replies", channel="C1", ts="1.0")["error"], "thread_not_found")

    def test_pages_by_cursor(self):
        for number in range(5):
            self.say("m%d" % number)
        seen, cursor = [], ""
        while True:
            body = self.read("conversations.history", channel="C1", limit=2, cursor=cursor)
            seen += [m["text"] for m in body["messages"]]
            if not body["has_more"]:
                break
            cursor = body["response_metadata"]["next_cursor"]
            self.assertTrue(cursor.endswith("="))
        self.assertEqual(seen, ["m4", "m3", "m2", "m1", "m0"])

    def test_metadata_is_shown_to_who_asks(self):
        note = {"event_type": "drover", "event_payload": {"job": "1"}}
        made = self.call("chat.postMessage", {"channel": "C1", "text": "x", "metadata": note})
        self.assertNotIn("event_payload", self.read("conversations.history", channel="C1")["messages"][0]["metadata"])
        self.assertEqual(self.read("conversations.history", channel="C1", include_all_metadata="true")["messages"][0]["metadata"], note)
        self.assertEqual(self.call("chat.postMessage", {"channel": "C1", "text": "x", "metadata": {"event_type": "a b"}})["error"], "invalid_metadata_format")
        self.assertEqual(self.call("chat.update", {"channel": "C1", "ts": made["ts"], "text": "y"})["text"], "y")
        self.assertEqual(self.call("chat.update", {"channel": "C1", "ts": self.say("not mine"), "text": "y"})["error"], "cant_update_message")
        self.assertEqual(self.call("chat.postMessage", {"channel": "C1", "text": "x" * 40001})["error"], "msg_too_long")

    def test_reactions(self):
        said = {"channel": "C1", "timestamp": self.say("x"), "name": "eyes"}
        self.assertEqual([self.call("reactions.add", said).get("error") for _ in range(2)], [None, "already_reacted"])
        self.assertEqual([self.call("reactions.remove", said).get("error") for _ in range(2)], [None, "no_reaction"])
        self.assertEqual(self.client.ask("counts")["all_writes"], 2)

    def test_limits(self):
        for _ in range(2):
            self.call("chat.postMessage", {"channel": "C1", "text": "x"})
        self.assertEqual(len(self.client.ask("limits")["violations"]), 1)
        self.client.control("set", enforce=True)
        status, headers, body = self.client("POST", "/api/chat.postMessage", {"channel": "C1", "text": "x"})
        self.assertEqual((status, body["error"], headers["Retry-After"]), (429, "ratelimited", "1"))
        self.client.control("set", history_small=True)
        self.assertEqual([self.client("GET", "/api/conversations.history?channel=C1")[0] for _ in range(2)], [200, 429])

    # Socket Mode.
    def connect(self, url=None):
        url = url or self.call("apps.connections.open", Authorization="Bearer xapp-fake")["url"]
        link = socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(url).port), 20)
        path = url[url.index("/link"):]
        link.sendall(("GET %s HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                      "Sec-WebSocket-Version: 13\r\n\r\n" % path).encode())
        file = link.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += file.readline()
        return link, file, head.decode(), url

    def heard(self, file, what=lambda message: True):
        """The next message that is it; what a busy machine acknowledges late is said again in between."""
        while True:
            opcode, data = websocket.read(file, masked=False)
            if opcode == websocket.TEXT and what(json.loads(data)):
                return json.loads(data)

    def test_socket_mode(self):
        self.assertEqual(self.call("apps.connections.open")["error"], "not_allowed_token_type")
        self.client.control("set", ack_within=0.3, pieces=3)
        link, file, head, url = self.connect()
        with link, file:
            self.assertIn("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", head)
            self.assertEqual(self.heard(file)["type"], "hello")
            ts = self.say("<@U0BOT> hello " + "x" * 70000)
            first, second = self.heard(file), self.heard(file)
            self.assertEqual([e["payload"]["event"]["type"] for e in (first, second)], ["message", "app_mention"])
            self.assertEqual(second["payload"]["event"]["ts"], ts)
            link.sendall(websocket.client_frame(json.dumps({"envelope_id": first["envelope_id"]})))
            again = self.heard(file, lambda message: message["envelope_id"] == second["envelope_id"])
            self.assertEqual((again["envelope_id"], again["retry_attempt"]), (second["envelope_id"], 1))
            link.sendall(websocket.client_frame(json.dumps({"envelope_id": again["envelope_id"]})))
            self.client.control("socket", do="disconnect")
            self.heard(file, lambda message: message["type"] == "disconnect")
            self.assertEqual(self.client.ask("sockets")["acks"], 2)
        used, file, head, _ = self.connect(url)
        with used, file:
            self.assertIn(" 400 ", head.split("\r\n")[0])

    def test_what_nobody_hears_is_lost(self):
        self.say("<@U0BOT> hello")
        self.assertEqual(self.client.ask("sockets")["lost"], 2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
