#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Canaries: secrets that no reader may find. `shout FILE` prints each in twelve encodings, in pieces that cut every one
of them; `scan FILE PATH...` looks for them in files, folders, and the databases among them; exit 1 with each find."""
import base64
import html
import json
import os
import re
import shlex
import sys
import time
import urllib.parse


def encodings(text):
    raw = text.encode()
    return {
        "plain": raw,
        "base64": base64.b64encode(raw),
        "base64, second offset": base64.b64encode(b"u" + raw),
        "base64url, third offset": base64.urlsafe_b64encode(b"u:" + raw),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "percent": urllib.parse.quote(text, safe="").encode(),
        "JSON": json.dumps(text).encode(),
        "HTML": html.escape(text).encode(),
        "shell": shlex.quote(text).encode(),
        "UTF-16LE": text.encode("utf-16-le"),
        "UTF-16BE": text.encode("utf-16-be"),
    }


def canaries(file):
    with open(file, encoding="utf-8") as lines:
        return [line.rstrip("\n") for line in lines if line.strip()]


def shout(file, gate):
    out = b"".join(b"%s\n" % form for canary in canaries(file) for form in encodings(canary).values())
    for at in range(0, len(out), 7):
        os.write(2 if at // 3500 % 2 else 1, out[at : at + 7])
        if gate and at < len(out) // 2 <= at + 7:
            open(gate + ".half", "w", encoding="utf-8").close()
            while not os.path.exists(gate):
                time.sleep(0.05)
    os.write(1, b"\n")


def reply(file):
    # What is no text is left to shout.
    for canary in canaries(file):
        for how, form in encodings(canary).items():
            if not how.startswith("UTF-16"):
                sys.stdout.write("%s\n" % form.decode())


def needles(file):
    """Of each form the part that does not depend on its neighbours."""
    found = {}
    for canary in canaries(file):
        for how, form in encodings(canary).items():
            form = form.strip(b"\"'")
            if how.startswith("base64"):
                form = form.rstrip(b"=")[4:-2]
            found[form] = "%s... as %s" % (canary[:5], how)
    return found


def files(path):
    if os.path.isfile(path):
        yield path
    for folder, _, names in os.walk(path):
        for name in names:
            yield os.path.join(folder, name)


def scan(file, paths):
    forms = needles(file)
    search = re.compile(b"|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)))
    finds = 0
    for path in (one for top in paths for one in files(top)):
        try:
            with open(path, "rb") as opened:
                data = opened.read()
        except OSError:
            continue
        for hit in search.finditer(data):
            finds += 1
            if finds <= 20:
                print("   %s: %s at %d" % (path, forms[hit.group()], hit.start()))
        if search.search(os.fsencode(path)):
            finds += 1
            print("   the name %s" % path)
    return 1 if finds else 0


if sys.argv[1] == "shout":
    shout(sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None)
elif sys.argv[1] == "reply":
    reply(sys.argv[2])
else:
    sys.exit(scan(sys.argv[2], sys.argv[3:]))
