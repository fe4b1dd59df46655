# SPDX-License-Identifier: Apache-2.0
"""GitHub's objects as its contract has them, made from what the fake keeps."""
import datetime

from fake import Answer

DOCS = "https://docs.github.com/rest"
REPO = "/repos/{owner}/{name}"


def refusal(status, message, **more):
    return Answer(status, dict({"message": message, "documentation_url": DOCS, "status": str(status)}, **more))


def invalid(resource, field, code, message=None):
    error = {"resource": resource, "code": code, "field": field}
    if message:
        error["message"] = message
    return refusal(422, "Validation Failed", errors=[error])


def stamp(at):
    return None if at is None else datetime.datetime.fromtimestamp(int(at), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def user(fake, request, person):
    if person is None:
        return None
    url = "%s/users/%s" % (fake.base(request), person["login"].replace("[", "%5B").replace("]", "%5D"))
    return {"login": person["login"], "id": person["id"], "node_id": "U_%d" % person["id"], "avatar_url": "https://avatars.githubusercontent.com/u/%d?v=4" % person["id"],
            "gravatar_id": "", "url": url, "html_url": "https://github.com/" + person["login"].replace("[bot]", ""), "followers_url": url + "/followers",
            "following_url": url + "/following{/other_user}", "gists_url": url + "/gists{/gist_id}", "starred_url": url + "/starred{/owner}{/repo}",
            "subscriptions_url": url + "/subscriptions", "organizations_url": url + "/orgs", "repos_url": url + "/repos",
            "events_url": url + "/events{/privacy}", "received_events_url": url + "/received_events", "type": person["type"],
            "user_view_type": "public", "site_admin": False}


def private_user(fake, request, person):
    more = {"name": person.get("name"), "company": None, "blog": "", "location": None, "email": None, "hireable": None, "bio": None,
            "twitter_username": None, "public_repos": 0, "public_gists": 0, "followers": 0, "following": 0, "created_at": "2020-01-01T00:00:00Z",
            "updated_at": "2020-01-01T00:00:00Z"}
    own = {"private_gists": 0, "total_private_repos": 0, "owned_private_repos": 0, "disk_usage": 0, "collaborators": 0,
           "two_factor_authentication": True, "plan": {"name": "free", "space": 1, "collaborators": 0, "private_repos": 0}}
    result = dict(user(fake, request, person), **more)
    return dict(result, **own, user_view_type="private") if request.path == "/user" else result


def app(fake, request, known):
    owner = user(fake, request, fake.user("acme"))
    return {"id": int(known["id"]), "slug": known["slug"], "node_id": "A_" + known["id"], "client_id": "Iv1.fake", "owner": owner, "name": known["slug"], "description": "",
            "external_url": "https://example.com", "html_url": "https://github.com/apps/" + known["slug"], "created_at": stamp(known["created"]),
            "updated_at": stamp(known["created"]), "permissions": {"contents": "write", "issues": "write", "pull_requests": "write", "metadata": "read"},
            "events": ["issue_comment", "pull_request"]}


def installation(fake, request, one):
    url = "%s/app/installations/%d" % (fake.base(request), one["id"])
    known = fake.apps[one["app"]]
    return {"id": one["id"], "account": user(fake, request, fake.user(one["account"])), "repository_selection": "selected",
            "access_tokens_url": url + "/access_tokens", "repositories_url": fake.base(request) + "/installation/repositories",
            "html_url": "https://github.com/organizations/%s/settings/installations/%d" % (one["account"], one["id"]), "app_id": int(known["id"]),
            "app_slug": known["slug"], "target_id": fake.user(one["account"])["id"], "target_type": "Organization",
            "permissions": {"contents": "write", "issues": "write", "pull_requests": "write", "metadata": "read"}, "events": ["issue_comment"],
            "created_at": stamp(one["created"]), "updated_at": stamp(one["created"]), "single_file_name": None, "suspended_by": None, "suspended_at": None}


REPO_URLS = {"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}", "branches_url": "/branches{/branch}",
             "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}", "commits_url": "/commits{/sha}",
             "compare_url": "/compare/{base}...{head}", "contents_url": "/contents/{+path}", "contributors_url": "/contributors",
             "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events", "forks_url": "/forks",
             "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
             "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}", "issues_url": "/issues{/number}",
             "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}", "languages_url": "/languages", "merges_url": "/merges",
             "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}", "pulls_url": "/pulls{/number}",
             "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}", "subscribers_url": "/subscribers",
             "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams", "trees_url": "/git/trees{/sha}", "hooks_url": "/hooks"}


def repo(fake, request, known, full_name=None):
    name = full_name or known["full_name"]
    owner = name.split("/")[0]
    url = "%s/repos/%s" % (fake.base(request), name)
    when = stamp(known["created"])
    result = {"id": known["id"], "node_id": "R_%d" % known["id"], "name": name.split("/")[1], "full_name": name, "owner": user(fake, request, fake.user(owner)),
              "private": known["private"], "html_url": "https://github.com/" + name, "description": None, "fork": name != known["full_name"], "url": url,
              "git_url": "git://github.com/%s.git" % name, "ssh_url": "git@github.com:%s.git" % name, "clone_url": "https://github.com/%s.git" % name,
              "mirror_url": None, "svn_url": "https://github.com/" + name, "homepage": None, "language": None, "forks_count": 0, "stargazers_count": 0,
              "watchers_count": 0, "size": 1, "default_branch": known["base"], "open_issues_count": 0, "has_issues": True, "has_projects": False,
              "has_wiki": False, "has_pages": False, "has_downloads": False, "has_discussions": False, "archived": False, "disabled": False,
              "visibility": "private" if known["private"] else "public", "pushed_at": when, "created_at": when, "updated_at": when, "subscribers_count": 0,
              "network_count": 0, "license": None, "forks": 0, "open_issues": 0, "watchers": 0, "topics": [], "allow_forking": True, "is_template": False,
              "web_commit_signoff_required": False}
    result.update({k: url + v for k, v in REPO_URLS.items()})
    who = request.credential
    if who and who["kind"] != "app" and not full_name:
        level = fake.level(known, who)
        result["permissions"] = {"admin": level > 4, "maintain": level > 3, "push": level > 2, "triage": level > 1, "pull": level > 0}
    return result


def label(fake, request, known, one):
    return {"id": one["id"], "node_id": "LA_%d" % one["id"], "url": "%s/repos/%s/labels/%s" % (fake.base(request), known["full_name"], one["name"].replace(" ", "%20")),
            "name": one["name"], "color": "ededed", "default": False, "description": ""}


def association(fake, known, login):
    if login in known["associations"]:
        return known["associations"][login]
    owner = known["full_name"].split("/")[0]
    if login == owner:
        return "OWNER"
    if login in fake.members.get(owner, ()):
        return "MEMBER"
    return "COLLABORATOR" if login in known["permissions"] else "NONE"


def reactions(fake, request, known, kind, number, url):
    mine = [r["content"] for r in known["reactions"] if r["kind"] == kind and r["on"] == number]
    result = {"url": url + "/reactions", "total_count": len(mine)}
    result.update({c: mine.count(c) for c in ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")})
    return result


def via_app(fake, request, item):
    known = fake.apps.get(item.get("via") or "")
    return app(fake, request, known) if known else None


def issue(fake, request, known, one):
    base = "%s/repos/%s" % (fake.base(request), known["full_name"])
    url = "%s/issues/%d" % (base, one["number"])
    html = "https://github.com/%s/%s/%d" % (known["full_name"], "pull" if one["pull"] else "issues", one["number"])
    result = {"url": url, "repository_url": base, "labels_url": url + "/labels{/name}", "comments_url": url + "/comments", "events_url": url + "/events",
              "html_url": html, "id": one["id"], "node_id": "I_%d" % one["id"], "number": one["number"], "title": one["title"],
              "user": user(fake, request, fake.user(one["user"])), "labels": [label(fake, request, known, known["labels"][l]) for l in one["labels"]],
              "state": one["state"], "locked": False, "assignee": None, "assignees": [user(fake, request, fake.user(l)) for l in one["assignees"]],
              "milestone": None, "comments": sum(1 for c in known["comments"].values() if c["number"] == one["number"]), "created_at": stamp(one["created"]),
              "updated_at": stamp(one["updated"]), "closed_at": stamp(one["closed"]), "author_association": association(fake, known, one["user"]),
              "active_lock_reason": None, "body": one["body"], "reactions": reactions(fake, request, known, "issue", one["number"], url),
              "timeline_url": url + "/timeline", "performed_via_github_app": via_app(fake, request, one), "state_reason": None}
    if result["assignees"]:
        result["assignee"] = result["assignees"][0]
    if one["pull"]:
        pull_url = "%s/pulls/%d" % (base, one["number"])
        result["draft"] = known["pulls"][one["number"]]["draft"]
        result["pull_request"] = {"url": pull_url, "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch",
                                  "merged_at": stamp(known["pulls"][one["number"]]["merged_at"])}
    return result


def comment(fake, request, known, one):
    base = "%s/repos/%s/issues" % (fake.base(request), known["full_name"])
    url = "%s/comments/%d" % (base, one["id"])
    pull = known["issues"].get(one["number"], {}).get("pull")
    return {"url": url, "html_url": "https://github.com/%s/%s/%d#issuecomment-%d" % (known["full_name"], "pull" if pull else "issues", one["number"], one["id"]),
            "issue_url": "%s/%d" % (base, one["number"]), "id": one["id"], "node_id": "IC_%d" % one["id"], "user": user(fake, request, fake.user(one["user"])),
            "created_at": stamp(one["created"]), "updated_at": stamp(one["updated"]), "author_association": association(fake, known, one["user"]),
            "body": one["body"], "reactions": reactions(fake, request, known, "comment", one["id"], url), "performed_via_github_app": via_app(fake, request, one)}


def reaction(fake, request, known, one):
    return {"id": one["id"], "node_id": "REA_%d" % one["id"], "user": user(fake, request, fake.user(one["user"])), "content": one["content"],
            "created_at": stamp(one["created"])}


def event(fake, request, known, one):
    return {"id": one["id"], "node_id": "LE_%d" % one["id"], "url": "%s/repos/%s/issues/events/%d" % (fake.base(request), known["full_name"], one["id"]),
            "actor": user(fake, request, fake.user(one["user"])), "event": one["event"], "commit_id": None, "commit_url": None, "created_at": stamp(one["created"]),
            "label": {"name": one["label"], "color": "ededed"}, "performed_via_github_app": None}


def pull(fake, request, known, one, full=True):
    base = "%s/repos/%s" % (fake.base(request), known["full_name"])
    url, issue_url = "%s/pulls/%d" % (base, one["number"]), "%s/issues/%d" % (base, one["number"])
    html = "https://github.com/%s/pull/%d" % (known["full_name"], one["number"])
    about = known["issues"][one["number"]]
    links = {"self": url, "html": html, "issue": issue_url, "comments": issue_url + "/comments", "review_comments": url + "/comments",
             "review_comment": base + "/pulls/comments{/number}", "commits": url + "/commits", "statuses": "%s/statuses/%s" % (base, one["head_sha"])}

    def side(full_name, ref, sha):
        owner = full_name.split("/")[0]
        return {"label": "%s:%s" % (owner, ref), "ref": ref, "sha": sha, "user": user(fake, request, fake.user(owner)),
                "repo": repo(fake, request, known, full_name if full_name != known["full_name"] else None)}

    result = {"url": url, "id": one["id"], "node_id": "PR_%d" % one["id"], "html_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch",
              "issue_url": issue_url, "commits_url": links["commits"], "review_comments_url": links["review_comments"],
              "review_comment_url": links["review_comment"], "comments_url": links["comments"], "statuses_url": links["statuses"], "number": one["number"],
              "state": about["state"], "locked": False, "title": about["title"], "user": user(fake, request, fake.user(about["user"])), "body": about["body"],
              "labels": [label(fake, request, known, known["labels"][l]) for l in about["labels"]], "milestone": None, "active_lock_reason": None,
              "created_at": stamp(about["created"]), "updated_at": stamp(max(about["updated"], one["updated"])), "closed_at": stamp(about["closed"]),
              "merged_at": stamp(one["merged_at"]), "merge_commit_sha": None, "assignee": None, "assignees": [], "requested_reviewers": [],
              "requested_teams": [], "head": side(one["head_repo"], one["head"], one["head_sha"]), "base": side(known["full_name"], one["base"], one["base_sha"]),
              "_links": {k: {"href": v} for k, v in links.items()}, "author_association": association(fake, known, about["user"]), "auto_merge": None,
              "draft": one["draft"]}
    if one["head_repo"] is None:
        result["head"]["repo"] = None
    if full:
        own = [c for c in known["comments"].values() if c["number"] == one["number"]]
        result.update({"merged": one["merged_at"] is not None, "mergeable": one["mergeable"], "rebaseable": None, "mergeable_state": "clean" if one["mergeable"] else "unknown",
                       "merged_by": None, "comments": len(own), "review_comments": sum(1 for c in known["review_comments"].values() if c["number"] == one["number"]),
                       "maintainer_can_modify": False, "commits": 1, "additions": 1, "deletions": 0, "changed_files": 1})
    return result


def review(fake, request, known, one):
    url = "%s/repos/%s/pulls/%d" % (fake.base(request), known["full_name"], one["number"])
    html = "https://github.com/%s/pull/%d#pullrequestreview-%d" % (known["full_name"], one["number"], one["id"])
    return {"id": one["id"], "node_id": "PRR_%d" % one["id"], "user": user(fake, request, fake.user(one["user"])), "body": one["body"], "state": one["state"],
            "html_url": html, "pull_request_url": url, "_links": {"html": {"href": html}, "pull_request": {"href": url}},
            "submitted_at": stamp(one["created"]), "commit_id": one["commit"], "author_association": association(fake, known, one["user"])}


def review_comment(fake, request, known, one):
    base = "%s/repos/%s/pulls" % (fake.base(request), known["full_name"])
    url = "%s/comments/%d" % (base, one["id"])
    html = "https://github.com/%s/pull/%d#discussion_r%d" % (known["full_name"], one["number"], one["id"])
    result = {"url": url, "pull_request_review_id": one["review"], "id": one["id"], "node_id": "PRRC_%d" % one["id"], "diff_hunk": one["hunk"],
              "path": one["path"], "commit_id": one["commit"], "original_commit_id": one["commit"], "user": user(fake, request, fake.user(one["user"])),
              "body": one["body"], "created_at": stamp(one["created"]), "updated_at": stamp(one["updated"]), "html_url": html,
              "pull_request_url": "%s/%d" % (base, one["number"]), "author_association": association(fake, known, one["user"]),
              "_links": {"self": {"href": url}, "html": {"href": html}, "pull_request": {"href": "%s/%d" % (base, one["number"])}},
              "reactions": reactions(fake, request, known, "review_comment", one["id"], url), "start_line": None, "original_start_line": None,
              "start_side": None, "line": one["line"], "original_line": one["line"] or 1, "side": "RIGHT", "original_position": 1, "position": 1, "subject_type": "line"}
    if one["reply_to"]:
        result["in_reply_to_id"] = one["reply_to"]
    return result


def branch(fake, request, known, name, sha):
    base = "%s/repos/%s" % (fake.base(request), known["full_name"])
    return {"name": name, "commit": commit(fake, request, known, sha, "", "drover", known["created"]), "protected": False,
            "_links": {"self": "%s/branches/%s" % (base, name), "html": "https://github.com/%s/tree/%s" % (known["full_name"], name)},
            "protection": {"enabled": False, "required_status_checks": {"contexts": [], "checks": []}}, "protection_url": "%s/branches/%s/protection" % (base, name)}


def commit(fake, request, known, sha, message, author, at):
    base = "%s/repos/%s" % (fake.base(request), known["full_name"])
    person = {"name": author, "email": "%s@example.com" % author.replace(" ", "."), "date": stamp(at)}
    return {"url": "%s/commits/%s" % (base, sha), "sha": sha, "node_id": "C_" + sha, "html_url": "https://github.com/%s/commit/%s" % (known["full_name"], sha),
            "comments_url": "%s/commits/%s/comments" % (base, sha),
            "commit": {"url": "%s/git/commits/%s" % (base, sha), "author": person, "committer": person, "message": message, "comment_count": 0,
                       "tree": {"sha": sha, "url": "%s/git/trees/%s" % (base, sha)},
                       "verification": {"verified": False, "reason": "unsigned", "payload": None, "signature": None, "verified_at": None}},
            "author": None, "committer": None, "parents": []}


def status(fake, request, known, one):
    return {"url": "%s/repos/%s/statuses/%s" % (fake.base(request), known["full_name"], one["sha"]), "avatar_url": None, "id": one["id"], "node_id": "SC_%d" % one["id"],
            "state": one["state"], "description": one["description"], "target_url": one["target_url"], "context": one["context"],
            "created_at": stamp(one["created"]), "updated_at": stamp(one["created"]), "creator": user(fake, request, fake.user(one["user"]))}
