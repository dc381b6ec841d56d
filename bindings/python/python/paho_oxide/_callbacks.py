"""The callbacks of a client: their types, where they are kept, how they are called."""

from __future__ import annotations

import logging
import operator
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple, TypeVar, Union

from ._native import MQTTMessage
from .enums import CallbackAPIVersion, LogLevel, MQTTErrorCode
from .properties import Properties
from .reasoncodes import ReasonCode

# These stand at run time, in Python 3.9 too: hence the names of `typing`.
CallbackOnLog = Callable[["Any", Any, int, str], None]
CallbackOnMessage = Callable[["Any", Any, MQTTMessage], None]
CallbackOnPreConnect = Callable[["Any", Any], None]
CallbackOnConnectFail = Callable[["Any", Any], None]
CallbackOnSocket = Callable[["Any", Any, "Any"], None]


class ConnectFlags(NamedTuple):
    """What CONNACK says besides its code."""

    session_present: bool
    """The server resumes the session."""


class DisconnectFlags(NamedTuple):
    """What is known of the end of a connection besides its reason."""

    is_disconnect_packet_from_server: bool
    """The server said DISCONNECT (MQTT 5)."""


CallbackOnConnect_v1_mqtt3 = Callable[["Any", Any, Dict[str, Any], MQTTErrorCode], None]
CallbackOnConnect_v1_mqtt5 = Callable[["Any", Any, Dict[str, Any], ReasonCode, Optional[Properties]], None]
CallbackOnConnect_v1 = Union[CallbackOnConnect_v1_mqtt5, CallbackOnConnect_v1_mqtt3]
CallbackOnConnect_v2 = Callable[["Any", Any, ConnectFlags, ReasonCode, Optional[Properties]], None]
CallbackOnConnect = Union[CallbackOnConnect_v1, CallbackOnConnect_v2]
CallbackOnDisconnect_v1_mqtt3 = Callable[["Any", Any, MQTTErrorCode], None]
CallbackOnDisconnect_v1_mqtt5 = Callable[["Any", Any, Optional[Union[ReasonCode, int]], Optional[Properties]], None]
CallbackOnDisconnect_v1 = Union[CallbackOnDisconnect_v1_mqtt3, CallbackOnDisconnect_v1_mqtt5]
CallbackOnDisconnect_v2 = Callable[["Any", Any, DisconnectFlags, ReasonCode, Optional[Properties]], None]
CallbackOnDisconnect = Union[CallbackOnDisconnect_v1, CallbackOnDisconnect_v2]
CallbackOnPublish_v1 = Callable[["Any", Any, int], None]
CallbackOnPublish_v2 = Callable[["Any", Any, int, ReasonCode, Properties], None]
CallbackOnPublish = Union[CallbackOnPublish_v1, CallbackOnPublish_v2]
CallbackOnSubscribe_v1_mqtt3 = Callable[["Any", Any, int, Tuple[int, ...]], None]
CallbackOnSubscribe_v1_mqtt5 = Callable[["Any", Any, int, List[ReasonCode], Properties], None]
CallbackOnSubscribe_v1 = Union[CallbackOnSubscribe_v1_mqtt3, CallbackOnSubscribe_v1_mqtt5]
CallbackOnSubscribe_v2 = Callable[["Any", Any, int, List[ReasonCode], Optional[Properties]], None]
CallbackOnSubscribe = Union[CallbackOnSubscribe_v1, CallbackOnSubscribe_v2]
CallbackOnUnsubscribe_v1_mqtt3 = Callable[["Any", Any, int], None]
CallbackOnUnsubscribe_v1_mqtt5 = Callable[["Any", Any, int, Properties, Union[ReasonCode, List[ReasonCode]]], None]
CallbackOnUnsubscribe_v1 = Union[CallbackOnUnsubscribe_v1_mqtt3, CallbackOnUnsubscribe_v1_mqtt5]
CallbackOnUnsubscribe_v2 = Callable[["Any", Any, int, List[ReasonCode], Optional[Properties]], None]
CallbackOnUnsubscribe = Union[CallbackOnUnsubscribe_v1, CallbackOnUnsubscribe_v2]

F = TypeVar("F", bound=Callable[..., Any])

LOGGING_LEVEL = {
    LogLevel.MQTT_LOG_DEBUG: logging.DEBUG,
    LogLevel.MQTT_LOG_INFO: logging.INFO,
    LogLevel.MQTT_LOG_NOTICE: logging.INFO,
    LogLevel.MQTT_LOG_WARNING: logging.WARNING,
    LogLevel.MQTT_LOG_ERR: logging.ERROR,
}


