"""Prints the lines of a client's log, as on_log and a logger get them, with their levels."""

from __future__ import annotations

import logging
import re
import sys
import time
import warnings

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties

warnings.simplefilter("ignore")
tcp = int(sys.argv[1])


class Kept(logging.Handler):
    """Keeps what a logger gets."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append((record.levelno, record.getMessage()))


def plain(text: str) -> str:
    return re.sub(r"client_id=b'[^']*'", "client_id", text)


# Lines between PUBLISH and its end, at QoS 2, are fewer here: they are not compared.
BETWEEN = ("Sending PUBREC", "Received PUBREC", "Sending PUBREL", "Received PUBREL")


def run(protocol: int, by_logger: bool) -> None:
    print("==", protocol, by_logger)
    lines: list[tuple[int, str]] = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "lines", protocol=protocol)
    client.suppress_exceptions = True
    kept = Kept()
    if by_logger:
        logger = logging.getLogger(f"lines.{protocol}")
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addHandler(kept)
        print(client.logger, client.enable_logger(logger), client.logger is logger)
        lines = kept.lines
    else:
        client.on_log = lambda c, u, level, text: lines.append((int(level), text))
    client.username_pw_set("user", "password")
    client.will_set("will", "x", 1, True)

    def until(text: str) -> None:
        end = time.monotonic() + 20
        while not any(text in line for _, line in lines) and time.monotonic() < end:
            client.loop(0.05)
        print(text)
        for level, line in lines:
            if not line.startswith(BETWEEN):
                print("   ", level, plain(line))
        lines.clear()

    client.connect("127.0.0.1", tcp)
    until("Received CONNACK")
    client.subscribe([("lines/#", 0), ("other", 2)])
    until("Received SUBACK")
    properties = None
    if protocol == 5:
        properties = Properties(3)
        properties.ContentType = "text"
    for payload in "text", "", None, 5:
        client.publish("lines", payload, 0, False, properties)
        until("Received PUBLISH")
    client.publish("nobody", b"x", 1)
    until("Received PUBACK")
    client.publish("nobody", b"x", 2, True)
    until("Received PUBCOMP")
    client.unsubscribe("lines/#")
    until("Received UNSUBACK")
    client.unsubscribe(["a", "other"])
    until("Received UNSUBACK")
    client.on_subscribe = lambda *a: 1 / 0
    client.on_message = lambda *a: 1 / 0
    client.message_callback_add("filtered", lambda *a: 1 / 0)
    client.subscribe([("failing", 1), ("filtered", 1)])
    until("Caught")
    for topic in "failing", "filtered":
        client.publish(topic, "x", 0)
        until("Caught")
    client.on_disconnect = lambda *a: 1 / 0
    client.disconnect()
    until("Caught")
    client.disable_logger()
    print(client.logger)


for protocol in 3, 4, 5:
    for by_logger in False, True:
        run(protocol, by_logger)
# In a connection of its own: on a busy machine pings come between any two lines, and once more.
for protocol in 3, 4, 5:
    lines: list[tuple[int, str]] = []
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "pings", protocol=protocol)
    client.on_log = lambda c, u, level, text, lines=lines: lines.append((int(level), text))
    client.connect("127.0.0.1", tcp, 1)
    end = time.monotonic() + 30
    while not any("PINGRESP" in text for _, text in lines) and time.monotonic() < end:
        client.loop(0.05)
    print(sorted({(level, text) for level, text in lines if "PING" in text}))
    client.disconnect()
print(sorted((int(level), number) for level, number in mqtt.LOGGING_LEVEL.items()))
print([repr(level) for level in mqtt.LogLevel])
print(mqtt.Client(mqtt.CallbackAPIVersion.VERSION2).enable_logger())
