"""Greenlets in the place of threads, as gevent's and eventlet's monkey patches make them.

All of them share one thread of the system. A wait in native code, where other threads would go on, would hold up every one of
them, also the one that brings what is waited for. So the connection is carried in Python there, on functions that the patches
have replaced.
"""

from __future__ import annotations

import select
import threading
import time
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._native import Connection, MQTTMessageInfo

# How long a wait for room goes without a look at it.
_SLICE = 0.05

# Those who wait for something that a loop brings.
_waiting: set[threading.Event] = set()


def is_patched() -> bool:
    """Returns true if whoever waits for a socket lets others run by a function of Python."""
    return not isinstance(select.select, types.BuiltinFunctionType)


def tell() -> None:
    """Has all who wait look again: a loop has read, written, called back or closed."""
    for news in list(_waiting):
        news.set()


def wait_for_publish(info: MQTTMessageInfo, timeout: float | None) -> None:
    """Waits until the publish has ended, at most so many seconds.

    :raises ValueError: as `MQTTMessageInfo.wait_for_publish`.
    :raises RuntimeError: the same.
    """
    end = None if timeout is None else time.monotonic() + timeout
    news = threading.Event()
    _waiting.add(news)
    try:
        while not info.is_published():
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            news.wait(left)
            news.clear()
    finally:
        _waiting.discard(news)


def wait_for_room(connection: Connection) -> None:
    """Waits until a loop has written so much that a publish may be added."""
    news = threading.Event()
    _waiting.add(news)
    try:
        while not connection.has_room():
            news.wait(_SLICE)
            news.clear()
    finally:
        _waiting.discard(news)


def wait_for_socket(fd: int, write: bool, alarm: int, timeout: float) -> bool:
    """Waits until the socket, or the alarm, is ready, at most so many seconds. Returns true if the alarm rang."""
    if not hasattr(select, "poll"):
        # eventlet takes it away.
        ready, _, _ = select.select([fd, alarm], [fd] if write else [], [], timeout)
        return alarm in ready
    poll = select.poll()
    poll.register(fd, select.POLLIN | (select.POLLOUT if write else 0))
    poll.register(alarm, select.POLLIN)
    return any(ready == alarm for ready, _ in poll.poll(timeout * 1000))
