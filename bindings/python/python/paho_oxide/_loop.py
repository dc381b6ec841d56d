"""Carrying a connection: the loops, and what they tell the program."""

from __future__ import annotations

import os
import ssl
import sys
import threading
import time
import uuid
from types import FrameType
from typing import Any, TypeVar

from . import _cooperative
from ._callbacks import DisconnectFlags
from ._constants import _base62
from ._dispatch import Dispatching, is_on_stack
from ._events import (
    convert_disconnect_error_code_to_reason_code,
    unpack,
)
from ._native import Connection
from ._state import _ConnectionState
from .enums import LogLevel, MQTTErrorCode, MQTTProtocolVersion
from .matcher import MQTTMatcher
from .packettypes import PacketTypes
from .properties import Properties
from .reasoncodes import ReasonCode

_SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS
# How much is read from a stream of TLS at a time; records are not larger.
_CHUNK = 16384
# How long `loop_stop` waits for acknowledgements while none comes, in seconds.
_PATIENCE = 5.0

T = TypeVar("T")


class Loop(Dispatching):
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
    _io_lock: threading.RLock
    _io_frame: FrameType | None

    def reconnect(self) -> MQTTErrorCode:
        """Connects again."""
        raise NotImplementedError

    # ---- bytes -------------------------------------------------------------------------------------------------------------

    def _write_stream(self) -> None:
        """Sends what a TLS or WebSocket connection takes."""
        with self._io_lock:
            if is_on_stack(self._io_frame):
                # This is a signal's handler, which has interrupted reading or writing: they go on with what it has left.
                return
            self._io_frame = sys._getframe()
            try:
                connection = self._connection
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
                    except BaseException:
                        self._break_off()
                        raise
            finally:
                self._io_frame = None

    def _break_off(self) -> None:
        """Ends a stream of which an exception of a signal's handler left open how far it was read or written."""
        self._connection.eof(MQTTErrorCode.MQTT_ERR_CONN_LOST)

    def _read_stream(self) -> None:
        """Takes what a TLS or WebSocket connection has; bounded, so that callbacks get their turn."""
        with self._io_lock:
            if is_on_stack(self._io_frame):
                # This is a signal's handler, which has interrupted reading or writing: they go on with what it has left.
                return
            self._io_frame = sys._getframe()
            try:
                connection = self._connection
                for _ in range(16):
                    sock = self._sock
                    if sock is None:
                        return
                    try:
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
                    except BaseException:
                        self._break_off()
                        raise
            finally:
                self._io_frame = None

    def _flush(self) -> None:
        if self._direct:
            self._connection.write()
        elif self._sock is not None:
            self._write_stream()

    def _turn_stream(self, timeout: float) -> None:
        """Waits for news at most so many seconds, on a stream that is carried here."""
        connection = self._connection
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
            if _cooperative.wait_for_socket(sock.fileno(), connection.wants_write(), alarm, timeout):
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

    # ---- ends --------------------------------------------------------------------------------------------------------------

    _in_last_callback = False

    def _after(self) -> MQTTErrorCode:
        """Tells what has happened, and settles."""
        self._dispatch()
        if not self._direct:
            _cooperative.tell()
        return self._settle()

    def _settle(self) -> MQTTErrorCode:
        """Writes what callbacks have left, and looks whether the connection has ended; returns what a loop returns."""
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if not self._is_telling():
            self._flush()
            rc = self._connection.ending()
            if rc is not None and not self._in_last_callback:
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
        _cooperative.tell()
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
        # Nothing is taken for a callback that calls loop() itself: `_dispatch` does not tell it anything.
        tell = self._dispatching is None or not self._is_telling()
        if self._direct:
            if self._connection.turn(timeout, once, tell):
                self._dispatch(True)
        else:
            if not (tell and self._connection.take()):
                self._turn_stream(timeout)
            self._dispatch()
            _cooperative.tell()
        return self._settle()

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
