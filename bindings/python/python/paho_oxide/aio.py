"""A client for asyncio: no thread, no task a message, one wake-up for all that a read brings.

::

    async with paho_oxide.aio.Client("localhost", reconnect=True) as client:
        await client.subscribe("sensors/#", qos=1)
        async for message in client.messages:
            await client.publish("seen", message.topic, qos=1)
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import ssl
from types import TracebackType
from typing import Any, Literal

from . import client as paho
from ._aio import Gathering, Messages
from ._aio_carry import Carrying, MqttCodeError, MqttError
from ._transport import WebSocketHeaders
from .client import CleanStartOption, MQTTMessage, PayloadType
from .enums import MQTTErrorCode, MQTTProtocolVersion
from .matcher import MQTTMatcher
from .properties import Properties
from .reasoncodes import ReasonCode
from .subscribeoptions import SubscribeOptions

__all__ = ["Client", "MQTTMessage", "Messages", "MqttCodeError", "MqttError", "Will"]

_SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS
# Bytes that publishes of QoS 0 may leave unwritten before the event loop gets its turn.
_MOST_GATHERED = 32 * 1024


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


class Client(Carrying):
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
        self._dialling: concurrent.futures.Future[BaseException | None] | None = None
        self._subscriptions: dict[str, int | SubscribeOptions] = {}
        self._streams = MQTTMatcher()
        self._stream_list: list[Messages] = []
        self.messages = Messages(self)
        """All messages that no stream of `filtered` takes."""
        self._reset()

    # ---- use ---------------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Client:
        if self._in_use:
            raise MqttError("the client is in use already")
        self._in_use = True
        try:
            if self._dialling is not None:
                # Of an earlier use that was cancelled.
                await asyncio.wait([asyncio.wrap_future(self._dialling)])
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

    # ---- operations --------------------------------------------------------------------------------------------------------

    def _check(self) -> asyncio.AbstractEventLoop:
        if self._failure is not None:
            raise self._failure
        assert self._loop is not None
        return self._loop

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
            connected: asyncio.Future[None] = loop.create_future()
            self._offline.add(connected)
            try:
                await self._wait(connected, timeout, "there was no connection in time")
            finally:
                self._offline.discard(connected)
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
                await self._wait(room, timeout, "publish was not answered in time")
            return
        mid: int = info.mid
        future: asyncio.Future[None] = loop.create_future()
        end = loop.time() + (self.timeout if timeout is None else timeout)
        self._published[mid] = (future, end)
        if end < self._expires:
            self._expire_at(end)
        try:
            await future
        finally:
            self._published.pop(mid, None)

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
            return await self._wait(future, timeout, f"{what} was not answered in time")
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
