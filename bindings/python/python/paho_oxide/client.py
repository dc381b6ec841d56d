"""A client with the interface of paho-mqtt's ``Client``: threads, or any loop that can poll a socket."""

from __future__ import annotations

import threading
from typing import Any, cast

from . import _cooperative, _ends, _native
from ._callbacks import (
    LOGGING_LEVEL,
    CallbackOnConnect,
    CallbackOnConnect_v1,
    CallbackOnConnect_v1_mqtt3,
    CallbackOnConnect_v1_mqtt5,
    CallbackOnConnect_v2,
    CallbackOnConnectFail,
    CallbackOnDisconnect,
    CallbackOnDisconnect_v1,
    CallbackOnDisconnect_v1_mqtt3,
    CallbackOnDisconnect_v1_mqtt5,
    CallbackOnDisconnect_v2,
    CallbackOnLog,
    CallbackOnMessage,
    CallbackOnPreConnect,
    CallbackOnPublish,
    CallbackOnPublish_v1,
    CallbackOnPublish_v2,
    CallbackOnSocket,
    CallbackOnSubscribe,
    CallbackOnSubscribe_v1,
    CallbackOnSubscribe_v1_mqtt3,
    CallbackOnSubscribe_v1_mqtt5,
    CallbackOnSubscribe_v2,
    CallbackOnUnsubscribe,
    CallbackOnUnsubscribe_v1,
    CallbackOnUnsubscribe_v1_mqtt3,
    CallbackOnUnsubscribe_v1_mqtt5,
    CallbackOnUnsubscribe_v2,
    ConnectFlags,
    DisconnectFlags,
)
from ._connect import HAVE_DNS, Connecting
from ._constants import (
    AUTH,
    CONNACK,
    CONNACK_ACCEPTED,
    CONNACK_REFUSED_BAD_USERNAME_PASSWORD,
    CONNACK_REFUSED_IDENTIFIER_REJECTED,
    CONNACK_REFUSED_NOT_AUTHORIZED,
    CONNACK_REFUSED_PROTOCOL_VERSION,
    CONNACK_REFUSED_SERVER_UNAVAILABLE,
    CONNECT,
    DISCONNECT,
    EAGAIN,
    MQTT_BRIDGE,
    MQTT_CLEAN_START_FIRST_ONLY,
    MQTT_CLIENT,
    MQTT_ERR_ACL_DENIED,
    MQTT_ERR_AGAIN,
    MQTT_ERR_AUTH,
    MQTT_ERR_CONN_LOST,
    MQTT_ERR_CONN_REFUSED,
    MQTT_ERR_ERRNO,
    MQTT_ERR_INVAL,
    MQTT_ERR_KEEPALIVE,
    MQTT_ERR_NO_CONN,
    MQTT_ERR_NOMEM,
    MQTT_ERR_NOT_FOUND,
    MQTT_ERR_NOT_SUPPORTED,
    MQTT_ERR_PAYLOAD_SIZE,
    MQTT_ERR_PROTOCOL,
    MQTT_ERR_QUEUE_SIZE,
    MQTT_ERR_SUCCESS,
    MQTT_ERR_TLS,
    MQTT_ERR_UNKNOWN,
    MQTT_LOG_DEBUG,
    MQTT_LOG_ERR,
    MQTT_LOG_INFO,
    MQTT_LOG_NOTICE,
    MQTT_LOG_WARNING,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBCOMP,
    PUBLISH,
    PUBREC,
    PUBREL,
    SUBACK,
    SUBSCRIBE,
    TYPE_CHECKING,
    UNSUBACK,
    UNSUBSCRIBE,
    CleanStartOption,
    MQTTv5,
    MQTTv31,
    MQTTv311,
    PayloadType,
    SocketLike,
    _base62,
    _encode_payload,
    _filter_is_valid,
    _force_bytes,
    connack_string,
    error_string,
    mqtt_ms_invalid,
    mqtt_ms_publish,
    mqtt_ms_queued,
    mqtt_ms_resend_pubcomp,
    mqtt_ms_resend_pubrel,
    mqtt_ms_send_pubrec,
    mqtt_ms_wait_for_puback,
    mqtt_ms_wait_for_pubcomp,
    mqtt_ms_wait_for_pubrec,
    mqtt_ms_wait_for_pubrel,
    topic_matches_sub,
)
from ._events import (
    convert_connack_rc_to_reason_code,
    convert_disconnect_error_code_to_reason_code,
    pack,
)
from ._native import MQTTMessage, MQTTMessageInfo
from ._state import _ConnectionState
from ._transport import (
    HTTPHeader,
    WebsocketConnectionError,
    WebSocketHeaders,
    _WebsocketWrapper,
)
from .enums import (
    CallbackAPIVersion,
    ConnackCode,
    LogLevel,
    MessageState,
    MessageType,
    MQTTErrorCode,
    MQTTProtocolVersion,
    PahoClientMode,
)
from .exception import MalformedPacket
from .matcher import MQTTMatcher
from .packettypes import PacketTypes
from .properties import Properties
from .reasoncodes import ReasonCode, ReasonCodes
from .subscribeoptions import SubscribeOptions

