#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A stateful fake of Slack's Web API and of Socket Mode, as far as drover uses them. Errors are HTTP 200 with ok:false, as Slack's are."""
import collections
import json
import os
import re
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import websocket as ws  # noqa: E402
from fake import Answer, Fake, main, parser, route  # noqa: E402

TIERS = {1: 5, 2: 20, 3: 50, 4: 100}  # a minute; tier 1 is "1+" with small bursts
BOT, APP, TEAM = "U0BOT", "A0DROVER", "T0ACME"


def method(name, tier, write=False, json_body=False):
    """A Web API method: POST with a form, reads as GET too; JSON only where Slack takes it."""
    path = "/api/" + re.escape(name)

    def mark(function):
        flags = {"write": write, "tier": tier, "name": name, "json": json_body or write}
        function = route("POST", path, **flags)(function)
        return function if write else route("GET", path, **flags)(function)

    return mark


class Failed(Answer):
    """HTTP 200 that says ok:false."""

    def __init__(self, error, **more):
        super().__init__(200, dict({"ok": False, "error": error}, **more), {"X-Not-Applied": "1"})


class Slack(Fake):
    name = "Slack"

    def reset(self, options):
        self.last_ts = 0.0
        self.users, self.channels, self.groups, self.tokens = {}, {}, {}, {}
        self.history_small = options.get("history_small", False)
        self.history_page = options.get("history_page", 1000)
        self.ping_every = options.get("ping_every", 10)
        self.ack_within = options.get("ack_within", 3)
        self.wss_tickets = set()
        self.events_sent, self.acks, self.retries, self.connections_made, self.lost = 0, 0, 0, 0, 0
        self.pieces = 1
        for link in getattr(self, "links", []):
            link.gone = True
        self.links = []
        self.add_user(BOT, "drover", bot=True)
        self.add_token(options.get("token", "xoxb-fake"), "bot")
        self.add_token(options.get("app_token", "xapp-fake"), "app")

    # Who asks, with what.
    def authenticate(self, request):
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        kind = request.headers.get("Content-Type", "").split(";")[0].strip()
        request.args, request.was_json = dict(request.query), kind == "application/json"
        if kind == "application/x-www-form-urlencoded":
            request.args.update(urllib.parse.parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        elif request.was_json and request.body:
            try:
                request.said = json.loads(request.body)
            except ValueError:
                raise Failed("invalid_json") from None
        if "token" in request.query:
            raise Failed("not_authed")
        value = value if scheme.lower() == "bearer" else request.args.pop("token", "")
        if not value:
            raise Failed("not_authed")
        request.credential = self.tokens.get(value)
        request.label = request.credential["kind"] if request.credential else "unknown"
        if not request.credential:
            raise Failed("invalid_auth")
        if request.credential.get("revoked"):
            raise Failed("token_revoked")

    def count_limits(self, request, flags):
        if not flags:
            return None
        name, at = flags["name"], request.arrived
        self.read_args(request, flags)
        if name == "chat.postMessage":
            over = self.limits.space("a second between messages of a channel", request.args.get("channel"), at, 1)
            wait = 1
        elif name in ("conversations.history", "conversations.replies") and self.history_small:
            over, wait = self.limits.count(name + " per minute", TEAM, at, 1, 60), 60
        else:
            over, wait = self.limits.count(name + " per minute", TEAM, at, TIERS[flags["tier"]], 60), 30
        if over and self.enforce:
            return Answer(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(wait), "X-Not-Applied": "1"})
        if request.credential["kind"] == "app" and name not in ("apps.connections.open", "auth.test"):
            return Failed("not_allowed_token_type")
        if request.credential["kind"] == "bot" and name == "apps.connections.open":
            return Failed("not_allowed_token_type")
        needed = {"chat.postMessage": "chat:write", "reactions.add": "reactions:write", "conversations.history": "channels:history",
                  "users.info": "users:read"}.get(name)
        scopes = request.credential["scopes"]
        if needed and scopes is not None and needed not in scopes:
            return Failed("missing_scope", needed=needed, provided=",".join(scopes))
        return None

    def read_args(self, request, flags):
        # JSON counts for nothing where a method does not take it: its arguments are missing then.
        if request.was_json and flags["json"] and isinstance(getattr(request, "said", None), dict):
            request.args.update(request.said)

    def finish(self, request, answer):
        answer.headers.setdefault("X-Slack-Req-Id", "fake%d" % (len(self.log) + 1))
        if request.credential and request.credential.get("scopes") is not None:
            answer.headers["X-OAuth-Scopes"] = ",".join(request.credential["scopes"])
        if getattr(request, "was_json", False) and "charset" not in request.headers.get("Content-Type", "") and isinstance(answer.body, dict) and answer.body.get("ok"):
            answer.body["warning"] = "missing_charset"
            answer.body.setdefault("response_metadata", {})["warnings"] = ["missing_charset"]

    def no_route(self, request, others):
        return Failed("unknown_method", req_method=request.path.rsplit("/", 1)[-1])

    def next_ts(self, at=None):
        self.last_ts = max(self.last_ts + 0.000001, at or self.now())
        return "%.6f" % self.last_ts

    def channel_of(self, request, member=True):
        channel = self.channels.get(request.args.get("channel"))
        if not channel:
            raise Failed("channel_not_found")
        if member and BOT not in channel["members"]:
            raise Failed("not_in_channel")
        return channel

    def message_of(self, channel, ts):
        found = channel["messages"].get(ts)
        if not found:
            raise Failed("message_not_found")
        return found

    def cursor_page(self, request, items, name, fallback=100, most=1000, **more):
        try:
            size = min(int(request.args.get("limit") or fallback), most)
            start = int((request.args.get("cursor") or "b2Zm0=")[4:].rstrip("=") or 0)
        except ValueError:
            raise Failed("invalid_cursor") from None
        if request.args.get("cursor") and not request.args["cursor"].startswith("b2Zm"):
            raise Failed("invalid_cursor")
        following = "b2Zm%d=" % (start + size) if start + size < len(items) else ""
        return Answer(200, dict({"ok": True, name: items[start:start + size], "response_metadata": {"next_cursor": following}}, **more))

    # Shapes.
    def channel_shape(self, channel):
        return {"id": channel["id"], "name": channel["name"], "name_normalized": channel["name"], "is_channel": not channel["im"], "is_group": False, "is_im": channel["im"], "is_mpim": False,
                "is_private": channel["private"], "is_archived": channel["archived"], "is_general": False, "is_member": BOT in channel["members"], "is_shared": False,
                "is_org_shared": False, "is_ext_shared": False, "created": 1700000000, "creator": "U0ANA", "num_members": len(channel["members"]),
                "topic": {"value": "", "creator": "", "last_set": 0}, "purpose": {"value": "", "creator": "", "last_set": 0}, "unlinked": 0}

    def message_shape(self, channel, message, metadata):
        shape = {k: v for k, v in message.items() if k not in ("metadata", "reactions", "gone")}
        if message.get("metadata"):
            shape["metadata"] = message["metadata"] if metadata else {"event_type": message["metadata"]["event_type"]}
        if message["reactions"]:
            shape["reactions"] = [{"name": n, "users": u, "count": len(u)} for n, u in message["reactions"].items() if u]
        replies = [m for m in channel["messages"].values() if m.get("thread_ts") == message["ts"] and m["ts"] != message["ts"]]
        if replies:
            shape.update(thread_ts=message["ts"], reply_count=len(replies), reply_users_count=len({m["user"] for m in replies}), latest_reply=replies[-1]["ts"],
                         reply_users=sorted({m["user"] for m in replies}), is_locked=False, subscribed=False)
        if message.get("thread_ts") and message["thread_ts"] != message["ts"]:
            parent = channel["messages"].get(message["thread_ts"])
            shape["parent_user_id"] = parent["user"] if parent else None
        return shape

    # The workspace.
    @method("api.test", 4)
    def api_test(self, request):
        return Answer(200, {"ok": True, "args": request.args})

    @method("auth.test", 4, json_body=True)
    def auth_test(self, request):
        if request.credential["kind"] == "app":
            return Answer(200, {"ok": True, "app_name": "drover", "app_id": APP})
        return Answer(200, {"ok": True, "url": "https://acme.slack.com/", "team": "Acme", "user": "drover", "team_id": TEAM, "user_id": BOT, "bot_id": "B0BOT",
                            "is_enterprise_install": False})

    @method("team.info", 3)
    def team_info(self, request):
        return Answer(200, {"ok": True, "team": {"id": TEAM, "name": "Acme", "domain": "acme", "email_domain": "", "icon": {}}})

    @method("users.info", 4)
    def users_info(self, request):
        user = self.users.get(request.args.get("user"))
        if not user:
            raise Failed("user_not_found")
        return Answer(200, {"ok": True, "user": self.user_shape(user)})

    def user_shape(self, user):
        return {"id": user["id"], "team_id": user["team"], "name": user["name"], "deleted": user["deleted"], "real_name": user["name"], "tz": "UTC", "tz_offset": 0, "profile": {
            "real_name": user["name"], "display_name": user["name"], "team": user["team"], "bot_id": "B0BOT" if user["bot"] else ""}, "is_bot": user["bot"], "is_app_user": False,
            "is_admin": False, "is_restricted": user["guest"], "is_ultra_restricted": False, "is_stranger": user["team"] != TEAM, "updated": 1700000000}

    @method("users.list", 2)
    def users_list(self, request):
        return self.cursor_page(request, [self.user_shape(u) for u in self.users.values()], "members")

    @method("bots.info", 3)
    def bots_info(self, request):
        return Answer(200, {"ok": True, "bot": {"id": "B0BOT", "deleted": False, "name": "drover", "app_id": APP, "user_id": BOT}})

    @method("usergroups.list", 2)
    def usergroups_list(self, request):
        return Answer(200, {"ok": True, "usergroups": [{"id": g["id"], "team_id": TEAM, "name": g["handle"], "handle": g["handle"], "is_usergroup": True,
                                                        "users": g["users"], "user_count": len(g["users"])} for g in self.groups.values()]})

    @method("usergroups.users.list", 2)
    def usergroups_users_list(self, request):
        group = self.groups.get(request.args.get("usergroup"))
        if not group:
            raise Failed("no_such_subteam")
        return Answer(200, {"ok": True, "users": group["users"]})

    # Conversations.
    def listed(self, request, channels):
        types = (request.args.get("types") or "public_channel").split(",")
        return [self.channel_shape(c) for c in channels if (c["im"] and "im" in types) or (not c["im"] and ("private_channel" if c["private"] else "public_channel") in types)]

    @method("conversations.list", 2)
    def conversations_list(self, request):
        seen = [c for c in self.channels.values() if not c["private"] or BOT in c["members"]]
        return self.cursor_page(request, self.listed(request, seen), "channels")

    @method("users.conversations", 3)
    def users_conversations(self, request):
        who = request.args.get("user") or BOT
        return self.cursor_page(request, self.listed(request, [c for c in self.channels.values() if who in c["members"]]), "channels")

    @method("conversations.info", 3)
    def conversations_info(self, request):
        return Answer(200, {"ok": True, "channel": self.channel_shape(self.channel_of(request, member=False))})

    @method("conversations.members", 4)
    def conversations_members(self, request):
        return self.cursor_page(request, self.channel_of(request, member=False)["members"], "members")

    @method("conversations.join", 3, write=True)
    def conversations_join(self, request):
        channel = self.channel_of(request, member=False)
        channel["members"].append(BOT)
        return Answer(200, {"ok": True, "channel": self.channel_shape(channel)})

    @method("conversations.open", 3, write=True)
    def conversations_open(self, request):
        user = (request.args.get("users") or "").split(",")[0]
        if user not in self.users:
            raise Failed("user_not_found")
        for channel in self.channels.values():
            if channel["im"] and user in channel["members"]:
                break
        else:
            channel = self.channels[self.add_channel("D" + user[1:], user, im=True, members=[user, BOT])["id"]]
        return Answer(200, {"ok": True, "channel": {"id": channel["id"]}})

    def between(self, request, messages):
        """Those after oldest and before latest; both are left out unless inclusive."""
        oldest, latest = request.args.get("oldest") or "0", request.args.get("latest") or "9999999999"
        for text in (oldest, latest):
            if not re.match(r"\d{1,10}(\.\d{1,6})?\Z", text):
                raise Failed("invalid_ts_oldest" if text == oldest else "invalid_ts_latest")
        both = str(request.args.get("inclusive", "")).lower() in ("true", "1")
        low, high = ("%017.6f" % float(t) for t in (oldest, latest))
        return [m for m in messages if (low < (t := "%017.6f" % float(m["ts"])) < high) or (both and t in (low, high))]

    def whole_metadata(self, request):
        return str(request.args.get("include_all_metadata", "")).lower() in ("true", "1")

    @method("conversations.history", 3)
    def conversations_history(self, request):
        channel = self.channel_of(request)
        top = [m for m in channel["messages"].values() if m.get("thread_ts", m["ts"]) == m["ts"] or m.get("subtype") == "thread_broadcast"]
        found = [self.message_shape(channel, m, self.whole_metadata(request)) for m in sorted(self.between(request, top), key=lambda m: float(m["ts"]), reverse=True)]
        answer = self.cursor_page(request, found, "messages", most=15 if self.history_small else self.history_page, pin_count=0)
        answer.body["has_more"] = bool(answer.body["response_metadata"]["next_cursor"])
        if not answer.body["has_more"]:
            del answer.body["response_metadata"]
        return answer

    @method("conversations.replies", 3)
    def conversations_replies(self, request):
        channel = self.channel_of(request)
        if request.args.get("ts") not in channel["messages"]:
            raise Failed("thread_not_found")
        ts = request.args["ts"]
        root = channel["messages"][ts].get("thread_ts", ts)
        # The parent comes first, whatever oldest says.
        replies = sorted((m for m in channel["messages"].values() if m.get("thread_ts") == root and m["ts"] != root), key=lambda m: float(m["ts"]))
        found = [channel["messages"][root]] + self.between(request, replies)
        found = [self.message_shape(channel, m, self.whole_metadata(request)) for m in found]
        answer = self.cursor_page(request, found, "messages", most=15 if self.history_small else self.history_page)
        answer.body["has_more"] = bool(answer.body["response_metadata"]["next_cursor"])
        return answer

    # Messages.
    @method("chat.postMessage", 4, write=True)
    def chat_post_message(self, request):
        args, channel = request.args, self.channel_of(request)
        if channel["archived"]:
            raise Failed("is_archived")
        if not args.get("text") and not args.get("blocks") and not args.get("attachments"):
            raise Failed("no_text")
        if len(args.get("text") or "") > 40000:
            raise Failed("msg_too_long")
        if args.get("thread_ts") and args["thread_ts"] not in channel["messages"]:
            raise Failed("thread_not_found")
        made = self.post(channel, BOT, args.get("text") or "", args.get("thread_ts"), self.part(args, "metadata"), self.part(args, "blocks"))
        if args.get("thread_ts") and str(args.get("reply_broadcast", "")).lower() == "true":
            made["subtype"] = "thread_broadcast"
        return Answer(200, {"ok": True, "channel": channel["id"], "ts": made["ts"], "message": self.message_shape(channel, made, True)})

    def part(self, args, name):
        """blocks and metadata: JSON, as text in a form."""
        value = args.get(name)
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                raise Failed("invalid_" + name) from None
        if name == "blocks":
            for block in value or []:
                if len(json.dumps(block.get("text", ""))) > 3100:
                    raise Failed("invalid_blocks")
        if name == "metadata" and value and (not re.match(r"\w+\Z", value.get("event_type", "")) or not isinstance(value.get("event_payload"), dict)):
            raise Failed("invalid_metadata_format")
        return value

    @method("chat.update", 3, write=True)
    def chat_update(self, request):
        args, channel = request.args, self.channel_of(request)
        message = self.message_of(channel, args.get("ts"))
        if message["user"] != BOT:
            raise Failed("cant_update_message")
        if not args.get("text") and not args.get("blocks"):
            raise Failed("no_text")
        if len(args.get("text") or "") > 40000:
            raise Failed("msg_too_long")
        message["text"] = args.get("text") or message["text"]
        message["edited"] = {"user": BOT, "ts": self.next_ts()}
        if self.part(args, "metadata"):
            message["metadata"] = self.part(args, "metadata")
        self.send_event({"type": "message", "subtype": "message_changed", "channel": channel["id"], "ts": message["edited"]["ts"], "message": self.message_shape(channel, message, True),
                         "event_ts": message["edited"]["ts"], "hidden": True})
        return Answer(200, {"ok": True, "channel": channel["id"], "ts": message["ts"], "text": message["text"], "message": self.message_shape(channel, message, True)})

    @method("chat.delete", 3, write=True)
    def chat_delete(self, request):
        channel = self.channel_of(request)
        message = self.message_of(channel, request.args.get("ts"))
        if message["user"] != BOT:
            raise Failed("cant_delete_message")
        del channel["messages"][message["ts"]]
        return Answer(200, {"ok": True, "channel": channel["id"], "ts": message["ts"]})

    @method("chat.getPermalink", 4)
    def chat_get_permalink(self, request):
        channel = self.channel_of(request, member=False)
        message = self.message_of(channel, request.args.get("message_ts"))
        return Answer(200, {"ok": True, "channel": channel["id"], "permalink": "https://acme.slack.com/archives/%s/p%s" % (channel["id"], message["ts"].replace(".", ""))})

    # Reactions.
    def reacted(self, request):
        if not re.match(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?\Z", request.args.get("name") or ""):
            raise Failed("invalid_name")
        return self.message_of(self.channel_of(request), request.args.get("timestamp"))["reactions"].setdefault(request.args["name"], [])

    @method("reactions.add", 3, write=True)
    def reactions_add(self, request):
        users = self.reacted(request)
        if BOT in users:
            raise Failed("already_reacted")
        users.append(BOT)
        return Answer(200, {"ok": True})

    @method("reactions.remove", 2, write=True)
    def reactions_remove(self, request):
        users = self.reacted(request)
        if BOT not in users:
            raise Failed("no_reaction")
        users.remove(BOT)
        return Answer(200, {"ok": True})

    @method("reactions.get", 3)
    def reactions_get(self, request):
        channel = self.channel_of(request)
        message = self.message_of(channel, request.args.get("timestamp"))
        return Answer(200, {"ok": True, "type": "message", "channel": channel["id"], "message": self.message_shape(channel, message, False)})

    # Socket Mode.
    @method("apps.connections.open", 1, json_body=True)
    def apps_connections_open(self, request):
        ticket = os.urandom(8).hex()
        self.wss_tickets.add(ticket)
        return Answer(200, {"ok": True, "url": "ws://127.0.0.1:%d/link/?ticket=%s&app_id=%s" % (self.port, ticket, APP)})

    def websocket(self, handler, request):
        """One connection, until either side ends it."""
        key, ticket = handler.headers.get("Sec-WebSocket-Key"), request.query.get("ticket")
        with self.lock:
            good = request.path == "/link/" and key and handler.headers.get("Sec-WebSocket-Version") == "13" and ticket in self.wss_tickets
            self.wss_tickets.discard(ticket)
            full = sum(1 for l in self.links if not l.gone) >= 10
        if not good:
            handler.answer(Answer(400, {"ok": False, "error": "bad_handshake"}))
            return
        handler.wfile.write(("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n" % ws.accept_key(key)).encode())
        handler.wfile.flush()
        link = Link(self, handler)
        with self.lock:
            self.connections_made += 1
            self.links.append(link)
            count = sum(1 for l in self.links if not l.gone)
            self.changed.notify_all()
        if full:
            link.say({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {"host": "fake"}})
            link.gone = True
            return
        link.say({"type": "hello", "num_connections": count, "connection_info": {"app_id": APP}, "debug_info": {"host": "fake", "build_number": 1, "approximate_connection_time": 18060}})
        threading.Thread(target=link.tend, daemon=True).start()
        link.listen()

    def send_event(self, event):
        """To one of the connections, once; to none when there is none."""
        inner = dict(event, team=TEAM)
        payload = {"token": "verification", "team_id": TEAM, "api_app_id": APP, "event": inner, "type": "event_callback", "event_id": "Ev%08d" % self.next_id(), "event_time": int(self.now()),
                   "authorizations": [{"enterprise_id": None, "team_id": TEAM, "user_id": BOT, "is_bot": True, "is_enterprise_install": False}], "is_ext_shared_channel": False,
                   "event_context": "4-fake"}
        open_links = [l for l in self.links if not l.gone]
        if not open_links:
            self.lost += 1
            return
        self.events_sent += 1
        envelope = {"envelope_id": os.urandom(8).hex(), "payload": payload, "type": "events_api", "accepts_response_payload": False, "retry_attempt": 0, "retry_reason": ""}
        open_links[self.events_sent % len(open_links)].deliver(envelope)

    # Control: what people do.
    def add_user(self, id, name=None, bot=False, team=TEAM, deleted=False, guest=False):
        self.users[id] = {"id": id, "name": name or id.lower(), "bot": bot, "team": team, "deleted": deleted, "guest": guest}
        return {"id": id}

    def add_token(self, token, kind="bot", scopes=None, revoked=False):
        self.tokens[token] = {"kind": kind, "scopes": scopes, "revoked": revoked}
        return {}

    def add_channel(self, id, name=None, private=False, im=False, members=None, archived=False):
        self.channels[id] = {"id": id, "name": name or id.lower(), "private": private, "im": im, "archived": archived, "messages": collections.OrderedDict(),
                             "members": list(members) if members is not None else [BOT]}
        return {"id": id}

    def add_group(self, id, handle, users):
        self.groups[id] = {"id": id, "handle": handle, "users": users}
        return {}

    def add_message(self, channel, text, user="U0ANA", thread_ts=None, bot_id=None, subtype=None, at=None):
        if user not in self.users:
            self.add_user(user)
        made = self.post(self.channels[channel], user, text, thread_ts, bot_id=bot_id, subtype=subtype, at=at)
        return {"ts": made["ts"]}

    def post(self, channel, user, text, thread_ts=None, metadata=None, blocks=None, bot_id=None, subtype=None, at=None):
        ts = self.next_ts(at)
        message = {"type": "message", "user": user, "text": text, "ts": ts, "team": TEAM, "reactions": {},
                   "blocks": blocks or [{"type": "rich_text", "block_id": "b1", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}]}]}
        if user == BOT or bot_id:
            message.update(bot_id=bot_id or "B0BOT", app_id=APP)
        else:
            message["client_msg_id"] = "m-" + ts
        for key, value in (("thread_ts", thread_ts), ("metadata", metadata), ("subtype", subtype)):
            if value:
                message[key] = value
        channel["messages"][ts] = message
        if thread_ts and thread_ts in channel["messages"]:
            channel["messages"][thread_ts]["thread_ts"] = thread_ts
        event = dict({k: v for k, v in message.items() if k != "reactions"}, channel=channel["id"], event_ts=ts, channel_type="im" if channel["im"] else "channel")
        # A mention is told twice: as what was said, and as a mention.
        self.send_event(event)
        if "<@%s>" % BOT in text and not channel["im"]:
            self.send_event({k: v for k, v in dict(event, type="app_mention").items() if k != "channel_type"})
        return message

    def control_edit(self, body, query):
        """A person edits a message: {"channel","ts","text"}."""
        channel = self.channels[body["channel"]]
        message = channel["messages"][body["ts"]]
        before = dict(message)
        message.update(text=body["text"], edited={"user": message["user"], "ts": self.next_ts()})
        self.send_event({"type": "message", "subtype": "message_changed", "channel": channel["id"], "ts": message["edited"]["ts"], "event_ts": message["edited"]["ts"], "hidden": True,
                         "message": self.message_shape(channel, message, True), "previous_message": self.message_shape(channel, before, True)})
        return {}

    def control_delete(self, body, query):
        self.channels[body["channel"]]["messages"].pop(body["ts"])
        return {}

    def control_socket(self, body, query):
        """do: "drop" ends every connection without a word, "disconnect" asks clients to leave for a reason, "raw" sends text as it is."""
        for link in [l for l in self.links if not l.gone]:
            if body["do"] == "drop":
                link.end()
            elif body["do"] == "disconnect":
                link.say({"type": "disconnect", "reason": body.get("reason", "refresh_requested"), "debug_info": {"host": "fake"}})
            else:
                link.send(ws.frame(ws.TEXT, body["text"].encode()))
        return {}

    def control_sockets(self, body, query):
        return {"open": sum(1 for l in self.links if not l.gone), "made": self.connections_made, "sent": self.events_sent, "acks": self.acks, "retries": self.retries, "lost": self.lost}

    def state(self):
        return {c["id"]: [dict(m, reactions={k: v for k, v in m["reactions"].items() if v}) for m in c["messages"].values()] for c in self.channels.values()}


