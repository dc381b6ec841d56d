"""A client for asyncio: no thread, no task a message, one wake-up for all that a read brings.

::

    async with paho_oxide.aio.Client("localhost", reconnect=True) as client:
        await client.subscribe("sensors/#", qos=1)
        async for message in client.messages:
            await client.publish("seen", message.topic, qos=1)
"""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, TypeVar

from . import client as paho
from ._aio import Gathering, Messages
from ._transport import WebSocketHeaders
from .client import CleanStartOption, MQTTMessage, PayloadType
from .enums import MQTTErrorCode, MQTTProtocolVersion
from .matcher import MQTTMatcher
from .packettypes import PacketTypes
from .properties import Properties
from .reasoncodes import ReasonCode
from .subscribeoptions import SubscribeOptions

__all__ = ["Client", "MQTTMessage", "Messages", "MqttCodeError", "MqttError", "Will"]

_SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS
# Clients that lost the same server should not come back at the same moment.
_RETRY_JITTER = 0.2
# Bytes that publishes of QoS 0 may leave unwritten before the event loop gets its turn.
_MOST_GATHERED = 32 * 1024

T = TypeVar("T")


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


class Will:
    """The message that the server publishes when the connection ends without DISCONNECT."""

    def __init__(
        self,
        topic: str,
        payload: PayloadType = None,
        qos: int = 0,
        retain: bool = False,
        properties: Properties | None = None,
    ):
        self.topic, self.payload, self.qos, self.retain, self.properties = topic, payload, qos, retain, properties