__all__ = [
    "AUTH",
    "CONNACK",
    "CONNACK_ACCEPTED",
    "CONNACK_REFUSED_BAD_USERNAME_PASSWORD",
    "CONNACK_REFUSED_IDENTIFIER_REJECTED",
    "CONNACK_REFUSED_NOT_AUTHORIZED",
    "CONNACK_REFUSED_PROTOCOL_VERSION",
    "CONNACK_REFUSED_SERVER_UNAVAILABLE",
    "CONNECT",
    "CallbackAPIVersion",
    "CallbackOnConnect",
    "CallbackOnConnectFail",
    "CallbackOnConnect_v1",
    "CallbackOnConnect_v1_mqtt3",
    "CallbackOnConnect_v1_mqtt5",
    "CallbackOnConnect_v2",
    "CallbackOnDisconnect",
    "CallbackOnDisconnect_v1",
    "CallbackOnDisconnect_v1_mqtt3",
    "CallbackOnDisconnect_v1_mqtt5",
    "CallbackOnDisconnect_v2",
    "CallbackOnLog",
    "CallbackOnMessage",
    "CallbackOnPreConnect",
    "CallbackOnPublish",
    "CallbackOnPublish_v1",
    "CallbackOnPublish_v2",
    "CallbackOnSocket",
    "CallbackOnSubscribe",
    "CallbackOnSubscribe_v1",
    "CallbackOnSubscribe_v1_mqtt3",
    "CallbackOnSubscribe_v1_mqtt5",
    "CallbackOnSubscribe_v2",
    "CallbackOnUnsubscribe",
    "CallbackOnUnsubscribe_v1",
    "CallbackOnUnsubscribe_v1_mqtt3",
    "CallbackOnUnsubscribe_v1_mqtt5",
    "CallbackOnUnsubscribe_v2",
    "CleanStartOption",
    "Client",
    "ConnackCode",
    "ConnectFlags",
    "DISCONNECT",
    "DisconnectFlags",
    "EAGAIN",
    "HAVE_DNS",
    "HTTPHeader",
    "LOGGING_LEVEL",
    "LogLevel",
    "MQTTErrorCode",
    "MQTTMatcher",
    "MQTTMessage",
    "MQTTMessageInfo",
    "MQTTProtocolVersion",
    "MQTT_BRIDGE",
    "MQTT_CLEAN_START_FIRST_ONLY",
    "MQTT_CLIENT",
    "MQTT_ERR_ACL_DENIED",
    "MQTT_ERR_AGAIN",
    "MQTT_ERR_AUTH",
    "MQTT_ERR_CONN_LOST",
    "MQTT_ERR_CONN_REFUSED",
    "MQTT_ERR_ERRNO",
    "MQTT_ERR_INVAL",
    "MQTT_ERR_KEEPALIVE",
    "MQTT_ERR_NOMEM",
    "MQTT_ERR_NOT_FOUND",
    "MQTT_ERR_NOT_SUPPORTED",
    "MQTT_ERR_NO_CONN",
    "MQTT_ERR_PAYLOAD_SIZE",
    "MQTT_ERR_PROTOCOL",
    "MQTT_ERR_QUEUE_SIZE",
    "MQTT_ERR_SUCCESS",
    "MQTT_ERR_TLS",
    "MQTT_ERR_UNKNOWN",
    "MQTT_LOG_DEBUG",
    "MQTT_LOG_ERR",
    "MQTT_LOG_INFO",
    "MQTT_LOG_NOTICE",
    "MQTT_LOG_WARNING",
    "MQTTv31",
    "MQTTv311",
    "MQTTv5",
    "MalformedPacket",
    "MessageState",
    "MessageType",
    "PINGREQ",
    "PINGRESP",
    "PUBACK",
    "PUBCOMP",
    "PUBLISH",
    "PUBREC",
    "PUBREL",
    "PacketTypes",
    "PahoClientMode",
    "PayloadType",
    "Properties",
    "ReasonCode",
    "ReasonCodes",
    "SUBACK",
    "SUBSCRIBE",
    "SocketLike",
    "SubscribeOptions",
    "TYPE_CHECKING",
    "UNSUBACK",
    "UNSUBSCRIBE",
    "WebSocketHeaders",
    "WebsocketConnectionError",
    "_ConnectionState",
    "_WebsocketWrapper",
    "_base62",
    "_encode_payload",
    "_force_bytes",
    "connack_string",
    "convert_connack_rc_to_reason_code",
    "convert_disconnect_error_code_to_reason_code",
    "error_string",
    "mqtt_ms_invalid",
    "mqtt_ms_publish",
    "mqtt_ms_queued",
    "mqtt_ms_resend_pubcomp",
    "mqtt_ms_resend_pubrel",
    "mqtt_ms_send_pubrec",
    "mqtt_ms_wait_for_puback",
    "mqtt_ms_wait_for_pubcomp",
    "mqtt_ms_wait_for_pubrec",
    "mqtt_ms_wait_for_pubrel",
    "topic_matches_sub",
]


