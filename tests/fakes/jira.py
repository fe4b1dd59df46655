#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stateful fake of Jira: Cloud's REST API 3 with documents, a search that lags behind, path prefixes for scoped tokens;
and Data Center's API 2 (flavor "server") with wiki text and PATs. What holds it to Atlassian's contract is tests/contract."""
import base64
import copy
import datetime
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import adf  # noqa: E402
import jql  # noqa: E402
from fake import Answer, Fake, main, parser, route  # noqa: E402

API = "/rest/api/3"
ISSUE = API + "/issue/{key}"
MISSING = "Issue does not exist or you do not have permission to see it."
CATEGORIES = {"new": (2, "To Do", "blue-gray"), "indeterminate": (4, "In Progress", "yellow"), "done": (3, "Done", "green")}
TYPES = {"Task": ("10001", False), "Bug": ("10002", False), "Story": ("10003", False), "Epic": ("10000", False), "Sub-task": ("10004", True)}
SEARCHED = ("status", "category", "assignee", "updated", "labels", "summary", "parent", "type", "reporter")


def refusal(status, *messages, **errors):
    return Answer(status, {"errorMessages": list(messages), "errors": errors})


def stamp(at):
    when = datetime.datetime.fromtimestamp(int(at * 1000) / 1000, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + "%03d+0000" % (when.microsecond // 1000)


class Jira(Fake):
    name = "Jira"

    def reset(self, options):
        self.serial = options.get("ids_from", 10100)
        self.flavor = options.get("flavor", "cloud")
        self.prefix = options.get("prefix", "")
        self.lag = options.get("lag", 0)
        self.page_most = options.get("page_most", 5000)
        self.zone = datetime.timezone(datetime.timedelta(hours=options.get("zone_hours", 0)))
        self.users, self.groups, self.tokens, self.projects, self.issues, self.attachments = {}, {}, {}, {}, {}, {}
        self.statuses, self.transitions, self.roles = {}, [], {}
        self.done_needs = options.get("done_needs", [])
        for name, category in options.get("statuses", {"To Do": "new", "In Progress": "indeterminate", "In Review": "indeterminate", "Done": "done"}).items():
            self.statuses[name] = {"id": str(10000 + len(self.statuses)), "name": name, "category": category}
            self.transitions.append({"id": str(11 + 10 * len(self.transitions)), "name": name, "to": name, "from": None})
        for change in options.get("transitions", []):
            self.transitions = [t for t in self.transitions if t["to"] != change["to"]] + [dict({"id": "91", "name": change["to"], "from": None}, **change)]
        self.add_user("bot-1", "drover", "bot@example.com")
        self.add_token(options.get("token", "jira-token"), "bot-1", scoped=bool(options.get("scoped")))

    # Who asks, and through which door.
    def rewrite(self, request):
        request.scoped = bool(self.prefix) and request.path.startswith(self.prefix + "/")
        request.version = 3
        if request.scoped:
            request.path = request.path[len(self.prefix):]
        for version in ("2", "latest"):
            if request.path.startswith("/rest/api/%s/" % version):
                request.path = API + request.path[len("/rest/api/" + version):]
                request.version = 2

    def base(self, request):
        return super().base(request) + (self.prefix if getattr(request, "scoped", False) else "")

    def authenticate(self, request):
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        request.credential = None
        if not scheme:
            return
        known = None
        if scheme.lower() == "basic" and self.flavor == "cloud":
            try:
                email, _, token = base64.b64decode(value).decode().partition(":")
            except ValueError:
                email = token = ""
            known = self.tokens.get(token)
            if known and self.users[known["user"]]["email"] != email:
                known = None
        elif scheme.lower() == "bearer":
            known = self.tokens.get(value)
        # A scoped token opens one door, an unscoped one the other.
        if not known or (self.flavor == "cloud" and known["scoped"] != request.scoped):
            request.label = "refused"
            raise Answer(401, "Client must be authenticated to access this resource.", {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, "text/plain")
        request.credential = known["user"]
        request.label = known["user"]

    def count_limits(self, request, flags):
        at, over = request.arrived, None
        where = re.sub(r"/issue/[^/]+", "/issue/KEY", re.sub(r"/\d+", "/N", request.path))
        per_second = {"GET": 100, "POST": 100}.get(request.method, 50)
        if self.limits.count("requests per second", request.method + " " + where, at, per_second, 1):
            over = "jira-burst-based"
        match = re.match(API + r"/issue/([^/]+)", request.path)
        if match and flags.get("write"):
            key = match.group(1)
            if self.limits.count("writes per issue in 2 s", key, at, 20, 2) | self.limits.count("writes per issue in 30 s", key, at, 100, 30):
                over = "jira-per-issue-on-write"
        if over and self.enforce:
            reset = datetime.datetime.fromtimestamp(self.now() + 60, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%MZ")
            return Answer(429, {"errorMessages": ["Rate limit exceeded."], "errors": {}},
                          {"Retry-After": "2", "X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "RateLimit-Reason": over})
        return None

    def finish(self, request, answer):
        answer.headers.setdefault("X-ARequestId", "fake%d" % (len(self.log) + 1))

    def no_route(self, request, others):
        return Answer(405 if others else 404, {"errorMessages": ["HTTP 404 Not Found"], "errors": {}} if not others else None)

    def need(self, request):
        if not request.credential:
            raise Answer(401, {"message": "Client must be authenticated to access this resource.", "status-code": 401})

    def issue_of(self, request, key):
        issue = self.issues.get(key) or next((i for i in self.issues.values() if i["id"] == key), None)
        # Who is nobody sees nothing, and is not told so.
        if not issue or not request.credential:
            raise refusal(404, MISSING)
        return issue

    # Documents in API 3, text in API 2.
    def body_in(self, request, body, field):
        if request.version == 2:
            if not isinstance(body, str):
                raise refusal(400, **{field: "Operation value must be a string"})
            body = adf.doc(body)
        else:
            trouble = adf.wrong(body)
            if trouble:
                raise refusal(400, **{field: "Operation value must be an Atlassian Document (see the Atlassian Document Format): " + trouble})
        words = adf.words(body)
        if len(words) > 32767:
            raise refusal(400, **{field: "The entered text is too long. It exceeds the allowed limit of 32,767 characters."})
        if field == "comment" and not words.strip():
            raise refusal(400, comment="Comment body can not be empty!")
        return body

    def body_out(self, request, body):
        return adf.words(body) if request.version == 2 and body else body

    # Shapes.
    def user_shape(self, request, account):
        if not account:
            return None
        user = self.users[account]
        shape = {"self": "%s%s/user?accountId=%s" % (self.base(request), API, account), "emailAddress": user["email"], "displayName": user["name"], "active": True,
                 "timeZone": "Etc/UTC", "avatarUrls": {size: "https://avatar.example.com/%s" % account for size in ("16x16", "24x24", "32x32", "48x48")}}
        if self.flavor == "server":
            return dict(shape, name=account, key="JIRAUSER" + account)
        return dict(shape, accountId=account, accountType=user["type"])

    def status_shape(self, request, name):
        status = self.statuses[name]
        number, title, color = CATEGORIES[status["category"]]
        base = self.base(request) + API
        return {"self": "%s/status/%s" % (base, status["id"]), "description": "", "iconUrl": self.base(request) + "/images/icons/open.png", "name": name, "id": status["id"],
                "statusCategory": {"self": "%s/statuscategory/%d" % (base, number), "id": number, "key": status["category"], "colorName": color, "name": title}}

    def type_shape(self, request, name):
        number, subtask = TYPES[name]
        return {"self": "%s%s/issuetype/%s" % (self.base(request), API, number), "id": number, "description": "", "iconUrl": "", "name": name, "subtask": subtask,
                "hierarchyLevel": -1 if subtask else 0}

    def project_shape(self, request, key):
        project = self.projects[key]
        return {"self": "%s%s/project/%s" % (self.base(request), API, project["id"]), "id": project["id"], "key": key, "name": project["name"],
                "projectTypeKey": "software", "simplified": False}

    def comment_shape(self, request, issue, comment, properties=False):
        shape = {"self": "%s%s/issue/%s/comment/%s" % (self.base(request), API, issue["id"], comment["id"]), "id": comment["id"],
                 "author": self.user_shape(request, comment["author"]), "updateAuthor": self.user_shape(request, comment["author"]),
                 "body": self.body_out(request, comment["body"]), "created": stamp(comment["created"]), "updated": stamp(comment["updated"])}
        if self.flavor == "cloud":
            shape["jsdPublic"] = True
        if properties:
            shape["properties"] = [{"key": k, "value": v} for k, v in comment["properties"].items()]
        return shape

    def attachment_shape(self, request, one):
        base = self.base(request)
        content = "%s%s/attachment/content/%s" % (base, API, one["id"]) if self.flavor == "cloud" else "%s/secure/attachment/%s/%s" % (base, one["id"], one["filename"])
        return {"self": "%s%s/attachment/%s" % (base, API, one["id"]), "id": one["id"], "filename": one["filename"], "author": self.user_shape(request, one["author"]),
                "created": stamp(one["created"]), "size": len(one["data"]), "mimeType": one["mime"], "content": content}

    def short(self, request, key):
        issue = self.issues[key]
        return {"id": issue["id"], "key": key, "self": "%s%s/issue/%s" % (self.base(request), API, issue["id"]),
                "fields": {"summary": issue["summary"], "status": self.status_shape(request, issue["status"]), "issuetype": self.type_shape(request, issue["type"])}}

    def fields_shape(self, request, issue, wanted):
        comments = [self.comment_shape(request, issue, c) for c in issue["comments"]]
        everything = {
            "summary": issue["summary"], "description": self.body_out(request, issue["description"]), "status": self.status_shape(request, issue["status"]),
            "issuetype": self.type_shape(request, issue["type"]), "project": self.project_shape(request, issue["project"]),
            "assignee": self.user_shape(request, issue["assignee"]), "reporter": self.user_shape(request, issue["reporter"]),
            "creator": self.user_shape(request, issue["reporter"]), "labels": issue["labels"], "created": stamp(issue["created"]), "updated": stamp(issue["updated"]),
            "priority": {"self": "%s%s/priority/3" % (self.base(request), API), "iconUrl": "", "name": "Medium", "id": "3"}, "resolution": None,
            "parent": self.short(request, issue["parent"]) if issue["parent"] else None, "attachment": [self.attachment_shape(request, a) for a in issue["attachments"]],
            "subtasks": [self.short(request, i["key"]) for i in self.issues.values() if i["parent"] == issue["key"]], "issuelinks": [], "components": [],
            "fixVersions": [], "customfield_10020": None,
            "comment": {"comments": comments, "self": "%s%s/issue/%s/comment" % (self.base(request), API, issue["id"]), "maxResults": len(comments),
                        "total": len(comments), "startAt": 0}}
        everything.update(issue["extra"])
        if not issue["parent"]:
            del everything["parent"]
        return everything if wanted is None else {k: v for k, v in everything.items() if k in wanted}

    def issue_shape(self, request, issue, wanted, expand="", properties=()):
        shape = {"id": issue["id"], "key": issue["key"], "self": "%s%s/issue/%s" % (self.base(request), API, issue["id"]), "expand": "renderedFields,names,schema,operations,changelog"}
        if wanted != set():
            shape["fields"] = self.fields_shape(request, issue, wanted)
        if "changelog" in expand:
            histories = [self.history_shape(request, h) for h in issue["history"]][::-1]
            shape["changelog"] = {"startAt": 0, "maxResults": len(histories), "total": len(histories), "histories": histories}
        if properties:
            shape["properties"] = {k: v for k, v in issue["properties"].items() if k in properties or "*all" in properties}
        return shape

    def history_shape(self, request, one):
        return {"id": one["id"], "author": self.user_shape(request, one["author"]), "created": stamp(one["created"]), "items": one["items"]}

    def wanted_fields(self, names, fallback):
        names = [n for n in names if n]
        if not names:
            return fallback
        if "*all" in names or "*navigable" in names:
            return None
        return set(names) - {"id", "key"}

    # The server, accounts and meta data.
    @route("GET", API + "/serverInfo")
    def get_server_info(self, request):
        return Answer(200, {"baseUrl": self.base(request), "version": "1001.0.0" if self.flavor == "cloud" else "9.12.1", "deploymentType": "Cloud" if self.flavor == "cloud" else "Server",
                            "serverTime": stamp(self.now()), "serverTitle": "Jira", "buildNumber": 100})

    @route("GET", API + "/myself")
    def get_myself(self, request):
        self.need(request)
        return Answer(200, self.with_groups(request, request.credential))

    @route("GET", API + "/mypermissions")
    def get_my_permissions(self, request):
        names = [n for n in request.query.get("permissions", "BROWSE_PROJECTS").split(",") if n]
        return Answer(200, {"permissions": {n: {"id": "1", "key": n, "name": n, "type": "PROJECT", "description": "", "havePermission": bool(request.credential)} for n in names}})

    @route("GET", API + "/user")
    def get_user(self, request):
        self.need(request)
        account = request.query.get("accountId") or request.query.get("username") or request.query.get("key")
        if account not in self.users:
            raise refusal(404, "The user does not exist.")
        return Answer(200, self.with_groups(request, account))

    def with_groups(self, request, account):
        shape = self.user_shape(request, account)
        if "groups" in request.query.get("expand", ""):
            names = [g for g, members in self.groups.items() if account in members]
            shape["groups"] = {"size": len(names), "items": [{"name": n} if self.flavor == "server" else {"name": n, "groupId": "g-" + n} for n in names]}
        return shape

    @route("GET", API + "/project/{key}/role")
    def get_roles(self, request, key):
        self.need(request)
        return Answer(200, {r["name"]: "%s%s/project/%s/role/%s" % (self.base(request), API, key, r["id"]) for r in self.roles.get(key, [])})

    @route("GET", API + "/project/{key}/role/{number}")
    def get_role(self, request, key, number):
        self.need(request)
        for role in self.roles.get(key, []):
            if role["id"] == number:
                actors = [{"id": 1, "displayName": a, "type": "atlassian-user-role-actor", "name": a, "actorUser": {"accountId": a}} for a in role["users"]]
                return Answer(200, {"self": self.base(request) + request.path, "name": role["name"], "id": int(number), "actors": actors})
        raise refusal(404, "Can not retrieve a role actor for a null project role.")

    @route("GET", API + "/user/groups")
    def get_user_groups(self, request):
        self.need(request)
        account = request.query.get("accountId") or request.query.get("username")
        return Answer(200, [{"name": g, "groupId": "g-" + g, "self": "%s%s/group?groupId=g-%s" % (self.base(request), API, g)} for g, m in self.groups.items() if account in m])

    @route("GET", API + "/group/member")
    def get_group_member(self, request):
        self.need(request)
        name = request.query.get("groupname") or request.query.get("groupId", "").removeprefix("g-")
        if name not in self.groups:
            raise refusal(404, "The group named '%s' does not exist." % name)
        return Answer(200, self.offset_page(request, [self.user_shape(request, a) for a in self.groups[name]], "values", last=True))

    @route("GET", API + "/user/search")
    def get_user_search(self, request):
        self.need(request)
        text = (request.query.get("query") or request.query.get("username") or "").lower()
        return Answer(200, [self.user_shape(request, a) for a, u in self.users.items() if text in u["name"].lower() or text == u["email"].lower()])

    @route("GET", API + "/status")
    def get_statuses(self, request):
        return Answer(200, [self.status_shape(request, s) for s in self.statuses])

    @route("GET", API + "/field")
    def get_fields(self, request):
        names = ("summary", "description", "status", "assignee", "labels", "attachment", "comment", "parent", "issuetype", "project")
        return Answer(200, [{"id": n, "key": n, "name": n.capitalize(), "custom": False, "orderable": True, "navigable": True, "searchable": True,
                             "clauseNames": [n], "schema": {"type": "string", "system": n}} for n in names])

    @route("GET", API + "/project/search")
    def get_projects(self, request):
        return Answer(200, self.offset_page(request, [self.project_shape(request, k) for k in self.projects], "values", last=True))

    @route("GET", API + "/project/{key}")
    def get_project(self, request, key):
        if key not in self.projects:
            raise refusal(404, "No project could be found with key '%s'." % key)
        return Answer(200, dict(self.project_shape(request, key), issueTypes=[self.type_shape(request, t) for t in self.projects[key]["types"]]))

    @route("GET", API + "/project/{key}/statuses")
    def get_project_statuses(self, request, key):
        if key not in self.projects:
            raise refusal(404, "No project could be found with key '%s'." % key)
        types = [{k: v for k, v in self.type_shape(request, t).items() if k in ("self", "id", "name", "subtask")} for t in self.projects[key]["types"]]
        return Answer(200, [dict(t, statuses=[self.status_shape(request, s) for s in self.statuses]) for t in types])

    @route("GET", API + "/issue/createmeta/{key}/issuetypes")
    def get_create_meta(self, request, key):
        if key not in self.projects:
            raise refusal(404, "No project could be found with key '%s'." % key)
        types = [self.type_shape(request, t) for t in self.projects[key]["types"]]
        return Answer(200, {"startAt": 0, "maxResults": 50, "total": len(types), "issueTypes": types, "values": types})

    @route("GET", API + "/issuetype")
    def get_issue_types(self, request):
        return Answer(200, [self.type_shape(request, t) for t in TYPES])

    def offset_page(self, request, items, name, last=False, most=100):
        try:
            start, size = int(request.query.get("startAt", 0)), min(int(request.query.get("maxResults", 50)), most)
        except ValueError:
            raise refusal(400, "startAt and maxResults are numbers") from None
        page = {"startAt": start, "maxResults": size, "total": len(items), name: items[start:start + size]}
        if last:
            page["isLast"] = start + size >= len(items)
        return page

    # Search.
    @route("GET", API + "/search")
    def get_old_search(self, request):
        return self.old_search(request, request.query.get("jql", ""), request.query)

    @route("POST", API + "/search")
    def post_old_search(self, request):
        said = request.json()
        return self.old_search(request, said.get("jql", ""), said)

    def old_search(self, request, text, said):
        if self.flavor == "cloud":
            raise refusal(410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at "
                               "https://developer.atlassian.com/changelog/#CHANGE-2046")
        found = self.find(request, text, ())
        start, size = int(said.get("startAt", 0)), int(said.get("maxResults", 50))
        names = said.get("fields") or []
        wanted = self.wanted_fields(names.split(",") if isinstance(names, str) else names, None)
        return Answer(200, {"expand": "schema,names", "startAt": start, "maxResults": size, "total": len(found),
                            "issues": [self.issue_shape(request, i, wanted, str(said.get("expand", ""))) for i in found[start:start + size]]})

    @route("GET", API + "/search/jql")
    def get_search(self, request):
        query = dict(request.query, fields=",".join(request.queries.get("fields", [])).split(","), reconcileIssues=request.queries.get("reconcileIssues", []),
                     properties=",".join(request.queries.get("properties", [])).split(","))
        return self.search(request, query)

    @route("POST", API + "/search/jql")
    def post_search(self, request):
        return self.search(request, request.json())

    def search(self, request, said):
        if self.flavor != "cloud":
            raise Answer(404, {"errorMessages": ["HTTP 404 Not Found"], "errors": {}})
        unknown = set(said) - {"jql", "nextPageToken", "maxResults", "fields", "expand", "properties", "fieldsByKeys", "failFast", "reconcileIssues"}
        if unknown:
            raise refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        text = said.get("jql") or ""
        found = self.find(request, text, [str(i) for i in said.get("reconcileIssues") or []])
        size = max(1, min(int(said.get("maxResults") or 50), self.page_most))
        start = 0
        if said.get("nextPageToken"):
            try:
                start, of = json.loads(base64.b64decode(said["nextPageToken"]))
            except ValueError:
                start, of = 0, None
            if of != text:
                raise refusal(400, "Invalid nextPageToken")
        wanted = self.wanted_fields(said.get("fields") or [], set())
        page = {"issues": [self.issue_shape(request, i, wanted, said.get("expand") or "", said.get("properties") or ()) for i in found[start:start + size]],
                "isLast": start + size >= len(found)}
        if not page["isLast"]:
            page["nextPageToken"] = base64.b64encode(json.dumps([start + size, text]).encode()).decode()
        return Answer(200, page)

    def find(self, request, text, reconcile):
        try:
            tree, order = jql.parse(text)
            if tree is None and self.flavor == "cloud":
                raise jql.Refused("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
            context = {"now": self.now(), "zone": self.zone, "me": request.credential, "statuses": {s.lower() for s in self.statuses}}
            if not request.credential:
                return []
            found = []
            for issue in self.issues.values():
                if issue["changed"] + self.lag <= self.now() or issue["id"] in reconcile:
                    issue["indexed"] = {k: copy.copy(issue[k]) for k in SEARCHED}
                if issue["indexed"] and jql.matches(tree, dict(issue, **issue["indexed"]), context):
                    found.append(issue)
        except jql.Refused as trouble:
            raise refusal(400, str(trouble)) from None
        for field, down in reversed(order or [("created", True)]):
            found.sort(key=lambda i: int(i["id"]) if field in ("key", "id", "created", "issuekey") else i["updated"], reverse=down)
        return found

    # Issues.
    @route("POST", API + "/issue", write=True)
    def post_issue(self, request):
        self.need(request)
        said = request.json()
        fields = said.get("fields", {})
        project = fields.get("project", {}).get("key") or next((k for k, p in self.projects.items() if p["id"] == str(fields.get("project", {}).get("id"))), None)
        if project not in self.projects:
            raise refusal(400, project="valid project is required")
        if not fields.get("summary") or "\n" in fields["summary"] or len(fields["summary"]) > 255:
            raise refusal(400, summary="You must specify a summary of the issue." if not fields.get("summary") else "The summary is invalid because it contains newline characters or is too long.")
        kind = fields.get("issuetype", {})
        name = kind.get("name") or next((n for n, t in TYPES.items() if t[0] == str(kind.get("id"))), None)
        if name not in self.projects[project]["types"]:
            raise refusal(400, issuetype="The issue type selected is invalid.")
        parent = fields.get("parent", {}).get("key") or next((i["key"] for i in self.issues.values() if i["id"] == str(fields.get("parent", {}).get("id"))), None)
        if TYPES[name][1] and parent not in self.issues:
            raise refusal(400, parentId="Issue type is a sub-task but parent issue key or id not specified." if not parent else "Could not find valid 'id' or 'key' for parent.")
        description = self.body_in(request, fields["description"], "description") if fields.get("description") else None
        assignee = (fields.get("assignee") or {}).get("accountId") or (fields.get("assignee") or {}).get("name")
        made = self.add_issue(project, fields["summary"], description, type=name, assignee=assignee, reporter=request.credential, labels=fields.get("labels", []), parent=parent)
        issue = self.issues[made["key"]]
        issue["properties"].update({p["key"]: p["value"] for p in said.get("properties", [])})
        return Answer(201, {"id": issue["id"], "key": issue["key"], "self": "%s%s/issue/%s" % (self.base(request), API, issue["id"])})

    @route("GET", ISSUE)
    def get_issue(self, request, key):
        issue = self.issue_of(request, key)
        wanted = self.wanted_fields(",".join(request.queries.get("fields", [])).split(","), None)
        return Answer(200, self.issue_shape(request, issue, wanted, request.query.get("expand", ""), ",".join(request.queries.get("properties", [])).split(",")))

    @route("POST", API + "/issue/bulkfetch")
    def post_bulk_fetch(self, request):
        said = request.json()
        found = [i for i in self.issues.values() if request.credential and (i["key"] in said["issueIdsOrKeys"] or i["id"] in said["issueIdsOrKeys"])]
        wanted = self.wanted_fields(said.get("fields") or [], None)
        return Answer(200, {"issues": [self.issue_shape(request, i, wanted, ",".join(said.get("expand") or []), said.get("properties") or ()) for i in found], "issueErrors": []})

    @route("PUT", ISSUE, write=True)
    def put_issue(self, request, key):
        issue, said = self.issue_of(request, key), request.json()
        fields = said.get("fields", {})
        for name in ("summary", "labels"):
            if name in fields:
                self.change(issue, request.credential, name, str(issue[name]), str(fields[name]))
                issue[name] = fields[name]
        if "description" in fields:
            issue["description"] = self.body_in(request, fields["description"], "description")
            self.change(issue, request.credential, "description", "", "")
        for step in said.get("update", {}).get("labels", []):
            if "add" in step and step["add"] not in issue["labels"]:
                issue["labels"].append(step["add"])
            if "remove" in step and step["remove"] in issue["labels"]:
                issue["labels"].remove(step["remove"])
            self.change(issue, request.credential, "labels", "", " ".join(issue["labels"]))
        return Answer(204)

    @route("PUT", ISSUE + "/assignee", write=True)
    def put_assignee(self, request, key):
        issue, said = self.issue_of(request, key), request.json()
        account = said.get("accountId") if self.flavor == "cloud" else said.get("name")
        if account and account not in self.users:
            raise refusal(400, assignee="User '%s' cannot be assigned issues." % account)
        self.change(issue, request.credential, "assignee", issue["assignee"], account)
        issue["assignee"] = account
        return Answer(204)

    @route("GET", ISSUE + "/changelog")
    def get_changelog(self, request, key):
        issue = self.issue_of(request, key)
        return Answer(200, self.offset_page(request, [self.history_shape(request, h) for h in issue["history"]], "values", last=True))

    @route("GET", ISSUE + "/transitions")
    def get_transitions(self, request, key):
        issue = self.issue_of(request, key)
        return Answer(200, {"expand": "transitions", "transitions": [
            {"id": t["id"], "name": t["name"], "to": self.status_shape(request, t["to"]), "hasScreen": False, "isGlobal": True, "isInitial": False, "isAvailable": True,
             "isConditional": False, "isLooped": False} for t in self.open_transitions(issue)]})

    def open_transitions(self, issue):
        return [t for t in self.transitions if t["to"] != issue["status"] and t["from"] in (None, issue["status"])]

    @route("POST", ISSUE + "/transitions", write=True)
    def post_transition(self, request, key):
        issue, said = self.issue_of(request, key), request.json()
        number = said.get("transition", {}).get("id")
        if not isinstance(number, str):
            raise refusal(400, "Can not deserialize instance of java.lang.String: transition.id")
        found = [t for t in self.open_transitions(issue) if t["id"] == number]
        if not found:
            raise refusal(400, "It seems that you have tried to perform a workflow operation (%s) that is not valid for the current state of this issue." % number)
        missing = [f for f in found[0].get("needs", []) if f not in said.get("fields", {})]
        if missing:
            raise refusal(400, **{f: "%s is required." % f for f in missing})
        self.move(issue, request.credential, found[0]["to"])
        return Answer(204)

    def change(self, issue, author, field, before, after, ids=(None, None)):
        now = self.now()
        issue["history"].append({"id": str(self.next_id()), "author": author, "created": now, "items": [
            {"field": field, "fieldtype": "jira", "fieldId": field, "from": ids[0], "fromString": before, "to": ids[1], "toString": after}]})
        issue["updated"] = issue["changed"] = now

    def move(self, issue, author, status):
        before = issue["status"]
        issue["status"], issue["category"] = status, CATEGORIES[self.statuses[status]["category"]][1]
        self.change(issue, author, "status", before, status, (self.statuses[before]["id"], self.statuses[status]["id"]))

    # Comments and properties.
    @route("GET", ISSUE + "/comment")
    def get_comments(self, request, key):
        issue = self.issue_of(request, key)
        shapes = [self.comment_shape(request, issue, c, "properties" in request.query.get("expand", "")) for c in issue["comments"]]
        if request.query.get("orderBy", "").startswith("-"):
            shapes.reverse()
        return Answer(200, self.offset_page(request, shapes, "comments", most=5000))

    @route("POST", ISSUE + "/comment", write=True)
    def post_comment(self, request, key):
        issue, said = self.issue_of(request, key), request.json()
        made = self.add_comment(issue["key"], self.body_in(request, said.get("body"), "comment"), request.credential)
        comment = issue["comments"][-1]
        for one in said.get("properties", []):
            comment["properties"][one["key"]] = one["value"]
        return Answer(201, self.comment_shape(request, issue, comment, True), {"Location": "%s%s/issue/%s/comment/%s" % (self.base(request), API, issue["id"], made["id"])})

    def comment_of(self, request, number, key=None):
        for issue in self.issues.values():
            for comment in issue["comments"]:
                if comment["id"] == number and request.credential and key in (None, issue["key"], issue["id"]):
                    return issue, comment
        raise refusal(404, "Can not find a comment for the id: %s." % number)

    @route("GET", ISSUE + "/comment/{number}")
    def get_comment(self, request, key, number):
        return Answer(200, self.comment_shape(request, *self.comment_of(request, number, key), "properties" in request.query.get("expand", "")))

    @route("PUT", ISSUE + "/comment/{number}", write=True)
    def put_comment(self, request, key, number):
        issue, comment = self.comment_of(request, number, key)
        if comment["author"] != request.credential:
            raise refusal(400, "You do not have the permission to edit this comment.")
        comment.update(body=self.body_in(request, request.json().get("body"), "comment"), updated=self.now())
        issue["updated"] = issue["changed"] = self.now()
        return Answer(200, self.comment_shape(request, issue, comment))

    @route("DELETE", ISSUE + "/comment/{number}", write=True)
    def delete_comment(self, request, key, number):
        issue, comment = self.comment_of(request, number, key)
        issue["comments"].remove(comment)
        return Answer(204)

    def property_answer(self, request, where, name):
        if request.method == "GET":
            if name not in where:
                raise refusal(404, "The property '%s' does not exist." % name)
            return Answer(200, {"key": name, "value": where[name]})
        if request.method == "DELETE":
            if where.pop(name, None) is None:
                raise refusal(404, "The property '%s' does not exist." % name)
            return Answer(204)
        if len(request.body) > 32768:
            raise refusal(400, "The property value is too long.")
        try:
            value = json.loads(request.body)
        except ValueError:
            raise refusal(400, "The property value is not JSON.") from None
        new = name not in where
        where[name] = value
        return Answer(201 if new else 200, {})

    @route("GET", ISSUE + "/properties")
    def get_properties(self, request, key):
        issue = self.issue_of(request, key)
        return Answer(200, {"keys": [{"key": k, "self": "%s%s/issue/%s/properties/%s" % (self.base(request), API, key, k)} for k in issue["properties"]]})

    @route("DELETE", ISSUE + "/properties/{name}", write=True)
    @route("PUT", ISSUE + "/properties/{name}", write=True)
    @route("GET", ISSUE + "/properties/{name}")
    def issue_property(self, request, key, name):
        return self.property_answer(request, self.issue_of(request, key)["properties"], name)

    @route("DELETE", API + "/comment/{number}/properties/{name}", write=True)
    @route("PUT", API + "/comment/{number}/properties/{name}", write=True)
    @route("GET", API + "/comment/{number}/properties/{name}")
    def comment_property(self, request, number, name):
        return self.property_answer(request, self.comment_of(request, number)[1]["properties"], name)

    @route("GET", API + "/comment/{number}/properties")
    def get_comment_properties(self, request, number):
        return Answer(200, {"keys": [{"key": k, "self": ""} for k in self.comment_of(request, number)[1]["properties"]]})

    # Links to the outside: one for each globalId.
    @route("GET", ISSUE + "/remotelink")
    def get_remote_links(self, request, key):
        issue = self.issue_of(request, key)
        shapes = [dict(l, self="%s%s/issue/%s/remotelink/%s" % (self.base(request), API, key, l["id"])) for l in issue["links"]]
        if "globalId" in request.query:
            shapes = [s for s in shapes if s.get("globalId") == request.query["globalId"]]
            if not shapes:
                raise refusal(404, "No remote issue link found with globalId.")
            return Answer(200, shapes[0])
        return Answer(200, shapes)

    @route("POST", ISSUE + "/remotelink", write=True)
    def post_remote_link(self, request, key):
        issue, said = self.issue_of(request, key), request.json()
        if not said.get("object", {}).get("url") or not said["object"].get("title"):
            raise refusal(400, **({"url": "'url' is required."} if not said.get("object", {}).get("url") else {"title": "'title' is required."}))
        if len(said.get("globalId") or "") > 255:
            raise refusal(400, globalId="globalId is too long")
        made = {k: said[k] for k in ("globalId", "application", "relationship", "object") if k in said}
        for old in issue["links"]:
            if said.get("globalId") and old.get("globalId") == said["globalId"]:
                made["id"] = old["id"]
                old.clear()
                old.update(made)
                status = 200
                break
        else:
            made["id"] = self.next_id()
            issue["links"].append(made)
            status = 201
        return Answer(status, {"id": made["id"], "self": "%s%s/issue/%s/remotelink/%d" % (self.base(request), API, key, made["id"])})

    # Attachments. Cloud answers with a redirect to another host unless told not to.
    def attachment_of(self, request, number):
        if number not in self.attachments or not request.credential:
            raise refusal(404, "The attachment with id '%s' does not exist" % number)
        return self.attachments[number]

    @route("GET", API + "/attachment/{number}")
    def get_attachment(self, request, number):
        shape = self.attachment_shape(request, self.attachment_of(request, number))
        return Answer(200, dict(shape, id=int(number)))

    @route("GET", API + "/attachment/content/{number}")
    def get_content(self, request, number):
        one = self.attachment_of(request, number)
        if request.query.get("redirect", "true") == "true":
            raise Answer(303, None, {"Location": "https://api.media.atlassian.com/file/%s/binary?token=t" % number})
        return Answer(200, one["data"], kind=one["mime"])

    @route("GET", "/secure/attachment/{number}/{filename}")
    def get_server_content(self, request, number, filename):
        one = self.attachment_of(request, number)
        return Answer(200, one["data"], kind=one["mime"])

    # Control: what people do.
    def add_user(self, account, name=None, email=None, type="atlassian", groups=()):
        self.users[account] = {"name": name or account, "email": email or account + "@example.com", "type": type}
        for group in groups:
            self.groups.setdefault(group, []).append(account)
        return {"accountId": account}

    def add_token(self, token, user, scoped=False):
        self.tokens[token] = {"user": user, "scoped": scoped}
        return {}

    def add_project(self, key, name=None, types=tuple(TYPES)):
        self.projects[key] = {"id": str(self.next_id()), "name": name or key, "types": list(types), "numbers": 0}
        return {"id": self.projects[key]["id"]}

    def add_role(self, project, name, users):
        made = {"id": str(self.next_id()), "name": name, "users": users}
        self.roles.setdefault(project, []).append(made)
        return {"id": made["id"]}

    def add_issue(self, project, summary, description=None, status="To Do", type="Task", assignee="bot-1", reporter="ana", labels=(), parent=None, extra=None):
        if project not in self.projects:
            self.add_project(project)
        for account in (assignee, reporter):
            if account and account not in self.users:
                self.add_user(account)
        self.projects[project]["numbers"] += 1
        key, now = "%s-%d" % (project, self.projects[project]["numbers"]), self.now()
        self.issues[key] = {"id": str(self.next_id()), "key": key, "project": project, "summary": summary,
                            "description": adf.doc(description) if isinstance(description, str) else description, "status": status,
                            "category": CATEGORIES[self.statuses[status]["category"]][1], "type": type, "assignee": assignee, "reporter": reporter,
                            "labels": list(labels), "parent": parent, "created": now, "updated": now, "changed": now, "indexed": None, "comments": [],
                            "properties": {}, "links": [], "attachments": [], "history": [], "extra": extra or {}}
        return {"id": self.issues[key]["id"], "key": key}

    def add_comment(self, issue, body, author="ana"):
        if author not in self.users:
            self.add_user(author)
        now = self.now()
        made = {"id": str(self.next_id()), "author": author, "body": adf.doc(body) if isinstance(body, str) else body, "created": now, "updated": now, "properties": {}}
        self.issues[issue]["comments"].append(made)
        self.issues[issue]["updated"] = self.issues[issue]["changed"] = now
        return {"id": made["id"]}

    def add_attachment(self, issue, filename, mime="image/png", size=64, data=None, author="ana"):
        if author not in self.users:
            self.add_user(author)
        made = {"id": str(self.next_id()), "filename": filename, "mime": mime, "author": author, "created": self.now(),
                "data": base64.b64decode(data) if data else (b"\x89PNG\r\n\x1a\n" + b"x" * size)[:size]}
        self.attachments[made["id"]] = made
        self.issues[issue]["attachments"].append(made)
        return {"id": made["id"]}

    def control_move(self, body, query):
        self.move(self.issues[body["issue"]], body.get("author", "ana"), body["status"])
        return {}

    def control_edit(self, body, query):
        """New members of an issue: summary, description, labels, assignee, extra."""
        issue = self.issues[body.pop("issue")]
        for key, value in body.items():
            self.change(issue, "ana", key, str(issue[key]), str(value))
            issue[key] = adf.doc(value) if key == "description" and isinstance(value, str) else value
        return {}

    def control_delete(self, body, query):
        self.issues.pop(body["issue"])
        return {}

    def state(self):
        return {i["key"]: {"id": i["id"], "status": i["status"], "assignee": i["assignee"], "labels": i["labels"], "parent": i["parent"], "type": i["type"], "summary": i["summary"],
                           "comments": [{"id": c["id"], "author": c["author"], "text": adf.words(c["body"]), "body": c["body"], "properties": c["properties"]} for c in i["comments"]],
                           "properties": i["properties"], "links": i["links"],
                           "moves": [item["toString"] for h in i["history"] for item in h["items"] if item["field"] == "status"]} for i in self.issues.values()}


if __name__ == "__main__":
    line = parser("Jira")
    line.add_argument("--adf-schema", default="", help="the vendor's schema of documents, used where python3-jsonschema is there")
    given = line.parse_args()
    if given.adf_schema and not adf.use_schema(given.adf_schema):
        print("jira.py: the schema of documents is not used", file=sys.stderr)
    main(Jira, given)
