"""Prints what the functions of `publish` and `subscribe` do, and what they make of bad arguments."""

from __future__ import annotations

import re
import socket
import sys
import warnings
from typing import Any, Callable

import paho.mqtt.client as mqtt
import paho.mqtt.publish as publish
import paho.mqtt.subscribe as subscribe
from paho.mqtt.properties import Properties

warnings.simplefilter("ignore")
tcp, tls, ws, unix, ca = sys.argv[1:]
nobody = socket.socket()  # it does not listen, and nobody else is given its port
nobody.bind(("127.0.0.1", 0))
closed = nobody.getsockname()[1]
here = {"hostname": "127.0.0.1", "port": int(tcp)}


def shown(value: Any) -> Any:
    if isinstance(value, mqtt.MQTTMessage):
        return (value.topic, value.payload, value.qos, value.retain, str(value.properties))
    return sorted(map(shown, value), key=str) if isinstance(value, list) else value


def t(name: str, function: Callable[[], Any]) -> None:
    try:
        print(name, "->", shown(function()))
    except Exception as error:
        text = (
            re.sub("0x[0-9a-f]{6,}", "0x", str(error))
            .replace("paho_oxide", "paho.mqtt")
            .replace(str(closed), "PORT")
            .replace("Settings.", "Client.")
        )
        print(name, "!!", type(error).__name__, text)


properties = Properties(3)
properties.ContentType = "text"
for protocol in 4, 5, 3:
    for qos in 0, 1, 2:
        t(f"single {protocol} {qos}", lambda: publish.single("h/1", f"{protocol} {qos}", qos, True, **here, protocol=protocol))
        t("simple", lambda: subscribe.simple("h/1", qos, **here, protocol=protocol))
many = [
    ("h/1", "one", 0, True),
    {"topic": "h/2", "payload": b"two", "qos": 2, "retain": True},
    {"topic": "h/3", "retain": True},
]
t("multiple", lambda: publish.multiple(many, **here, client_id="helper"))
t("simple 2", lambda: subscribe.simple(["h/1", "h/2"], 1, 2, **here))
t("simple 0", lambda: subscribe.simple("h/#", msg_count=0, **here))
t("with properties", lambda: publish.single("h/1", "p", 1, True, **here, protocol=5, properties=properties))
for place in (
    {"hostname": "127.0.0.1", "port": int(ws), "transport": "websockets"},
    {"hostname": "localhost", "port": int(tls), "tls": {"ca_certs": ca}},
    {"hostname": unix, "transport": "unix"},
):
    t(f"single over {place.get('transport', 'tls')}", lambda: publish.single("h/1", str(place.keys()), 1, True, **place))
    if place.get("transport") != "unix":
        t("simple", lambda: subscribe.simple("h/1", **place))
t("with a will", lambda: publish.single("h/1", "w", 0, True, **here, will={"topic": "h/will", "payload": "x"}))
t("a bad will", lambda: publish.single("h/1", "w", **here, will={"payload": "x"}))
t("with a user", lambda: publish.single("h/1", "u", 0, True, **here, auth={"username": "a", "password": "b"}))
t("a bad user", lambda: publish.single("h/1", "u", **here, auth={"password": "b"}))
t("nobody there", lambda: publish.single("h/1", "x", hostname="127.0.0.1", port=closed))
t("nobody there", lambda: subscribe.simple("h/1", hostname="127.0.0.1", port=closed))
for bad in (None, 5, [], [5], [("t", "p", 7)], [()], [{}], ["t"], [("a", "b", "c", "d", "e")], [{"topic": "t", "other": 1}]):
    t(f"multiple {bad}", lambda: publish.multiple(bad, **here))
t("single, no topic", lambda: publish.single("", "x", **here))
t("single, wildcard", lambda: publish.single("a/#", "x", **here))
t("single, TLS without certificates", lambda: publish.single("t", **here, tls={"certfile": "x"}))
t("subscribe, bad count", lambda: subscribe.simple("h/1", msg_count=-1, **here))
t("subscribe, bad filter", lambda: subscribe.simple("a#b", **here))
t("subscribe, bad QoS", lambda: subscribe.simple("a", 5, **here))


def on_message(client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
    userdata.append(shown(message))
    if len(userdata) == 2:
        client.disconnect()


for clean in True, False:
    got: list[Any] = []
    t(
        "callback",
        lambda: subscribe.callback(on_message, ["h/1", "h/2", "h/3"], 1, got, **here, client_id="cb", clean_session=clean),
    )
    # What comes first is the server's business.
    print(sorted(got))
    got = []
    t("callback", lambda: subscribe.callback(lambda c, u, m: 1 / 0, "h/1", 1, got, **here))
t("callback, bad function", lambda: subscribe.callback(5, "h/1", **here))
for number in 1, 2, 3:
    t("removed", lambda: publish.single(f"h/{number}", None, retain=True, **here))
