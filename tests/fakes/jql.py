# SPDX-License-Identifier: Apache-2.0
"""As much of JQL as a bot asks with: comparisons, AND, OR, NOT, brackets, ORDER BY; the rest is refused as Jira does."""
import datetime
import re

TOKENS = re.compile(r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<op><=|>=|!=|!~|[=<>~(),])|(?P<word>[^\s"'=<>!~(),]+(?:\(\))?))""")
FIELDS = ("project", "key", "id", "issue", "issuekey", "assignee", "reporter", "status", "statuscategory", "updated", "created", "issuetype", "type", "labels", "parent",
          "summary", "text", "resolution", "priority")


class Refused(Exception):
    pass


def parse(text):
    """(tree or None, [(field, descending)])"""
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        match = TOKENS.match(text, at)
        if not match:
            raise Refused("Error in the JQL Query: The character '%s' is a reserved JQL character." % text[at])
        at = match.end()
        if match.group("text"):
            tokens.append(("text", re.sub(r"\\(.)", r"\1", match.group("text")[1:-1])))
        else:
            tokens.append(("op", match.group("op")) if match.group("op") else ("word", match.group("word")))
        while at < len(text) and text[at].isspace():
            at += 1
    return Parser(tokens).whole()


class Parser:
    def __init__(self, tokens):
        self.tokens = tokens
        self.at = 0

    def peek(self, *words):
        return self.at < len(self.tokens) and self.tokens[self.at][0] != "text" and self.tokens[self.at][1].lower() in words

    def take(self):
        if self.at >= len(self.tokens):
            raise Refused("Error in the JQL Query: Expecting something before the end of the query.")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def whole(self):
        tree = None if self.peek("order") or not self.tokens else self.either()
        order = []
        if self.peek("order"):
            self.take()
            if self.take().lower() != "by":
                raise Refused("Error in the JQL Query: Expecting 'BY'.")
            while True:
                field, down = self.take().lower(), False
                if self.peek("asc", "desc"):
                    down = self.take().lower() == "desc"
                order.append((field, down))
                if not self.peek(","):
                    break
                self.take()
        if self.at < len(self.tokens):
            raise Refused("Error in the JQL Query: Expecting operator but got '%s'." % self.tokens[self.at][1])
        return tree, order

    def either(self):
        parts = [self.both()]
        while self.peek("or", "||"):
            self.take()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else ("or", parts)

    def both(self):
        parts = [self.one()]
        while self.peek("and", "&&"):
            self.take()
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else ("and", parts)

    def one(self):
        if self.peek("not"):
            self.take()
            return ("not", [self.one()])
        if self.peek("("):
            self.take()
            tree = self.either()
            if self.take() != ")":
                raise Refused("Error in the JQL Query: Expecting ')'.")
            return tree
        field = self.take().lower()
        if field not in FIELDS:
            raise Refused("Field '%s' does not exist or you do not have permission to view it." % field)
        operator = self.take().lower()
        if operator in ("not", "is") and self.peek("in", "not"):
            operator += " " + self.take().lower()
        if operator not in ("=", "!=", ">", "<", ">=", "<=", "~", "!~", "in", "not in", "is", "is not"):
            raise Refused("Error in the JQL Query: Expecting operator but got '%s'." % operator)
        if operator in ("in", "not in"):
            if self.take() != "(":
                raise Refused("Error in the JQL Query: Expecting '('.")
            values = [self.take()]
            while self.peek(","):
                self.take()
                values.append(self.take())
            if self.take() != ")":
                raise Refused("Error in the JQL Query: Expecting ')'.")
        else:
            values = [self.take()]
        return ("test", field, operator, values)


def moment(text, now, zone):
    """Seconds of a JQL date: minutes are the finest, relative ones count from now."""
    match = re.match(r"([+-]?\d+)([mhdw])\Z", text)
    if match:
        return now + int(match.group(1)) * {"m": 60, "h": 3600, "d": 86400, "w": 604800}[match.group(2)]
    for form in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
        try:
            return datetime.datetime.strptime(text, form).replace(tzinfo=zone).timestamp()
        except ValueError:
            pass
    raise Refused("Date value '%s' for field 'updated' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', "
                  "or a period format e.g. '-5d', '4w 2d'." % text)


def matches(tree, issue, context):
    """context: now, zone, me, statuses (lower case names)."""
    if tree is None:
        return True
    if tree[0] in ("and", "or", "not"):
        found = [matches(part, issue, context) for part in tree[1]]
        return all(found) if tree[0] == "and" else any(found) if tree[0] == "or" else not found[0]
    _, field, operator, values = tree
    if field in ("updated", "created"):
        when, wanted = issue[field], moment(values[0], context["now"], context["zone"])
        return {">=": when >= wanted, "<=": when <= wanted, ">": when > wanted, "<": when < wanted, "=": when == wanted}[operator]
    if field == "status":
        for value in values:
            if value.lower() not in context["statuses"]:
                raise Refused("The value '%s' does not exist for the field 'status'." % value)
    has = {"project": [issue["project"]], "key": [issue["key"], issue["id"]], "id": [issue["id"], issue["key"]], "issue": [issue["key"], issue["id"]],
           "issuekey": [issue["key"], issue["id"]], "assignee": [issue["assignee"]], "reporter": [issue["reporter"]], "status": [issue["status"]],
           "statuscategory": [issue["category"]], "issuetype": [issue["type"]], "type": [issue["type"]], "labels": issue["labels"], "parent": [issue["parent"]],
           "summary": [issue["summary"]], "text": [issue["summary"]], "resolution": [None], "priority": ["Medium"]}[field]
    has = [h.lower() for h in has if h]
    values = [context["me"] if v.lower() == "currentuser()" else v for v in values]
    if operator in ("is", "is not"):
        return (not has) == (operator == "is")
    if operator in ("~", "!~"):
        return any(values[0].lower() in h for h in has) == (operator == "~")
    return bool(set(has) & {v.lower() for v in values}) == (operator in ("=", "in"))
