"""Carrying a connection: the loops, and what they tell the program."""

from __future__ import annotations

import os
import select
import ssl
import threading
import time
import uuid
from typing import Any

from ._callbacks import Callbacks, ConnectFlags, DisconnectFlags
from ._constants import _base62
from ._events import (
    convert_connack_rc_to_reason_code,
    convert_disconnect_error_code_to_reason_code,
    unpack,
)
from ._native import Connection, MQTTMessage, MQTTMessageInfo
from ._state import _ConnectionState
from .enums import CallbackAPIVersion, LogLevel, MQTTErrorCode, MQTTProtocolVersion
from .matcher import MQTTMatcher
from .packettypes import PacketTypes
from .properties import Properties
from .reasoncodes import ReasonCode, reason_code

_SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS
# Events that are told between two looks at the socket, and how long that should take at most, in seconds.
_BATCH = 64
_BATCH_TIME = 0.002
# How much is read from a stream of TLS at a time; records are not larger.
_CHUNK = 16384
# How long `loop_stop` waits for acknowledgements while none comes, in seconds.
_PATIENCE = 5.0


class Loop(Callbacks):
    """The part of a client that reads, writes and calls back, on whichever thread asks it to."""

    _connection: Connection
    _protocol: MQTTProtocolVersion
    _sock: Any
    _direct: bool
    _state: _ConnectionState
    _manual_ack: bool
    _client_id: bytes
    _keepalive: int
    _thread: threading.Thread | None
    _thread_lock: threading.Lock
    _thread_terminate: bool
    _reconnect_on_failure: bool
    _on_message_filtered: MQTTMatcher
    _has_filters: bool
    _registered_write: bool
    _mqttv5_first_connect: bool
    _reconnect_delay: int | None
    _reconnect_min_delay: int
    _reconnect_max_delay: int
    _wakeup: threading.Event
    _io_lock: threading.Lock
    _dispatching: int
    _batch: int
    _left: list[Any]

    def reconnect(self) -> MQTTErrorCode:
        """Connects again."""
        raise NotImplementedError

    # ---- bytes -------------------------------------------------------------------------------------------------------------

    def _write_stream(self) -> None:
        """Sends what a TLS or WebSocket connection takes."""
        connection = self._connection
        with self._io_lock:
            while True:
                sock = self._sock
                data = connection.outgoing()
                if not data or sock is None:
                    return
                try:
                    connection.sent(sock.send(data))
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    return
                except OSError:
                    connection.eof(MQTTErrorCode.MQTT_ERR_CONN_LOST)
                    return

    def _read_stream(self) -> None:
        """Takes what a TLS or WebSocket connection has; bounded, so that callbacks get their turn."""
        connection = self._connection
        with self._io_lock:
            for _ in range(16):
                sock = self._sock
                if sock is None:
                    return
                try:
                    data = sock.recv(_CHUNK)
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    return
                except OSError:
                    data = b""
                if not data:
                    connection.eof(MQTTErrorCode.MQTT_ERR_CONN_LOST)
                    return
                if not connection.feed(data):
                    return

    def _flush(self) -> None:
        if self._direct:
            self._connection.write()
        elif self._sock is not None:
            self._write_stream()

    def _turn(self, timeout: float, once: bool) -> None:
        """Waits for news at most so many seconds."""
        connection = self._connection
        if self._direct:
            # Nothing is taken for a callback that calls loop() itself: `_dispatch` does not tell it anything.
            self._left = connection.turn(timeout, once, 0 if self._dispatching else self._batch)
            return
        sock = self._sock
        self._write_stream()
        connection.tick()
        if sock is None or connection.ending() is not None:
            return
        due = connection.deadline()
        if due is not None:
            timeout = min(timeout, due)
        connection.set_waiting(True)
        try:
            if sock.pending() if hasattr(sock, "pending") else 0:
                timeout = 0.0
            alarm = connection.alarm_fd()
            poll = select.poll()
            poll.register(sock.fileno(), select.POLLIN | (select.POLLOUT if connection.wants_write() else 0))
            poll.register(alarm, select.POLLIN)
            if any(fd == alarm for fd, _ in poll.poll(timeout * 1000)):
                # It would go on ringing: `set_waiting` stops only what a publish rang.
                os.read(alarm, 8)
        except (ValueError, OSError):
            # Another thread has closed the socket.
            return
        finally:
            connection.set_waiting(False)
        self._read_stream()
        self._write_stream()
        connection.tick()

    # ---- events ------------------------------------------------------------------------------------------------------------

    def _dispatch(self) -> bool:
        """Tells the program what has happened; returns true if that was anything."""
        connection = self._connection
        if self._dispatching:
            # A callback that calls loop() itself must not be called again before it is done.
            return False
        events = self._left or connection.take(self._batch)
        if not events:
            return False
        self._dispatching = threading.get_ident()
        try:
            began = flushed = time.monotonic()
            while events:
                self._left = []
                self._tell(events)
                now = time.monotonic()
                if now - began > _BATCH_TIME:
                    self._batch = max(1, self._batch // 4)
                elif self._batch < _BATCH:
                    self._batch *= 2
                if now - flushed > _BATCH_TIME:
                    # Acknowledgements of slow callbacks should not wait for each other.
                    self._flush()
                    now = flushed = time.monotonic()
                began = now
                events = connection.take(self._batch)
            return True
        finally:
            self._dispatching = 0

    def _tell(self, events: list[Any]) -> None:
        done = 0
        try:
            for event in events:
                if event.__class__ is MQTTMessage:
                    self._handle_on_message(event)
                else:
                    getattr(self, "_handle_" + event[0])(*event[1:])
                done += 1
        except BaseException:
            # The message whose callback failed is not acknowledged; what came after it is told next time.
            self._left = events[done + 1 :]
            raise
        finally:
            if not self._manual_ack:
                self._connection.finish(events, done)

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
                        callback(self, self._userdata, message)
                    except Exception as error:
                        self._callback_failed(f"user defined callback function {callback.__name__}", error)
            if matched:
                return
        on_message = self.on_message
        if on_message is None:
            return
        try:
            on_message(self, self._userdata, message)
        except Exception as error:
            self._callback_failed("on_message", error)
        if self._manual_ack is False and message.qos and self._is_logging():
            name = "PUBACK" if message.qos == 1 else "PUBCOMP"
            self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Sending %s (Mid: %d)", name, message.mid)

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
                self._call("on_connect", flags, reason, properties)
            else:
                self._call("on_connect", flags, code)
        else:
            self._call(
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
            self._call("on_subscribe", mid, tuple(codes))
            return
        reasons = [ReasonCode(PacketTypes.SUBACK, identifier=code) for code in codes]
        self._call("on_subscribe", mid, reasons, unpack(PacketTypes.SUBACK, packed))

    def _handle_unsubscribed(self, mid: int, codes: bytes, packed: bytes) -> None:
        self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received UNSUBACK (Mid: %d)", mid)
        properties = unpack(PacketTypes.UNSUBACK, packed)
        reasons = [ReasonCode(PacketTypes.UNSUBACK, identifier=code) for code in codes]
        if not self._is_v1():
            self._call("on_unsubscribe", mid, reasons, properties)
        elif self._is_v5():
            self._call("on_unsubscribe", mid, properties, reasons[0] if len(reasons) == 1 else reasons)
        else:
            self._call("on_unsubscribe", mid)

    def _handle_published(self, mid: int, info: MQTTMessageInfo, qos: int, code: int, packed: bytes, well: bool) -> None:
        kind = PacketTypes.PUBCOMP if qos == 2 else PacketTypes.PUBACK
        try:
            if not well:
                return
            if qos and self._is_logging():
                name = "PUBCOMP" if qos == 2 else "PUBACK"
                self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received %s (Mid: %d)", name, mid)
            if self._callback_api_version is CallbackAPIVersion.VERSION1:
                self._call("on_publish", mid)
                return
            on_publish = self.on_publish
            if not on_publish:
                return
            try:
                reason = reason_code(kind, code)
            except (ValueError, KeyError):
                # A PUBREC that refuses has codes that PUBCOMP has not.
                kind = PacketTypes.PUBREC
                reason = reason_code(kind, code)
            properties = unpack(kind, packed)
            try:
                on_publish(self, self._userdata, mid, reason, properties)
            except Exception as error:
                self._callback_failed("on_publish", error)
        finally:
            # Whoever waits for it must not wait for ever because of a callback's exception.
            if well:
                info._set_as_published()
            else:
                info._set_as_failed()

    # ---- ends --------------------------------------------------------------------------------------------------------------

    _refusal: MQTTErrorCode | None = None
    _other_attempt: int | None = None
    _in_last_callback = False

    def _after(self) -> MQTTErrorCode:
        """Tells what has happened and looks whether the connection has ended; returns what a loop returns."""
        self._dispatch()
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if not self._dispatching:
            self._flush()
            rc = self._connection.ending()
            if rc is not None and not self._left and not self._in_last_callback:
                return self._end(MQTTErrorCode(rc))
        self._update_registered_write()
        return _SUCCESS

    def _end(self, rc: MQTTErrorCode) -> MQTTErrorCode:
        """Closes the connection, which has ended with that code, and tells the program."""
        told = self._connection.server_disconnect()
        if told is not None:
            reason = None if told[0] is None else ReasonCode(PacketTypes.DISCONNECT, identifier=told[0])
            properties = None if told[1] is None else unpack(PacketTypes.DISCONNECT, told[1])
            self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received DISCONNECT %s %s", reason, properties)
            self._state = _ConnectionState.MQTT_CS_CONNECTION_LOST
            self._sock_close()
            self._do_on_disconnect(_SUCCESS, reason, properties, True)
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if rc == _SUCCESS:
            # Our own DISCONNECT has been written.
            self._in_last_callback = True
            try:
                self._do_on_disconnect(_SUCCESS)
            finally:
                # A callback that calls loop() itself is not called again.
                self._in_last_callback = False
            self._sock_close()
            if self._state == _ConnectionState.MQTT_CS_DISCONNECTING:
                self._state = _ConnectionState.MQTT_CS_DISCONNECTED
            return _SUCCESS
        if self._refusal is not None:
            rc, self._refusal = self._refusal, None
        if self._other_attempt is not None:
            # A server that does not know MQTT 3.1.1, or one that gives nobody an identifier.
            if self._other_attempt == 1:
                self._protocol = MQTTProtocolVersion.MQTTv31
            else:
                self._client_id = _base62(uuid.uuid4().int, padding=22).encode()
            self._other_attempt = None
            self._sock_close()
            return self.reconnect()
        self._sock_close()
        if self._state in (_ConnectionState.MQTT_CS_DISCONNECTING, _ConnectionState.MQTT_CS_DISCONNECTED):
            self._state = _ConnectionState.MQTT_CS_DISCONNECTED
            rc = _SUCCESS
        elif rc == MQTTErrorCode.MQTT_ERR_CONN_LOST or self._state == _ConnectionState.MQTT_CS_CONNECTED:
            self._state = _ConnectionState.MQTT_CS_CONNECTION_LOST
        self._do_on_disconnect(rc)
        # The callback hears of the silence; a loop calls it a lost connection, as the original's.
        return MQTTErrorCode.MQTT_ERR_CONN_LOST if rc == MQTTErrorCode.MQTT_ERR_KEEPALIVE else rc

    def _do_on_disconnect(
        self,
        rc: MQTTErrorCode,
        reason: ReasonCode | None = None,
        properties: Properties | None = None,
        from_server: bool = False,
    ) -> None:
        if not self._is_v1():
            self._call(
                "on_disconnect",
                DisconnectFlags(is_disconnect_packet_from_server=from_server),
                reason if reason is not None else convert_disconnect_error_code_to_reason_code(rc),
                properties if properties is not None else Properties(PacketTypes.DISCONNECT),
            )
        elif self._is_v5():
            self._call("on_disconnect", reason if from_server else rc, properties)
        else:
            self._call("on_disconnect", rc)

    def _sock_close(self) -> None:
        """Closes the connection without a word."""
        sock = self._sock
        if sock is None:
            return
        self._sock = None
        self._connection.close()
        if self._registered_write:
            self._registered_write = False
            self._call_socket("on_socket_unregister_write", sock)
        self._call_socket("on_socket_close", sock)
        sock.close()

    def _call_socket(self, name: str, sock: Any) -> None:
        if getattr(self, name) is not None:
            self._call(name, sock)

    def _update_registered_write(self) -> None:
        """Tells a program that polls the socket itself whether it has to poll for room."""
        sock = self._sock
        if sock is None or self._thread is not None:
            return
        wants = self._connection.wants_write()
        if wants and not self._registered_write and self.on_socket_register_write is not None:
            self._registered_write = True
            self._call_socket("on_socket_register_write", sock)
        elif not wants and self._registered_write:
            self._registered_write = False
            self._call_socket("on_socket_unregister_write", sock)

    # ---- loops -------------------------------------------------------------------------------------------------------------

    def _loop(self, timeout: float, once: bool) -> MQTTErrorCode:
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if not self._left:
            self._turn(timeout, once)
        return self._after()

    def loop(self, timeout: float = 1.0) -> MQTTErrorCode:
        """Reads, writes and calls back once; waits at most so many seconds for something to happen.

        Programs are better served by `loop_start` or `loop_forever`, or with a loop of their own by `loop_read`,
        `loop_write` and `loop_misc`. It must not be called while `loop_start`'s thread runs.

        :returns: MQTT_ERR_SUCCESS, or why the connection has ended; MQTT_ERR_NO_CONN without one.
        :raises ValueError: the timeout is negative.
        """
        if timeout < 0.0:
            raise ValueError("Invalid timeout.")
        return self._loop(timeout, True)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Reads and processes what the socket has. `max_packets` is for compatibility: all that one read brought is processed.

        To be called when the socket of `socket()` is readable.
        """
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if self._direct:
            self._connection.read()
        else:
            self._read_stream()
        return self._after()

    def loop_write(self) -> MQTTErrorCode:
        """Writes what waits. To be called when `want_write` says so and the socket has room."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        self._flush()
        return self._after()

    def want_write(self) -> bool:
        """Returns true if bytes wait for the socket."""
        return self._sock is not None and self._connection.wants_write()

    def loop_misc(self) -> MQTTErrorCode:
        """Keeps the connection alive. To be called about once a second."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        self._connection.tick()
        return self._after()

    def _should_exit(self) -> bool:
        ending = (_ConnectionState.MQTT_CS_DISCONNECTING, _ConnectionState.MQTT_CS_DISCONNECTED)
        return self._state in ending or self._thread_terminate

    def loop_forever(self, timeout: float = 1.0, retry_first_connection: bool = False) -> MQTTErrorCode:
        """Carries the connection, and connects again when it is lost, until `disconnect` is called.

        A signal's handler runs within `timeout` seconds at the latest, and KeyboardInterrupt gets through.

        :param retry_first_connection: also try again when the connection of `connect_async` cannot be made.
        :returns: why the last connection ended; MQTT_ERR_NO_CONN after `disconnect`.
        :raises OSError: the first connection cannot be made.
        """
        self._thread_terminate = self._thread_terminate and self._thread is threading.current_thread()
        if self._state == _ConnectionState.MQTT_CS_CONNECT_ASYNC:
            while not self._should_exit():
                try:
                    self.reconnect()
                except OSError:
                    self._call("on_connect_fail")
                    if not retry_first_connection:
                        raise
                    self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Connection failed, retrying")
                    self._reconnect_wait()
                else:
                    break
        elif self._sock is None and self._state == _ConnectionState.MQTT_CS_NEW:
            self.reconnect()
        elif self._sock is None and self._state == _ConnectionState.MQTT_CS_DISCONNECTED:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        rc = _SUCCESS
        while True:
            rc = self._loop_until_end(timeout)
            if self._should_exit() or not self._reconnect_on_failure:
                return rc
            self._reconnect_wait()
            if self._should_exit():
                return rc
            try:
                self.reconnect()
            except OSError:
                self._call("on_connect_fail")
                self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Connection failed, retrying")

    def _loop_until_end(self, timeout: float) -> MQTTErrorCode:
        rc = _SUCCESS
        patience, outstanding = time.monotonic() + _PATIENCE, -1
        while rc == _SUCCESS:
            rc = self._loop(timeout, False)
            if self._thread_terminate and rc == _SUCCESS:
                left = self._connection.outstanding()
                if self._hurried or (not left and not self._connection.wants_write()):
                    return _SUCCESS
                now = time.monotonic()
                if left != outstanding:
                    patience, outstanding = now + _PATIENCE, left
                elif now > patience:
                    return _SUCCESS
            elif rc == _SUCCESS and self._sock is None:
                return MQTTErrorCode.MQTT_ERR_NO_CONN
        return rc

    _hurried = False

    def _hurry(self) -> None:
        """Has the loop end now, whatever is not acknowledged: the interpreter ends."""
        self._hurried = self._thread_terminate = True
        self._reconnect_on_failure = False
        self._connection.hurry()
        self._wakeup.set()

    def _reconnect_wait(self) -> None:
        """Waits before a reconnect: from the least delay on, doubling up to the greatest."""
        delay = self._reconnect_min_delay
        if self._reconnect_delay is not None:
            delay = min(max(self._reconnect_delay * 2, delay), self._reconnect_max_delay)
        self._reconnect_delay = delay
        end = time.monotonic() + delay
        while not self._should_exit():
            left = end - time.monotonic()
            if left <= 0:
                return
            # In slices, so that disconnect() and signals are seen.
            self._wakeup.wait(min(left, 1.0))
            self._wakeup.clear()
