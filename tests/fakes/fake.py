# SPDX-License-Identifier: Apache-2.0
"""What the fakes of the vendors share: a small HTTP/1.1 server with routes, conditional requests, pages, faults and
a log of what was asked, with published limits counted. The test steers it under /_control/, no client looks there."""
import argparse
import bisect
import collections
import hashlib
import http.server
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import urllib.parse


class Answer(Exception):
    """An answer; raised where a route ends early."""

    def __init__(self, status=200, body=None, headers=None, kind="application/json; charset=utf-8"):
        super().__init__(status)
        self.status = status
        self.headers = dict(headers or {})
        self.kind = kind
        self.json = body if not isinstance(body, (bytes, str)) else None
        self.body = body

    def bytes(self):
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Request:
    def __init__(self, method, target, headers, body, arrived):
        parts = urllib.parse.urlsplit(target)
        self.method = method
        self.path = urllib.parse.unquote(parts.path) if "%2F" not in parts.path.upper() else parts.path
        self.raw_query = parts.query
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        self.queries = urllib.parse.parse_qs(parts.query, keep_blank_values=True)
        self.headers = headers
        self.body = body
        self.arrived = arrived
        self.credential = None
        self.label = "none"

    def json(self):
        """The body as an object, or 400."""
        if not self.body:
            return {}
        try:
            return json.loads(self.body)
        except ValueError:
            raise Answer(400, {"message": "Problems parsing JSON"}) from None


def route(method, pattern, **flags):
    """Marks a method of a fake as the answer to METHOD PATTERN; {name} is one segment, {name*} any."""

    def mark(function):
        regex = re.sub(r"\{(\w+)\*\}", r"(?P<\1>.+)", pattern)
        regex = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", regex)
        function.routes = getattr(function, "routes", []) + [(method, re.compile(regex + r"\Z"), flags)]
        return function

    return mark


class Limits:
    """Published limits as sliding windows. A request over one is a violation: it is counted, and refused where enforced."""

    def __init__(self):
        self.windows = collections.defaultdict(collections.deque)
        self.peaks = collections.defaultdict(float)
        self.times = {}
        self.gaps = {}
        self.violations = []

    def count(self, name, key, at, limit, per, weight=1):
        """True when more than limit in per seconds came for (name, key)."""
        window = self.windows[name, key]
        window.append((at, weight))
        while window and window[0][0] <= at - per:
            window.popleft()
        total = sum(w for _, w in window)
        self.peaks[name] = max(self.peaks[name], total)
        return total > limit and self.violate(name, key, at, "%g in %g s, allowed %g" % (total, per, limit))

    def space(self, name, key, at, seconds, slack=0.5):
        """True when (name, key) comes sooner than seconds after or before another; slack is for the way of a request on a busy machine,
        where one that arrived first may be heard last."""
        times = self.times.setdefault((name, key), [])
        i = bisect.bisect(times, at)
        times.insert(i, at)
        near = [abs(at - times[j]) for j in (i - 1, i + 1) if 0 <= j < len(times)]
        if not near:
            return False
        gap = min(near)
        self.gaps[name] = min(self.gaps.get(name, gap), gap)
        return gap < seconds - slack and self.violate(name, key, at, "%.3f s from another, allowed %g" % (gap, seconds))

    def violate(self, name, key, at, text):
        self.violations.append({"limit": name, "key": str(key), "at": at, "text": text})
        return True

    def report(self):
        return {"violations": self.violations, "peaks": dict(self.peaks), "smallest_gaps": self.gaps}