class Client(Connecting):
    """A connection to an MQTT server, and the session that outlives it.

    ::

        client = Client(CallbackAPIVersion.VERSION2)
        client.on_message = lambda client, userdata, message: print(message.topic, message.payload)
        client.connect("localhost")
        client.subscribe("#", qos=1)
        client.loop_forever()

    Nothing is received, and no callback runs, without a loop: `loop_start` has a thread for it, `loop_forever` does it on the
    calling thread, and with `loop_read`, `loop_write` and `loop_misc` a loop of the program's own does. Callbacks run without
    any lock of the client's and may call everything but `wait_for_publish`. An exception in one is logged and ends the
    loop, unless `suppress_exceptions`.

    :param callback_api_version: which arguments callbacks get. VERSION1 is deprecated.
    :param client_id: the client identifier. Empty: the server chooses one (MQTT 3.1: a random one is made).
    :param clean_session: MQTT 3 only: the server forgets the client at each end of a connection. Messages of this side that
        are not acknowledged are kept and sent again all the same.
    :param userdata: what callbacks get as their second argument.
    :param protocol: MQTTv31, MQTTv311 or MQTTv5.
    :param transport: ``"tcp"``, ``"websockets"``, or ``"unix"`` (the host is then a path).
    :param reconnect_on_failure: `loop_start` and `loop_forever` connect again when the connection is lost.
    :param manual_ack: messages are acknowledged by `ack`, not after `on_message`.
    :raises ValueError: the arguments do not go together.
    """

    def _begin(self) -> None:
        """Makes the session anew."""
        self._connection = _native.Connection(int(self._protocol), bytes(self._client_id))
        self._sock: Any = None
        self._direct = True
        self._state = _ConnectionState.MQTT_CS_NEW
        self._registered_write = False
        self._mqttv5_first_connect = True
        self._dispatching = None
        self._loop_ident = 0
        self._connection.set_max_queued(self._max_queued_messages)
        self._callbacks_changed()
        _ends.register(self)

    def _callbacks_changed(self) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None:
            tell = self.on_publish is not None or self._is_logging()
            connection.set_tell_published(tell, tell)
            connection.set_tell_pings(self._is_logging())

    def __del__(self) -> None:
        sock = getattr(self, "_sock", None)
        if sock is not None:
            self._sock = None
            try:
                self._connection.close()
            except RuntimeError:
                pass  # the parent's connection, in a forked child: the descriptor is closed, nothing is shut down
            sock.close()

    # ---- publish, subscribe ------------------------------------------------------------------------------------------------

    def publish(
        self,
        topic: str,
        payload: PayloadType = None,
        qos: int = 0,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> MQTTMessageInfo:
        """Publishes a message; waits for nothing but room where more than 1 MiB is unwritten.

        QoS 1 and 2 without a connection: the message waits for one, and `rc` is MQTT_ERR_NO_CONN. QoS 0 without one: it is
        dropped, with the same code.

        :param payload: a number is sent as its digits, None as nothing.
        :returns: what `wait_for_publish` can be called on; its `rc` is MQTT_ERR_QUEUE_SIZE if the queue is full.
        :raises ValueError: the topic is empty, too long or has a wildcard, the QoS is not 0, 1 or 2, the payload is longer
            than MQTT allows, or the server does not take such a message.
        :raises TypeError: the payload is of another type.
        """
        packed = None if properties is None or self._protocol != MQTTv5 else pack(properties)
        thread = self._thread
        wait = thread is not None and threading.get_ident() != self._loop_ident
        if wait and not self._direct and _cooperative.is_patched():
            info = self._connection.publish(topic, payload, qos, retain, packed, False)
            _cooperative.wait_for_room(self._connection)
        else:
            info = self._connection.publish(topic, payload, qos, retain, packed, wait)
        if self._logger is not None or self._on_log is not None:
            self._log_publish(info, topic, payload, qos, retain, properties)
        if thread is None or not self._direct:
            self._after_sending()
            if thread is None and not qos and self.on_publish is not None and info.rc == MQTT_ERR_SUCCESS:
                # It has been written by this very thread, which is told at once.
                self._dispatch()
        return info

    def _log_publish(
        self, info: MQTTMessageInfo, topic: str, payload: PayloadType, qos: int, retain: bool, properties: Any
    ) -> None:
        if info.rc != MQTT_ERR_SUCCESS:
            return
        fmt = "Sending PUBLISH (d%d, q%d, r%d, m%d), '%s'"
        arguments: list[Any] = [False, qos, retain, info.mid, (topic or "").encode("utf-8")]
        if self._protocol == MQTTv5:
            fmt += ", properties=%s"
            arguments.append(properties)
        length = len(_encode_payload(payload))
        if length:
            fmt += ", ... (%d bytes)"
            arguments.append(length)
        else:
            fmt += " (NULL payload)"
        self._easy_log(MQTT_LOG_DEBUG, fmt, *arguments)

    def subscribe(
        self,
        topic: str
        | tuple[str, int]
        | tuple[str, SubscribeOptions]
        | list[tuple[str, int]]
        | list[tuple[str, SubscribeOptions]],
        qos: int = 0,
        options: SubscribeOptions | None = None,
        properties: Properties | None = None,
    ) -> tuple[MQTTErrorCode, int | None]:
        """Subscribes to a topic filter, or to several.

        :param topic: a filter, or a tuple of it and its QoS (MQTT 5: its SubscribeOptions), or a list of such tuples.
        :param qos: of the one filter.
        :param options: MQTT 5 only, of the one filter.
        :returns: MQTT_ERR_SUCCESS and the number that `on_subscribe` gets, or MQTT_ERR_NO_CONN and None.
        :raises ValueError: a filter, a QoS or an option is none.
        """
        if isinstance(topic, tuple):
            if self._protocol == MQTTv5:
                topic, options = cast(Any, topic)
                if not isinstance(options, SubscribeOptions):
                    options = SubscribeOptions(qos=cast(Any, options))
            else:
                topic, qos = cast(Any, topic)
        pairs: list[tuple[bytes, Any]]
        if isinstance(topic, list):
            if not topic:
                raise ValueError("Empty topic list")
            pairs = [self._checked_filter(one, choice) for one, choice in cast(Any, topic)]
        elif isinstance(topic, (str, bytes)):
            if options is not None and self._protocol == MQTTv5 and not isinstance(options, SubscribeOptions):
                raise ValueError("Subscribe options must be instance of SubscribeOptions class.")
            pairs = [self._checked_filter(topic, qos if self._protocol != MQTTv5 or options is None else options)]
        else:
            raise ValueError("No topic specified, or incorrect topic type.")
        if self._sock is None:
            return MQTT_ERR_NO_CONN, None
        packed = pack(properties) if self._protocol == MQTTv5 else b""
        mid = self._connection.subscribe(
            [(sub, choice.pack()[0] if isinstance(choice, SubscribeOptions) else choice) for sub, choice in pairs],
            packed,
        )
        if mid is None:
            return MQTT_ERR_NO_CONN, None
        if self._is_logging():
            self._easy_log(MQTT_LOG_DEBUG, "Sending SUBSCRIBE (d%d, m%d) %s", False, mid, pairs)
        self._after_sending()
        return MQTT_ERR_SUCCESS, mid

    def _checked_filter(self, sub: Any, choice: Any) -> tuple[bytes, Any]:
        if self._protocol == MQTTv5:
            if isinstance(choice, int):
                if not 0 <= choice <= 2:
                    raise ValueError("Invalid QoS level.")
                choice = SubscribeOptions(qos=choice)
            elif not isinstance(choice, SubscribeOptions):
                raise ValueError("Subscribe options must be instance of SubscribeOptions class.")
        elif choice < 0 or choice > 2:
            raise ValueError("Invalid QoS level.")
        if not sub or not isinstance(sub, (str, bytes)):
            raise ValueError("Invalid topic.")
        encoded: bytes = cast(str, sub).encode("utf-8")
        if not _filter_is_valid(encoded):
            raise ValueError("Invalid subscription filter.")
        return encoded, choice

    def unsubscribe(self, topic: str | list[str], properties: Properties | None = None) -> tuple[MQTTErrorCode, int | None]:
        """Unsubscribes from a topic filter, or from several.

        :returns: MQTT_ERR_SUCCESS and the number that `on_unsubscribe` gets, or MQTT_ERR_NO_CONN and None.
        :raises ValueError: a filter is empty or no string.
        """
        if topic is None:
            raise ValueError("Invalid topic.")
        if isinstance(topic, (str, bytes)):
            if not topic:
                raise ValueError("Invalid topic.")
            filters = [topic.encode("utf-8")]
        elif isinstance(topic, list):
            filters = []
            for one in topic:
                if len(one) == 0 or not isinstance(one, (str, bytes)):
                    raise ValueError("Invalid topic.")
                filters.append(one.encode("utf-8"))
        else:
            raise ValueError("No topic specified, or incorrect topic type.")
        if self._sock is None:
            return MQTT_ERR_NO_CONN, None
        if not filters:
            raise ValueError("Empty topic list")
        v5 = self._protocol == MQTTv5
        mid = self._connection.unsubscribe(filters, pack(properties) if v5 else b"")
        if mid is None:
            return MQTT_ERR_NO_CONN, None
        if self._is_logging():
            text = f" {properties}" if v5 else ""
            self._easy_log(MQTT_LOG_DEBUG, "Sending UNSUBSCRIBE (d%d, m%d)%s %s", False, mid, text, filters)
        self._after_sending()
        return MQTT_ERR_SUCCESS, mid

    def ack(self, mid: int, qos: int) -> MQTTErrorCode:
        """Acknowledges a message of a client with `manual_ack`: its `mid` and `qos`.

        A message of an earlier connection is passed over, since the server sends it again.
        """
        if self._manual_ack and qos > 0 and 0 < mid <= 65_535:
            self._connection.ack(mid)
            self._after_sending()
        return MQTT_ERR_SUCCESS

    def drop_out_messages(self) -> list[MQTTMessage]:
        """Drops the publishes of QoS 1 and 2 that are not acknowledged, and returns them.

        To be called in `on_connect`, for messages that this server would not understand, with a topic alias say.
        """
        dropped = self._connection.drop_out()
        _cooperative.tell()
        return dropped

    # ---- the thread --------------------------------------------------------------------------------------------------------

    def loop_start(self) -> MQTTErrorCode:
        """Starts a thread that does what `loop_forever` does; it connects first after `connect_async`.

        :returns: MQTT_ERR_INVAL if there is one already.
        """
        # Until the thread has begun, another thread's loop_stop() must wait: it could not join this one.
        with self._thread_lock:
            if self._thread is not None:
                return MQTT_ERR_INVAL
            self._thread_terminate = False
            self._wakeup.clear()
            self._connection.set_stop(False)
            self._connection.set_threaded(True)
            thread = threading.Thread(
                target=self._thread_main, name=f"paho-mqtt-client-{self._client_id.decode('utf-8', 'replace')}"
            )
            thread.daemon = True
            self._thread = thread
            thread.start()
        return MQTT_ERR_SUCCESS

    def _thread_main(self) -> None:
        self._loop_ident = threading.get_ident()
        try:
            while not self._thread_terminate:
                waiting = (_ConnectionState.MQTT_CS_NEW, _ConnectionState.MQTT_CS_DISCONNECTED)
                if self._sock is None and self._state in waiting:
                    # loop_start() came before connect(), or disconnect() was the last word so far.
                    if self._state == _ConnectionState.MQTT_CS_DISCONNECTED:
                        return
                    self._wakeup.wait(0.1)
                    continue
                self.loop_forever(retry_first_connection=True)
                return
        finally:
            self._connection.set_threaded(False)
            self._thread = None

    def loop_stop(self) -> MQTTErrorCode:
        """Ends the thread of `loop_start`, once what was published has been sent and acknowledged, or no acknowledgement has
        come for 5 seconds. In a callback it does not wait for the end.

        :returns: MQTT_ERR_INVAL if there is no thread.
        """
        with self._thread_lock:
            thread = self._thread
        if thread is None:
            return MQTT_ERR_INVAL
        self._thread_terminate = True
        self._wakeup.set()
        self._connection.set_stop(True)
        if threading.current_thread() is not thread:
            thread.join()
        return MQTT_ERR_SUCCESS
