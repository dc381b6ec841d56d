"""What a client for asyncio does by itself: connecting, carrying bytes when the event loop says so, and who waits for what."""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
import random
from collections.abc import Iterable
from typing import Any, TypeVar

from . import client as paho
from ._aio import Gathering, Messages
from .client import MQTTMessage
from .enums import MQTTErrorCode
from .matcher import MQTTMatcher
from .packettypes import PacketTypes
from .reasoncodes import ReasonCode
from .subscribeoptions import SubscribeOptions

T = TypeVar("T")

# How late the timeout of a publish may come after another one's, in seconds.
_EXPIRY_STEP = 0.05
_NOTHING = (None, 0.0)
# Clients that lost the same server should not come back at the same moment.
_RETRY_JITTER = 0.2


class MqttError(Exception):
    """The connection is gone, could not be made, or did not answer in time."""


class MqttCodeError(MqttError):
    """The server or the client refused: `code` says why."""

    def __init__(self, code: ReasonCode | MQTTErrorCode | int, *arguments: Any):
        super().__init__(*arguments)
        self.code = code

    def __str__(self) -> str:
        text = self.code if isinstance(self.code, ReasonCode) else paho.error_string(int(self.code))
        return f"[{getattr(self.code, 'value', self.code)}] {text}"


# What programs see of them is where they are imported from.
MqttError.__module__ = MqttCodeError.__module__ = "paho_oxide.aio"


