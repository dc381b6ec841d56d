"""Receiving messages and nothing else: connect, subscribe, and a callback or a list."""

from __future__ import annotations

from typing import Any

from . import client as paho
from .client import CallbackAPIVersion, Client, connack_string
from .enums import MQTTProtocolVersion
from .exception import MQTTException
from .publish import configure

__all__ = ["MQTTException", "callback", "simple"]

_V311 = MQTTProtocolVersion.MQTTv311


def _on_connect(client: Client, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
    if reason_code != 0:
        raise MQTTException(connack_string(reason_code))
    if isinstance(userdata["topics"], list):
        for topic in userdata["topics"]:
            client.subscribe(topic, userdata["qos"])
    else:
        client.subscribe(userdata["topics"], userdata["qos"])


def _on_message(client: Client, userdata: Any, message: paho.MQTTMessage) -> None:
    userdata["callback"](client, userdata["userdata"], message)


def _on_message_simple(client: Client, userdata: Any, message: paho.MQTTMessage) -> None:
    if userdata["msg_count"] == 0 or (message.retain and not userdata["retained"]):
        return
    userdata["msg_count"] -= 1
    if userdata["messages"] is None:
        # One message was asked for.
        userdata["messages"] = message
        client.disconnect()
        return
    userdata["messages"].append(message)
    if userdata["msg_count"] == 0:
        client.disconnect()


def callback(  # type: ignore[no-untyped-def]  # its signature is the original's
    callback,
    topics,
    qos=0,
    userdata=None,
    hostname="localhost",
    port=1883,
    client_id="",
    keepalive=60,
    will=None,
    auth=None,
    tls=None,
    protocol=_V311,
    transport="tcp",
    clean_session=True,
    proxy_args=None,
):
    """Connects, subscribes, and calls ``callback(client, userdata, message)`` for each message, for ever.

    The other arguments are those of `paho_oxide.publish.multiple`. `callback` may call ``client.disconnect()`` to end this.

    :param topics: a topic filter or a list of them.
    :raises MQTTException: the server refused the connection.
    :raises OSError: the connection cannot be made.
    """
    if qos < 0 or qos > 2:
        raise ValueError("qos must be in the range 0-2")
    _receive(
        _on_message,
        {"callback": callback, "topics": topics, "qos": qos, "userdata": userdata},
        (hostname, port, keepalive),
        client_id,
        (auth, will, tls, proxy_args),
        protocol,
        transport,
        clean_session,
    )


def simple(  # type: ignore[no-untyped-def]  # its signature is the original's
    topics,
    qos=0,
    msg_count=1,
    retained=True,
    hostname="localhost",
    port=1883,
    client_id="",
    keepalive=60,
    will=None,
    auth=None,
    tls=None,
    protocol=_V311,
    transport="tcp",
    clean_session=True,
    proxy_args=None,
):
    """Connects, subscribes, and returns the first message, or a list of the first `msg_count` ones.

    The other arguments are those of `callback`.

    :param retained: whether retained messages count.
    :raises ValueError: `msg_count` is below 1.
    """
    if msg_count < 1:
        raise ValueError("msg_count must be > 0")
    messages: Any = None if msg_count == 1 else []
    state = {"retained": retained, "msg_count": msg_count, "messages": messages, "topics": topics, "qos": qos}
    if qos < 0 or qos > 2:
        raise ValueError("qos must be in the range 0-2")
    _receive(
        _on_message_simple,
        state,
        (hostname, port, keepalive),
        client_id,
        (auth, will, tls, proxy_args),
        protocol,
        transport,
        clean_session,
    )
    return state["messages"]


def _receive(
    on_message: paho.CallbackOnMessage,
    state: dict[str, Any],
    where: tuple[str, int, int],
    client_id: str,
    settings: tuple[Any, Any, Any, Any],
    protocol: MQTTProtocolVersion,
    transport: Any,
    clean_session: bool,
) -> None:
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if protocol == MQTTProtocolVersion.MQTTv5 else clean_session,
        userdata=state,
        protocol=protocol,
        transport=transport,
    )
    client.enable_logger()
    client.on_message = on_message
    client.on_connect = _on_connect
    configure(client, *settings)
    client.connect(*where)
    client.loop_forever()
