"""A client with the interface of paho-mqtt's ``Client``: threads, or any loop that can poll a socket."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import platform
import ssl
import threading
import time
import uuid
import warnings
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, Callable, Dict, List, Literal, NamedTuple, Optional, Tuple, Union, cast

from . import _native
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
from ._events import (
    convert_connack_rc_to_reason_code,
    convert_disconnect_error_code_to_reason_code,
    pack,
)
from ._loop import Loop
from ._native import MQTTMessage, MQTTMessageInfo
from ._state import _ConnectionState
from ._transport import (
    HTTPHeader,
    WebsocketConnectionError,
    WebSocketHeaders,
    _WebsocketWrapper,
    default_proxy,
    dial,
    secure,
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

try:
    import dns.resolver

    HAVE_DNS = True
except ImportError:
    HAVE_DNS = False

try:
    import socks
except ImportError:
    socks = None

TYPE_CHECKING = False
EAGAIN = errno.EAGAIN

PayloadType = Union[str, bytes, bytearray, int, float, None]
CleanStartOption = Union[bool, Literal[3]]
SocketLike = Any

AUTH = MessageType.AUTH
CONNACK = MessageType.CONNACK
CONNECT = MessageType.CONNECT
DISCONNECT = MessageType.DISCONNECT
PINGREQ = MessageType.PINGREQ
PINGRESP = MessageType.PINGRESP
PUBACK = MessageType.PUBACK
PUBCOMP = MessageType.PUBCOMP
PUBLISH = MessageType.PUBLISH
PUBREC = MessageType.PUBREC
PUBREL = MessageType.PUBREL
SUBACK = MessageType.SUBACK
SUBSCRIBE = MessageType.SUBSCRIBE
UNSUBACK = MessageType.UNSUBACK
UNSUBSCRIBE = MessageType.UNSUBSCRIBE

MQTT_LOG_INFO = LogLevel.MQTT_LOG_INFO
MQTT_LOG_NOTICE = LogLevel.MQTT_LOG_NOTICE
MQTT_LOG_WARNING = LogLevel.MQTT_LOG_WARNING
MQTT_LOG_ERR = LogLevel.MQTT_LOG_ERR
MQTT_LOG_DEBUG = LogLevel.MQTT_LOG_DEBUG

CONNACK_ACCEPTED = ConnackCode.CONNACK_ACCEPTED
CONNACK_REFUSED_PROTOCOL_VERSION = ConnackCode.CONNACK_REFUSED_PROTOCOL_VERSION
CONNACK_REFUSED_IDENTIFIER_REJECTED = ConnackCode.CONNACK_REFUSED_IDENTIFIER_REJECTED
CONNACK_REFUSED_SERVER_UNAVAILABLE = ConnackCode.CONNACK_REFUSED_SERVER_UNAVAILABLE
CONNACK_REFUSED_BAD_USERNAME_PASSWORD = ConnackCode.CONNACK_REFUSED_BAD_USERNAME_PASSWORD
CONNACK_REFUSED_NOT_AUTHORIZED = ConnackCode.CONNACK_REFUSED_NOT_AUTHORIZED

mqtt_ms_invalid = MessageState.MQTT_MS_INVALID
mqtt_ms_publish = MessageState.MQTT_MS_PUBLISH
mqtt_ms_wait_for_puback = MessageState.MQTT_MS_WAIT_FOR_PUBACK
mqtt_ms_wait_for_pubrec = MessageState.MQTT_MS_WAIT_FOR_PUBREC
mqtt_ms_resend_pubrel = MessageState.MQTT_MS_RESEND_PUBREL
mqtt_ms_wait_for_pubrel = MessageState.MQTT_MS_WAIT_FOR_PUBREL
mqtt_ms_resend_pubcomp = MessageState.MQTT_MS_RESEND_PUBCOMP
mqtt_ms_wait_for_pubcomp = MessageState.MQTT_MS_WAIT_FOR_PUBCOMP
mqtt_ms_send_pubrec = MessageState.MQTT_MS_SEND_PUBREC
mqtt_ms_queued = MessageState.MQTT_MS_QUEUED

MQTT_ERR_AGAIN = MQTTErrorCode.MQTT_ERR_AGAIN
MQTT_ERR_SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS
MQTT_ERR_NOMEM = MQTTErrorCode.MQTT_ERR_NOMEM
MQTT_ERR_PROTOCOL = MQTTErrorCode.MQTT_ERR_PROTOCOL
MQTT_ERR_INVAL = MQTTErrorCode.MQTT_ERR_INVAL
MQTT_ERR_NO_CONN = MQTTErrorCode.MQTT_ERR_NO_CONN
MQTT_ERR_CONN_REFUSED = MQTTErrorCode.MQTT_ERR_CONN_REFUSED
MQTT_ERR_NOT_FOUND = MQTTErrorCode.MQTT_ERR_NOT_FOUND
MQTT_ERR_CONN_LOST = MQTTErrorCode.MQTT_ERR_CONN_LOST
MQTT_ERR_TLS = MQTTErrorCode.MQTT_ERR_TLS
MQTT_ERR_PAYLOAD_SIZE = MQTTErrorCode.MQTT_ERR_PAYLOAD_SIZE
MQTT_ERR_NOT_SUPPORTED = MQTTErrorCode.MQTT_ERR_NOT_SUPPORTED
MQTT_ERR_AUTH = MQTTErrorCode.MQTT_ERR_AUTH
MQTT_ERR_ACL_DENIED = MQTTErrorCode.MQTT_ERR_ACL_DENIED
MQTT_ERR_UNKNOWN = MQTTErrorCode.MQTT_ERR_UNKNOWN
MQTT_ERR_ERRNO = MQTTErrorCode.MQTT_ERR_ERRNO
MQTT_ERR_QUEUE_SIZE = MQTTErrorCode.MQTT_ERR_QUEUE_SIZE
MQTT_ERR_KEEPALIVE = MQTTErrorCode.MQTT_ERR_KEEPALIVE

MQTTv31 = MQTTProtocolVersion.MQTTv31
MQTTv311 = MQTTProtocolVersion.MQTTv311
MQTTv5 = MQTTProtocolVersion.MQTTv5

MQTT_CLIENT = PahoClientMode.MQTT_CLIENT
MQTT_BRIDGE = PahoClientMode.MQTT_BRIDGE

#: For MQTT 5's clean start: set it until a connection has been accepted.
MQTT_CLEAN_START_FIRST_ONLY: CleanStartOption = 3

_MAX_PAYLOAD = 268_435_455
_ERRORS = {
    MQTT_ERR_SUCCESS: "No error.",
    MQTT_ERR_NOMEM: "Out of memory.",
    MQTT_ERR_PROTOCOL: "A network protocol error occurred when communicating with the broker.",
    MQTT_ERR_INVAL: "Invalid function arguments provided.",
    MQTT_ERR_NO_CONN: "The client is not currently connected.",
    MQTT_ERR_CONN_REFUSED: "The connection was refused.",
    MQTT_ERR_NOT_FOUND: "Message not found (internal error).",
    MQTT_ERR_CONN_LOST: "The connection was lost.",
    MQTT_ERR_TLS: "A TLS error occurred.",
    MQTT_ERR_PAYLOAD_SIZE: "Payload too large.",
    MQTT_ERR_NOT_SUPPORTED: "This feature is not supported.",
    MQTT_ERR_AUTH: "Authorisation failed.",
    MQTT_ERR_ACL_DENIED: "Access denied by ACL.",
    MQTT_ERR_UNKNOWN: "Unknown error.",
    MQTT_ERR_ERRNO: "Error defined by errno.",
    MQTT_ERR_QUEUE_SIZE: "Message queue full.",
    MQTT_ERR_KEEPALIVE: "Client or broker did not communicate in the keepalive interval.",
}
_REFUSALS = {
    CONNACK_ACCEPTED: "Connection Accepted.",
    CONNACK_REFUSED_PROTOCOL_VERSION: "Connection Refused: unacceptable protocol version.",
    CONNACK_REFUSED_IDENTIFIER_REJECTED: "Connection Refused: identifier rejected.",
    CONNACK_REFUSED_SERVER_UNAVAILABLE: "Connection Refused: broker unavailable.",
    CONNACK_REFUSED_BAD_USERNAME_PASSWORD: "Connection Refused: bad user name or password.",
    CONNACK_REFUSED_NOT_AUTHORIZED: "Connection Refused: not authorised.",
}


def error_string(mqtt_errno: MQTTErrorCode | int) -> str:
    """Returns what a return code means, in words."""
    return _ERRORS.get(cast(MQTTErrorCode, mqtt_errno), "Unknown error.")


def connack_string(connack_code: int | ReasonCode) -> str:
    """Returns what a code of CONNACK means, in words."""
    if isinstance(connack_code, ReasonCode):
        return str(connack_code)
    return _REFUSALS.get(cast(ConnackCode, connack_code), "Connection Refused: unknown reason.")


def topic_matches_sub(sub: str, topic: str) -> bool:
    """Returns true if the topic filter `sub` matches `topic`."""
    matcher = MQTTMatcher()
    matcher[sub] = True
    return next(matcher.iter_match(topic), False)


def _base62(num: int, base: str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", padding: int = 1) -> str:
    """Returns a number in digits and letters, at least `padding` of them."""
    digits = []
    while num:
        num, rest = divmod(num, 62)
        digits.append(base[rest])
    return "".join(reversed(digits)).rjust(padding, base[0])


def _encode_payload(payload: PayloadType) -> bytes | bytearray:
    if payload is None:
        return b""
    if isinstance(payload, str):
        return payload.encode("utf-8")
    if isinstance(payload, (bytes, bytearray)):
        return payload
    if isinstance(payload, (int, float)):
        return str(payload).encode("ascii")
    raise TypeError("payload must be a string, bytearray, int, float or None.")


def _force_bytes(s: str | bytes | bytearray) -> bytes | bytearray:
    return s.encode("utf-8") if isinstance(s, str) else s


def _filter_is_valid(sub: bytes) -> bool:
    """Returns true if a topic filter has its wildcards where MQTT allows them."""
    if not sub or len(sub) > 65_535 or b"#" in sub[:-1]:
        return False
    return all(level in (b"+", b"#") or not (b"+" in level or b"#" in level) for level in sub.split(b"/"))


class Client(Loop):
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
            warnings.warn(
                "Callback API version 1 is deprecated, update to latest version", DeprecationWarning, stacklevel=2
            )
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
        self._thread_terminate = False
        self._wakeup = threading.Event()
        self._io_lock = threading.Lock()
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
        """Makes the session anew."""
        self._connection = _native.Connection(int(self._protocol), bytes(self._client_id))
        self._sock: Any = None
        self._direct = True
        self._state = _ConnectionState.MQTT_CS_NEW
        self._registered_write = False
        self._mqttv5_first_connect = True
        self._dispatching = 0
        self._batch = 64
        self._left = []
        self._connection.set_max_queued(self._max_queued_messages)
        self._callbacks_changed()
        _clients.add(self)

    def _callbacks_changed(self) -> None:
        connection = getattr(self, "_connection", None)
        if connection is not None:
            connection.set_tell_published(self.on_publish is not None or self._is_logging())

    def __del__(self) -> None:
        sock = getattr(self, "_sock", None)
        if sock is not None:
            self._sock = None
            try:
                self._connection.close()
            except RuntimeError:
                pass  # the parent's connection, in a forked child: the descriptor is closed, nothing is shut down
            sock.close()

    # ---- settings ----------------------------------------------------------------------------------------------------------

    def _must_be_closed(self, what: str) -> None:
        if self._sock is not None:
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
        return cast(Any, self._transport)

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
        self.max_inflight_messages_set(value)

    def max_inflight_messages_set(self, inflight: int) -> None:
        """Sets `max_inflight_messages`; it counts from the next connection on.

        :raises ValueError: it is negative.
        """
        if inflight < 0:
            raise ValueError("Invalid inflight.")
        self._max_inflight_messages = inflight

    @property
    def max_queued_messages(self) -> int:
        """How many publishes of QoS 1 and 2 may be unfinished, waiting ones included; 0: any number. It cannot be changed
        while there is a connection."""
        return self._max_queued_messages

    @max_queued_messages.setter
    def max_queued_messages(self, value: int) -> None:
        self._must_be_closed("max_queued_messages")
        self.max_queued_messages_set(value)

    def max_queued_messages_set(self, queue_size: int) -> Client:
        """Sets `max_queued_messages`; returns the client.

        :raises ValueError: it is negative.
        """
        if not isinstance(queue_size, int):
            raise TypeError("queue_size should be an int")
        if queue_size < 0:
            raise ValueError("Invalid queue size.")
        self._max_queued_messages = queue_size
        self._connection.set_max_queued(queue_size)
        return self

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
            Client.__init__(self, version, client_id, clean_session, userdata)

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
        return proxy.get("proxy_type") in kinds and isinstance(proxy.get("proxy_addr"), str)

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

    # ---- connections -------------------------------------------------------------------------------------------------------

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
                return self.connect(
                    host, answer.port, keepalive, bind_address, bind_port, clean_start, properties
                )
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
            self._direct = type(sock) is not _WebsocketWrapper and not isinstance(sock, ssl.SSLSocket)
            self._open(sock)
        except BaseException:
            sock.close()
            raise
        self._sock = sock
        self._call_socket("on_socket_open", sock)
        self._log_connect()
        if not self._dispatching and self._state == _ConnectionState.MQTT_CS_CONNECTING:
            self._flush()
        self._update_registered_write()
        return MQTT_ERR_SUCCESS

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
            self._password if self._username is not None or self._protocol == MQTTv5 else None,
            pack(self._connect_properties) if self._protocol == MQTTv5 else b"",
            will,
            self._transport == "websockets",
        )

    def _log_connect(self) -> None:
        if not self._is_logging():
            return
        properties = f" properties={self._connect_properties}" if self._protocol == MQTTv5 else ""
        self._easy_log(
            MQTT_LOG_DEBUG,
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
            return MQTT_ERR_NO_CONN
        self._state = _ConnectionState.MQTT_CS_DISCONNECTING
        if self._protocol == MQTTv5:
            self._easy_log(
                MQTT_LOG_DEBUG, "Sending DISCONNECT reasonCode=%s properties=%s", reasoncode, properties
            )
            reason = 0 if reasoncode is None else reasoncode.value
            self._connection.disconnect(reason, pack(properties))
        else:
            self._easy_log(MQTT_LOG_DEBUG, "Sending DISCONNECT")
            self._connection.disconnect(0, b"")
        self._wakeup.set()
        self._after_sending(True)
        return MQTT_ERR_SUCCESS

    def _after_sending(self, may_end: bool = False) -> None:
        """Has what a call queued written, where no loop of ours does."""
        if self._thread is not None:
            if not self._direct:
                self._connection.wake()
            return
        if not self._direct and not self._dispatching:
            self._write_stream()
        if self._dispatching:
            return
        self._update_registered_write()
        if may_end and self._on_socket_register_write is None and self._connection.ending() == 0:
            self._end(MQTT_ERR_SUCCESS)

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
        wait = thread is not None and threading.current_thread() is not thread
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
        text = f" properties={properties}," if self._protocol == MQTTv5 else ""
        self._easy_log(
            MQTT_LOG_DEBUG,
            "Sending PUBLISH (d%d, q%d, r%d, m%d), '%s',%s ... (%d bytes)",
            False,
            qos,
            retain,
            info.mid,
            (topic or "").encode("utf-8"),
            text,
            len(_encode_payload(payload)),
        )

    def subscribe(
        self,
        topic: str | tuple[str, int] | tuple[str, SubscribeOptions] | list[tuple[str, int]] | list[tuple[str, SubscribeOptions]],
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

    def unsubscribe(
        self, topic: str | list[str], properties: Properties | None = None
    ) -> tuple[MQTTErrorCode, int | None]:
        """Unsubscribes from a topic filter, or from several.

        :returns: MQTT_ERR_SUCCESS and the number that `on_unsubscribe` gets, or MQTT_ERR_NO_CONN and None.
        :raises ValueError: a filter is empty or no string.
        """
        if topic is None:
            raise ValueError("Invalid topic.")
        if isinstance(topic, (str, bytes)):
            if not topic:
                raise ValueError("Invalid topic.")
            filters = [cast(str, topic).encode("utf-8")]
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
        return self._connection.drop_out()

    # ---- the thread --------------------------------------------------------------------------------------------------------

    def loop_start(self) -> MQTTErrorCode:
        """Starts a thread that does what `loop_forever` does; it connects first after `connect_async`.

        :returns: MQTT_ERR_INVAL if there is one already.
        """
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
        thread = self._thread
        if thread is None:
            return MQTT_ERR_INVAL
        self._thread_terminate = True
        self._wakeup.set()
        self._connection.set_stop(True)
        if threading.current_thread() is not thread:
            thread.join()
        return MQTT_ERR_SUCCESS


_clients: weakref.WeakSet[Client] = weakref.WeakSet()


def _at_exit() -> None:
    """Ends the loops before the interpreter does: a thread must not come back from a wait into an interpreter that is gone."""
    threads = []
    for client in list(_clients):
        thread = client._thread
        if thread is not None and thread is not threading.current_thread():
            client._thread_terminate = True
            client._reconnect_on_failure = False
            client._connection.hurry()
            client._wakeup.set()
            threads.append(thread)
    end = time.monotonic() + 1.0
    for thread in threads:
        # One that is inside a callback for longer is left to the interpreter.
        thread.join(max(0.0, end - time.monotonic()))


def _in_child() -> None:
    _native.after_fork()
    for client in list(_clients):
        client._thread = None
    _clients.clear()


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
