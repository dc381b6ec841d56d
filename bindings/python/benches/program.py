"""One scenario of the benchmarks, in the API of paho-mqtt or of aiomqtt, against the sink in benches/sink.

Prints messages a second, microseconds of CPU a message, and for round trips the median in microseconds.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import sys
import threading
import time
from typing import Any

SIZE = 256
PAYLOAD = b"x" * SIZE
# Publishes that an asyncio program has under way at a time, where it does not wait for each.
IN_FLIGHT = 100


def report(messages: int, began: float, cpu: float, median: float = 0.0) -> None:
    print(messages / (time.perf_counter() - began), (cpu_time() - cpu) / messages * 1e6, median, flush=True)


def cpu_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def threads(scenario: str, port: int, count: int, ca: str) -> None:
    import paho.mqtt.client as mqtt

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bench")
    if scenario.startswith("tls"):
        client.tls_set(ca)
    connected, done = threading.Event(), threading.Event()
    client.on_connect = lambda *a: connected.set()
    client.connect("localhost", port)
    # Without it the original's round trips at QoS 1 take 44 ms, which would hide everything else.
    client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.loop_start()
    assert connected.wait(30)
    qos = int(scenario[-1])
    received = [0]
    if "receive" in scenario:

        def on_message(_client: Any, _userdata: Any, _message: Any) -> None:
            received[0] += 1
            if received[0] == count:
                done.set()

        client.on_message = on_message
        began, cpu = time.perf_counter(), cpu_time()
        client.subscribe(f"f/{qos}/{SIZE}/{count}/{1000 if qos else 0}", qos)
        assert done.wait(300)
        report(count, began, cpu)
    elif "publish" in scenario:

        def on_publish(*_: Any) -> None:
            received[0] += 1
            if received[0] == count:
                done.set()

        client.on_publish = on_publish
        began, cpu = time.perf_counter(), cpu_time()
        for _ in range(count):
            client.publish("bench/topic", PAYLOAD, qos)
        assert done.wait(300)
        report(count, began, cpu)
    else:
        times: list[float] = []
        turn = threading.Event()

        def on_echo(_client: Any, _userdata: Any, _message: Any) -> None:
            times.append(time.perf_counter() - sent[0])
            turn.set()

        sent = [0.0]
        client.on_message = on_echo
        began, cpu = time.perf_counter(), cpu_time()
        for _ in range(count):
            turn.clear()
            sent[0] = time.perf_counter()
            client.publish("e/cho", PAYLOAD, qos)
            assert turn.wait(30)
        report(count, began, cpu, sorted(times)[count // 2] * 1e6)
    client.disconnect()
    client.loop_stop()


async def aiomqtt_client(scenario: str, port: int, count: int) -> None:
    import aiomqtt

    async with aiomqtt.Client("localhost", port, identifier="bench", max_inflight_messages=1000) as client:
        await asyncio_client(client, scenario, count)


async def native_client(scenario: str, port: int, count: int) -> None:
    from paho_oxide import aio

    async with aio.Client("localhost", port, identifier="bench", protocol=4, max_inflight_messages=1000) as client:  # type: ignore[arg-type]
        await asyncio_client(client, scenario, count)


async def asyncio_client(client: Any, scenario: str, count: int) -> None:
    qos = int(scenario[-1])
    began, cpu = time.perf_counter(), cpu_time()
    if "receive" in scenario:
        await client.subscribe(f"f/{qos}/{SIZE}/{count}/{1000 if qos else 0}", qos)
        got = 0
        async for _message in client.messages:
            got += 1
            if got == count:
                break
    elif "gather" in scenario:
        for _ in range(count // IN_FLIGHT):
            await asyncio.gather(*[client.publish("bench/topic", PAYLOAD, qos) for _ in range(IN_FLIGHT)])
    else:
        for _ in range(count):
            await client.publish("bench/topic", PAYLOAD, qos)
    report(count, began, cpu)


def bare_socket(port: int) -> socket.socket:
    sock = socket.create_connection(("localhost", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(b"\x10\x11\0\4MQTT\4\2\0\x3c\0\5bench")
    assert len(sock.recv(4)) == 4
    return sock


def publish_bytes(topic: bytes, qos: int) -> bytes:
    body = len(topic).to_bytes(2, "big") + topic + b"\0\1" * (qos > 0) + PAYLOAD
    return bytes([0x30 | qos << 1, len(body) & 127 | 128, len(body) >> 7]) + body


def bare_round_trips(port: int, count: int) -> None:
    """What no client in Python can be faster than: a thread waits in recv, another one sends and waits for it."""
    sock, packet = bare_socket(port), publish_bytes(b"e/cho", 0)
    times: list[float] = []
    sent = [0.0]
    turn = threading.Event()

    def read() -> None:
        for _ in range(count):
            sock.recv(65_536)
            times.append(time.perf_counter() - sent[0])
            turn.set()

    reader = threading.Thread(target=read)
    reader.start()
    began, cpu = time.perf_counter(), cpu_time()
    for _ in range(count):
        turn.clear()
        sent[0] = time.perf_counter()
        sock.send(packet)
        assert turn.wait(30)
    report(count, began, cpu, sorted(times)[count // 2] * 1e6)
    reader.join()


async def bare_publishes(port: int, count: int) -> None:
    """The same for asyncio: one write, one read, one future a publish of QoS 1."""
    sock, packet, loop = bare_socket(port), publish_bytes(b"bench/topic", 1), asyncio.get_running_loop()
    sock.setblocking(False)
    answer: list[asyncio.Future[None]] = []

    def readable() -> None:
        sock.recv(65_536)
        answer[0].set_result(None)

    loop.add_reader(sock, readable)
    began, cpu = time.perf_counter(), cpu_time()
    for _ in range(count):
        answer[:] = [loop.create_future()]
        sock.send(packet)
        await answer[0]
    report(count, began, cpu)
    loop.remove_reader(sock)


scenario, port, tls_port, count, ca = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
if scenario == "bare-round-trip-0":
    bare_round_trips(port, count)
elif scenario == "bare-publish-1":
    asyncio.run(bare_publishes(port, count))
elif scenario.startswith("aio"):
    native = scenario.startswith("aionative")
    asyncio.run((native_client if native else aiomqtt_client)(scenario, port, count))
else:
    threads(scenario, tls_port if scenario.startswith("tls") else port, count, ca)
