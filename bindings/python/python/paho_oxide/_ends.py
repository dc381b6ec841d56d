"""What becomes of clients when the interpreter ends, and in a forked child."""

from __future__ import annotations

import atexit
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING

from . import _native

if TYPE_CHECKING:
    from .client import Client

_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def register(client: Client) -> None:
    """Has a client's loop end with the interpreter, and its connection refused in forked children."""
    _clients.add(client)


def _at_exit() -> None:
    """Ends the loops before the interpreter does: a thread must not come back from a wait into an interpreter that is gone.

    What is not acknowledged then is not waited for: a program that wants that calls `loop_stop`.
    """
    threads = []
    for client in list(_clients):
        thread = client._thread
        if thread is not None and thread is not threading.current_thread():
            client._hurry()
            threads.append(thread)
    end = time.monotonic() + 1.0
    for thread in threads:
        # One that is inside a callback for longer is left to the interpreter.
        thread.join(max(0.0, end - time.monotonic()))
    _native.interpreter_ends()
    if any(thread.is_alive() for thread in threads):
        # One that was just coming back has the interpreter once more, and then waits for good.
        time.sleep(0.02)


def _in_child() -> None:
    _native.after_fork()
    for client in list(_clients):
        client._thread = None
        # Another thread of the parent's may have held it.
        client._thread_lock = threading.Lock()
    _clients.clear()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
