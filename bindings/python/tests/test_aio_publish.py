"""The client for asyncio: what a publish waits for, and for how long."""

from __future__ import annotations

import asyncio
import socket
import threading

import pytest

from conftest import Broker, Run, Serve, read_packet
from paho_oxide.aio import Client, MqttCodeError, MqttError
from paho_oxide.client import MQTTv5, MQTTv311


def test_publishing_at_qos_0_lets_the_event_loop_have_its_turn(broker: Broker, run: Run) -> None:
    async def main() -> None:
        async with Client("127.0.0.1", broker.tcp) as client:
            turns = 0

            def turn() -> None:
                nonlocal turns
                turns += 1
                if not stopped:
                    asyncio.get_running_loop().call_soon(turn)

            stopped = False
            turn()
            for _ in range(1000):
                await client.publish("turns", b"x" * 500)
            stopped = True
            assert 10 < turns < 1000
            await client.publish("turns", b"x", 1)

    run(main())


def test_a_refused_publish_raises_and_an_unanswered_one_is_forgotten(serve: Serve, run: Run) -> None:
    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x03\0\0\0")
        for kind in b"\x40\x50":
            read_packet(connection)
            connection.sendall(bytes([kind]) + (b"\x04\0\1\x97\0" if kind == 0x40 else b"\x04\0\2\x87\0"))
        while connection.recv(100):
            pass

    async def main() -> None:
        async with Client("127.0.0.1", serve(script).port, protocol=MQTTv5) as client:
            with pytest.raises(MqttCodeError, match=r"151.*Quota exceeded"):
                await client.publish("t", "x", 1)
            with pytest.raises(MqttCodeError, match=r"135.*Not authorized"):
                await client.publish("t", "x", 2)
            with pytest.raises(MqttError, match="in time"):
                await client.publish("t", "x", 1, timeout=0.05)
            assert not client._published

    run(main())


def test_publish_at_qos_0_waits_for_room_in_the_socket(serve: Serve, run: Run) -> None:
    waited = threading.Event()

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0")
        assert waited.wait(120)
        while connection.recv(1 << 20):
            pass

    async def main() -> None:
        async with Client("127.0.0.1", serve(script).port, protocol=MQTTv311) as client:
            publishing = asyncio.ensure_future(client.publish("t", bytes(32 << 20), timeout=250))
            done, _ = await asyncio.wait([publishing], timeout=0.3)
            assert not done
            waited.set()
            await publishing

    run(main())


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_publish_without_a_connection_waits_for_its_timeout(serve: Serve, run: Run, qos: int) -> None:
    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0")

    async def main() -> None:
        where = ("127.0.0.1", serve(script).port)
        async with Client(*where, protocol=MQTTv311, reconnect=True, reconnect_min_delay=60, timeout=30) as client:
            while client.is_connected:
                await asyncio.sleep(0.005)
            with pytest.raises(MqttError, match="in time"):
                await client.publish("t", "x", qos, timeout=0.05)

    run(main())


def test_more_publishes_under_way_than_there_are_packet_identifiers(broker: Broker, run: Run) -> None:
    async def main() -> None:
        where = ("127.0.0.1", broker.tcp)
        async with Client(*where, protocol=MQTTv311, max_inflight_messages=1000, timeout=250) as client:
            await asyncio.gather(*[client.publish("many", str(number), 1) for number in range(66_000)])

    run(main())


def test_each_publish_has_a_timeout_of_its_own(serve: Serve, run: Run) -> None:
    answer = threading.Event()

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0")
        for _ in range(4):
            read_packet(connection)
        assert answer.wait(120)
        connection.sendall(b"\x40\x02\0\1")
        while connection.recv(100):
            pass

    async def main() -> None:
        async with Client("127.0.0.1", serve(script).port, protocol=MQTTv311, timeout=250) as client:
            first = asyncio.ensure_future(client.publish("t", "0", 1))
            await asyncio.sleep(0)
            # The timer goes back to an earlier time, and on to later ones.
            for timeouts in (0.2, 0.05), (0.05,):
                others = [client.publish("t", "x", 1, timeout=timeout) for timeout in timeouts]
                for ended in await asyncio.gather(*others, return_exceptions=True):
                    assert isinstance(ended, MqttError) and "in time" in str(ended)
                assert not first.done() and len(client._published) == 1
            answer.set()
            await first
            assert not client._published
        # Nothing of the client's stays in the event loop.
        assert client._expiry is None

    run(main())
