"""Prints every callback with all its arguments, for both callback versions, one version of MQTT and one transport."""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

warnings.simplefilter("ignore")


def text(value: Any) -> str:
    if isinstance(value, mqtt.MQTTMessage):
        fields = (value.topic, value.payload, value.qos, value.retain, value.dup, value.mid, str(value.properties))
        return f"message{fields}"
    if isinstance(value, Properties):
        return str(value)
    return "socket" if hasattr(value, "fileno") else repr(value)


def run(version: mqtt.CallbackAPIVersion, protocol: int, transport: str, host: str, port: int, ca: str = "") -> None:
    print("=====", version, protocol, transport, bool(ca))
    seen: list[str] = []
    client = mqtt.Client(version, client_id=f"callbacks-{protocol}", protocol=protocol, transport=transport)
    if ca:
        client.tls_set(ca)

    def callback(name: str) -> Any:
        def function(_client: Any, _userdata: Any, *arguments: Any) -> None:
            print(name, *map(text, arguments))
            seen.append(name)

        return function

    for (
        name
    ) in "connect disconnect message publish subscribe unsubscribe pre_connect connect_fail socket_open socket_close".split():
        setattr(client, "on_" + name, callback(name))

    def until(*names: str) -> None:
        end = time.monotonic() + 120
        while not all(name in seen for name in names) and time.monotonic() < end:
            rc = client.loop(0.05)
            if rc:
                print("loop", repr(rc))
        if not all(name in seen for name in names):
            print("missing", names, seen)
        seen.clear()

    print(repr(client.connect(host, port, 30)))
    until("connect")
    print(client.is_connected(), client.subscribe("callbacks/#", 1))
    until("subscribe")
    if protocol == 5:
        print(client.subscribe([("x/#", SubscribeOptions(2)), ("y", SubscribeOptions(1))]))
    else:
        print(client.subscribe([("x/#", 2), ("y", 0)]))
    until("subscribe")
    # Which of the two comes first is the server's business, except at QoS 0, where publish() itself writes.
    info = client.publish("callbacks/0", "payload", 0)
    print(info)
    until("message")
    print(info.is_published())
    for qos in 1, 2:
        client.on_message = None
        info = client.publish(f"callbacks/{qos}", "payload", qos)
        print(info)
        until("publish")
        print(info.is_published(), info.rc)
        client.on_message = callback("message")
    properties = None
    if protocol == 5:
        properties = Properties(3)
        properties.ContentType = "text/plain"
        properties.UserProperty = ("a", "b")
        properties.ResponseTopic = "answer"
        properties.CorrelationData = b"\x00\x01"
        properties.MessageExpiryInterval = 1000
    client.on_publish = None
    client.publish("x/properties", bytearray(b"\x00\xff"), 0, True, properties)
    until("message")
    client.publish("x/properties", None, 0, True)
    until("message")
    client.on_publish = callback("publish")
    print(client.unsubscribe(["callbacks/#", "x/#"]))
    until("unsubscribe")
    client.publish("nobody", 5, 1)
    until("publish")
    print(repr(client.disconnect()))
    print(client.is_connected(), client.socket())
    print(repr(client.loop(0.05)))


kind, place, ca, protocol = sys.argv[1:]
secured = ca if kind in ("tls", "wss") else ""
transport = {"ws": "websockets", "wss": "websockets", "unix": "unix"}.get(kind, "tcp")
for version in mqtt.CallbackAPIVersion:
    if kind == "unix":
        run(version, int(protocol), transport, place, 1)
    else:
        run(version, int(protocol), transport, "localhost" if secured else "127.0.0.1", int(place), secured)