class Carrying:
    """The part of a client that makes connections, reads and writes, and wakes those who wait."""

    timeout: float
    _arguments: tuple[Any, ...]
    _reconnect: bool
    _delays: tuple[float, float]
    _max_queued: int
    _manual_ack: bool
    _client: Gathering
    _dialling: concurrent.futures.Future[BaseException | None] | None
    _subscriptions: dict[str, int | SubscribeOptions]
    _streams: MQTTMatcher
    _stream_list: list[Messages]
    messages: Messages

    def _reset(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._sock: Any = None
        self._watched: int | None = None
        self._writing: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._connack: asyncio.Future[ReasonCode] | None = None
        self._lost: asyncio.Future[ReasonCode] | None = None
        self._runner: asyncio.Task[None] | None = None
        self._failure: MqttError | None = MqttError("not connected: use `async with`")
        self._connected = asyncio.Event()
        # Publishes that wait for their acknowledgement, and until when; one timer, set to the first of those times, is for all.
        self._published: dict[int, tuple[asyncio.Future[None], float]] = {}
        self._expiry: asyncio.TimerHandle | None = None
        self._expires = math.inf
        self._answers: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._room: list[asyncio.Future[None]] = []
        # Publishes of QoS 0 that wait for a connection.
        self._offline: set[asyncio.Future[None]] = set()
        self._to_acknowledge: list[MQTTMessage] = []
        self._paused = False
        self._resumed = False
        self._client._gathering = False

    # ---- connecting --------------------------------------------------------------------------------------------------------

    async def _connect_once(self, first: bool) -> None:
        assert self._loop is not None
        self._connack = self._loop.create_future()
        self._lost = self._loop.create_future()

        # Of no event loop: one that is closed meanwhile does not hear of the end, nor would the next one that uses this client.
        dialling: concurrent.futures.Future[BaseException | None] = concurrent.futures.Future()

        def dial() -> None:
            try:
                if first:
                    self._client.connect(*self._arguments)
                else:
                    self._client.reconnect()
            except BaseException as error:
                dialling.set_result(error)
            else:
                dialling.set_result(None)

        dialling.set_running_or_notify_cancel()
        self._loop.run_in_executor(None, dial)
        self._dialling = dialling
        try:
            error = await asyncio.wrap_future(dialling)
        except asyncio.CancelledError:
            # What the thread makes is closed when it is done.
            dialling.add_done_callback(self._give_up)
            raise
        self._dialling = None
        if isinstance(error, (OSError, ValueError)):
            raise MqttError(str(error) or type(error).__name__) from error
        if error is not None:
            raise error
        self._watch()
        reason = await self._wait(self._connack, None, "the server did not answer CONNECT in time")
        if reason.is_failure:
            raise MqttCodeError(reason)
        if not self._lost.done():
            # Otherwise the end came with the answer, and has been told already.
            self._connected.set()
            for future in self._offline:
                if not future.done():
                    future.set_result(None)
            self._offline.clear()

    async def _wait(self, future: asyncio.Future[T], timeout: float | None, failure: str) -> T:
        """Waits for a future, at most so many seconds, or as many as the client's timeout is.

        Not `asyncio.wait_for`: before Python 3.12 it loses a cancellation that comes in the same turn as the result.

        :raises MqttError: it was not done in time.
        """

        def expire() -> None:
            if not future.done():
                future.set_exception(MqttError(failure))

        timer = future.get_loop().call_later(self.timeout if timeout is None else timeout, expire)
        try:
            return await future
        finally:
            timer.cancel()

    def _give_up(self, dialling: concurrent.futures.Future[BaseException | None]) -> None:
        """Closes what was made for nobody, before those who wait for the thread that made it go on."""
        if dialling.result() is None:
            self._client._sock_close()
        self._dialling = None

    def _watch(self) -> None:
        """Has the event loop watch the socket."""
        assert self._loop is not None
        sock = self._client.socket()
        if sock is None:
            raise MqttError("the connection was closed")
        self._sock = sock
        self._watched = sock.fileno()
        self._loop.add_reader(self._watched, self._readable)
        self._tick()
        if self._client.want_write():
            self._on_register_write(None, None, sock)

    def _on_socket_close(self, _client: Any, _userdata: Any, _sock: Any) -> None:
        self._unwatch()

    def _unwatch(self) -> None:
        # On the event loop's thread, but where a dial in another thread is given up, which was never watched.
        self._sock = None
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if self._watched is not None:
            loop.remove_reader(self._watched)
            self._watched = None
        if self._writing is not None:
            loop.remove_writer(self._writing)
            self._writing = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._paused = False

    def _close(self, failure: MqttError) -> None:
        if self._dialling is None:
            self._client._sock_close()
        self._unwatch()
        self._fail(failure)

    def _fail(self, failure: MqttError) -> None:
        """Ends everything that waits."""
        self._failure = failure
        self._connected.clear()
        published = [future for future, _ in self._published.values()]
        waiting: Iterable[asyncio.Future[Any]] = [*published, *self._answers.values(), *self._room, *self._offline]
        for future in waiting:
            if not future.done():
                future.set_exception(failure)
        self._published.clear()
        self._expire_at(math.inf)
        self._answers.clear()
        self._room.clear()
        self._offline.clear()
        for stream in [self.messages, *self._stream_list]:
            stream._wake_all()

    async def _run(self) -> None:
        """Waits for the loss of the connection, and connects again where that is wanted."""
        while True:
            assert self._lost is not None
            reason = await asyncio.shield(self._lost)
            if not self._reconnect:
                self._fail(MqttCodeError(reason) if reason.is_failure else MqttError("disconnected by the server"))
                return
            delay, greatest = self._delays
            while True:
                await asyncio.sleep(delay * (1 + _RETRY_JITTER * random.random()))
                delay = min(delay * 2, greatest)
                try:
                    await self._connect_once(False)
                except MqttError:
                    self._client._sock_close()
                    continue
                break
            if not self._resumed and self._subscriptions:
                self._client.subscribe(list(self._subscriptions.items()))  # type: ignore[arg-type]
                self._update()

    # ---- the event loop ----------------------------------------------------------------------------------------------------

    def _queued(self) -> int:
        """Returns how many messages wait for the program."""
        return len(self.messages) + sum(map(len, self._stream_list))

    def _wake_for_messages(self) -> None:
        """Wakes those whom an exception of a signal's handler has left asleep."""
        for stream in [self.messages, *self._stream_list]:
            stream._wake_for_messages()

    def _readable(self) -> None:
        try:
            self._client.loop_read()
        except BaseException:
            # What is left is told next time, which must come.
            assert self._loop is not None
            self._loop.call_soon(self._read_pending)
            raise
        self._update()
        if self._queued() >= self._max_queued and self._watched is not None and not self._paused:
            assert self._loop is not None
            self._paused = True
            self._loop.remove_reader(self._watched)

    def _taken(self) -> None:
        """Has the socket read again, if it is not and few messages are left."""
        if self._paused and self._queued() <= self._max_queued // 2 and self._watched is not None:
            assert self._loop is not None
            self._paused = False
            self._loop.add_reader(self._watched, self._readable)
            # Bytes that TLS has decrypted already make no socket readable.
            self._loop.call_soon(self._read_pending)

    def _read_pending(self) -> None:
        self._wake_for_messages()
        if self._sock is not None and not self._paused:
            self._readable()

    def _writable(self) -> None:
        self._client.loop_write()
        self._update()

    def _update(self) -> None:
        """Lets those go on who wait for room."""
        if self._room and not self._client.want_write():
            for future in self._room:
                if not future.done():
                    future.set_result(None)
            self._room.clear()

    def _tick(self) -> None:
        assert self._loop is not None
        try:
            self._client.loop_misc()
            self._wake_for_messages()
        finally:
            # Whatever an exception kept it from: the next one comes.
            if self._sock is not None:
                due = self._client._connection.deadline()
                self._timer = self._loop.call_later(max(0.05, min(due if due is not None else 5.0, 5.0)), self._tick)

    def _on_register_write(self, _client: Any, _userdata: Any, sock: Any) -> None:
        # While connecting in another thread nothing is watched yet: `_watch` looks for itself.
        if self._watched is not None and self._writing is None:
            assert self._loop is not None
            self._writing = self._watched
            self._loop.add_writer(self._writing, self._writable)

    def _on_unregister_write(self, _client: Any, _userdata: Any, _sock: Any) -> None:
        if self._writing is not None:
            assert self._loop is not None
            self._loop.remove_writer(self._writing)
            self._writing = None

    def _expire(self) -> None:
        """Ends the publishes whose time is over, and has the timer come back for the next one's."""
        assert self._loop is not None
        # As the loop's clock may be coarse, a timer can come a moment before its time.
        now, first = self._loop.time() + 0.001, math.inf
        for future, end in self._published.values():
            if end > now:
                first = min(first, end)
            elif not future.done():
                future.set_exception(MqttError("publish was not answered in time"))
        # All are looked at each time: not for each of many that end closely one after another.
        self._expire_at(max(first, now + _EXPIRY_STEP))

    def _expire_at(self, end: float) -> None:
        """Sets the timer to that time, or stops it."""
        if self._expiry is not None:
            self._expiry.cancel()
            self._expiry = None
        self._expires = end
        if end < math.inf:
            assert self._loop is not None
            self._expiry = self._loop.call_at(end, self._expire)

    # ---- callbacks ---------------------------------------------------------------------------------------------------------

    def _on_connect(self, _client: Any, _userdata: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._resumed = flags.session_present
        if self._connack is not None and not self._connack.done():
            self._connack.set_result(reason)

    def _on_disconnect(self, _client: Any, _userdata: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._connected.clear()
        self._unwatch()
        failure = MqttCodeError(reason) if reason.is_failure else MqttError("disconnected")
        # Un- and subscribes do not outlive their connection.
        answers, self._answers = self._answers, {}
        for future in answers.values():
            if not future.done():
                future.set_exception(failure)
        if self._connack is not None and not self._connack.done():
            self._connack.set_exception(failure)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(reason)

    def _stream_of(self, message: MQTTMessage) -> Messages:
        if self._stream_list:
            try:
                # The most specific one: a message is worked on, and acknowledged, once.
                for stream in self._streams.iter_match(message.topic):
                    return stream  # type: ignore[no-any-return]
            except UnicodeDecodeError:
                pass
        return self.messages

    def _on_publish(self, mid: int, qos: int, code: int, well: bool) -> None:
        # The coroutine that waits takes it out: this may be told again if an exception of a signal's handler interrupts it.
        future, _ = self._published.get(mid, _NOTHING)
        if future is None or future.done():
            return
        if not well:
            future.set_exception(MqttError("the message was dropped"))
        elif code < 0x80:
            future.set_result(None)
        else:
            # The codes of PUBREC are PUBACK's; PUBCOMP has one that they have not.
            kind = PacketTypes.PUBCOMP if qos == 2 and code == 0x92 else PacketTypes.PUBACK
            future.set_exception(MqttCodeError(ReasonCode(kind, identifier=code)))

    def _on_suback(self, _client: Any, _userdata: Any, mid: int, reasons: list[ReasonCode], _properties: Any) -> None:
        future = self._answers.get(mid)
        if future is not None and not future.done():
            future.set_result(reasons)

    # ---- acknowledgements ------------------------------------------------------------------------------------------------

    def _finished(self, message: MQTTMessage) -> None:
        # All that are finished in this turn of the event loop leave in one write.
        if not self._to_acknowledge and self._loop is not None:
            self._loop.call_soon(self._acknowledge)
        self._to_acknowledge.append(message)

    def _acknowledge(self) -> None:
        messages, self._to_acknowledge = self._to_acknowledge, []
        if messages and self._sock is not None:
            self._client._connection.acknowledge(messages)
            self._client.loop_write()
            self._update()
