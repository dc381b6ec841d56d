"""Prints what a server sees of a client, packet by packet: windows, queues, acknowledgements by hand, keep-alive."""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
import warnings
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.properties import Properties

warnings.simplefilter("ignore")


class Peer:
    """A server that is moved by hand."""

    def __init__(self, protocol: int):
        self.protocol = protocol
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.packets: queue.Queue[bytes] = queue.Queue()
        self.numbers: dict[bytes, int] = {}
        self.connection: Any = None
        self.heard = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            try:
                self.connection, _ = self.listener.accept()
                while True:
                    head = self.connection.recv(2, socket.MSG_WAITALL)
                    if len(head) < 2:
                        self.packets.put(b"")
                        break
                    packet = head + (self.connection.recv(head[1], socket.MSG_WAITALL) if head[1] else b"")
                    if packet[0] == 0xA2 and packet.endswith(b"barrier"):
                        self.heard.set()
                    else:
                        self.packets.put(packet)
            except OSError:
                self.packets.put(b"")
                if self.listener.fileno() < 0:
                    return

    def expect(self, client: mqtt.Client, count: int) -> list[bytes]:
        """Returns so many packets, while the client has its loop."""
        got = []
        for _ in range(12_000):
            while len(got) < count and not self.packets.empty():
                got.append(self.packets.get())
            if len(got) == count:
                break
            self.turn(client)
        # Nothing more may come: all that the client was sent has been read, and all that it has to say of it has come.
        if client.is_connected():
            read: list[bool] = []
            client.message_callback_add("barrier", lambda c, u, m: read.append(True))
            none = b"\0" if self.protocol == 5 else b""
            self.send(bytes([0x30, 9 + len(none)]) + b"\0\7barrier" + none)
            while not read and client.is_connected():
                self.turn(client)
            self.heard.clear()
            client.unsubscribe("barrier")
            while not self.heard.is_set() and client.is_connected():
                self.turn(client)
        while not self.packets.empty():
            got.append(self.packets.get())
        return got

    @staticmethod
    def turn(client: mqtt.Client) -> None:
        if client.socket() is None:
            time.sleep(0.01)
        client.loop(0.01)

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self.connection.sendall(packet)

    def accept(self, client: mqtt.Client, present: int = 0, properties: bytes = b"") -> None:
        connect = self.expect(client, 1)
        print("CONNECT", connect)
        tail = bytes([len(properties)]) + properties if self.protocol == 5 else b""
        self.send(bytes([0x20, 2 + len(tail), present, 0]) + tail)
        for _ in range(12_000):
            if client.is_connected():
                break
            client.loop(0.01)

    def publishes(self, packets: list[bytes]) -> list[bytes]:
        """Returns the payloads of PUBLISHes, and keeps their packet identifiers."""
        shown = []
        for packet in packets:
            if packet[:1] and packet[0] & 0xF0 == 0x30:
                size = 4 + int.from_bytes(packet[2:4], "big")
                qos = packet[0] & 6
                rest = packet[size + (2 if qos else 0) + (1 if self.protocol == 5 else 0) :]
                self.numbers[rest] = int.from_bytes(packet[size : size + 2], "big") if qos else 0
                shown.append(bytes([packet[0]]) + rest)
            else:
                shown.append(packet[:1])
        return shown

    def ack(self, kind: int, payload: bytes) -> bytes:
        return bytes([kind, 2]) + self.numbers[payload].to_bytes(2, "big")


def make(protocol: int, **more: Any) -> tuple[mqtt.Client, Peer]:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "flow", protocol=protocol, **more)
    client.on_publish = lambda c, u, mid, reason, p: print("published", mid, reason)
    client.on_message = lambda c, u, m: print("message", m.topic, m.payload, m.qos, m.retain, m.dup, m.mid)
    client.on_disconnect = lambda c, u, flags, reason, p: print("disconnected", flags, reason)
    return client, Peer(protocol)


def window(protocol: int, inflight: int, queued: int) -> None:
    print("== window", protocol, inflight, queued)
    client, peer = make(protocol)
    client.max_inflight_messages_set(inflight)
    client.max_queued_messages_set(queued)
    before = [client.publish("t", f"before {qos}", qos) for qos in (0, 1, 2)]
    print([(repr(info.rc), info.mid) for info in before])
    client.connect("127.0.0.1", peer.port)
    peer.accept(client)
    print(peer.publishes(peer.expect(client, min(2, inflight or 2))))
    infos = [client.publish("t", f"p{number}", 1 + number % 2) for number in range(6)]
    for info in infos:
        try:
            print(info, info.is_published())
        except (ValueError, RuntimeError) as error:
            print(info, type(error).__name__, error)
    # How many of them leave, and how many more with each that is acknowledged, the window says.
    accepted = 2 + sum(info.rc == 0 for info in infos)
    first = min(accepted, inflight or accepted)
    print(peer.publishes(peer.expect(client, first - 2)))
    waiting = [payload for payload in peer.numbers if payload]
    while waiting:
        payload = waiting.pop(0)
        qos1 = payload in (b"before 1", b"p0", b"p2", b"p4")
        peer.send(peer.ack(0x40 if qos1 else 0x50, payload))
        if not qos1:
            print([packet[:1] for packet in peer.expect(client, 1)])
            peer.send(peer.ack(0x70, payload))
        more = first < accepted
        first += more
        for packet in peer.publishes(peer.expect(client, more)):
            print("then", packet)
            waiting.append(packet[1:])
    print([packet.payload for packet in client.drop_out_messages()])
    client.disconnect()
    print(peer.expect(client, 2))


