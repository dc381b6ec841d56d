"""Connecting and disconnecting."""

from __future__ import annotations

import platform
import ssl
from typing import Any, cast

from . import _cooperative
from ._constants import (
    MQTT_BRIDGE,
    MQTT_CLEAN_START_FIRST_ONLY,
    CleanStartOption,
    MQTTv5,
    SocketLike,
)
from ._events import pack
from ._settings import Settings
from ._state import _ConnectionState
from ._transport import _WebsocketWrapper, default_proxy, dial, secure
from .enums import LogLevel, MQTTErrorCode
from .properties import Properties
from .reasoncodes import ReasonCode

try:
    import dns.resolver

    HAVE_DNS = True
except ImportError:
    HAVE_DNS = False


class Connecting(Settings):
    """The part of a client that makes connections and says DISCONNECT."""

    def connect(
        self,
        host: str,
        port: int = 1883,
        keepalive: int = 60,
        bind_address: str = "",
        bind_port: int = 0,
        clean_start: CleanStartOption = MQTT_CLEAN_START_FIRST_ONLY,
        properties: Properties | None = None,
    ) -> MQTTErrorCode:
        """Connects and sends CONNECT. The server's answer comes with the loop, in `on_connect`.

        :param host: name or address of the server; with ``transport="unix"`` a path.
        :param keepalive: seconds without traffic after which the server is asked for a sign of life; 0: never.
        :param bind_address: our own address, with `bind_port`; empty: the system chooses.
        :param clean_start: MQTT 5 only: whether the server forgets an earlier session; MQTT_CLEAN_START_FIRST_ONLY: until it
            has accepted a connection of this client's.
        :param properties: MQTT 5 only: of CONNECT.
        :raises ValueError: an argument is none.
        :raises OSError: the connection cannot be made; ``ssl.SSLError`` is one, and ``WebsocketConnectionError``.
        """
        self.connect_async(host, port, keepalive, bind_address, bind_port, clean_start, properties)
        return self.reconnect()

    def connect_srv(
        self,
        domain: str | None = None,
        keepalive: int = 60,
        bind_address: str = "",
        bind_port: int = 0,
        clean_start: CleanStartOption = MQTT_CLEAN_START_FIRST_ONLY,
        properties: Properties | None = None,
    ) -> MQTTErrorCode:
        """Connects to a server that the SRV records of a domain name, as `connect`; needs dnspython.

        :param domain: None: this machine's.
        :raises ValueError: dnspython is not installed, or no server answers.
        """
        if not HAVE_DNS:
            raise ValueError('No DNS resolver library found, try "pip install dnspython".')
        if domain is None:
            name = platform.node()
            domain = name[name.find(".") + 1 :]
        service = "_secure-mqtt" if self._ssl else "_mqtt"
        try:
            answers = dns.resolver.resolve(f"{service}._tcp.{domain}", dns.rdatatype.SRV)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.resolver.NoNameservers):
            raise ValueError(f"No answer/NXDOMAIN for SRV in {domain}") from None
        for answer in sorted(answers, key=lambda answer: (answer.priority, -answer.weight)):
            host = str(answer.target).rstrip(".")
            try:
                return self.connect(host, answer.port, keepalive, bind_address, bind_port, clean_start, properties)
            except OSError:
                continue
        raise ValueError("No SRV hosts responded")

    def connect_async(
        self,
        host: str,
        port: int = 1883,
        keepalive: int = 60,
        bind_address: str = "",
        bind_port: int = 0,
        clean_start: CleanStartOption = MQTT_CLEAN_START_FIRST_ONLY,
        properties: Properties | None = None,
    ) -> None:
        """Has `loop_start` or `loop_forever` connect, with the arguments of `connect`. An existing connection is closed."""
        if bind_port < 0:
            raise ValueError("Invalid bind port number.")
        self._sock_close()
        self._state = _ConnectionState.MQTT_CS_NEW
        self.host = host
        self.port = port
        self.keepalive = keepalive
        if self._protocol == MQTTv5:
            self._mqttv5_first_connect = True
        elif clean_start != MQTT_CLEAN_START_FIRST_ONLY:
            raise ValueError("Clean start only applies to MQTT V5")
        elif properties:
            raise ValueError("Properties only apply to MQTT V5")
        self._bind_address = bind_address
        self._bind_port = bind_port
        self._clean_start = clean_start
        self._connect_properties = properties
        self._state = _ConnectionState.MQTT_CS_CONNECT_ASYNC

    def reconnect(self) -> MQTTErrorCode:
        """Connects again with the arguments of the last `connect`.

        :raises ValueError: there was none.
        :raises OSError: the connection cannot be made.
        """
        if not self._host:
            raise ValueError("Invalid host.")
        if self._port <= 0:
            raise ValueError("Invalid port number.")
        self._sock_close()
        self._refusal = None
        self._state = _ConnectionState.MQTT_CS_CONNECTING
        self._call("on_pre_connect")
        sock = self._make_socket()
        try:
            sock.setblocking(False)
            carried = type(sock) is _WebsocketWrapper or isinstance(sock, ssl.SSLSocket)
            self._direct = not carried and not _cooperative.is_patched()
            self._open(sock)
        except BaseException:
            sock.close()
            raise
        self._sock = sock
        self._call_socket("on_socket_open", sock)
        self._log_connect()
        if not self._is_telling() and self._state == _ConnectionState.MQTT_CS_CONNECTING:
            self._flush()
        self._update_registered_write()
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _make_socket(self) -> Any:
        proxy = self._proxy or (default_proxy(self._host) if self._transport != "unix" else {})
        if proxy and not self._proxy_is_valid(proxy):
            proxy = {}
        source = (self._bind_address, self._bind_port)
        sock: Any = dial(self._transport, self._host, self._port, source, self._connect_timeout, proxy)
        try:
            if self._ssl:
                sock = secure(sock, cast(ssl.SSLContext, self._ssl_context), self._host, self._connect_timeout)
            if self._transport == "websockets":
                sock = _WebsocketWrapper(
                    sock, self._host, self._port, self._ssl, self._websocket_path, self._websocket_extra_headers
                )
        except BaseException:
            sock.close()
            raise
        return sock

    def _is_clean(self) -> bool:
        if self._protocol != MQTTv5:
            return self._clean_session
        if self._clean_start == MQTT_CLEAN_START_FIRST_ONLY:
            return self._mqttv5_first_connect
        return bool(self._clean_start)

    def _open(self, sock: Any) -> None:
        will = None
        if self._will:
            will = (
                bytes(self._will_topic),
                bytes(self._will_payload),
                self._will_qos,
                bool(self._will_retain),
                pack(self._will_properties) if self._protocol == MQTTv5 else b"",
            )
        self._connection.open(
            sock.fileno() if self._direct else -1,
            int(self._protocol),
            self._client_mode == MQTT_BRIDGE,
            self._is_clean(),
            min(self._keepalive, 65_535),
            min(self._max_inflight_messages or 65_535, 65_535),
            bytes(self._client_id),
            self._username,
            self._password if self._username is not None else None,
            pack(self._connect_properties) if self._protocol == MQTTv5 else b"",
            will,
            self._transport == "websockets",
        )

    def _log_connect(self) -> None:
        if not self._is_logging():
            return
        properties = f" properties={self._connect_properties}" if self._protocol == MQTTv5 else ""
        self._easy_log(
            LogLevel.MQTT_LOG_DEBUG,
            "Sending CONNECT (u%d, p%d, wr%d, wq%d, wf%d, c%d, k%d) client_id=%s%s",
            self._username is not None,
            self._password is not None,
            self._will_retain,
            self._will_qos,
            self._will,
            self._is_clean(),
            self._keepalive,
            self._client_id,
            properties,
        )

    def is_connected(self) -> bool:
        """Returns true if the server has accepted the connection, and it has not ended."""
        return self._state == _ConnectionState.MQTT_CS_CONNECTED

    def socket(self) -> SocketLike | None:
        """Returns the socket of the connection, for loops of the program's own; None without one. It must only be polled."""
        return self._sock

    def disconnect(self, reasoncode: ReasonCode | None = None, properties: Properties | None = None) -> MQTTErrorCode:
        """Says DISCONNECT behind all that was published, and closes the connection once that is written.

        What is unacknowledged is kept for the next connection.

        :returns: MQTT_ERR_NO_CONN without a connection.
        """
        if self._sock is None:
            self._state = _ConnectionState.MQTT_CS_DISCONNECTED
            self._wakeup.set()
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        self._state = _ConnectionState.MQTT_CS_DISCONNECTING
        if self._protocol == MQTTv5:
            self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Sending DISCONNECT reasonCode=%s properties=%s", reasoncode, properties)
            reason = 0 if reasoncode is None else reasoncode.value
            self._connection.disconnect(reason, pack(properties))
        else:
            self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Sending DISCONNECT")
            self._connection.disconnect(0, b"")
        self._wakeup.set()
        self._after_sending(True)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _after_sending(self, may_end: bool = False) -> None:
        """Has what a call queued written, where no loop of ours does."""
        if self._thread is not None:
            if not self._direct:
                self._connection.wake()
            return
        if not self._direct and not self._is_telling():
            self._write_stream()
        if self._is_telling():
            return
        self._update_registered_write()
        if may_end and self._on_socket_register_write is None and self._connection.ending() == 0:
            self._end(MQTTErrorCode.MQTT_ERR_SUCCESS)