def _slot(name: str, doc: str) -> Any:
    """Returns a property that keeps a callback. `_callbacks_changed` hears of a new one."""
    attribute = "_" + name

    def put(self: Callbacks, function: Any) -> None:
        setattr(self, attribute, function)
        self._callbacks_changed()

    return property(operator.attrgetter(attribute), put, doc=doc)


class Callbacks:
    """Keeps callbacks and calls them. They are looked up anew each time, so a subclass may have methods of their names."""

    suppress_exceptions: bool
    _callback_api_version: CallbackAPIVersion
    _userdata: Any
    _logger: logging.Logger | None
    _on_log: CallbackOnLog | None

    def _callbacks_changed(self) -> None:
        raise NotImplementedError

    on_log = _slot(
        "on_log",
        "``log_callback(client, userdata, level, buf)``: a line of the client's log, with its `MQTT_LOG_*` level.",
    )
    on_pre_connect = _slot("on_pre_connect", "``pre_connect_callback(client, userdata)``: a connection is about to be made.")
    on_connect = _slot(
        "on_connect",
        """The server has answered CONNECT, well or not.

        VERSION2: ``connect_callback(client, userdata, connect_flags, reason_code, properties)``. The reason code of MQTT 3 is
        converted; properties are empty there. VERSION1: ``connect_callback(client, userdata, flags, rc)`` in MQTT 3 and
        ``connect_callback(client, userdata, flags, reason_code, properties)`` in MQTT 5, flags being a dictionary with
        ``"session present"``.
        """,
    )
    on_connect_fail = _slot(
        "on_connect_fail",
        "``connect_fail_callback(client, userdata)``: a connection could not be made in `loop_start` or `loop_forever`.",
    )
    on_subscribe = _slot(
        "on_subscribe",
        """The server has answered a SUBSCRIBE.

        VERSION2: ``subscribe_callback(client, userdata, mid, reason_code_list, properties)``. VERSION1:
        ``subscribe_callback(client, userdata, mid, granted_qos)`` in MQTT 3, as VERSION2 in MQTT 5.
        """,
    )
    on_message = _slot(
        "on_message",
        """``message_callback(client, userdata, message)``: a message that no filter of `message_callback_add` matched.

        It is acknowledged after the callback.
        """,
    )
    on_publish = _slot(
        "on_publish",
        """A publish has ended: written at QoS 0, acknowledged at QoS 1 and 2.

        VERSION2: ``publish_callback(client, userdata, mid, reason_code, properties)``. VERSION1:
        ``publish_callback(client, userdata, mid)``.
        """,
    )
    on_unsubscribe = _slot(
        "on_unsubscribe",
        """The server has answered an UNSUBSCRIBE.

        VERSION2: ``unsubscribe_callback(client, userdata, mid, reason_code_list, properties)``. VERSION1:
        ``unsubscribe_callback(client, userdata, mid)`` in MQTT 3, ``unsubscribe_callback(client, userdata, mid, properties,
        reason_codes)`` in MQTT 5.
        """,
    )
    on_disconnect = _slot(
        "on_disconnect",
        """The connection has ended.

        VERSION2: ``disconnect_callback(client, userdata, disconnect_flags, reason_code, properties)``. VERSION1:
        ``disconnect_callback(client, userdata, rc)`` in MQTT 3, ``disconnect_callback(client, userdata, reason_code,
        properties)`` in MQTT 5. An rc of 0 means that the program said so.
        """,
    )
    on_socket_open = _slot(
        "on_socket_open", "``socket_open_callback(client, userdata, socket)``: poll this socket for reading."
    )
    on_socket_close = _slot(
        "on_socket_close", "``socket_close_callback(client, userdata, socket)``: the socket is about to be closed."
    )
    on_socket_register_write = _slot(
        "on_socket_register_write",
        "``socket_register_write_callback(client, userdata, socket)``: poll the socket for writing, too.",
    )
    on_socket_unregister_write = _slot(
        "on_socket_unregister_write",
        "``socket_unregister_write_callback(client, userdata, socket)``: no need to poll for writing any more.",
    )

    @property
    def callback_api_version(self) -> CallbackAPIVersion:
        """Which arguments the callbacks get."""
        return self._callback_api_version

    def _decorator(self, name: str) -> Callable[[F], F]:
        def decorate(function: F) -> F:
            setattr(self, name, function)
            return function

        return decorate

    def log_callback(self) -> Callable[[CallbackOnLog], CallbackOnLog]:
        """Returns a decorator that sets `on_log`."""
        return self._decorator("on_log")

    def pre_connect_callback(self) -> Callable[[CallbackOnPreConnect], CallbackOnPreConnect]:
        """Returns a decorator that sets `on_pre_connect`."""
        return self._decorator("on_pre_connect")

    def connect_callback(self) -> Callable[[CallbackOnConnect], CallbackOnConnect]:
        """Returns a decorator that sets `on_connect`."""
        return self._decorator("on_connect")

    def connect_fail_callback(self) -> Callable[[CallbackOnConnectFail], CallbackOnConnectFail]:
        """Returns a decorator that sets `on_connect_fail`."""
        return self._decorator("on_connect_fail")

    def subscribe_callback(self) -> Callable[[CallbackOnSubscribe], CallbackOnSubscribe]:
        """Returns a decorator that sets `on_subscribe`."""
        return self._decorator("on_subscribe")

    def message_callback(self) -> Callable[[CallbackOnMessage], CallbackOnMessage]:
        """Returns a decorator that sets `on_message`."""
        return self._decorator("on_message")

    def publish_callback(self) -> Callable[[CallbackOnPublish], CallbackOnPublish]:
        """Returns a decorator that sets `on_publish`."""
        return self._decorator("on_publish")

    def unsubscribe_callback(self) -> Callable[[CallbackOnUnsubscribe], CallbackOnUnsubscribe]:
        """Returns a decorator that sets `on_unsubscribe`."""
        return self._decorator("on_unsubscribe")

    def disconnect_callback(self) -> Callable[[CallbackOnDisconnect], CallbackOnDisconnect]:
        """Returns a decorator that sets `on_disconnect`."""
        return self._decorator("on_disconnect")

    def socket_open_callback(self) -> Callable[[CallbackOnSocket], CallbackOnSocket]:
        """Returns a decorator that sets `on_socket_open`."""
        return self._decorator("on_socket_open")

    def socket_close_callback(self) -> Callable[[CallbackOnSocket], CallbackOnSocket]:
        """Returns a decorator that sets `on_socket_close`."""
        return self._decorator("on_socket_close")

    def socket_register_write_callback(self) -> Callable[[CallbackOnSocket], CallbackOnSocket]:
        """Returns a decorator that sets `on_socket_register_write`."""
        return self._decorator("on_socket_register_write")

    def socket_unregister_write_callback(self) -> Callable[[CallbackOnSocket], CallbackOnSocket]:
        """Returns a decorator that sets `on_socket_unregister_write`."""
        return self._decorator("on_socket_unregister_write")

    def _call(self, name: str, *arguments: Any) -> None:
        """Calls a callback. Its exception is logged, and passed on unless `suppress_exceptions`."""
        function = getattr(self, name)
        if not function:
            return
        try:
            function(self, self._userdata, *arguments)
        except Exception as error:
            self._callback_failed(name, error)

    def _callback_failed(self, name: str, error: Exception) -> None:
        """Logs the exception that is being handled, and raises it unless `suppress_exceptions`."""
        self._easy_log(LogLevel.MQTT_LOG_ERR, "Caught exception in %s: %s", name, error)
        if not self.suppress_exceptions:
            raise error

    @property
    def logger(self) -> logging.Logger | None:
        """The logger of the standard library that gets what `on_log` gets, or None."""
        return self._logger

    @logger.setter
    def logger(self, value: logging.Logger | None) -> None:
        self._logger = value
        self._callbacks_changed()

    def enable_logger(self, logger: logging.Logger | None = None) -> None:
        """Logs to a logger of the standard library; to one of this module's name if none is given."""
        self.logger = logger or self._logger or logging.getLogger("paho_oxide.client")

    def disable_logger(self) -> None:
        """Undoes `enable_logger`; `on_log` is called as before."""
        self.logger = None

    def _is_logging(self) -> bool:
        return self._logger is not None or self.on_log is not None

    def _easy_log(self, level: LogLevel, fmt: str, *args: Any) -> None:
        on_log = self.on_log
        if on_log is not None:
            try:
                on_log(self, self._userdata, level, fmt % args)
            except Exception:
                # Writing a line of log about this would fail again.
                pass
        if self._logger is not None:
            self._logger.log(LOGGING_LEVEL[level], fmt, *args)