def drop(protocol: int) -> None:
    print("== drop_out_messages", protocol)
    client, peer = make(protocol)
    for number in range(3):
        client.publish("t", f"{number}", number)
    for dropped in client.drop_out_messages():
        print(dropped.topic, dropped.payload, dropped.qos, dropped.retain, dropped.mid)
    print(client.drop_out_messages())
    client.connect("127.0.0.1", peer.port)
    peer.accept(client)
    print(peer.publishes(peer.expect(client, 0)))
    client.disconnect()


def manual(protocol: int, manual_ack: bool) -> None:
    print("== acknowledgements", protocol, manual_ack)
    client, peer = make(protocol, manual_ack=manual_ack)
    client.connect("127.0.0.1", peer.port)
    peer.accept(client)
    none = b"\0" if protocol == 5 else b""
    for qos, mid in ((0, 0), (1, 11), (1, 12), (2, 13)):
        body = b"\0\1t" + (mid.to_bytes(2, "big") if qos else b"") + none + b"m%d" % mid
        peer.send(bytes([0x30 | qos << 1 | (mid == 12), len(body)]) + body)
    # PUBACK and PUBREC have no order between them.
    print(sorted(packet[:1] + packet[2:4] for packet in peer.expect(client, 1 if manual_ack else 3)))
    peer.send(b"\x62\x02\0\x0d")
    print([packet[:1] + packet[2:4] for packet in peer.expect(client, 0 if manual_ack else 1)])
    for mid, qos in ((12, 1), (13, 2), (11, 1)):
        print(repr(client.ack(mid, qos)))
        print([packet[:1] + packet[2:4] for packet in peer.expect(client, 1 if manual_ack else 0)])
    print(repr(client.manual_ack_set(not manual_ack)))
    client.disconnect()


def refused(protocol: int) -> None:
    print("== refusals", protocol)
    client, peer = make(protocol)
    client.on_subscribe = lambda c, u, mid, reasons, p: print("subscribed", mid, [str(reason) for reason in reasons], p)
    client.on_unsubscribe = lambda c, u, mid, reasons, p: print("unsubscribed", mid, [str(reason) for reason in reasons], p)
    client.connect("127.0.0.1", peer.port, 60)
    peer.accept(client)
    print(client.subscribe([("a", 0), ("b", 1), ("c", 2)]))
    sub = peer.expect(client, 1)[0]
    print(sub[:1] + sub[4:])
    why = b"\x06\x1f\0\3why" if protocol == 5 else b""
    codes = b"\0\x87\2" if protocol == 5 else b"\0\x80\2"
    peer.send(bytes([0x90, 2 + len(why) + 3]) + sub[2:4] + why + codes)
    peer.expect(client, 0)
    print(client.unsubscribe(["a", "b"]))
    unsub = peer.expect(client, 1)[0]
    print(unsub[:1] + unsub[4:])
    answer = unsub[2:4] + (why + b"\0\x11" if protocol == 5 else b"")
    peer.send(bytes([0xB0, len(answer)]) + answer)
    peer.expect(client, 0)
    if protocol == 5:
        # A PUBREC that refuses is not compared: the original goes on with PUBREL.
        client.publish("t", b"refused", 1)
        peer.publishes(peer.expect(client, 1))
        peer.send(b"\x40\x0a" + peer.numbers[b"refused"].to_bytes(2, "big") + b"\x97" + why)
        print([packet[:1] for packet in peer.expect(client, 0)])
        properties = Properties(14)
        properties.ReasonString = "enough"
        print(repr(client.disconnect(mqtt.ReasonCode(14, "Disconnect with will message"), properties)))
        print(peer.expect(client, 2))
    else:
        client.disconnect()


def keepalive(protocol: int) -> None:
    print("== keep-alive", protocol)
    client, peer = make(protocol)
    client.connect("127.0.0.1", peer.port, 2)
    peer.accept(client)
    for _ in range(2):
        for _ in range(12_000):
            if not peer.packets.empty():
                break
            client.loop(0.01)
        print(peer.packets.get())
        peer.send(b"\xd0\0")
    # The third one is not answered. The original tells of it twice.
    ends: list[str] = []
    client.on_disconnect = lambda c, u, flags, reason, p: ends.append(f"disconnected {flags} {reason}")
    rc = 0
    for _ in range(12_000):
        rc = client.loop(0.01)
        if rc:
            break
    print(repr(rc), ends[0])
    # On a busy machine the line counts as a slow one, and the question is put twice.
    got: list[bytes] = []
    while b"" not in got:
        got += peer.expect(client, 1)
    print(sorted(set(got)))


def numbers(protocol: int) -> None:
    """More publishes without an end than there are numbers for them."""
    print("== numbers", protocol)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "flow", protocol=protocol)
    client.connect_async("127.0.0.1", 1)
    before: Any = None
    for count in range(65_540):
        info = client.publish("t", None, 1 + count % 2)
        if info.rc != before:
            print(count, repr(info.rc), info.mid)
        before = info.rc
    print([(info.rc, info.mid) for info in (client.publish("t", None, qos) for qos in (0, 1, 2))])
    # Those that are dropped give their numbers back.
    print(len(client.drop_out_messages()))
    print([(info.rc, info.mid) for info in (client.publish("t", None, qos) for qos in (0, 1, 2))])


for protocol in 4, 5:
    numbers(protocol)
    for inflight, queued in ((2, 0), (20, 0), (0, 0), (2, 4)):
        window(protocol, inflight, queued)
    drop(protocol)
    for by_hand in False, True:
        manual(protocol, by_hand)
    refused(protocol)
    keepalive(protocol)
sys.stdout.flush()
