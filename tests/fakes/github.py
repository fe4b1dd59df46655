#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stateful fake of GitHub's REST API, as far as drover uses it. Shapes of the answers are in github_shapes.py; what
holds it to the vendor's contract is tests/contract."""
import base64
import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake import Answer, Fake, main, parser, route  # noqa: E402
import github_shapes as shape  # noqa: E402
from github_issues import Issues  # noqa: E402
from github_pulls import Pulls  # noqa: E402
from github_shapes import DOCS, REPO, refusal  # noqa: E402

LEVELS = {"none": 0, "read": 1, "triage": 2, "write": 3, "maintain": 4, "admin": 5}


class GitHub(Issues, Pulls, Fake):
    name = "GitHub"
    etags = True

    def reset(self, options):
        self.serial = options.get("ids_from", 1000)
        self.users, self.repos, self.tokens, self.apps, self.installations = {}, {}, {}, {}, {}
        self.teams, self.members, self.renamed = {}, {}, {}
        self.token_ttl = options.get("token_ttl", 3600)
        self.primary = options.get("primary", 5000)
        self.used = {}
        self.ticks = 0
        self.add_user("drover-bot")
        self.add_token(options.get("token", "ghp_faketoken"), "drover-bot")

    # Time, in whole seconds as GitHub has it.
    def stamp(self, at=None):
        return shape.stamp(self.now() if at is None else at)

    # Who asks.
    def authenticate(self, request):
        if not request.headers.get("User-Agent"):
            raise refusal(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.")
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        value = value.strip()
        if not scheme:
            request.credential = {"kind": "anonymous", "login": None}
            raise refusal(401, "Requires authentication")
        if scheme.lower() not in ("bearer", "token"):
            raise refusal(401, "Bad credentials")
        if value in self.tokens:
            known = self.tokens[value]
            request.label = "%s:%s" % (known["kind"], known["login"])
            if known["expires"] and known["expires"] <= self.now():
                raise refusal(401, "Bad credentials")
            request.credential = known
        elif value.count(".") == 2 and not value.startswith("ghs_"):
            request.credential = self.app_of(value)
            request.label = "app:%s" % request.credential["app"]
        else:
            request.label = "unknown"
            raise refusal(401, "Bad credentials")

    def app_of(self, jwt):
        """The App that signed it; each of GitHub's refusals has its own sentence."""
        def part(text):
            return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        head, claims, signature = jwt.split(".")
        try:
            header, said = json.loads(part(head)), json.loads(part(claims))
            sign = part(signature)
        except ValueError:
            raise refusal(401, "A JSON web token could not be decoded") from None
        app = self.apps.get(str(said.get("iss")))
        if header.get("alg") != "RS256" or not app:
            raise refusal(401, "'Issuer' claim ('iss') must be an Integer")
        now = self.now()
        if not isinstance(said.get("iat"), int) or said["iat"] > now:
            raise refusal(401, "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
        if not isinstance(said.get("exp"), int) or said["exp"] <= now:
            raise refusal(401, "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
        if said["exp"] > now + 600:
            raise refusal(401, "'Expiration time' claim ('exp') is too far in the future")
        if not verified(app["public_key"], (head + "." + claims).encode(), sign):
            raise refusal(401, "A JSON web token could not be decoded")
        return {"kind": "app", "login": None, "app": str(said["iss"]), "expires": None}

    def count_limits(self, request, flags):
        key, at = request.label, request.arrived
        write = request.method not in ("GET", "HEAD")
        over = self.limits.count("points per minute", key, at, 900, 60, 5 if write else 1)
        over |= self.inflight > 100 and self.limits.violate("concurrent requests", key, at, "%d" % self.inflight)
        if flags.get("write"):
            over |= self.limits.space("a second between writes", key, at, 1)
            self.limits.peaks["writes"] += 1
        if flags.get("content"):
            over |= self.limits.count("content creations per minute", key, at, 80, 60)
            over |= self.limits.count("content creations per hour", key, at, 500, 3600)
        if request.path.startswith("/search/"):
            over |= self.limits.count("searches per minute", key, at, 30, 60)
        if over and self.enforce:
            return Answer(403, {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                                "documentation_url": DOCS}, {"Retry-After": "2", "X-Not-Applied": "1"})
        if self.used.get(key, 0) >= self.primary:
            self.limits.violate("requests per hour", key, at, "more than %d" % self.primary)
            return refusal(403, "API rate limit exceeded for user ID 1.")
        return None

    def finish(self, request, answer):
        # The 304 is decided after this: what it does not cost is given back in condition().
        key = request.label
        self.used[key] = self.used.get(key, 0) + 1
        answer.headers.update({"X-GitHub-Media-Type": "github.v3; format=json", "X-GitHub-Request-Id": "FAKE:%d" % (len(self.log) + 1)})

    def condition(self, request, answer):
        super().condition(request, answer)
        key = request.label
        if answer.status == 304 and self.used.get(key):
            self.used[key] -= 1
        used = self.used.get(key, 0)
        answer.headers.update({"X-RateLimit-Limit": self.primary, "X-RateLimit-Remaining": max(0, self.primary - used),
                               "X-RateLimit-Used": used, "X-RateLimit-Resource": "core",
                               "X-RateLimit-Reset": int(self.now()) // 3600 * 3600 + 3600})

    def no_route(self, request, others):
        return refusal(404, "Not Found")

    # Repositories: names change, ids stay.
    def rewrite(self, request):
        match = re.match(r"/repositories/(\d+)(/.*)?\Z", request.path)
        if match:
            for repo in self.repos.values():
                if str(repo["id"]) == match.group(1):
                    request.path = "/repos/" + repo["full_name"] + (match.group(2) or "")
                    return
        match = re.match(r"/repos/([^/]+/[^/]+)(/.*)?\Z", request.path)
        if match and match.group(1) in self.renamed:
            repo = self.repos[self.renamed[match.group(1)]]
            query = "?" + request.raw_query if request.raw_query else ""
            target = "%s/repositories/%d%s%s" % (self.base(request), repo["id"], match.group(2) or "", query)
            status = 301 if request.method == "GET" else 307
            message = "Moved Permanently" if status == 301 else "Temporary Redirect"
            raise Answer(status, {"message": message, "url": target, "documentation_url": DOCS}, {"Location": target})

    def repo_of(self, request, owner, name, write=False):
        repo = self.repos.get(owner + "/" + name)
        who = request.credential
        if who["kind"] == "app":
            raise refusal(401, "A JSON web token could not be decoded")
        level = self.level(repo, who) if repo else 0
        if not repo or (repo["private"] and level < 1):
            raise refusal(404, "Not Found")
        if write and level < 3:
            raise refusal(403, "Resource not accessible by integration" if who["kind"] == "installation" else "Must have push access")
        return repo

    def level(self, repo, who):
        if who["kind"] == "installation":
            return 5 if repo["full_name"] in self.installations[who["installation"]]["repos"] else 0
        return LEVELS[repo["permissions"].get(who["login"], "none" if repo["private"] else "read")]

    def actor(self, request):
        return self.user(request.credential["login"])

    def user(self, login):
        return self.users.get(login) or self.add_user(login, type="Bot" if login.endswith("[bot]") else "User")

    def link(self, request, repo):
        """Where neighbours of a page are: GitHub names the repository by its id there."""
        tail = request.path.split("/", 4)
        return "%s/repositories/%d%s" % (self.base(request), repo["id"], "/" + tail[4] if len(tail) > 4 else "")

    def pages(self, request, repo, items, make):
        page, headers = self.paged(request, items, self.link(request, repo))
        return Answer(200, [make(self, request, repo, item) for item in page], headers)

    def git(self, repo, *args, text=True):
        """Output of git in the repository's bare folder; None where it fails or there is none."""
        if not repo["git"]:
            return None
        done = subprocess.run(["git", "--git-dir", repo["git"], *args], capture_output=True, check=False)
        if done.returncode:
            return None
        return done.stdout.decode("utf-8", "replace").rstrip("\n") if text else done.stdout

    def tip(self, repo, branch):
        if not repo["git"]:
            return repo["branches"].get(branch)
        return self.git(repo, "rev-parse", "--verify", "-q", "refs/heads/%s^{commit}" % branch)

    # Accounts.
    @route("GET", "/user")
    def get_user(self, request):
        if request.credential["kind"] != "pat":
            raise refusal(403, "Resource not accessible by integration")
        return Answer(200, shape.private_user(self, request, self.actor(request)))

    @route("GET", "/users/{login}")
    def get_users(self, request, login):
        if login not in self.users:
            raise refusal(404, "Not Found")
        return Answer(200, shape.private_user(self, request, self.users[login]))

    @route("GET", "/app")
    def get_app(self, request):
        return Answer(200, shape.app(self, request, self.need_app(request)))

    def need_app(self, request):
        if request.credential["kind"] != "app":
            raise refusal(401, "A JSON web token could not be decoded")
        return self.apps[request.credential["app"]]

    @route("GET", "/app/installations")
    def get_installations(self, request):
        app = self.need_app(request)
        mine = [i for i in self.installations.values() if i["app"] == app["id"]]
        page, headers = self.paged(request, mine, self.base(request) + "/app/installations")
        return Answer(200, [shape.installation(self, request, i) for i in page], headers)

    @route("GET", "/app/installations/{id}")
    def get_installation(self, request, id):
        self.need_app(request)
        if id not in self.installations:
            raise refusal(404, "Not Found")
        return Answer(200, shape.installation(self, request, self.installations[id]))

    @route("GET", REPO + "/installation")
    def get_repo_installation(self, request, owner, name):
        self.need_app(request)
        for installation in self.installations.values():
            if owner + "/" + name in installation["repos"]:
                return Answer(200, shape.installation(self, request, installation))
        raise refusal(404, "Not Found")

    @route("POST", "/app/installations/{id}/access_tokens")
    def post_access_tokens(self, request, id):
        app = self.need_app(request)
        if id not in self.installations:
            raise refusal(404, "Not Found")
        filler = base64.urlsafe_b64encode(os.urandom(366)).decode()
        token = "ghs_%s_eyJ%s.%s.%s" % (app["id"], filler[:120], filler[120:400], filler[400:486])
        expires = int(self.now()) + self.token_ttl
        self.tokens[token] = {"kind": "installation", "login": app["slug"] + "[bot]", "installation": id, "app": app["id"], "expires": expires}
        self.used["tokens"] = self.used.get("tokens", 0) + 1
        return Answer(201, {"token": token, "expires_at": shape.stamp(expires), "repository_selection": "selected",
                            "permissions": {"contents": "write", "issues": "write", "pull_requests": "write", "metadata": "read"}})

    @route("GET", "/installation/repositories")
    def get_installation_repositories(self, request):
        who = request.credential
        if who["kind"] != "installation":
            raise refusal(403, "You must authenticate with an installation access token in order to list repositories for an installation.")
        repos = [self.repos[r] for r in self.installations[who["installation"]]["repos"] if r in self.repos]
        page, headers = self.paged(request, repos, self.base(request) + "/installation/repositories")
        return Answer(200, {"total_count": len(repos), "repositories": [shape.repo(self, request, r) for r in page]}, headers)

    @route("GET", "/rate_limit")
    def get_rate_limit(self, request):
        used = self.used.get(request.label, 0)
        one = {"limit": self.primary, "used": used, "remaining": self.primary - used, "reset": int(self.now()) // 3600 * 3600 + 3600}
        search = dict(one, limit=30, used=0, remaining=30)
        return Answer(200, {"resources": {"core": one, "search": search}, "rate": one})

    @route("GET", "/orgs/{org}/teams/{team}/memberships/{login}")
    def get_membership(self, request, org, team, login):
        if login not in self.teams.get(org + "/" + team, ()):
            raise refusal(404, "Not Found")
        return Answer(200, {"url": self.base(request) + request.path, "role": "member", "state": "active"})

    @route("GET", "/orgs/{org}/teams/{team}/members")
    def get_members(self, request, org, team):
        if org + "/" + team not in self.teams:
            raise refusal(404, "Not Found")
        page, headers = self.paged(request, self.teams[org + "/" + team], self.base(request) + request.path)
        return Answer(200, [shape.user(self, request, self.user(l)) for l in page], headers)

    @route("GET", "/orgs/{org}/members/{login}")
    def get_org_member(self, request, org, login):
        if login not in self.members.get(org, ()):
            raise refusal(404, "Not Found")
        return Answer(204)

    # Repositories.
    @route("GET", REPO)
    def get_repo(self, request, owner, name):
        return Answer(200, shape.repo(self, request, self.repo_of(request, owner, name)))

    @route("GET", REPO + "/collaborators/{login}/permission")
    def get_permission(self, request, owner, name, login):
        repo = self.repo_of(request, owner, name)
        if login not in self.users:
            raise refusal(404, "%s is not a user" % login)
        role = repo["permissions"].get(login, "none" if repo["private"] else "read")
        coarse = {"triage": "read", "maintain": "write"}.get(role, role)
        person = dict(shape.user(self, request, self.users[login]), role_name=role,
                      permissions={k: LEVELS[role] >= v for k, v in (("admin", 5), ("maintain", 4), ("push", 3), ("triage", 2), ("pull", 1))})
        return Answer(200, {"permission": coarse, "role_name": role, "user": person})

    @route("GET", REPO + "/collaborators/{login}")
    def get_collaborator(self, request, owner, name, login):
        repo = self.repo_of(request, owner, name)
        if login not in repo["permissions"]:
            raise refusal(404, "Not Found")
        return Answer(204)

    @route("GET", REPO + "/branches/{branch*}")
    def get_branch(self, request, owner, name, branch):
        repo = self.repo_of(request, owner, name)
        sha = self.tip(repo, branch)
        if not sha:
            raise refusal(404, "Branch not found")
        return Answer(200, shape.branch(self, request, repo, branch, sha))

    @route("GET", REPO + "/git/ref/{ref*}")
    def get_ref(self, request, owner, name, ref):
        repo = self.repo_of(request, owner, name)
        branch = ref.removeprefix("heads/")
        sha = self.tip(repo, branch) if branch != ref else None
        if not sha:
            raise refusal(404, "Not Found")
        base = self.base(request) + "/repos/" + repo["full_name"]
        return Answer(200, {"ref": "refs/heads/" + branch, "node_id": "REF_" + sha, "url": "%s/git/refs/heads/%s" % (base, branch),
                            "object": {"sha": sha, "type": "commit", "url": "%s/git/commits/%s" % (base, sha)}})

    @route("GET", REPO + "/labels")
    def get_labels(self, request, owner, name):
        repo = self.repo_of(request, owner, name)
        return self.pages(request, repo, list(repo["labels"].values()), shape.label)

    @route("GET", REPO + "/labels/{label}")
    def get_label(self, request, owner, name, label):
        repo = self.repo_of(request, owner, name)
        if label.lower() not in repo["labels"]:
            raise refusal(404, "Not Found")
        return Answer(200, shape.label(self, request, repo, repo["labels"][label.lower()]))

    # Control: what people and the world do.
    def add_user(self, login, type="User", id=None, **more):
        self.users[login] = dict({"login": login, "id": id or self.next_id(), "type": type}, **more)
        return self.users[login]

    def add_token(self, token, login=None, user=None, expires=None):
        login = login or user
        self.user(login)
        self.tokens[token] = {"kind": "pat", "login": login, "expires": expires}
        return {"login": login}

    def add_app(self, id, slug, public_key=None, public_key_file=None, **more):
        if public_key_file:
            with open(public_key_file, encoding="ascii") as file:
                public_key = file.read()
        self.apps[str(id)] = {"id": str(id), "slug": slug, "public_key": public_key, "created": self.now()}
        self.add_user(slug + "[bot]", type="Bot")
        return {"slug": slug}

    def add_installation(self, app, account, repos, id=None):
        number = str(id or self.next_id())
        self.installations[number] = {"id": int(number), "app": str(app), "account": account, "repos": repos, "created": self.now()}
        self.user(account)
        return {"id": number}

    def add_team(self, org, slug, members):
        self.teams[org + "/" + slug] = members
        self.members.setdefault(org, [])
        for login in members:
            self.user(login)
            self.members[org].append(login)
        return {}

    def add_member(self, org, user):
        self.members.setdefault(org, []).append(user)
        self.user(user)
        return {}

    def add_repo(self, name, private=False, labels=(), permissions=None, associations=None, git=None, base="main", branches=None):
        owner = name.split("/")[0]
        if git is None and self.args.git_root:
            for folder in (name + ".git", name.split("/")[1] + ".git"):
                if os.path.isdir(os.path.join(self.args.git_root, folder)):
                    git = os.path.join(self.args.git_root, folder)
                    break
        self.users.setdefault(owner, {"login": owner, "id": self.next_id(), "type": "Organization"})
        repo = {"full_name": name, "id": self.next_id(), "private": private, "base": base, "git": git, "labels": {}, "numbers": 0, "issues": {},
                "pulls": {}, "comments": {}, "review_comments": {}, "reviews": {}, "statuses": {}, "reactions": [], "created": self.now(), "events": [],
                "branches": branches or {base: "1" * 40}, "associations": associations or {},
                "permissions": dict({"drover-bot": "write"}, **(permissions or {}))}
        self.repos[name] = repo
        for login in repo["permissions"]:
            self.user(login)
        for label in labels:
            self.add_label(name, label)
        return {"id": repo["id"]}

    def add_label(self, repo, name):
        self.repos[repo]["labels"][name.lower()] = {"id": self.next_id(), "name": name}
        return {}

    def add_rename(self, old, new):
        repo = self.repos.pop(old)
        repo["full_name"] = new
        self.repos[new] = repo
        self.renamed[old] = new
        for installation in self.installations.values():
            installation["repos"] = [new if r == old else r for r in installation["repos"]]
        return {}

    def add_branch(self, repo, name, sha=None):
        self.repos[repo]["branches"][name] = sha or "%040x" % self.next_id()
        return {"sha": self.repos[repo]["branches"][name]}

    def control_edit(self, body, query):
        """One issue, pull, comment, review or review_comment gets new members: {"what","repo","id" or "number", ...}."""
        repo = self.repos[body.pop("repo")]
        what = body.pop("what")
        tables = {"issue": "issues", "pull": "pulls", "comment": "comments", "review": "reviews", "review_comment": "review_comments"}
        item = repo[tables[what]][int(body.pop("id", None) or body.pop("number"))]
        item.update(body)
        item["updated"] = self.now()
        if what == "pull" and body.get("state") == "closed":
            repo["issues"][item["number"]].update(state="closed", closed=self.now(), updated=self.now())
            item["closed"] = self.now()
            if body.get("merged"):
                item["merged_at"] = self.now()
        return {"updated": self.stamp()}

    def control_delete(self, body, query):
        tables = {"issue": "issues", "comment": "comments", "review": "reviews", "review_comment": "review_comments"}
        self.repos[body["repo"]][tables[body["what"]]].pop(int(body["id"]))
        return {}

    def state(self):
        def listed(table):
            return [dict(item, id=str(item["id"])) for item in table.values()]
        return {name: {"id": repo["id"], "issues": listed(repo["issues"]), "pulls": listed(repo["pulls"]), "comments": listed(repo["comments"]),
                       "reviews": listed(repo["reviews"]), "review_comments": listed(repo["review_comments"]), "reactions": repo["reactions"],
                       "statuses": repo["statuses"], "labels": [l["name"] for l in repo["labels"].values()],
                       "events": repo["events"]} for name, repo in self.repos.items()}


def verified(public_key, data, signature):
    """Whether openssl says that signature is RS256 over data."""
    with tempfile.TemporaryDirectory() as folder:
        names = [os.path.join(folder, n) for n in ("key", "signature")]
        for name, content in zip(names, (public_key.encode(), signature)):
            with open(name, "wb") as file:
                file.write(content)
        done = subprocess.run(["openssl", "dgst", "-sha256", "-verify", names[0], "-signature", names[1]], input=data,
                              capture_output=True, check=False)
    return done.returncode == 0


if __name__ == "__main__":
    line = parser("GitHub")
    line.add_argument("--git-root", default="", help="folder of bare repositories NAME.git or OWNER/NAME.git")
    main(GitHub, line.parse_args())
