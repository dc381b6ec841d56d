"""What `paho_oxide.aio` is made of: iterators over messages, and a client that leaves its writing to the event loop."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import AsyncIterator
from itertools import starmap
from typing import TYPE_CHECKING, Any

from . import client as paho
from ._native import Connection
from .client import MQTTMessage

if TYPE_CHECKING:
    from ._aio_carry import Carrying


class Messages(AsyncIterator[MQTTMessage]):
    """Messages in the order in which they came.

    A message of QoS 1 or 2 is acknowledged when the next one is asked for, so that one that was being worked on when the
    program failed comes again; with `manual_ack` by `Client.ack` only.
    """

    def __init__(self, client: Carrying):
        self._client = client
        self._queue: collections.deque[MQTTMessage] = collections.deque()
        self._waiters: collections.deque[asyncio.Future[None]] = collections.deque()
        self._last: MQTTMessage | None = None

    def __len__(self) -> int:
        return len(self._queue)

    def __aiter__(self) -> Messages:
        return self

    async def __anext__(self) -> MQTTMessage:
        client = self._client
        if self._last is not None:
            client._finished(self._last)
            self._last = None
        while not self._queue:
            if client._failure is not None:
                raise client._failure
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                if self._queue:
                    # Cancelled: the message stays, and whoever waits next gets the signal.
                    self._wake()
        message = self._queue.popleft()
        if client._paused:
            client._taken()
        if message.qos and not client._manual_ack:
            self._last = message
        return message

    def _wake_for_messages(self) -> None:
        """Wakes as many as there are messages for."""
        for _ in range(min(len(self._queue), len(self._waiters))):
            self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters[0]
            # In this order: one that an exception of a signal's handler leaves here has been woken.
            woken = not waiter.done()
            if woken:
                waiter.set_result(None)
            self._waiters.popleft()
            if woken:
                return

    def _wake_all(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()


class Gathering(paho.Client):
    """A client whose bytes leave together, once a turn of the event loop, and whose events go straight to their owner."""

    def __init__(self, owner: Carrying, **arguments: Any):
        self._owner = owner
        self._gathering = False
        self.at_once = False
        """The next packet is not followed by others in this turn: it leaves at once."""
        super().__init__(paho.CallbackAPIVersion.VERSION2, manual_ack=True, **arguments)

    def _begin(self) -> None:
        super()._begin()
        self._connection.gather()

    def _callbacks_changed(self) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.set_tell_published(False, True)
            connection.set_tell_pings(self._is_logging())

    def _after_sending(self, may_end: bool = False) -> None:
        if self._gathering:
            return
        if self.at_once:
            self._flush()
            self._update_registered_write()
        else:
            self._gathering = True
            asyncio.get_running_loop().call_soon(self._write_gathered)

    def _write_gathered(self) -> None:
        self._gathering = False
        self.loop_write()
        self._owner._update()

    def _tell_messages(self, connection: Connection) -> None:
        owner = self._owner
        if self._logger is None and not owner._stream_list:
            # One step of the interpreter, which no signal's handler interrupts.
            owner.messages._queue.extend(connection.bare_messages())
            owner.messages._wake_for_messages()

    def _handle_on_message(self, message: MQTTMessage) -> None:
        if self._logger is not None:
            self._log_message(message)
        stream = self._owner._stream_of(message)
        for _ in starmap(stream._queue.append, self._connection.begin((message,))):
            pass
        stream._wake_for_messages()

    def _handle_published(self, mid: int, info: Any, qos: int, code: int, packed: bytes, well: bool) -> None:
        if self._logger is not None:
            super()._handle_published(mid, info, qos, code, packed, well)
        self._owner._on_publish(mid, qos, code, well)
