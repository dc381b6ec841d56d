"""From events to callbacks: what a connection has brought is told one by one."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from itertools import starmap
from types import FrameType
from typing import Any, TypeVar

from ._callbacks import Callbacks, ConnectFlags
from ._events import convert_connack_rc_to_reason_code, unpack
from ._native import Connection, MQTTMessage, MQTTMessageInfo
from ._state import _ConnectionState
from .enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from .matcher import MQTTMatcher
from .packettypes import PacketTypes
from .properties import Properties
from .reasoncodes import ReasonCode, reason_code

T = TypeVar("T")


def _answers(kind: int, codes: bytes, packed: bytes) -> tuple[list[ReasonCode], Properties]:
    """Returns what SUBACK and UNSUBACK say."""
    properties = unpack(kind, packed)
    return [ReasonCode(kind, identifier=code) for code in codes], properties


def _published(qos: int, code: int, packed: bytes) -> tuple[ReasonCode, Properties]:
    """Returns how a publish ended."""
    kind = PacketTypes.PUBCOMP if qos == 2 else PacketTypes.PUBACK
    try:
        reason = reason_code(kind, code)
    except (ValueError, KeyError):
        # A PUBREC that refuses has codes that PUBCOMP has not.
        kind = PacketTypes.PUBREC
        reason = reason_code(kind, code)
    return reason, unpack(kind, packed)


def is_on_stack(wanted: FrameType | None) -> bool:
    """Returns true if that frame is among the callers of the function that asks."""
    frame: FrameType | None = None if wanted is None else sys._getframe(2)
    while frame is not None and frame is not wanted:
        frame = frame.f_back
    return frame is not None


class Dispatching(Callbacks):
    """The part of a client that calls back. Events stay in the native module until their callbacks have begun."""

    _connection: Connection
    _protocol: MQTTProtocolVersion
    _state: _ConnectionState
    _manual_ack: bool
    _client_id: bytes
    _keepalive: int
    _reconnect_on_failure: bool
    _reconnect_delay: int | None
    _mqttv5_first_connect: bool
    _on_message_filtered: MQTTMatcher
    _has_filters: bool
    _dispatching: tuple[int, FrameType] | None
    _refusal: MQTTErrorCode | None = None
    _other_attempt: int | None = None

    def _flush(self) -> None:
        raise NotImplementedError

    def _is_telling(self) -> bool:
        """Returns true if events are being told: by another thread, or below the caller."""
        telling = self._dispatching
        if telling is None:
            return False
        if sys.version_info < (3, 10) and telling[0] == threading.get_ident() and not is_on_stack(telling[1]):
            # There an exception of a signal's handler can keep `finally` from what it has to do.
            self._dispatching = None
            return False
        return True

    def _dispatch(self, ready: bool = False) -> bool:
        """Tells the program what has happened; returns true if that was anything. `ready`: events have been taken already."""
        connection = self._connection
        if self._dispatching is not None and self._is_telling():
            # A callback that calls loop() itself must not be called again before it is done.
            return False
        if not (ready or connection.take()):
            return False
        try:
            self._dispatching = threading.get_ident(), sys._getframe()
            while True:
                if self._tell(connection):
                    # Acknowledgements of slow callbacks should not wait for each other.
                    self._flush()
                if not connection.take():
                    return True
        finally:
            self._dispatching = None

    def _tell(self, connection: Connection) -> bool:
        """Tells the events that were taken; returns true if callbacks took so long that what they left should be written.

        Wherever an exception is raised here: an event whose callback has not begun is told next time, one whose callback did
        not return is not acknowledged.
        """
        try:
            while True:
                self._tell_messages(connection)
                event = connection.event()
                if event is None:
                    break
                if event.__class__ is MQTTMessage:
                    self._handle_on_message(event)
                else:
                    getattr(self, "_handle_" + event[0])(*event[1:])
                connection.end(not self._manual_ack)
        except Exception:
            connection.failed()
            raise
        finally:
            slow = connection.finish()
        return slow

    def _tell_messages(self, connection: Connection) -> None:
        """Tells the messages that come next, where on_message is all that has to do with them."""
        on_message = self.on_message
        while on_message is not None and not (self._has_filters or self._logger is not None or self._on_log is not None):
            userdata, manual_ack = self._userdata, self._manual_ack
            try:
                given = connection.messages(self, userdata, not manual_ack)
                for _ in starmap(on_message, given):
                    # The callback may have changed any of them.
                    if (
                        self.on_message is not on_message
                        or self._has_filters
                        or self._userdata is not userdata
                        or self._manual_ack is not manual_ack
                        or self._logger is not None
                        or self._on_log is not None
                    ):
                        connection.end(not self._manual_ack)
                        break
                else:
                    if given.is_exhausted:
                        return
                    raise StopIteration
            except Exception as error:
                self._callback_failed("on_message", error)
                connection.end(not self._manual_ack)
            on_message = self.on_message

    def _handle_on_message(self, message: MQTTMessage) -> None:
        if self._logger is not None or self._on_log is not None:
            self._log_message(message)
        if self._has_filters:
            try:
                topic = message.topic
            except UnicodeDecodeError:
                topic = None
            matched = False
            if topic is not None:
                for callback in list(self._on_message_filtered.iter_match(topic)):
                    matched = True
                    try:
                        self._begin_event(callback, message)
                    except Exception as error:
                        self._callback_failed(f"user defined callback function {callback.__name__}", error)
            if matched:
                return
        on_message = self.on_message
        if on_message is None:
            return
        try:
            self._begin_event(on_message, message)
        except Exception as error:
            self._callback_failed("on_message", error)
        if self._manual_ack is False and message.qos and self._is_logging():
            name = "PUBACK" if message.qos == 1 else "PUBCOMP"
            self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Sending %s (Mid: %d)", name, message.mid)

    def _begin_event(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Calls a callback of the event that is being told, which begins the event."""
        given = self._connection.begin((self, self._userdata, *arguments))
        for _ in starmap(function, given):
            pass
        if not given.is_exhausted:
            # The callback raised it, and starmap took it for the end.
            raise StopIteration

    def _tell_event(self, name: str, *arguments: Any) -> None:
        """Calls a callback of the event that is being told as `_call` does."""
        function = getattr(self, name)
        if not function:
            return
        try:
            self._begin_event(function, *arguments)
        except Exception as error:
            self._callback_failed(name, error)

    def _made(self, make: Callable[[], T]) -> T:
        """Returns what a callback is told, made from what the server sent.

        If that cannot be made the event is given up. Whether it cannot, or only a signal's handler raised the exception, the
        second attempt shows.
        """
        try:
            return make()
        except Exception:
            try:
                make()
            except Exception:
                self._connection.end(False)
            raise

    def _log_message(self, message: MQTTMessage) -> None:
        properties = "" if message.properties is None else f" properties={message.properties},"
        self._easy_log(
            LogLevel.MQTT_LOG_DEBUG,
            "Received PUBLISH (d%d, q%d, r%d, m%d), '%s',%s ...  (%d bytes)",
            message.dup,
            message.qos,
            message.retain,
            message.mid,
            message._topic.decode("utf-8", "replace"),
            properties,
            len(message.payload),
        )

    def _is_v1(self) -> bool:
        return self._callback_api_version is CallbackAPIVersion.VERSION1

    def _is_v5(self) -> bool:
        return self._protocol == MQTTProtocolVersion.MQTTv5

    def _handle_connected(self, session_present: bool, code: int, packed: bytes) -> None:
        v5 = self._is_v5()
        properties = None
        reason: ReasonCode
        try:
            if v5 and not 0 < code <= 5:
                reason = ReasonCode(PacketTypes.CONNACK, identifier=code)
                properties = unpack(PacketTypes.CONNACK, packed)
            elif code <= 5:
                # Also what a server that knows no MQTT 5 answers to its CONNECT.
                reason = convert_connack_rc_to_reason_code(code)
            else:
                reason = ReasonCode(PacketTypes.CONNACK, "Unspecified error")
        except (ValueError, KeyError):
            # A code that MQTT does not have: there is nothing that on_connect could be told.
            self._refusal = MQTTErrorCode.MQTT_ERR_PROTOCOL
            return
        if v5:
            self._easy_log(
                LogLevel.MQTT_LOG_DEBUG,
                "Received CONNACK (%s, %s) properties=%s",
                int(session_present),
                reason,
                properties,
            )
        else:
            self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received CONNACK (%s, %s)", int(session_present), code)
        # What the server wants counts for later connections, too, as in the original.
        self._keepalive = getattr(properties, "ServerKeepAlive", self._keepalive)
        if code == 0:
            self._state = _ConnectionState.MQTT_CS_CONNECTED
            self._reconnect_delay = None
            self._mqttv5_first_connect = False
        elif code <= 5:
            self._refusal = MQTTErrorCode.MQTT_ERR_CONN_REFUSED
            if self._protocol == MQTTProtocolVersion.MQTTv311 and (code == 1 or (code == 2 and not self._client_id)):
                if self._reconnect_on_failure:
                    attempt = "downgrade to MQTT v3.1." if code == 1 else "to use non-empty CID"
                    text = "Received CONNACK (%s, %s), attempting " + attempt
                    self._easy_log(LogLevel.MQTT_LOG_DEBUG, text, int(session_present), code)
                    self._other_attempt = code
                else:
                    self._refusal = MQTTErrorCode.MQTT_ERR_PROTOCOL
                return
        else:
            self._refusal = MQTTErrorCode.MQTT_ERR_PROTOCOL
        if self._is_v1():
            flags = {"session present": int(session_present)}
            if v5:
                self._tell_event("on_connect", flags, reason, properties)
            else:
                self._tell_event("on_connect", flags, code)
        else:
            self._tell_event(
                "on_connect",
                ConnectFlags(session_present=session_present),
                reason,
                properties if properties is not None else Properties(PacketTypes.CONNACK),
            )

    def _handle_ping(self, answered: bool) -> None:
        self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received PINGRESP" if answered else "Sending PINGREQ")

    def _handle_subscribed(self, mid: int, codes: bytes, packed: bytes) -> None:
        self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received SUBACK")
        if self._is_v1() and not self._is_v5():
            self._tell_event("on_subscribe", mid, tuple(codes))
            return
        reasons, properties = self._made(lambda: _answers(PacketTypes.SUBACK, codes, packed))
        self._tell_event("on_subscribe", mid, reasons, properties)

    def _handle_unsubscribed(self, mid: int, codes: bytes, packed: bytes) -> None:
        self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received UNSUBACK (Mid: %d)", mid)
        reasons, properties = self._made(lambda: _answers(PacketTypes.UNSUBACK, codes, packed))
        if not self._is_v1():
            self._tell_event("on_unsubscribe", mid, reasons, properties)
        elif self._is_v5():
            self._tell_event("on_unsubscribe", mid, properties, reasons[0] if len(reasons) == 1 else reasons)
        else:
            self._tell_event("on_unsubscribe", mid)

    def _handle_published(self, mid: int, info: MQTTMessageInfo, qos: int, code: int, packed: bytes, well: bool) -> None:
        if not well:
            return
        if qos and self._is_logging():
            name = "PUBCOMP" if qos == 2 else "PUBACK"
            self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received %s (Mid: %d)", name, mid)
        on_publish = self.on_publish
        if not on_publish:
            return
        if self._callback_api_version is CallbackAPIVersion.VERSION1:
            self._tell_event("on_publish", mid)
            return
        if code or packed:
            reason, properties = self._made(lambda: _published(qos, code, packed))
        else:
            reason, properties = _published(qos, code, packed)
        try:
            self._begin_event(on_publish, mid, reason, properties)
        except Exception as error:
            self._callback_failed("on_publish", error)
