"""What a client is told before it connects."""

from __future__ import annotations

import ssl
import threading
import uuid
import warnings
from typing import TYPE_CHECKING, Any, Callable, Literal, cast

from ._callbacks import CallbackOnMessage
from ._constants import (
    MQTT_BRIDGE,
    MQTT_CLEAN_START_FIRST_ONLY,
    MQTT_CLIENT,
    CleanStartOption,
    MQTTv5,
    MQTTv31,
    MQTTv311,
    PayloadType,
    _base62,
    _encode_payload,
    _force_bytes,
)
from ._loop import Loop
from ._state import _ConnectionState
from ._transport import WebSocketHeaders
from .enums import CallbackAPIVersion, MQTTProtocolVersion
from .matcher import MQTTMatcher
from .properties import Properties

if TYPE_CHECKING:
    from .client import Client

try:
    import socks
except ImportError:
    socks = None


class Settings(Loop):
    """The part of a client that keeps what it was told."""

    _on_socket_register_write: Any

    def __init__(
        self,
        callback_api_version: CallbackAPIVersion = CallbackAPIVersion.VERSION1,
        client_id: str | None = "",
        clean_session: bool | None = None,
        userdata: Any = None,
        protocol: MQTTProtocolVersion = MQTTv311,
        transport: Literal["tcp", "websockets", "unix"] = "tcp",
        reconnect_on_failure: bool = True,
        manual_ack: bool = False,
    ) -> None:
        if not isinstance(callback_api_version, CallbackAPIVersion):
            if isinstance(callback_api_version, int):
                raise TypeError("callback_api_version must be a CallbackAPIVersion")
            raise TypeError(
                "Unsupported callback API version: version 2.0 added a callback_api_version, "
                "see docs/migrations.rst for details"
            )
        if callback_api_version is CallbackAPIVersion.VERSION1:
            warnings.warn("Callback API version 1 is deprecated, update to latest version", DeprecationWarning, stacklevel=2)
        self._callback_api_version = callback_api_version
        if transport.lower() not in ("websockets", "tcp", "unix"):
            raise ValueError(f'transport must be "websockets", "tcp" or "unix", not {transport}')
        self._transport = transport.lower()
        self._protocol = protocol
        self._userdata = userdata
        self._manual_ack = manual_ack
        self._reconnect_on_failure = reconnect_on_failure
        if protocol == MQTTv5:
            if clean_session is not None:
                raise ValueError("Clean session is not used for MQTT 5.0")
        else:
            self._clean_session = True if clean_session is None else clean_session
            if not self._clean_session and not client_id:
                raise ValueError("A client id must be provided if clean session is False.")
        if not client_id:
            random = protocol == MQTTv31
            self._client_id: bytes = _base62(uuid.uuid4().int, padding=22).encode() if random else b""
        else:
            self._client_id = cast(bytes, _force_bytes(client_id))

        self._host = ""
        self._port = 1883
        self._keepalive = 60
        self._bind_address = ""
        self._bind_port = 0
        self._connect_timeout = 5.0
        self._clean_start: CleanStartOption = MQTT_CLEAN_START_FIRST_ONLY
        self._connect_properties: Properties | None = None
        self._client_mode = MQTT_CLIENT
        self._username: bytes | None = None
        self._password: bytes | None = None
        self._will = False
        self._will_topic = b""
        self._will_payload: bytes | bytearray = b""
        self._will_qos = 0
        self._will_retain = False
        self._will_properties: Properties | None = None
        self._max_inflight_messages = 20
        self._max_queued_messages = 0
        self._proxy: dict[str, Any] = {}
        self._ssl = False
        self._ssl_context: ssl.SSLContext | None = None
        self._tls_insecure = False
        self._websocket_path = "/mqtt"
        self._websocket_extra_headers: WebSocketHeaders | None = None
        self._reconnect_min_delay = 1
        self._reconnect_max_delay = 120
        self._reconnect_delay = None
        self.suppress_exceptions = False

        self._logger = None
        self._on_log = None
        for name in (
            "pre_connect", "connect", "connect_fail", "subscribe", "message", "publish", "unsubscribe", "disconnect",
            "socket_open", "socket_close", "socket_register_write", "socket_unregister_write",
        ):  # fmt: skip
            setattr(self, "_on_" + name, None)
        self._on_message_filtered = MQTTMatcher()
        self._filters: dict[str, CallbackOnMessage] = {}
        self._has_filters = False

        self._thread = None
        self._thread_lock = threading.Lock()
        self._thread_terminate = False
        self._wakeup = threading.Event()
        # Taken again by a thread that a signal's handler interrupts, or that Python 3.9 kept from releasing it.
        self._io_lock = threading.RLock()
        self._io_frame = None
        # Nothing is protected by these. Programs put locks of their own into their places, which must do no harm.
        self._callback_mutex: Any = threading.RLock()
        self._in_callback_mutex: Any = threading.Lock()
        self._msgtime_mutex: Any = threading.Lock()
        self._out_message_mutex: Any = threading.RLock()
        self._in_message_mutex: Any = threading.Lock()
        self._reconnect_delay_mutex: Any = threading.Lock()
        self._mid_generate_mutex: Any = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        raise NotImplementedError

    # ---- settings ----------------------------------------------------------------------------------------------------------

    def _must_be_closed(self, what: str) -> None:
        ending = (_ConnectionState.MQTT_CS_DISCONNECTING, _ConnectionState.MQTT_CS_DISCONNECTED)
        # A lost connection is about to be made again with what was set, so it counts as a connection.
        if self._state != _ConnectionState.MQTT_CS_NEW and (self._state not in ending or self._sock is not None):
            raise RuntimeError(f"updating {what} on established connection is not supported")

    @property
    def host(self) -> str:
        """Where to connect to; empty before `connect`. It cannot be changed while there is a connection."""
        return self._host

    @host.setter
    def host(self, value: str) -> None:
        self._must_be_closed("host")
        if not value:
            raise ValueError("Invalid host.")
        self._host = value

    @property
    def port(self) -> int:
        """The port to connect to. It cannot be changed while there is a connection."""
        return self._port

    @port.setter
    def port(self, value: int) -> None:
        self._must_be_closed("port")
        if value <= 0:
            raise ValueError("Invalid port number.")
        self._port = value

    @property
    def keepalive(self) -> int:
        """After so many seconds without traffic the server is asked for a sign of life. It cannot be changed while there is a
        connection."""
        return self._keepalive

    @keepalive.setter
    def keepalive(self, value: int) -> None:
        self._must_be_closed("keepalive")
        if value < 0:
            raise ValueError("Keepalive must be >=0.")
        self._keepalive = value

    @property
    def transport(self) -> Literal["tcp", "websockets", "unix"]:
        """What MQTT travels on. It cannot be changed while there is a connection."""
        return cast('Literal["tcp", "websockets", "unix"]', self._transport)

    @transport.setter
    def transport(self, value: Literal["tcp", "websockets", "unix"]) -> None:
        self._must_be_closed("transport")
        self._transport = value

    @property
    def protocol(self) -> MQTTProtocolVersion:
        """The version of MQTT."""
        return self._protocol

    @property
    def connect_timeout(self) -> float:
        """Seconds that making a connection may take. It cannot be changed while there is a connection."""
        return self._connect_timeout

    @connect_timeout.setter
    def connect_timeout(self, value: float) -> None:
        self._must_be_closed("connect_timeout")
        if value <= 0.0:
            raise ValueError("timeout must be a positive number")
        self._connect_timeout = value

    @property
    def username(self) -> str | None:
        """The user name, or None. It cannot be changed while there is a connection."""
        return None if self._username is None else self._username.decode("utf-8")

    @username.setter
    def username(self, value: str | None) -> None:
        self._must_be_closed("username")
        self._username = None if value is None else value.encode("utf-8")

    @property
    def password(self) -> str | None:
        """The password, or None. It cannot be changed while there is a connection."""
        return None if self._password is None else self._password.decode("utf-8")

    @password.setter
    def password(self, value: str | None) -> None:
        self._must_be_closed("password")
        self._password = None if value is None else value.encode("utf-8")

    @property
    def max_inflight_messages(self) -> int:
        """How many publishes of QoS 1 and 2 may be unacknowledged at a time; 0: as many as MQTT has numbers. A long way to the
        server wants more than the 20 there are by default. It cannot be changed while there is a connection."""
        return self._max_inflight_messages

    @max_inflight_messages.setter
    def max_inflight_messages(self, value: int) -> None:
        self._must_be_closed("max_inflight_messages")
        if value < 0:
            raise ValueError("Invalid inflight.")
        self._max_inflight_messages = value

    def max_inflight_messages_set(self, inflight: int) -> None:
        """Sets `max_inflight_messages`.

        :raises ValueError: it is negative.
        :raises RuntimeError: there is a connection.
        """
        self.max_inflight_messages = inflight

    @property
    def max_queued_messages(self) -> int:
        """How many publishes of QoS 1 and 2 may be unfinished, waiting ones included; 0: any number. It cannot be changed
        while there is a connection."""
        return self._max_queued_messages

    @max_queued_messages.setter
    def max_queued_messages(self, value: int) -> None:
        self._must_be_closed("max_queued_messages")
        if value < 0:
            raise ValueError("Invalid queue size.")
        self._max_queued_messages = value
        self._connection.set_max_queued(value)

    def max_queued_messages_set(self, queue_size: int) -> Client:
        """Sets `max_queued_messages`; returns the client.

        :raises ValueError: it is negative.
        :raises TypeError: it is no int.
        :raises RuntimeError: there is a connection.
        """
        if not isinstance(queue_size, int):
            raise TypeError("queue_size should be an int")
        self.max_queued_messages = queue_size
        return cast("Client", self)

    @property
    def will_topic(self) -> str | None:
        """The topic of the will; empty if there is none."""
        return self._will_topic.decode("utf-8")

    @property
    def will_payload(self) -> PayloadType:
        """The payload of the will."""
        return self._will_payload

    def reinitialise(self, client_id: str = "", clean_session: bool = True, userdata: Any = None) -> None:
        """Makes the client as if it were new; settings and callbacks are gone.

        :raises ValueError: as `Client`.
        """
        self._sock_close()
        version = self._callback_api_version
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            if client_id == "" and not clean_session:
                raise ValueError("A client id must be provided if clean session is False.")
            Settings.__init__(self, version, client_id, clean_session, userdata)

    def ws_set_options(self, path: str = "/mqtt", headers: WebSocketHeaders | None = None) -> None:
        """Sets what WebSocket's upgrade request says.

        :param path: the resource, beginning with a slash.
        :param headers: a dictionary of more headers, or a function that gets the default ones and returns those to be sent.
        """
        self._websocket_path = path
        if headers is not None:
            if not isinstance(headers, dict) and not callable(headers):
                raise ValueError("'headers' option to ws_set_options has to be either a dictionary or callable")
            self._websocket_extra_headers = headers

    def tls_set_context(self, context: ssl.SSLContext | None = None) -> None:
        """Has connections use TLS, with a context of the program's or the default one.

        :raises ValueError: there is a context already.
        """
        if self._ssl_context is not None:
            raise ValueError("SSL/TLS has already been configured.")
        if context is None:
            context = ssl.create_default_context()
        self._ssl = True
        self._ssl_context = context
        if hasattr(context, "check_hostname"):
            self._tls_insecure = not context.check_hostname

    def tls_set(
        self,
        ca_certs: str | None = None,
        certfile: str | None = None,
        keyfile: str | None = None,
        cert_reqs: ssl.VerifyMode | None = None,
        tls_version: int | None = None,
        ciphers: str | None = None,
        keyfile_password: str | None = None,
        alpn_protocols: list[str] | None = None,
    ) -> None:
        """Has connections use TLS.

        :param ca_certs: file with the certificates to trust; None: the system's.
        :param certfile: file with a certificate of the client's.
        :param keyfile: file with its key.
        :param cert_reqs: whether the server's certificate is checked; None: it is.
        :param tls_version: one of `ssl`'s PROTOCOL_TLS constants; None: PROTOCOL_TLS_CLIENT.
        :param ciphers: as OpenSSL writes them.
        :param keyfile_password: of the key.
        :param alpn_protocols: protocols to offer.
        :raises OSError: a file cannot be read.
        """
        if tls_version is None:
            tls_version = ssl.PROTOCOL_TLS_CLIENT
            context = ssl.SSLContext(tls_version)
        else:
            context = ssl.SSLContext(tls_version)
        if ciphers is not None:
            context.set_ciphers(ciphers)
        if certfile is not None:
            context.load_cert_chain(certfile, keyfile, keyfile_password)
        if cert_reqs == ssl.CERT_NONE:
            context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if cert_reqs is None else cert_reqs
        if ca_certs is not None:
            context.load_verify_locations(ca_certs)
        else:
            context.load_default_certs()
        if alpn_protocols is not None:
            context.set_alpn_protocols(alpn_protocols)
        self.tls_set_context(context)
        if cert_reqs != ssl.CERT_NONE:
            self.tls_insecure_set(False)
        else:
            self.tls_insecure_set(True)

    def tls_insecure_set(self, value: bool) -> None:
        """Sets whether a certificate of another name is accepted. Anybody could pose as the server then.

        :raises ValueError: before `tls_set`.
        """
        if self._ssl_context is None:
            raise ValueError("Must configure SSL context before using tls_insecure_set.")
        self._tls_insecure = value
        if hasattr(self._ssl_context, "check_hostname"):
            self._ssl_context.check_hostname = not value

    def proxy_set(self, **proxy_args: Any) -> None:
        """Sets a proxy for TCP connections, with PySocks's arguments: proxy_type and proxy_addr, and where wanted proxy_port,
        proxy_rdns, proxy_username and proxy_password.

        :raises ValueError: PySocks is not installed, or an argument is none.
        """
        if socks is None:
            raise ValueError("PySocks must be installed for proxy support.")
        if not self._proxy_is_valid(proxy_args):
            raise ValueError("proxy_type and/or proxy_addr are invalid.")
        self._proxy = proxy_args

    @staticmethod
    def _proxy_is_valid(proxy: dict[str, Any]) -> bool:
        kinds = (socks.HTTP, socks.SOCKS4, socks.SOCKS5)
        return proxy.get("proxy_type") in kinds and bool(proxy.get("proxy_addr"))

    def reconnect_delay_set(self, min_delay: int = 1, max_delay: int = 120) -> None:
        """Sets how many seconds pass before a reconnect: the least, which doubles with each attempt up to the greatest."""
        self._reconnect_min_delay = min_delay
        self._reconnect_max_delay = max_delay
        self._reconnect_delay = None

    def username_pw_set(self, username: str | None, password: str | None = None) -> None:
        """Sets user name and password for the next connection; None as user name for none."""
        self._username = None if username is None else username.encode("utf-8")
        if isinstance(password, str):
            self._password = password.encode("utf-8")
        else:
            self._password = password

    def enable_bridge_mode(self) -> None:
        """Has the next CONNECT say that the client is a bridge: servers that know of it send back nothing of its own."""
        self._client_mode = MQTT_BRIDGE

    def will_set(
        self,
        topic: str,
        payload: PayloadType = None,
        qos: int = 0,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> None:
        """Sets the message that the server publishes when the connection ends without DISCONNECT; from the next connection on.

        :raises ValueError: the topic is empty, or the QoS not 0, 1 or 2.
        :raises TypeError: the payload is of no type that `publish` takes.
        """
        if not topic:
            raise ValueError("Invalid topic.")
        if qos < 0 or qos > 2:
            raise ValueError("Invalid QoS level.")
        if properties and not isinstance(properties, Properties):
            raise ValueError("The properties argument must be an instance of the Properties class.")
        self._will_payload = _encode_payload(payload)
        self._will = True
        self._will_topic = topic.encode("utf-8")
        self._will_qos = qos
        self._will_retain = retain
        self._will_properties = properties

    def will_clear(self) -> None:
        """Removes the will."""
        self._will = False
        self._will_topic = b""
        self._will_payload = b""
        self._will_qos = 0
        self._will_retain = False

    def user_data_set(self, userdata: Any) -> None:
        """Sets what callbacks get as their second argument."""
        self._userdata = userdata

    def user_data_get(self) -> Any:
        """Returns what callbacks get as their second argument."""
        return self._userdata

    def manual_ack_set(self, on: bool) -> None:
        """Sets whether messages are acknowledged by `ack` rather than after `on_message`."""
        self._manual_ack = on

    def message_callback_add(self, sub: str, callback: CallbackOnMessage) -> None:
        """Sets a callback for the messages that match a topic filter; `on_message` gets the others.

        All callbacks of filters that match are called. This subscribes to nothing.
        """
        if callback is None or sub is None:
            raise ValueError("sub and callback must both be defined.")
        self._filters[sub] = callback
        self._filters_changed()

    def message_callback_remove(self, sub: str) -> None:
        """Removes the callback of a topic filter, if there is one."""
        if sub is None:
            raise ValueError("sub must defined.")
        self._filters.pop(sub, None)
        self._filters_changed()

    def _filters_changed(self) -> None:
        # A new one, so that a thread that is looking a topic up is not disturbed.
        matcher = MQTTMatcher()
        for sub, callback in list(self._filters.items()):
            matcher[sub] = callback
        self._on_message_filtered = matcher
        self._has_filters = bool(self._filters)

    def topic_callback(self, sub: str) -> Callable[[CallbackOnMessage], CallbackOnMessage]:
        """Returns a decorator that calls `message_callback_add`."""

        def decorate(function: CallbackOnMessage) -> CallbackOnMessage:
            self.message_callback_add(sub, function)
            return function

        return decorate
