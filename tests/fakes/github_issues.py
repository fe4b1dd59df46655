# SPDX-License-Identifier: Apache-2.0
"""The fake's issues: issues, their comments, labels, events and reactions, and the search for them."""
import datetime
import re

import github_shapes as shape
from fake import Answer, route
from github_shapes import REPO, invalid, refusal

REACTIONS = ("+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes")


def since_of(request):
    """Seconds of query since; 0 where there is none."""
    text = request.query.get("since")
    if not text:
        return 0
    try:
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    except ValueError:
        raise invalid("Search", "since", "invalid") from None


def ordered(request, items, fallback="created", down="desc"):
    sort = request.query.get("sort", fallback)
    direction = request.query.get("direction", down)
    if direction not in ("asc", "desc"):
        raise invalid("Issue", "direction", "invalid")
    key = "updated" if sort == "updated" else "created"
    return sorted(items, key=lambda i: (i[key], i["id"]), reverse=direction == "desc")


class Issues:
    def issue_of(self, repo, number):
        item = repo["issues"].get(int(number)) if number.isdigit() else None
        if not item:
            raise refusal(404, "Not Found")
        return item

    def text_of(self, request, resource, key="body"):
        text = request.json().get(key)
        if not isinstance(text, str) or not text.strip():
            raise invalid(resource, key, "missing_field")
        if len(text) > 65536:
            raise invalid(resource, key, "custom", key + " is too long (maximum is 65536 characters)")
        return text

    def via(self, request):
        return request.credential.get("app") if request.credential["kind"] == "installation" else None

    @route("GET", REPO + "/issues")
    def get_issues(self, request, owner, name):
        repo = self.repo_of(request, owner, name)
        query = request.query
        since, state = since_of(request), query.get("state", "open")
        if state not in ("open", "closed", "all"):
            raise invalid("Issue", "state", "invalid")
        wanted = {l.strip().lower() for l in query.get("labels", "").split(",") if l.strip()}
        found = [i for i in repo["issues"].values() if int(i["updated"]) >= since and state in (i["state"], "all") and wanted <= set(i["labels"])
                 and query.get("creator", i["user"]) == i["user"] and ("assignee" not in query or query["assignee"] in i["assignees"] + ["*"])
                 and ("mentioned" not in query or re.search(r"@%s\b" % re.escape(query["mentioned"]), self.words(repo, i)))]
        return self.pages(request, repo, ordered(request, found), shape.issue)

    def words(self, repo, issue):
        return "\n".join([issue["body"] or ""] + [c["body"] for c in repo["comments"].values() if c["number"] == issue["number"]])

    @route("POST", REPO + "/issues", write=True, content=True)
    def post_issue(self, request, owner, name):
        repo = self.repo_of(request, owner, name)
        said = request.json()
        title = self.text_of(request, "Issue", "title")
        made = self.add_issue(repo["full_name"], title, said.get("body"), self.actor(request)["login"], said.get("labels") or [], via=self.via(request))
        return Answer(201, shape.issue(self, request, repo, repo["issues"][made["number"]]))

    @route("GET", REPO + "/issues/{number}")
    def get_issue(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        return Answer(200, shape.issue(self, request, repo, self.issue_of(repo, number)))

    @route("PATCH", REPO + "/issues/{number}", write=True)
    def patch_issue(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name, write=True)
        item, said = self.issue_of(repo, number), request.json()
        for key in ("title", "body"):
            if key in said:
                item[key] = said[key]
        if "state" in said:
            item["state"] = said["state"]
            item["closed"] = self.now() if said["state"] == "closed" else None
        if "labels" in said:
            item["labels"] = [self.known_label(repo, l) for l in said["labels"]]
        item["updated"] = self.now()
        return Answer(200, shape.issue(self, request, repo, item))

    # Comments.
    @route("GET", REPO + "/issues/comments")
    def get_repo_comments(self, request, owner, name):
        repo = self.repo_of(request, owner, name)
        found = [c for c in repo["comments"].values() if int(c["updated"]) >= since_of(request)]
        found = ordered(request, found, down="asc" if "sort" not in request.query else "desc")
        return self.pages(request, repo, found, shape.comment)

    @route("GET", REPO + "/issues/{number}/comments")
    def get_comments(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item = self.issue_of(repo, number)
        found = [c for c in repo["comments"].values() if c["number"] == item["number"] and int(c["updated"]) >= since_of(request)]
        return self.pages(request, repo, sorted(found, key=lambda c: c["id"]), shape.comment)

    def comment_of(self, repo, id):
        item = repo["comments"].get(int(id)) if id.isdigit() else None
        if not item:
            raise refusal(404, "Not Found")
        return item

    @route("GET", REPO + "/issues/comments/{id}")
    def get_comment(self, request, owner, name, id):
        repo = self.repo_of(request, owner, name)
        return Answer(200, shape.comment(self, request, repo, self.comment_of(repo, id)))

    @route("POST", REPO + "/issues/{number}/comments", write=True, content=True)
    def post_comment(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item = self.issue_of(repo, number)
        made = self.add_comment(repo["full_name"], item["number"], self.text_of(request, "IssueComment"), self.actor(request)["login"], via=self.via(request))
        return Answer(201, shape.comment(self, request, repo, repo["comments"][int(made["id"])]),
                      {"Location": "%s/repos/%s/issues/comments/%s" % (self.base(request), repo["full_name"], made["id"])})

    @route("PATCH", REPO + "/issues/comments/{id}", write=True)
    def patch_comment(self, request, owner, name, id):
        repo = self.repo_of(request, owner, name)
        item = self.comment_of(repo, id)
        if item["user"] != request.credential["login"]:
            raise refusal(403, "Must have admin rights to Repository.")
        item.update(body=self.text_of(request, "IssueComment"), updated=self.now())
        return Answer(200, shape.comment(self, request, repo, item))

    @route("DELETE", REPO + "/issues/comments/{id}", write=True)
    def delete_comment(self, request, owner, name, id):
        repo = self.repo_of(request, owner, name)
        item = self.comment_of(repo, id)
        del repo["comments"][item["id"]]
        return Answer(204)

    # Labels.
    def known_label(self, repo, label):
        """Key of the label; GitHub makes one that the repository does not have."""
        label = label["name"] if isinstance(label, dict) else label
        if label.lower() not in repo["labels"]:
            self.add_label(repo["full_name"], label)
        return label.lower()

    def label_answer(self, request, repo, item):
        return Answer(200, [shape.label(self, request, repo, repo["labels"][l]) for l in item["labels"]])

    @route("GET", REPO + "/issues/{number}/labels")
    def get_issue_labels(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        return self.label_answer(request, repo, self.issue_of(repo, number))

    @route("POST", REPO + "/issues/{number}/labels", write=True)
    def post_issue_labels(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name, write=True)
        item, said = self.issue_of(repo, number), request.json()
        for label in said if isinstance(said, list) else said["labels"]:
            self.add_labeled(repo["full_name"], item["number"], label["name"] if isinstance(label, dict) else label, self.actor(request)["login"])
        return self.label_answer(request, repo, item)

    @route("PUT", REPO + "/issues/{number}/labels", write=True)
    def put_issue_labels(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name, write=True)
        item, said = self.issue_of(repo, number), request.json()
        item["labels"] = [self.known_label(repo, l) for l in (said if isinstance(said, list) else said["labels"])]
        item["updated"] = self.now()
        return self.label_answer(request, repo, item)

    @route("DELETE", REPO + "/issues/{number}/labels/{label}", write=True)
    def delete_issue_label(self, request, owner, name, number, label):
        repo = self.repo_of(request, owner, name, write=True)
        item = self.issue_of(repo, number)
        if label.lower() not in item["labels"]:
            raise refusal(404, "Label does not exist")
        item["labels"].remove(label.lower())
        self.event_of(repo, item, "unlabeled", label, self.actor(request)["login"])
        return self.label_answer(request, repo, item)

    def event_of(self, repo, item, event, label, login):
        repo["events"].append({"id": self.next_id(), "number": item["number"], "event": event, "label": label, "user": login, "created": self.now()})
        item["updated"] = self.now()

    @route("GET", REPO + "/issues/{number}/events")
    def get_issue_events(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item = self.issue_of(repo, number)
        return self.pages(request, repo, [e for e in repo["events"] if e["number"] == item["number"]], shape.event)

    @route("GET", REPO + "/issues/{number}/timeline")
    def get_timeline(self, request, owner, name, number):
        return self.get_issue_events(request, owner, name, number)

    @route("GET", REPO + "/issues/events")
    def get_repo_events(self, request, owner, name):
        repo = self.repo_of(request, owner, name)
        return self.pages(request, repo, repo["events"][::-1], lambda fake, r, known, one: dict(
            shape.event(fake, r, known, one), issue=shape.issue(fake, r, known, known["issues"][one["number"]])))

    @route("POST", REPO + "/issues/{number}/assignees", write=True)
    def post_assignees(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name, write=True)
        item = self.issue_of(repo, number)
        item["assignees"] += [l for l in request.json().get("assignees", []) if l not in item["assignees"] and l in repo["permissions"]]
        item["updated"] = self.now()
        return Answer(201, shape.issue(self, request, repo, item))

    # Reactions: of an issue, a comment, a comment on a diff.
    def subject_of(self, repo, kind, on):
        if kind == "issue":
            return self.issue_of(repo, on)["number"]
        table = repo["comments" if kind == "comment" else "review_comments"]
        if not on.isdigit() or int(on) not in table:
            raise refusal(404, "Not Found")
        return int(on)

    @route("GET", REPO + "/issues/{on}/reactions")
    def get_issue_reactions(self, request, owner, name, on):
        return self.reactions_of(request, owner, name, "issue", on)

    @route("GET", REPO + "/issues/comments/{on}/reactions")
    def get_comment_reactions(self, request, owner, name, on):
        return self.reactions_of(request, owner, name, "comment", on)

    @route("GET", REPO + "/pulls/comments/{on}/reactions")
    def get_review_comment_reactions(self, request, owner, name, on):
        return self.reactions_of(request, owner, name, "review_comment", on)

    def reactions_of(self, request, owner, name, kind, on):
        repo = self.repo_of(request, owner, name)
        number = self.subject_of(repo, kind, on)
        return self.pages(request, repo, [r for r in repo["reactions"] if (r["kind"], r["on"]) == (kind, number)
                                          and request.query.get("content", r["content"]) == r["content"]], shape.reaction)

    @route("POST", REPO + "/issues/{on}/reactions", write=True)
    def post_issue_reaction(self, request, owner, name, on):
        return self.react(request, owner, name, "issue", on)

    @route("POST", REPO + "/issues/comments/{on}/reactions", write=True)
    def post_comment_reaction(self, request, owner, name, on):
        return self.react(request, owner, name, "comment", on)

    @route("POST", REPO + "/pulls/comments/{on}/reactions", write=True)
    def post_review_comment_reaction(self, request, owner, name, on):
        return self.react(request, owner, name, "review_comment", on)

    def react(self, request, owner, name, kind, on):
        repo = self.repo_of(request, owner, name)
        number, content = self.subject_of(repo, kind, on), request.json().get("content")
        if content not in REACTIONS:
            raise invalid("Reaction", "content", "invalid")
        login = self.actor(request)["login"]
        for old in repo["reactions"]:
            if (old["kind"], old["on"], old["user"], old["content"]) == (kind, number, login, content):
                return Answer(200, shape.reaction(self, request, repo, old), {"X-Not-Applied": "1"})
        made = self.add_reaction(repo["full_name"], kind, number, content, login)
        return Answer(201, shape.reaction(self, request, repo, made))

    @route("DELETE", REPO + "/issues/comments/{on}/reactions/{id}", write=True)
    def delete_comment_reaction(self, request, owner, name, on, id):
        repo = self.repo_of(request, owner, name)
        repo["reactions"] = [r for r in repo["reactions"] if str(r["id"]) != id]
        return Answer(204)

    @route("GET", "/search/issues")
    def search_issues(self, request):
        """The qualifiers that a bot asks with: repo, is, state, author, label, mentions, involves, updated."""
        terms = re.findall(r'(\w+):("[^"]*"|\S+)', request.query.get("q", ""))
        if not terms:
            raise invalid("Search", "q", "missing")
        repos = [v for k, v in terms if k == "repo"] or list(self.repos)
        found = []
        for full in repos:
            full = self.renamed.get(full, full)
            if full not in self.repos:
                raise refusal(422, "Validation Failed", errors=[{"resource": "Search", "field": "q", "code": "invalid", "message": "The listed repositories cannot be searched"}])
            repo = self.repos[full]
            found += [(repo, i) for i in repo["issues"].values() if all(self.matches(repo, i, k, v.strip('"')) for k, v in terms)]
        found.sort(key=lambda pair: pair[1]["updated"], reverse=request.query.get("order", "desc") == "desc")
        page, headers = self.paged(request, found, self.base(request) + "/search/issues")
        items = [dict(shape.issue(self, request, repo, i), score=1.0) for repo, i in page]
        return Answer(200, {"total_count": len(found), "incomplete_results": False, "items": items, "search_type": "lexical"}, headers)

    def matches(self, repo, issue, key, value):
        words = self.words(repo, issue)
        checks = {"is": {"pr": issue["pull"], "pull-request": issue["pull"], "issue": not issue["pull"], "open": issue["state"] == "open",
                         "closed": issue["state"] == "closed"}.get(value, True), "type": (value == "pr") == bool(issue["pull"]), "state": issue["state"] == value,
                  "author": issue["user"] == value, "label": value.lower() in issue["labels"],
                  "mentions": re.search(r"@%s(?![\w-])" % re.escape(value), words), "involves": issue["user"] == value or "@" + value in words}
        return bool(checks.get(key, True))

    # Control.
    def add_issue(self, repo, title, body="", user="dev", labels=(), assignees=(), via=None, pull=False, created=None):
        known = self.repos[repo]
        known["numbers"] += 1
        number, now = known["numbers"], created or self.now()
        self.user(user)
        known["issues"][number] = {"id": self.next_id(), "number": number, "title": title, "body": body, "user": user, "state": "open", "pull": pull, "via": via,
                                   "labels": [self.known_label(known, l) for l in labels], "assignees": list(assignees), "created": now, "updated": now, "closed": None}
        return {"number": number, "id": str(known["issues"][number]["id"])}

    def add_comment(self, repo, number, body, user="dev", via=None, created=None):
        known = self.repos[repo]
        self.user(user)
        made, now = self.next_id(), created or self.now()
        known["comments"][made] = {"id": made, "number": int(number), "body": body, "user": user, "created": now, "updated": now, "via": via}
        known["issues"][int(number)]["updated"] = now
        return {"id": str(made)}

    def add_labeled(self, repo, number, label, user="dev"):
        known = self.repos[repo]
        item = known["issues"][int(number)]
        key = self.known_label(known, label)
        self.user(user)
        if key not in item["labels"]:
            item["labels"].append(key)
            self.event_of(known, item, "labeled", label, user)
        return {}

    def add_reaction(self, repo, kind, on, content, user="dev"):
        self.user(user)
        made = {"id": self.next_id(), "kind": kind, "on": int(on), "content": content, "user": user, "created": self.now()}
        self.repos[repo]["reactions"].append(made)
        return made