class Link:
    """A WebSocket connection: what was sent and not acknowledged is sent again."""

    def __init__(self, fake, handler):
        self.fake = fake
        self.handler = handler
        self.gone = False
        self.waiting = {}
        self.writing = threading.Lock()

    def send(self, data):
        try:
            with self.writing:
                self.handler.connection.sendall(data)
        except OSError:
            self.gone = True

    def say(self, message):
        data = json.dumps(message).encode()
        self.send(ws.pieces(data, self.fake.pieces) if self.fake.pieces > 1 else ws.frame(ws.TEXT, data))

    def deliver(self, envelope):
        self.waiting[envelope["envelope_id"]] = [time.monotonic() + self.fake.ack_within, envelope]
        self.say(envelope)

    def end(self):
        self.gone = True
        try:
            self.handler.connection.shutdown(2)
        except OSError:
            pass

    def tend(self):
        """Pings, and says again what was not acknowledged."""
        asked = time.monotonic()
        while not self.gone:
            time.sleep(0.1)
            now = time.monotonic()
            if now - asked > self.fake.ping_every:
                asked = now
                self.send(ws.frame(ws.PING, b"ping"))
            with self.fake.lock:
                for number, (due, envelope) in list(self.waiting.items()):
                    if now < due:
                        continue
                    if envelope["retry_attempt"] >= 3:
                        del self.waiting[number]
                        continue
                    envelope.update(retry_attempt=envelope["retry_attempt"] + 1, retry_reason="timeout")
                    self.fake.retries += 1
                    self.deliver(envelope)

    def listen(self):
        while not self.gone:
            try:
                got = ws.read(self.handler.rfile)
            except (OSError, ValueError):
                got = None
            if not got or got[0] == ws.CLOSE:
                if got:
                    self.send(ws.frame(ws.CLOSE, got[1]))
                break
            if got[0] == ws.PING:
                self.send(ws.frame(ws.PONG, got[1]))
            elif got[0] == ws.TEXT:
                try:
                    number = json.loads(got[1]).get("envelope_id")
                except (ValueError, AttributeError):
                    break
                with self.fake.lock:
                    if self.waiting.pop(number, None):
                        self.fake.acks += 1
                    self.fake.changed.notify_all()
        self.gone = True


if __name__ == "__main__":
    main(Slack, parser("Slack").parse_args())