class Fake:
    """A vendor. A subclass has routes, authenticate(), reset() and add_KIND()."""

    name = "fake"
    etags = False
    open_paths = ()

    def __init__(self, args):
        self.args = args
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.public = args.public_url
        self.table = []
        for attribute in dir(type(self)):
            for method, regex, flags in getattr(getattr(type(self), attribute), "routes", []):
                self.table.append((method, regex, getattr(self, attribute), flags))
        # The more of a pattern is literal, the sooner it is asked: /issues/comments before /issues/{number}.
        self.table.sort(key=lambda row: row[1].groups)
        self.clean()

    def clean(self):
        self.log = []
        self.faults = []
        self.writes = 0
        self.hold_at = 0
        self.held = None
        self.release_how = None
        self.inflight = 0
        self.inflight_peak = 0
        self.skew = 0.0
        self.enforce = False
        self.limits = Limits()
        self.serial = 1000
        self.reset({})

    # What a vendor fills in.
    def reset(self, options):
        pass

    def authenticate(self, request):
        """Sets request.credential and request.label, or raises an Answer."""

    def count_limits(self, request, flags):
        """Counts the request; an Answer refuses it where limits are enforced."""
        return None

    def finish(self, request, answer):
        """Headers that every answer of the vendor has."""

    def state(self):
        return {}

    def now(self):
        return time.time() + self.skew

    def next_id(self):
        self.serial += 1
        return self.serial

    def base(self, request):
        return self.public or "http://" + request.headers.get("Host", "127.0.0.1")

    # A request.
    def handle(self, request):
        with self.lock:
            self.inflight += 1
            self.inflight_peak = max(self.inflight_peak, self.inflight)
            fault = self.take_fault(request)
        record = {"method": request.method, "path": request.path, "query": request.raw_query, "at": request.arrived, "write": False}
        try:
            if fault and fault["kind"] == "delay":
                time.sleep(fault.get("seconds", 1))
            if fault and fault["kind"] in ("status", "html", "refuse"):
                answer = self.fault_answer(fault)
            else:
                answer = self.dispatch(request, record)
        finally:
            with self.lock:
                self.inflight -= 1
        with self.lock:
            if fault and fault["kind"] == "empty":
                answer = self.emptied(answer, fault)
            if not fault or fault["kind"] not in ("status", "html"):
                self.finish(request, answer)
                self.condition(request, answer)
            record.update(status=answer.status, credential=request.label, fault=fault and fault["kind"])
            record["applied"] = record["write"] and answer.status < 400 and not answer.headers.pop("X-Not-Applied", None)
            record["n"] = len(self.log) + 1
            self.log.append(record)
            held = False
            if record["applied"]:
                self.writes += 1
                record["nth"] = self.writes
                held = self.writes == self.hold_at
            self.changed.notify_all()
        if held:
            self.hold(record, answer)
        if fault and fault["kind"] in ("truncate", "drop", "refuse", "big"):
            answer.headers["X-Fault"] = fault["kind"]
            answer.fault = fault
        return answer

    def dispatch(self, request, record):
        try:
            with self.lock:
                self.rewrite(request)
                found = None
                others = False
                for method, regex, function, flags in self.table:
                    match = regex.match(request.path)
                    if match and method == request.method:
                        found = function, flags, {k: urllib.parse.unquote(v) for k, v in match.groupdict().items()}
                        break
                    others = others or bool(match)
                record["write"] = bool(found and found[1].get("write"))
                self.authenticate(request)
                refused = self.count_limits(request, found[1] if found else {})
                if refused:
                    return refused
                if not found:
                    return self.no_route(request, others)
                return found[0](request, **found[2]) or Answer(204)
        except Answer as answer:
            return answer
        except (KeyError, TypeError, ValueError, AttributeError) as trouble:
            import traceback
            traceback.print_exc()
            return Answer(500, {"message": "fake %s: %r" % (self.name, trouble)})

    def rewrite(self, request):
        pass

    def no_route(self, request, others):
        return Answer(405 if others else 404, {"message": "Not Found"})

    def condition(self, request, answer):
        """ETag and 304, as GitHub does: of the body and of who asks."""
        if not self.etags or request.method != "GET" or answer.status != 200:
            return
        tag = hashlib.sha256(answer.bytes() + request.label.encode() + request.headers.get("Accept", "").encode()).hexdigest()[:40]
        answer.headers["ETag"] = 'W/"%s"' % tag
        wanted = [t.strip().removeprefix("W/") for t in request.headers.get("If-None-Match", "").split(",")]
        if '"%s"' % tag in wanted:
            answer.status, answer.body = 304, None

    def paged(self, request, items, link, size=30, most=100):
        """One page of items by page and per_page, with header Link for its neighbours."""
        try:
            per = max(1, min(int(request.query.get("per_page", size)), most))
            page = max(1, int(request.query.get("page", 1)))
        except ValueError:
            raise Answer(422, {"message": "Validation Failed"}) from None
        last = max(1, -(-len(items) // per))
        headers = {}
        if last > 1:
            links = []
            for name, number in (("prev", page - 1), ("next", page + 1), ("last", last), ("first", 1)):
                if number < 1 or number > last or (name == "last" and page == last) or (name == "first" and page == 1):
                    continue
                query = [(k, v) for k, v in urllib.parse.parse_qsl(request.raw_query) if k != "page"] + [("page", number)]
                links.append('<%s?%s>; rel="%s"' % (link, urllib.parse.urlencode(query), name))
            headers["Link"] = ", ".join(links)
        return items[(page - 1) * per:page * per], headers

    # Faults and holds.
    def take_fault(self, request):
        for fault in self.faults:
            if fault.get("method") not in (None, request.method) or not re.search(fault["path"], request.path):
                continue
            if fault.get("query") and not re.search(fault["query"], request.raw_query):
                continue
            if fault.get("skip", 0) > 0:
                fault["skip"] -= 1
                continue
            fault["hits"] = fault.get("hits", 0) + 1
            fault["count"] -= 1
            if fault["count"] <= 0:
                self.faults.remove(fault)
            return fault
        return None

    def fault_answer(self, fault):
        if fault["kind"] == "html":
            text = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
            return Answer(fault.get("status", 200), text, fault.get("headers"), "text/html; charset=utf-8")
        return Answer(fault.get("status", 503), fault.get("body", {"message": "fault"}), fault.get("headers"))

    def emptied(self, answer, fault):
        if isinstance(answer.body, list):
            answer.body = []
        elif isinstance(answer.body, dict):
            for key in fault.get("keys", ("issues", "messages", "items", "comments")):
                if key in answer.body:
                    answer.body[key] = []
        return answer

    def hold(self, record, answer):
        with self.lock:
            self.held = record
            self.release_how = None
            self.changed.notify_all()
            while self.release_how is None:
                self.changed.wait(1)
            if self.release_how == "drop":
                answer.fault = {"kind": "drop"}
            self.held = None
            self.changed.notify_all()

    # Control.
    def control(self, request, what):
        body = json.loads(request.body) if request.body else {}
        words = what.split("/")
        verb = words[0]
        if verb == "wait":
            return self.control_wait(words[1], body, request.query)
        with self.lock:
            handler = getattr(self, "control_" + verb.replace("-", "_"), None)
            if verb == "add" and len(words) == 2:
                handler = getattr(self, "add_" + words[1].replace("-", "_"), None)
                if handler:
                    made = handler(**body)
                    self.changed.notify_all()
                    return Answer(201, made)
            if not handler:
                return Answer(404, {"message": "no such control: " + what})
            return Answer(200, handler(body, request.query))

    def control_reset(self, body, query):
        self.clean()
        self.reset(body)
        self.changed.notify_all()
        return {}

    def control_state(self, body, query):
        return self.state()

    def control_public(self, body, query):
        self.public = body["url"].rstrip("/")
        return {}

    def control_set(self, body, query):
        """skew: seconds by which the vendor's clock is ahead; enforce: refuse what is over a limit; others are the vendor's."""
        for key, value in body.items():
            if not hasattr(self, key):
                raise ValueError(key)
            setattr(self, key, value)
        return {}

    def control_fault(self, body, query):
        kinds = ("status", "html", "truncate", "drop", "refuse", "delay", "big", "empty")
        if body.get("kind") not in kinds:
            raise ValueError("kind is one of " + ", ".join(kinds))
        fault = dict({"path": ".", "count": 1}, **body)
        self.faults.append(fault)
        return fault

    def control_faults(self, body, query):
        return self.faults

    def control_clear(self, body, query):
        self.faults = []
        return {}

    def control_hold(self, body, query):
        """nth: the write, counted from the last reset, that is applied but not answered before it is released."""
        self.hold_at = int(body["nth"])
        return {"writes": self.writes}

    def control_held(self, body, query):
        return {"held": self.held}

    def control_release(self, body, query):
        """drop: the connection ends without an answer."""
        self.hold_at = 0
        self.release_how = "drop" if body.get("drop") else "answer"
        self.changed.notify_all()
        return {}

    def control_wait(self, what, body, query):
        """held, requests, writes, sockets (more than after): waits up to timeout seconds."""
        end = time.monotonic() + float(query.get("timeout", 30))
        after = int(query.get("after", 0))
        while True:
            with self.lock:
                if what == "held" and self.held:
                    return Answer(200, {"held": self.held})
                if what == "requests" and len(self.selected(query)) > after:
                    return Answer(200, {"requests": len(self.log)})
                if what == "sockets" and self.control_sockets({}, {})["open"] > after:
                    return Answer(200, self.control_sockets({}, {}))
                if what == "writes" and self.writes > after:
                    return Answer(200, {"writes": self.writes})
                left = end - time.monotonic()
                if left <= 0:
                    return Answer(408, {"message": "nothing of the kind"})
                self.changed.wait(min(left, 1))

    def selected(self, query):
        since = int(query.get("since", 0))
        return [r for r in self.log[since:] if re.search(query.get("path", "."), r["path"])
                and query.get("method", r["method"]) == r["method"]
                and ("status" not in query or str(r["status"]) == query["status"])
                and ("write" not in query or r["write"])]

    def control_requests(self, body, query):
        return self.selected(query)

    def control_counts(self, body, query):
        chosen = self.selected(query)
        by = collections.Counter("%s %s" % (r["method"], r["status"]) for r in chosen)
        gets = [r for r in chosen if r["method"] == "GET"]
        return {"requests": len(chosen), "total": len(self.log), "writes": sum(1 for r in chosen if r.get("applied")),
                "all_writes": self.writes, "by": by, "gets": len(gets), "not_modified": sum(1 for r in gets if r["status"] == 304),
                "concurrent": self.inflight_peak, "faults": sum(1 for r in chosen if r["fault"])}

    def control_limits(self, body, query):
        return dict(self.limits.report(), concurrent=self.inflight_peak)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def log_message(self, *args):
        pass

    def read_body(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            body = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                body += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def serve(self):
        arrived = time.time()
        fake = self.server.fake
        try:
            # A front says when it was asked: what Prism takes meanwhile is not the client's.
            arrived = float(self.headers.get("X-Arrived") or arrived)
            request = Request(self.command, self.path, self.headers, self.read_body(), arrived)
            if request.path.startswith("/_control/"):
                try:
                    answer = fake.control(request, request.path[len("/_control/"):])
                except (KeyError, ValueError, TypeError) as trouble:
                    answer = Answer(400, {"message": repr(trouble)})
                except Answer as early:
                    answer = early
            elif self.headers.get("Upgrade", "").lower() == "websocket":
                self.close_connection = True
                fake.websocket(self, request)
                return
            else:
                answer = fake.handle(request)
            self.answer(answer)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def answer(self, answer):
        fault = getattr(answer, "fault", {})
        body = answer.bytes()
        if fault.get("kind") in ("drop", "refuse"):
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        length = len(body)
        if fault.get("kind") == "big":
            length = fault.get("bytes", 100 << 20)
        self.send_response(answer.status)
        self.send_header("Date", self.date_time_string(self.server.fake.now()))
        if body or answer.status not in (204, 304):
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(length))
        for name, value in answer.headers.items():
            if not name.startswith("X-Fault"):
                self.send_header(name, str(value))
        if self.headers.get("X-Arrived"):
            # A proxy that keeps idle connections loses requests to their ends; it gets a new one each time.
            self.close_connection = True
            self.send_header("Connection", "close")
        self.end_headers()
        if fault.get("kind") == "truncate":
            self.wfile.write(body[:len(body) // 2])
            self.close_connection = True
        elif fault.get("kind") == "big":
            piece = b" " * 65536
            sent = 0
            while sent < length:
                self.wfile.write(piece[:length - sent])
                sent += len(piece)
        elif self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
        if fault.get("kind") == "truncate":
            self.connection.shutdown(socket.SHUT_RDWR)

    def send_response(self, code, message=None):
        self.send_response_only(code, message)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = serve


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (BrokenPipeError, ConnectionResetError)):
            super().handle_error(request, client_address)


def watch_parent(pid):
    """Ends with the process that wanted the fake, however that one ends."""
    while True:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            os._exit(0)
        time.sleep(0.5)


def start(fake_class, args):
    """A server in a thread of this process; for the fakes' own tests."""
    server = Server(("127.0.0.1", args.port), Handler)
    server.fake = fake_class(args)
    server.fake.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def parser(name):
    line = argparse.ArgumentParser(description="A stateful fake of %s on 127.0.0.1; prints its port." % name)
    line.add_argument("--port", type=int, default=0, help="0: the system chooses")
    line.add_argument("--public-url", default="", help="what links in answers begin with; else what Host says")
    line.add_argument("--parent", type=int, default=os.getppid(), help="process to end with; 0: none")
    return line


def main(fake_class, args):
    server = start(fake_class, args)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    print(server.server_address[1], flush=True)
    if args.parent > 0:
        watch_parent(args.parent)
    while True:
        signal.pause()
