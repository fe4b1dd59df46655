# SPDX-License-Identifier: Apache-2.0
"""The fake's pull requests: heads from a bare repository where there is one, reviews, comments on the diff, states of commits."""
import github_shapes as shape
from fake import Answer, route
from github_issues import ordered, since_of
from github_shapes import REPO, invalid, refusal

EVENTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}


class Pulls:
    def pull_of(self, repo, number):
        item = repo["pulls"].get(int(number)) if number.isdigit() else None
        if not item:
            raise refusal(404, "Not Found")
        return self.fresh(repo, item)

    def fresh(self, repo, item):
        """With the tips that its branches have now; a push counts as an update."""
        for side, here in (("head", item["head_repo"] == repo["full_name"]), ("base", True)):
            sha = self.tip(repo, item[side]) if here else None
            if sha and sha != item[side + "_sha"] and repo["issues"][item["number"]]["state"] == "open":
                if side == "head":
                    item["updated"] = self.now()
                item[side + "_sha"] = sha
        return item

    @route("GET", REPO + "/pulls")
    def get_pulls(self, request, owner, name):
        repo = self.repo_of(request, owner, name)
        query = request.query
        state = query.get("state", "open")
        if state not in ("open", "closed", "all"):
            raise invalid("PullRequest", "state", "invalid")
        found = []
        for item in repo["pulls"].values():
            self.fresh(repo, item)
            label = "%s:%s" % ((item["head_repo"] or "ghost/x").split("/")[0], item["head"])
            about = repo["issues"][item["number"]]
            # GitHub ignores a head that is not OWNER:BRANCH.
            head = query.get("head", "")
            if state in (about["state"], "all") and (":" not in head or head == label) and query.get("base", item["base"]) == item["base"]:
                found.append(dict(about, number=item["number"], updated=max(about["updated"], item["updated"])))
        found = ordered(request, found)
        return self.pages(request, repo, found, lambda fake, r, known, one: shape.pull(fake, r, known, known["pulls"][one["number"]], full=False))

    @route("POST", REPO + "/pulls", write=True, content=True)
    def post_pull(self, request, owner, name):
        repo = self.repo_of(request, owner, name, write=True)
        said = request.json()
        title, head, base = (self.text_of(request, "PullRequest", key) for key in ("title", "head", "base"))
        head_repo, _, branch = head.rpartition(":")
        head_repo = repo["full_name"] if not head_repo or head_repo == owner else head_repo + "/" + name
        own = head_repo == repo["full_name"]
        if not self.tip(repo, base):
            raise invalid("PullRequest", "base", "invalid")
        if own and not self.tip(repo, branch):
            raise invalid("PullRequest", "head", "invalid")
        for old in repo["pulls"].values():
            if repo["issues"][old["number"]]["state"] == "open" and (old["head_repo"], old["head"], old["base"]) == (head_repo, branch, base):
                text = "A pull request already exists for %s:%s." % (head_repo.split("/")[0], branch)
                raise refusal(422, "Validation Failed", errors=[{"resource": "PullRequest", "code": "custom", "message": text}])
        if own and repo["git"] and self.git(repo, "rev-list", "--count", "refs/heads/%s..refs/heads/%s" % (base, branch)) == "0":
            text = "No commits between %s and %s" % (base, branch)
            raise refusal(422, "Validation Failed", errors=[{"resource": "PullRequest", "code": "custom", "message": text}])
        made = self.add_pull(repo["full_name"], branch, base, title, said.get("body"), self.actor(request)["login"], head_repo=head_repo,
                             draft=bool(said.get("draft")), via=self.via(request))
        answer = shape.pull(self, request, repo, repo["pulls"][made["number"]])
        return Answer(201, answer, {"Location": answer["url"]})

    @route("GET", REPO + "/pulls/{number}")
    def get_pull(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item = self.pull_of(repo, number)
        accept = request.headers.get("Accept", "")
        if "diff" in accept or "patch" in accept:
            return Answer(200, self.diff_of(repo, item), kind="application/vnd.github.diff; charset=utf-8")
        answer = shape.pull(self, request, repo, item)
        # The first look finds it not computed yet.
        item["mergeable"] = True
        return Answer(200, answer)

    def diff_of(self, repo, item):
        text = self.git(repo, "diff", "%s...%s" % (item["base_sha"], item["head_sha"]))
        return (text or "diff --git a/README b/README\n--- a/README\n+++ b/README\n@@ -1 +1 @@\n-one\n+two") + "\n"

    @route("PATCH", REPO + "/pulls/{number}", write=True)
    def patch_pull(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name, write=True)
        item = self.pull_of(repo, number)
        about, said = repo["issues"][item["number"]], request.json()
        about.update({k: said[k] for k in ("title", "body", "state") if k in said}, updated=self.now())
        if said.get("state") == "closed":
            about["closed"] = self.now()
        return Answer(200, shape.pull(self, request, repo, item))

    @route("PUT", REPO + "/pulls/{number}/merge", write=True)
    def put_merge(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name, write=True)
        item = self.pull_of(repo, number)
        about = repo["issues"][item["number"]]
        if about["state"] != "open":
            raise refusal(405, "Pull Request is not mergeable")
        item["merged_at"] = about["closed"] = about["updated"] = self.now()
        about["state"] = "closed"
        return Answer(200, {"sha": item["head_sha"], "merged": True, "message": "Pull Request successfully merged"})

    @route("GET", REPO + "/pulls/{number}/files")
    def get_pull_files(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item = self.pull_of(repo, number)
        names = (self.git(repo, "diff", "--name-only", "%s...%s" % (item["base_sha"], item["head_sha"])) or "README").splitlines()
        base = "%s/repos/%s" % (self.base(request), repo["full_name"])
        return self.pages(request, repo, names, lambda fake, r, known, file: {
            "sha": "0" * 40, "filename": file, "status": "modified", "additions": 1, "deletions": 0, "changes": 1, "blob_url": "%s/blob/%s" % (base, file),
            "raw_url": "%s/raw/%s" % (base, file), "contents_url": "%s/contents/%s" % (base, file), "patch": "@@ -1 +1 @@"})

    @route("GET", REPO + "/pulls/{number}/commits")
    def get_pull_commits(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item = self.pull_of(repo, number)
        text = self.git(repo, "log", "--reverse", "--format=%H%x09%an%x09%ct%x09%s", "%s..%s" % (item["base_sha"], item["head_sha"]))
        lines = (text or "%s\tdev\t1700000000\tChange" % item["head_sha"]).splitlines()
        return self.pages(request, repo, lines, lambda fake, r, known, line: (lambda sha, author, at, subject: shape.commit(
            fake, r, known, sha, subject, author, int(at)))(*line.split("\t", 3)))

    # Reviews.
    @route("GET", REPO + "/pulls/{number}/reviews")
    def get_reviews(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item = self.pull_of(repo, number)
        return self.pages(request, repo, [r for r in repo["reviews"].values() if r["number"] == item["number"]], shape.review)

    def review_of(self, repo, item, id):
        review = repo["reviews"].get(int(id)) if id.isdigit() else None
        if not review or review["number"] != item["number"]:
            raise refusal(404, "Not Found")
        return review

    @route("GET", REPO + "/pulls/{number}/reviews/{id}")
    def get_review(self, request, owner, name, number, id):
        repo = self.repo_of(request, owner, name)
        return Answer(200, shape.review(self, request, repo, self.review_of(repo, self.pull_of(repo, number), id)))

    @route("GET", REPO + "/pulls/{number}/reviews/{id}/comments")
    def get_review_comments_of(self, request, owner, name, number, id):
        repo = self.repo_of(request, owner, name)
        review = self.review_of(repo, self.pull_of(repo, number), id)
        return self.pages(request, repo, [c for c in repo["review_comments"].values() if c["review"] == review["id"]], shape.review_comment)

    @route("POST", REPO + "/pulls/{number}/reviews", write=True, content=True)
    def post_review(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item, said = self.pull_of(repo, number), request.json()
        if said.get("event") in ("REQUEST_CHANGES", "COMMENT") and not said.get("body"):
            raise invalid("PullRequestReview", "body", "missing_field")
        made = self.add_review(repo["full_name"], item["number"], said.get("body", ""), self.actor(request)["login"], EVENTS.get(said.get("event"), "PENDING"),
                               said.get("comments") or [])
        return Answer(200, shape.review(self, request, repo, repo["reviews"][int(made["id"])]))

    # Comments on the diff.
    @route("GET", REPO + "/pulls/comments")
    def get_repo_pull_comments(self, request, owner, name):
        repo = self.repo_of(request, owner, name)
        found = [c for c in repo["review_comments"].values() if int(c["updated"]) >= since_of(request)]
        return self.pages(request, repo, ordered(request, found, down="asc" if "sort" not in request.query else "desc"), shape.review_comment)

    @route("GET", REPO + "/pulls/{number}/comments")
    def get_pull_comments(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item = self.pull_of(repo, number)
        found = [c for c in repo["review_comments"].values() if c["number"] == item["number"] and int(c["updated"]) >= since_of(request)]
        return self.pages(request, repo, ordered(request, found, down="asc"), shape.review_comment)

    def review_comment_of(self, repo, id):
        item = repo["review_comments"].get(int(id)) if id.isdigit() else None
        if not item:
            raise refusal(404, "Not Found")
        return item

    @route("GET", REPO + "/pulls/comments/{id}")
    def get_pull_comment(self, request, owner, name, id):
        repo = self.repo_of(request, owner, name)
        return Answer(200, shape.review_comment(self, request, repo, self.review_comment_of(repo, id)))

    @route("PATCH", REPO + "/pulls/comments/{id}", write=True)
    def patch_pull_comment(self, request, owner, name, id):
        repo = self.repo_of(request, owner, name)
        item = self.review_comment_of(repo, id)
        if item["user"] != request.credential["login"]:
            raise refusal(403, "Must have admin rights to Repository.")
        item.update(body=self.text_of(request, "PullRequestReviewComment"), updated=self.now())
        return Answer(200, shape.review_comment(self, request, repo, item))

    @route("POST", REPO + "/pulls/{number}/comments", write=True, content=True)
    def post_pull_comment(self, request, owner, name, number):
        repo = self.repo_of(request, owner, name)
        item, said = self.pull_of(repo, number), request.json()
        body = self.text_of(request, "PullRequestReviewComment")
        if said.get("in_reply_to"):
            return self.reply(request, repo, item, str(said["in_reply_to"]), body)
        if not said.get("path") or said.get("commit_id") != item["head_sha"]:
            raise invalid("PullRequestReviewComment", "commit_id" if said.get("path") else "path", "invalid")
        made = self.add_review_comment(repo["full_name"], item["number"], said["path"], said.get("line", 1), body, self.actor(request)["login"])
        return Answer(201, shape.review_comment(self, request, repo, repo["review_comments"][int(made["id"])]))

    @route("POST", REPO + "/pulls/{number}/comments/{id}/replies", write=True, content=True)
    def post_reply(self, request, owner, name, number, id):
        repo = self.repo_of(request, owner, name)
        return self.reply(request, repo, self.pull_of(repo, number), id, self.text_of(request, "PullRequestReviewComment"))

    def reply(self, request, repo, item, id, body):
        parent = repo["review_comments"].get(int(id)) if id.isdigit() else None
        if not parent or parent["number"] != item["number"]:
            raise refusal(404, "Parent comment not found")
        if parent["reply_to"]:
            raise refusal(422, "Validation Failed", errors=["Replies to replies are not supported; in_reply_to_id is of a reply"])
        made = self.add_review_comment(repo["full_name"], item["number"], parent["path"], parent["line"], body, self.actor(request)["login"], in_reply_to=parent["id"])
        return Answer(201, shape.review_comment(self, request, repo, repo["review_comments"][int(made["id"])]))

    # States of commits.
    @route("POST", REPO + "/statuses/{sha}", write=True)
    def post_status(self, request, owner, name, sha):
        repo = self.repo_of(request, owner, name, write=True)
        said = request.json()
        if said.get("state") not in ("error", "failure", "pending", "success"):
            raise invalid("Status", "state", "custom")
        if repo["git"] and self.git(repo, "cat-file", "-t", sha) != "commit":
            raise refusal(422, "No commit found for SHA: " + sha)
        if len(said.get("description") or "") > 140:
            raise invalid("Status", "description", "custom", "description is too long (maximum is 140 characters)")
        made = {"id": self.next_id(), "sha": sha, "state": said["state"], "description": said.get("description"), "target_url": said.get("target_url"),
                "context": said.get("context", "default"), "created": self.now(), "user": self.actor(request)["login"]}
        repo["statuses"].setdefault(sha, []).insert(0, made)
        return Answer(201, shape.status(self, request, repo, made))

    @route("GET", REPO + "/commits/{ref*}/status")
    def get_status(self, request, owner, name, ref):
        repo = self.repo_of(request, owner, name)
        sha = self.tip(repo, ref) or ref
        latest = {}
        for one in reversed(repo["statuses"].get(sha, [])):
            latest[one["context"]] = one
        states = {one["state"] for one in latest.values()}
        state = "failure" if states & {"failure", "error"} else "success" if states == {"success"} else "pending"
        base = "%s/repos/%s" % (self.base(request), repo["full_name"])
        plain = [{k: v for k, v in shape.status(self, request, repo, one).items() if k != "creator"} for one in latest.values()]
        return Answer(200, {"state": state, "statuses": plain, "sha": sha, "total_count": len(plain), "repository": shape.repo(self, request, repo),
                            "commit_url": "%s/commits/%s" % (base, sha), "url": "%s/commits/%s/status" % (base, sha)})

    @route("GET", REPO + "/commits/{ref*}/check-runs")
    def get_check_runs(self, request, owner, name, ref):
        self.repo_of(request, owner, name)
        return Answer(200, {"total_count": 0, "check_runs": []})

    # Control.
    def add_pull(self, repo, head, base="main", title="Change", body="", user="drover-bot", head_repo=None, draft=False, via=None, labels=()):
        known = self.repos[repo]
        number = self.add_issue(repo, title, body, user, labels, via=via, pull=True)["number"]
        head_repo = head_repo or repo
        if not known["git"]:
            known["branches"].setdefault(head, "%040x" % self.next_id())
        known["pulls"][number] = {"id": self.next_id(), "number": number, "head": head, "base": base, "head_repo": head_repo, "draft": draft, "merged_at": None,
                                  "mergeable": None, "updated": self.now(), "base_sha": self.tip(known, base) or "0" * 40,
                                  "head_sha": (self.tip(known, head) if head_repo == repo else None) or "2" * 40}
        self.user(head_repo.split("/")[0])
        return {"number": number}

    def add_review(self, repo, number, body="", user="dev", state="COMMENTED", comments=(), created=None):
        known = self.repos[repo]
        self.user(user)
        made = self.next_id()
        known["reviews"][made] = {"id": made, "number": int(number), "body": body, "user": user, "state": state, "created": created or self.now(),
                                  "updated": created or self.now(), "commit": known["pulls"][int(number)]["head_sha"]}
        known["issues"][int(number)]["updated"] = self.now()
        ids = [self.add_review_comment(repo, number, c["path"], c.get("line", 1), c["body"], user, review=made)["id"] for c in comments]
        return {"id": str(made), "comments": ids}

    def add_review_comment(self, repo, number, path="README", line=1, body="", user="dev", in_reply_to=None, review=None, created=None):
        known = self.repos[repo]
        self.user(user)
        # Each comment belongs to a review; one without its own makes an empty one.
        review = review or int(self.add_review(repo, number, "", user, created=created)["id"])
        made, now = self.next_id(), created or self.now()
        known["review_comments"][made] = {"id": made, "number": int(number), "path": path, "line": line, "body": body, "user": user, "review": review,
                                          "reply_to": int(in_reply_to) if in_reply_to else None, "created": now, "updated": now,
                                          "commit": known["pulls"][int(number)]["head_sha"], "hunk": "@@ -1 +1 @@"}
        known["issues"][int(number)]["updated"] = now
        return {"id": str(made)}
