"""Publishing a message, or several, and nothing else: connect, publish, disconnect."""

from __future__ import annotations

import collections
import ssl
from collections.abc import Iterable
from typing import Any, Dict, List, Literal, Tuple, Union

from . import client as paho
from .client import CallbackAPIVersion, Client, connack_string
from .enums import MQTTErrorCode, MQTTProtocolVersion
from .exception import MQTTException
from .properties import Properties
from .reasoncodes import ReasonCode

TYPE_CHECKING = False

MQTTv311 = MQTTProtocolVersion.MQTTv311
MessageDict = Dict[str, Any]
MessageTuple = Tuple[Any, ...]
MessagesList = List[Union[MessageDict, MessageTuple]]
AuthParameter = Dict[str, str]
TLSParameter = Union[Dict[str, Any], ssl.SSLContext]


def _publish_next(client: Client) -> None:
    """Publishes the next message, or disconnects after the last one."""
    messages: collections.deque[Any] = client.user_data_get()
    if not messages:
        client.disconnect()
        return
    message = messages.popleft()
    if isinstance(message, dict):
        client.publish(**message)
    elif isinstance(message, (tuple, list)):
        client.publish(*message)
    else:
        raise TypeError("message must be a dict, tuple, or list")


def _on_connect(
    client: Client, userdata: Any, flags: paho.ConnectFlags, reason_code: ReasonCode, properties: Properties | None
) -> None:
    if reason_code != 0:
        raise MQTTException(connack_string(reason_code))
    if userdata:
        _publish_next(client)


def _on_publish(client: Client, userdata: Any, mid: int, reason_code: ReasonCode, properties: Properties) -> None:
    _publish_next(client)


def configure(
    client: Client,
    auth: AuthParameter | None,
    will: MessageDict | None,
    tls: TLSParameter | None,
    proxy_args: Any | None,
) -> None:
    """Sets what the helper functions have as dictionaries.

    :raises KeyError: a dictionary lacks what it must have.
    """
    if proxy_args is not None:
        client.proxy_set(**proxy_args)
    if auth:
        username = auth.get("username")
        if not username:
            raise KeyError("The 'username' key was not found, this is required for auth")
        client.username_pw_set(username, auth.get("password"))
    if will is not None:
        client.will_set(**will)
    if tls is not None:
        if isinstance(tls, dict):
            settings = dict(tls)
            insecure = settings.pop("insecure", False)
            client.tls_set(**settings)
            if insecure:
                client.tls_insecure_set(insecure)
        else:
            client.tls_set_context(tls)


def multiple(
    msgs: MessagesList,
    hostname: str = "localhost",
    port: int = 1883,
    client_id: str = "",
    keepalive: int = 60,
    will: MessageDict | None = None,
    auth: AuthParameter | None = None,
    tls: TLSParameter | None = None,
    protocol: MQTTProtocolVersion = MQTTv311,
    transport: Literal["tcp", "websockets"] = "tcp",
    proxy_args: Any | None = None,
) -> None:
    """Connects, publishes messages one after the other, and disconnects.

    :param msgs: each a dictionary of `Client.publish`'s arguments (only the topic is needed), or a tuple of them.
    :param will: a dictionary of `Client.will_set`'s arguments.
    :param auth: a dictionary with ``username``, and where wanted ``password``.
    :param tls: a dictionary of `Client.tls_set`'s arguments and ``insecure``, or an ``ssl.SSLContext``.
    :param proxy_args: a dictionary of `Client.proxy_set`'s arguments.
    :raises MQTTException: the server refused the connection.
    :raises OSError: the connection cannot be made.
    """
    if not isinstance(msgs, Iterable):
        raise TypeError("msgs must be an iterable")
    if len(msgs) == 0:
        raise ValueError("msgs is empty")
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        userdata=collections.deque(msgs),
        protocol=protocol,
        transport=transport,
    )
    client.enable_logger()
    client.on_publish = _on_publish
    client.on_connect = _on_connect
    configure(client, auth, will, tls, proxy_args)
    client.connect(hostname, port, keepalive)
    client.loop_forever()


def single(
    topic: str,
    payload: paho.PayloadType = None,
    qos: int = 0,
    retain: bool = False,
    hostname: str = "localhost",
    port: int = 1883,
    client_id: str = "",
    keepalive: int = 60,
    will: MessageDict | None = None,
    auth: AuthParameter | None = None,
    tls: TLSParameter | None = None,
    protocol: MQTTProtocolVersion = MQTTv311,
    transport: Literal["tcp", "websockets"] = "tcp",
    proxy_args: Any | None = None,
) -> None:
    """Connects, publishes one message, and disconnects; as `multiple`."""
    message: MessageDict = {"topic": topic, "payload": payload, "qos": qos, "retain": retain}
    multiple([message], hostname, port, client_id, keepalive, will, auth, tls, protocol, transport, proxy_args)


__all__ = ["MQTTErrorCode", "MQTTException", "multiple", "single"]