class Client:
    """A connection to an MQTT server, for one event loop. It can be used (``async with``) again after it was left.

    :param hostname: name or address of the server; with ``transport="unix"`` a path.
    :param identifier: the client identifier; empty: the server chooses one.
    :param protocol: MQTT 5 by default.
    :param clean_session: MQTT 3 only; True by default.
    :param clean_start: MQTT 5 only.
    :param timeout: seconds that connecting, and each operation without a timeout of its own, may take.
    :param keepalive: seconds without traffic after which the server is asked for a sign of life.
    :param reconnect: connect again when the connection is lost: subscriptions and unacknowledged messages are kept, iterators
        go on, `publish` waits. Without it iterators and operations raise `MqttError` at once.
    :param reconnect_min_delay: seconds before the first attempt; doubles up to `reconnect_max_delay`.
    :param max_queued_incoming_messages: messages that may wait for the program before the socket is not read any more.
    :param manual_ack: messages are acknowledged by `ack` only.
    """

    def __init__(
        self,
        hostname: str,
        port: int = 1883,
        *,
        username: str | None = None,
        password: str | None = None,
        identifier: str = "",
        protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5,
        will: Will | None = None,
        clean_session: bool | None = None,
        clean_start: CleanStartOption = paho.MQTT_CLEAN_START_FIRST_ONLY,
        transport: Literal["tcp", "websockets", "unix"] = "tcp",
        timeout: float = 10.0,
        keepalive: int = 60,
        bind_address: str = "",
        bind_port: int = 0,
        properties: Properties | None = None,
        tls_context: ssl.SSLContext | None = None,
        websocket_path: str = "/mqtt",
        websocket_headers: WebSocketHeaders | None = None,
        proxy: dict[str, Any] | None = None,
        reconnect: bool = False,
        reconnect_min_delay: float = 1.0,
        reconnect_max_delay: float = 120.0,
        max_inflight_messages: int = 20,
        max_queued_incoming_messages: int = 1024,
        manual_ack: bool = False,
        logger: logging.Logger | None = None,
    ):
        self._arguments = (hostname, port, keepalive, bind_address, bind_port, clean_start, properties)
        self.timeout = timeout
        self._reconnect = reconnect
        self._delays = (reconnect_min_delay, reconnect_max_delay)
        self._max_queued = max(1, max_queued_incoming_messages)
        self._manual_ack = manual_ack
        client = Gathering(self, client_id=identifier, clean_session=clean_session, protocol=protocol, transport=transport)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = client.on_unsubscribe = self._on_suback
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        client.on_socket_close = self._on_socket_close
        client.connect_timeout = timeout
        client.max_inflight_messages_set(max_inflight_messages)
        if username is not None:
            client.username_pw_set(username, password)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain, will.properties)
        if tls_context is not None:
            client.tls_set_context(tls_context)
        if transport == "websockets":
            client.ws_set_options(websocket_path, websocket_headers)
        if proxy is not None:
            client.proxy_set(**proxy)
        if logger is not None:
            client.enable_logger(logger)
        self._client = client
        self._in_use = False
        # A thread that connects, and cannot be stopped, also when nobody waits for it any more.
        self._dialling: asyncio.Future[None] | None = None
        self._subscriptions: dict[str, int | SubscribeOptions] = {}
        self._streams = MQTTMatcher()
        self._stream_list: list[Messages] = []
        self.messages = Messages(self)
        """All messages that no stream of `filtered` takes."""
        self._reset()

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
        self._published: dict[int, asyncio.Future[None]] = {}
        self._answers: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._room: list[asyncio.Future[None]] = []
        self._to_acknowledge: list[MQTTMessage] = []
        self._paused = False
        self._waiting = 0
        self._resumed = False
        self._client._gathering = False

    # ---- connecting --------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Client:
        if self._in_use:
            raise MqttError("the client is in use already")
        self._in_use = True
        try:
            if self._dialling is not None:
                # Of an earlier use that was cancelled.
                await asyncio.wait([self._dialling])
            self._reset()
            self._loop = asyncio.get_running_loop()
            await self._connect_once(True)
        except BaseException:
            self._close(MqttError("not connected: use `async with`"))
            self._in_use = False
            raise
        self._failure = None
        self._runner = self._loop.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        runner, self._runner = self._runner, None
        try:
            if runner is not None:
                runner.cancel()
                await asyncio.gather(runner, return_exceptions=True)
            self._acknowledge()
            if self._sock is not None:
                lost = self._lost
                self._client.disconnect()
                self._update()
                if lost is not None and not lost.done():
                    # For as long as it takes to write what is queued.
                    await asyncio.wait([lost], timeout=self.timeout)
        finally:
            self._close(MqttError("disconnected"))
            self._in_use = False

    async def _connect_once(self, first: bool) -> None:
        assert self._loop is not None
        self._connack = self._loop.create_future()
        self._lost = self._loop.create_future()

        def dial() -> None:
            if first:
                self._client.connect(*self._arguments)
            else:
                self._client.reconnect()

        dialling = self._dialling = self._loop.run_in_executor(None, dial)
        try:
            await asyncio.shield(dialling)
        except asyncio.CancelledError:
            # What the thread makes is closed when it is done.
            dialling.add_done_callback(self._give_up)
            raise
        except (OSError, ValueError) as error:
            self._dialling = None
            raise MqttError(str(error) or type(error).__name__) from error
        self._dialling = None
        self._watch()
        try:
            reason = await asyncio.wait_for(self._connack, self.timeout)
        except asyncio.TimeoutError:
            raise MqttError("the server did not answer CONNECT in time") from None
        if reason.is_failure:
            raise MqttCodeError(reason)
        self._connected.set()

    def _give_up(self, dialling: asyncio.Future[None]) -> None:
        self._dialling = None
        if not dialling.cancelled() and dialling.exception() is None:
            self._client._sock_close()

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
        waiting: Iterable[asyncio.Future[Any]] = [*self._published.values(), *self._answers.values(), *self._room]
        for future in waiting:
            if not future.done():
                future.set_exception(failure)
        self._published.clear()
        self._answers.clear()
        self._room.clear()
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

    @property
    def is_connected(self) -> bool:
        """True while the server has accepted the connection and it has not ended."""
        return self._connected.is_set()

    async def wait_connected(self) -> None:
        """Waits until there is a connection (again)."""
        await self._connected.wait()

    @property
    def identifier(self) -> str:
        """The client identifier."""
        return self._client._client_id.decode("utf-8")

    # ---- the event loop ----------------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        self._client.loop_read()
        self._update()
        if self._waiting >= self._max_queued and self._watched is not None and not self._paused:
            assert self._loop is not None
            self._paused = True
            self._loop.remove_reader(self._watched)

    def _taken(self) -> None:
        self._waiting -= 1
        if self._paused and self._waiting <= self._max_queued // 2 and self._watched is not None:
            assert self._loop is not None
            self._paused = False
            self._loop.add_reader(self._watched, self._readable)
            # Bytes that TLS has decrypted already make no socket readable.
            self._loop.call_soon(self._read_pending)

    def _read_pending(self) -> None:
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
        self._client.loop_misc()
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

    def _on_message(self, message: MQTTMessage) -> None:
        self._waiting += 1
        if self._stream_list:
            matched = list(self._streams.iter_match(message.topic))
            if matched:
                # The most specific one: a message is worked on, and acknowledged, once.
                matched[0]._put(message)
                return
        self.messages._put(message)

    def _on_publish(self, mid: int, qos: int, code: int, well: bool) -> None:
        future = self._published.pop(mid, None)
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
        future = self._answers.pop(mid, None)
        if future is not None and not future.done():
            future.set_result(reasons)

    # ---- operations --------------------------------------------------------------------------------------------------------

    def _check(self) -> asyncio.AbstractEventLoop:
        if self._failure is not None:
            raise self._failure
        assert self._loop is not None
        return self._loop

    async def _wait(self, future: asyncio.Future[T], timeout: float | None, what: str) -> T:
        def expire() -> None:
            if not future.done():
                future.set_exception(MqttError(f"{what} was not answered in time"))

        timer = future.get_loop().call_later(self.timeout if timeout is None else timeout, expire)
        try:
            return await future
        finally:
            timer.cancel()

    async def publish(
        self,
        topic: str,
        payload: PayloadType = None,
        qos: int = 0,
        retain: bool = False,
        properties: Properties | None = None,
        *,
        timeout: float | None = None,
    ) -> None:
        """Publishes, and waits until the message is acknowledged (QoS 1 and 2). At QoS 0 it is written when the event loop
        gets its turn; where many bytes wait for that, or the socket has no room, this waits.

        Without a connection, with `reconnect`: waits for one. After a timeout or a cancellation the message is sent all the
        same if it was accepted.

        :param timeout: seconds; None: the client's.
        :raises ValueError: as `paho_oxide.client.Client.publish`.
        :raises MqttCodeError: the server refused the message.
        :raises MqttError: there is no connection, or no answer in time.
        """
        loop = self._check()
        if not self._connected.is_set() and qos == 0:
            if not self._reconnect:
                raise MqttError("disconnected")
            try:
                await asyncio.wait_for(self._connected.wait(), self.timeout if timeout is None else timeout)
            except asyncio.TimeoutError:
                raise MqttError("there was no connection in time") from None
        # One that waits for its acknowledgement has nothing behind it, unless others wait at the same time.
        self._client.at_once = qos > 0 and not self._published
        info = self._client.publish(topic, payload, qos, retain, properties)
        rc = info.rc
        if rc != _SUCCESS and not (rc == MQTTErrorCode.MQTT_ERR_NO_CONN and qos and self._reconnect):
            raise MqttCodeError(rc)
        if qos == 0:
            if self._client._connection.unwritten() >= _MOST_GATHERED:
                # The event loop gets its turn, in which they are written.
                await asyncio.sleep(0)
            if self._writing is not None:
                room: asyncio.Future[None] = loop.create_future()
                self._room.append(room)
                await self._wait(room, timeout, "publish")
            return
        future: asyncio.Future[None] = loop.create_future()
        self._published[info.mid] = future
        try:
            await self._wait(future, timeout, "publish")
        finally:
            if self._published.get(info.mid) is future:
                del self._published[info.mid]

    async def subscribe(
        self,
        topic: Any,
        qos: int = 0,
        options: SubscribeOptions | None = None,
        properties: Properties | None = None,
        *,
        timeout: float | None = None,
    ) -> list[ReasonCode]:
        """Subscribes to a topic filter, or to several, and waits for the answer: a reason code for each.

        :param topic: a filter, or a list of tuples of filters and their QoS or options.
        :raises ValueError: as `paho_oxide.client.Client.subscribe`.
        :raises MqttCodeError: the server refused one.
        :raises MqttError: there is no connection, or no answer in time.
        """
        self._check()
        rc, mid = self._client.subscribe(topic, qos, options, properties)
        pairs = topic if isinstance(topic, list) else [topic if isinstance(topic, tuple) else (topic, options or qos)]
        reasons = await self._answer(rc, mid, timeout, "subscribe")
        for (sub, choice), reason in zip(pairs, reasons):
            if not reason.is_failure:
                self._subscriptions[sub] = choice
        for reason in reasons:
            if reason.is_failure:
                raise MqttCodeError(reason)
        return reasons

    async def unsubscribe(
        self, topic: str | list[str], properties: Properties | None = None, *, timeout: float | None = None
    ) -> list[ReasonCode]:
        """Unsubscribes from a topic filter, or from several, and waits for the answer; below MQTT 5 it has no reason codes.

        :raises MqttError: as `subscribe`.
        """
        self._check()
        for sub in topic if isinstance(topic, list) else [topic]:
            self._subscriptions.pop(sub, None)
        rc, mid = self._client.unsubscribe(topic, properties)
        reasons = await self._answer(rc, mid, timeout, "unsubscribe")
        for reason in reasons:
            if reason.is_failure:
                raise MqttCodeError(reason)
        return reasons

    async def _answer(self, rc: MQTTErrorCode, mid: int | None, timeout: float | None, what: str) -> list[ReasonCode]:
        if rc != _SUCCESS or mid is None:
            raise MqttCodeError(rc)
        assert self._loop is not None
        future: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        self._answers[mid] = future
        try:
            return await self._wait(future, timeout, what)
        finally:
            if self._answers.get(mid) is future:
                del self._answers[mid]

    def filtered(self, topic_filter: str) -> Messages:
        """Returns an iterator over the messages that match a topic filter; `messages` does not get them any more. Where several
        match, the most specific one gets a message. This subscribes to nothing."""
        try:
            stream: Messages = self._streams[topic_filter]
        except KeyError:
            stream = self._streams[topic_filter] = Messages(self)
            self._stream_list.append(stream)
        return stream

    def ack(self, message: MQTTMessage) -> None:
        """Acknowledges a message of a client with `manual_ack`. One of an earlier connection is passed over: the server sends
        it again."""
        self._finished(message)

    def _finished(self, message: MQTTMessage) -> None:
        # All that are finished in this turn of the event loop leave in one write.
        if not self._to_acknowledge and self._loop is not None:
            self._loop.call_soon(self._acknowledge)
        self._to_acknowledge.append(message)

    def _acknowledge(self) -> None:
        messages, self._to_acknowledge = self._to_acknowledge, []
        if messages and self._sock is not None:
            self._client._connection.finish(messages, len(messages))
            self._client.loop_write()
            self._update()
