"""What the daemon, the nursery and a spare say to each other: `length, JSON`, with descriptors attached."""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any

Message = dict[str, Any]

_LENGTH = struct.Struct("!I")


def send(sock: socket.socket, message: Message, fds: tuple[int, ...] = ()) -> None:
    """One message, with descriptors attached to its first byte."""
    body = json.dumps(message).encode()
    socket.send_fds(sock, [_LENGTH.pack(len(body))], list(fds))
    sock.sendall(body)


def receive(sock: socket.socket) -> tuple[Message, list[int]] | None:
    """The next message and its descriptors; None at the end, and where the other side was killed: in the
    middle of a message (its descriptors are let go of: one is a lease), or with answers of ours unread."""
    head, fds = _head(sock)
    body = _body(sock, head)
    if body is not None:
        return json.loads(body), fds
    for fd in fds:
        os.close(fd)
    return None


def _head(sock: socket.socket) -> tuple[bytes, list[int]]:
    try:
        head, fds, _, _ = socket.recv_fds(sock, _LENGTH.size, 1)
    except ConnectionResetError:
        return b"", []
    for fd in fds:
        os.set_inheritable(fd, False)
    return head, fds


def _body(sock: socket.socket, head: bytes) -> bytes | None:
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = bytearray()
    while len(body) < length:
        try:
            part = sock.recv(length - len(body))
        except ConnectionResetError:
            return None
        if not part:
            return None
        body += part
    return bytes(body)
