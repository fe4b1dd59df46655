# SPDX-License-Identifier: Apache-2.0
"""The server's side of RFC 6455, as much as Socket Mode needs: frames of text, ping, pong and close, whole or in pieces."""
import base64
import hashlib
import os
import struct

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()


def frame(opcode, data, fin=True, mask=None):
    """mask: 4 bytes, as only clients send."""
    head = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if mask else 0
    if len(data) < 126:
        head += bytes([bit | len(data)])
    elif len(data) < 65536:
        head += struct.pack(">BH", bit | 126, len(data))
    else:
        head += struct.pack(">BQ", bit | 127, len(data))
    return head + (mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)) if mask else data)


def pieces(data, count):
    """A text message in count frames."""
    size = max(1, -(-len(data) // count))
    parts = [data[i:i + size] for i in range(0, len(data), size)] or [b""]
    return b"".join(frame(TEXT if i == 0 else 0, part, fin=i == len(parts) - 1) for i, part in enumerate(parts))


def read(file, masked=True):
    """(opcode, data) of the next whole message or control frame; None at the end. A client's frame that is not masked is an end, too."""
    whole, kind = b"", None
    while True:
        head = file.read(2)
        if len(head) < 2:
            return None
        opcode, length = head[0] & 0x0f, head[1] & 0x7f
        if length == 126:
            length = struct.unpack(">H", file.read(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", file.read(8))[0]
        if masked != bool(head[1] & 0x80):
            return None
        mask = file.read(4) if masked else b"\0\0\0\0"
        data = bytes(b ^ mask[i % 4] for i, b in enumerate(file.read(length)))
        if opcode >= CLOSE:
            return opcode, data
        kind = opcode if opcode else kind
        whole += data
        if head[0] & 0x80:
            return kind, whole


def client_frame(text):
    return frame(TEXT, text.encode(), mask=os.urandom(4))
