# SPDX-License-Identifier: Apache-2.0
"""Atlassian's document format: whether Jira would take a body, and the words in it. The vendor's own schema is used as
well where it and python3-jsonschema are there; the table below is what drover may write and Jira's examples hold."""
import json

INLINE = {"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status"}
BLOCKS = {"paragraph", "heading", "codeBlock", "blockquote", "bulletList", "orderedList", "rule", "panel", "table", "mediaSingle", "expand", "taskList"}
CHILDREN = {"doc": BLOCKS, "paragraph": INLINE, "heading": INLINE, "codeBlock": {"text"}, "blockquote": {"paragraph", "bulletList", "orderedList", "codeBlock"},
            "bulletList": {"listItem"}, "orderedList": {"listItem"}, "listItem": {"paragraph", "bulletList", "orderedList", "codeBlock", "mediaSingle"},
            "panel": {"paragraph", "heading", "bulletList", "orderedList", "codeBlock"}, "expand": BLOCKS, "table": {"tableRow"},
            "tableRow": {"tableCell", "tableHeader"}, "tableCell": BLOCKS, "tableHeader": BLOCKS, "mediaSingle": {"media"}, "taskList": {"taskItem"},
            "taskItem": INLINE}
NEEDS = {"heading": "level", "mention": "id", "inlineCard": "url", "panel": "panelType", "link": "href", "emoji": "shortName"}
MARKS = {"strong", "em", "code", "link", "strike", "underline", "textColor", "subsup"}
NEVER_EMPTY = {"bulletList", "orderedList", "listItem", "table", "tableRow", "blockquote", "panel"}

_schema = None


def use_schema(path):
    """The vendor's schema from now on too; False where it cannot be used."""
    global _schema
    try:
        import jsonschema
        with open(path, encoding="utf-8") as file:
            _schema = jsonschema.Draft4Validator(json.load(file))
    except (ImportError, OSError, ValueError):
        return False
    return True


def wrong(body):
    """Why Jira refuses the body, or None."""
    if not isinstance(body, dict) or body.get("type") != "doc":
        return "not a document"
    if body.get("version") != 1:
        return "version is not 1"
    trouble = check(body, 0)
    if not trouble and _schema:
        first = next(_schema.iter_errors(body), None)
        trouble = first and "schema: %s at %s" % (first.message[:200], list(first.absolute_path))
    return trouble


def check(node, depth):
    kind = node.get("type")
    if depth > 60:
        return "too deep"
    if kind in NEEDS and NEEDS[kind] not in node.get("attrs", {}):
        return "%s without %s" % (kind, NEEDS[kind])
    if kind == "text":
        if not isinstance(node.get("text"), str) or not node["text"]:
            return "empty text"
        marks = [m.get("type") for m in node.get("marks", [])]
        if set(marks) - MARKS or len(set(marks)) != len(marks):
            return "marks %s" % marks
        if "code" in marks and set(marks) - {"code", "link"}:
            return "code with other marks"
        if any(m["type"] == "link" and not m.get("attrs", {}).get("href") for m in node.get("marks", [])):
            return "link without href"
        return None
    content = node.get("content", [])
    if not isinstance(content, list) or (kind in NEVER_EMPTY and not content):
        return "%s without content" % kind
    for child in content:
        if not isinstance(child, dict) or child.get("type") not in CHILDREN.get(kind, ()):
            return "%s in %s" % (child.get("type") if isinstance(child, dict) else child, kind)
        if kind == "codeBlock" and child.get("marks"):
            return "marks in codeBlock"
        trouble = check(child, depth + 1)
        if trouble:
            return trouble
    return None


def words(node):
    """The text of a document, blocks apart by newlines."""
    if isinstance(node, str):
        return node
    if not isinstance(node, dict):
        return ""
    if node.get("type") == "text":
        return node.get("text", "")
    if node.get("type") == "hardBreak":
        return "\n"
    if node.get("type") == "mention":
        return "@" + node.get("attrs", {}).get("text", node.get("attrs", {}).get("id", "")).lstrip("@")
    if node.get("type") == "inlineCard":
        return node.get("attrs", {}).get("url", "")
    parts = [words(child) for child in node.get("content", [])]
    return ("" if node.get("type") in ("paragraph", "heading", "codeBlock", "taskItem") else "\n").join(parts)


def doc(text):
    """A document of plain paragraphs."""
    paragraphs = [{"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []} for line in text.split("\n")]
    return {"type": "doc", "version": 1, "content": paragraphs}
