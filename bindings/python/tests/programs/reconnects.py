"""Prints what a program sees of a lost connection: reconnect, session, messages sent again, waits that end."""

from __future__ import annotations

import socket
import sys
import threading
import warnings
from typing import Any

import paho.mqtt.client as mqtt

warnings.simplefilter("ignore")


def packet(connection: socket.socket) -> bytes:
    first = connection.recv(1)
    if not first:
        raise ConnectionError
    length = connection.recv(1)[0]
    return first + bytes([length]) + (connection.recv(length, socket.MSG_WAITALL) if length else b"")


def server(listener: socket.socket, seen: list[bytes], protocol: int, connects: list[bytes]) -> None:
    none = b"\0" if protocol == 5 else b""
    # The first connection ends with the third PUBLISH, so that each was published with a connection; the second one
    # acknowledges all.
    for attempt in range(2):
        connection, _ = listener.accept()
        with connection:
            try:
                while True:
                    got = packet(connection)
                    if got[0] == 0x10:
                        connects.append(got)
                        connection.sendall(bytes([0x20, 2 + len(none)]) + b"\0\0" + none)
                    elif got[0] & 0xF0 == 0x30:
                        size = int.from_bytes(got[2:4], "big")
                        mid = got[4 + size : 6 + size]
                        # A server of MQTT 5 that has no session gets the messages as new ones; the original says DUP.
                        seen.append(
                            bytes([got[0] & (0xF0 if protocol == 5 else 0xF8)])
                            + got[4 : 4 + size]
                            + got[6 + size + len(none) :]
                        )
                        if attempt == 0:
                            if len(seen) == 3:
                                break
                            continue
                        connection.sendall((b"\x40\x02" if got[0] & 6 == 2 else b"\x50\x02") + mid)
                    elif got[0] == 0x62:
                        connection.sendall(b"\x70\x02" + got[2:4])
                    elif got[0] == 0xE0:
                        return
            except ConnectionError:
                pass


for protocol in 4, 3, 5:
    for clean in True, False:
        print("==", protocol, clean)
        listener = socket.create_server(("127.0.0.1", 0))
        seen: list[bytes] = []
        connects: list[bytes] = []
        thread = threading.Thread(target=server, args=(listener, seen, protocol, connects), daemon=True)
        thread.start()
        v5 = protocol == 5
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "reconnects", None if v5 else clean, protocol=protocol)
        client.reconnect_delay_set(1, 1)
        events: list[Any] = []
        client.on_connect = lambda c, u, flags, reason, p: events.append(("connect", flags, reason))
        client.on_disconnect = lambda c, u, flags, reason, p: events.append(("disconnect", flags, reason))
        client.on_publish = lambda c, u, mid, reason, p: events.append(("publish", mid, reason))
        connected = threading.Event()
        client.on_pre_connect = lambda c, u: connected.set()
        client.connect("127.0.0.1", listener.getsockname()[1], **({"clean_start": clean} if v5 else {}))
        client.loop_start()
        infos = [client.publish("again", f"{number}", qos) for number, qos in enumerate((1, 2, 1))]
        for info in infos:
            info.wait_for_publish(120)
            print(info.is_published(), info.rc, info.mid)
        client.disconnect()
        client.loop_stop()
        thread.join(120)
        print(connects)
        # How many of the three the first connection took before it ended is a matter of time.
        print(sorted(set(seen), key=seen.index)[-3:])
        for event in events:
            if event[0] != "publish":
                print(*event)
        print(sorted(event[1] for event in events if event[0] == "publish"))
sys.stdout.flush()
