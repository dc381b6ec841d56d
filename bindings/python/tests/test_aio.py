"""The client for asyncio: on asyncio's own loop and on uvloop."""

from __future__ import annotations

import asyncio
import fcntl
import socket
import struct
import termios
import threading
import time
from typing import Any

import pytest

from conftest import Broker, Run, Serve, publish_packet, read_packet, reserve
from paho_oxide.aio import Client, MqttCodeError, MqttError, Will
from paho_oxide.client import MQTTMessage, MQTTv5, MQTTv311


@pytest.mark.parametrize("protocol", [MQTTv311, MQTTv5])
def test_messages_arrive_in_order(broker: Broker, run: Run, protocol: Any) -> None:
    async def main() -> list[Any]:
        async with Client("127.0.0.1", broker.tcp, protocol=protocol) as client:
            reasons = await client.subscribe([("aio/#", 2), ("other", 0)])
            assert [reason.value for reason in reasons] == [2, 0]
            for number in range(300):
                await client.publish("aio/x", str(number), qos=number % 3)
            got = []
            async for message in client.messages:
                got.append(int(message.payload))
                if len(got) == 300:
                    break
            await client.unsubscribe(["aio/#", "other"])
            return got

    got = run(main())
    # QoS 2 takes a round trip more than the others: the order holds within a QoS.
    assert sorted(got) == list(range(300))
    for qos in range(3):
        assert [n for n in got if n % 3 == qos] == list(range(qos, 300, 3))


@pytest.mark.parametrize("kind", ["tls", "ws", "unix"])
def test_transports(broker: Broker, run: Run, kind: str) -> None:
    import ssl

    async def main() -> None:
        arguments: dict[str, Any] = {}
        if kind == "tls":
            arguments["tls_context"] = ssl.create_default_context(cafile=broker.ca)
        where = {"tls": ("localhost", broker.tls), "ws": ("127.0.0.1", broker.ws), "unix": (broker.unix, 1)}[kind]
        transport: Any = {"ws": "websockets", "unix": "unix"}.get(kind, "tcp")
        async with Client(*where, transport=transport, **arguments) as client:
            await client.subscribe("transport/" + kind, 1)
            await asyncio.gather(*(client.publish("transport/" + kind, str(n), 1) for n in range(3000)))
            for number in range(3000):
                assert (await client.messages.__anext__()).payload == str(number).encode()

    run(main())


def test_streams_take_what_their_filter_matches(broker: Broker, run: Run) -> None:
    async def main() -> None:
        async with Client("127.0.0.1", broker.tcp) as client:
            await client.subscribe("stream/#", 1)
            one, plus = client.filtered("stream/one"), client.filtered("stream/+")
            for topic in "stream/one", "stream/two", "stream/a/b":
                await client.publish(topic, topic, 1)
            assert (await one.__anext__()).topic == "stream/one"
            assert (await plus.__anext__()).topic == "stream/two"
            assert (await client.messages.__anext__()).topic == "stream/a/b"

    run(main())


def test_the_loss_of_the_connection_is_noticed_at_once(own_broker: Broker, run: Run) -> None:
    async def main() -> None:
        async with Client("127.0.0.1", own_broker.tcp) as client:
            await client.subscribe("t", 1)
            waiting = asyncio.ensure_future(client.messages.__anext__())
            await asyncio.sleep(0)
            own_broker.stop()
            with pytest.raises(MqttError):
                await waiting
            with pytest.raises(MqttError):
                await client.publish("t", "x", 1)
            with pytest.raises(MqttError):
                await client.subscribe("u")
            assert not client.is_connected
        # It can be used again.
        own_broker.start()
        async with client:
            await client.publish("t", "x", 1)

    run(main())


def test_a_dead_peer_is_noticed_by_keep_alive(serve: Serve, run: Run) -> None:
    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0")
        while connection.recv(100):
            pass

    async def main() -> None:
        async with Client("127.0.0.1", serve(script).port, protocol=MQTTv311, keepalive=1) as client:
            with pytest.raises(MqttCodeError, match="Keep alive timeout"):
                await client.messages.__anext__()

    run(main())


def test_a_message_in_front_of_an_answer_is_acknowledged_by_tcp_at_once(serve: Serve, run: Run) -> None:
    """A server with Nagle's algorithm, mosquitto by default, sends no answer behind a message that TCP has not acknowledged.

    This side's TCP would take 40 ms for that, as it has nothing else to send: the program has not taken the message.
    """
    took: list[float] = []

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0")
        # What the first packets of a connection see is not what the others do: TCP acknowledges those at once anyway.
        for number in range(60):
            _, body = read_packet(connection)
            begin = time.monotonic()
            connection.sendall(publish_packet(b"t", b"x", number + 1, 1))
            while unacknowledged(connection):
                time.sleep(0.0005)
            took.append(time.monotonic() - begin)
            connection.sendall(b"\x40\x02" + body[3:5])
        read_packet(connection)

    def unacknowledged(connection: socket.socket) -> int:
        return int(struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)))[0])

    async def main() -> None:
        async with Client("127.0.0.1", serve(script).port, protocol=MQTTv311) as client:
            for _ in range(60):
                await client.publish("a", "x", qos=1)

    run(main())
    # Some of them: the machine may be busy meanwhile, but does not make any of them faster.
    assert sorted(took[20:])[8] < 0.03, took


def test_reconnect_keeps_subscriptions_and_what_is_in_flight(own_broker: Broker, run: Run) -> None:
    async def main() -> None:
        client = Client("127.0.0.1", own_broker.tcp, reconnect=True, reconnect_min_delay=0.1, identifier="keeps")
        async with client:
            await client.subscribe("kept", 1)
            own_broker.stop()
            while client.is_connected:
                await asyncio.sleep(0.005)
            published = [asyncio.ensure_future(client.publish("kept", str(n), 1, timeout=250)) for n in range(5)]
            refused = asyncio.ensure_future(client.publish("kept", "too late", 0, timeout=0.05))
            with pytest.raises(MqttError, match="in time"):
                await refused
            own_broker.start()
            await asyncio.gather(*published)
            await client.wait_connected()
            # The server has forgotten the subscription; by now it has been made again.
            while True:
                await client.publish("kept", "after", 1)
                try:
                    message = await asyncio.wait_for(client.messages.__anext__(), 0.5)
                except asyncio.TimeoutError:
                    continue
                break
            assert message.topic == "kept"

    run(main())


def test_cancelling_leaves_nothing_behind(broker: Broker, run: Run) -> None:
    async def main() -> None:
        for delay in (0, 0, 0, 0.001, 0.002, 0.005, 0.01, 0.02):
            client = Client("127.0.0.1", broker.tcp)

            async def use() -> None:
                async with client:  # noqa: B023
                    await client.subscribe("cancel", 1)  # noqa: B023
                    while True:
                        await client.publish("cancel", "x", 1)  # noqa: B023
                        await client.messages.__anext__()  # noqa: B023

            task = asyncio.ensure_future(use())
            await asyncio.sleep(delay)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            if delay != 0.01:
                # The thread that connects cannot be stopped: what it made is closed.
                while client._dialling is not None:
                    await asyncio.sleep(0.001)
                assert client._client.socket() is None
            # And it can be used again at once.
            async with client:
                await client.publish("cancel", "y", 1)

    run(main())


def test_a_cancellation_is_not_lost_beside_the_answer_to_connect(broker: Broker, run: Run) -> None:
    """`asyncio.wait_for` loses it before Python 3.12: the program would go on, or never leave `async with`."""

    async def main() -> None:
        class Cancelling(Client):
            def _on_connect(self, *arguments: Any) -> None:
                super()._on_connect(*arguments)
                ended[-1].cancel()

        async def use(client: Client) -> None:
            async with client:
                pass

        ended: list[asyncio.Task[None]] = []
        client = Cancelling("127.0.0.1", broker.tcp)
        ended.append(asyncio.ensure_future(use(client)))
        with pytest.raises(asyncio.CancelledError):
            await ended[0]
        assert not client.is_connected and client._client.socket() is None

    run(main())


@pytest.mark.parametrize("turns", range(6))
def test_a_cancellation_is_not_lost_beside_a_new_connection(broker: Broker, run: Run, turns: int) -> None:
    async def main() -> None:
        class Cancelling(Client):
            async def _connect_once(self, first: bool) -> None:
                await super()._connect_once(first)
                if not first:
                    cancel(turns)

        def cancel(left: int) -> None:
            if left:
                asyncio.get_running_loop().call_soon(cancel, left - 1)
            else:
                asked.set_result(publishing.cancel())

        asked: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        async with Cancelling("127.0.0.1", broker.tcp, reconnect=True, reconnect_min_delay=0.01, timeout=250) as client:
            client._sock.shutdown(socket.SHUT_RDWR)
            while client.is_connected:
                await asyncio.sleep(0.005)
            publishing = asyncio.ensure_future(client.publish("cancel", "x"))
            if await asked:
                with pytest.raises(asyncio.CancelledError):
                    await publishing
            else:
                await publishing
            assert not client._offline

    run(main())


def test_another_event_loop_goes_on_where_one_was_closed(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if that one was closed while a thread still made a connection for it."""
    client, closed = Client("127.0.0.1", broker.tcp), threading.Event()
    connect = client._client.connect

    def slow(*arguments: Any) -> None:
        assert closed.wait(120)
        connect(*arguments)

    monkeypatch.setattr(client._client, "connect", slow)

    async def use() -> None:
        async with client:
            await client.publish("again", "x", 1)

    async def cancelled() -> None:
        task = asyncio.ensure_future(use())
        while client._dialling is None:
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    first = asyncio.new_event_loop()
    first.run_until_complete(cancelled())
    first.close()
    closed.set()
    asyncio.run(asyncio.wait_for(use(), 120))


def test_a_cancelled_wait_loses_no_message(broker: Broker, run: Run) -> None:
    async def main() -> None:
        async with Client("127.0.0.1", broker.tcp) as client:
            await client.subscribe("lose", 1)
            got = []
            for number in range(200):
                waiting = asyncio.ensure_future(client.messages.__anext__())
                publishing = asyncio.ensure_future(client.publish("lose", str(number), 1))
                if number % 2:
                    await asyncio.sleep(0)
                    waiting.cancel()
                await publishing
                try:
                    got.append(int((await waiting).payload))
                except asyncio.CancelledError:
                    got.append(int((await client.messages.__anext__()).payload))
            assert got == list(range(200))
            assert not client.messages._waiters

    run(main())


def test_a_message_goes_to_who_waits_next_if_the_first_was_cancelled(run: Run) -> None:
    async def main() -> None:
        client = Client("127.0.0.1")
        client._failure = None
        first, second = (asyncio.ensure_future(client.messages.__anext__()) for _ in range(2))
        await asyncio.sleep(0)
        message = MQTTMessage(1, b"t")
        client.messages._queue.append(message)
        client.messages._wake_for_messages()
        # It has been woken, and has not run yet.
        first.cancel()
        assert await asyncio.wait_for(second, 10) is message
        with pytest.raises(asyncio.CancelledError):
            await first

    run(main())


def test_acknowledged_when_the_next_message_is_asked_for(serve: Serve, run: Run) -> None:
    acknowledged: list[int] = []

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0" + publish_packet(b"t", b"1", 1, 1) + publish_packet(b"t", b"2", 2, 1))
        while True:
            try:
                first, body = read_packet(connection)
            except ConnectionError:
                return
            if first == 0x40:
                acknowledged.append(int.from_bytes(body, "big"))

    async def main() -> None:
        server = serve(script)
        async with Client("127.0.0.1", server.port, protocol=MQTTv311) as client:
            first = await client.messages.__anext__()
            assert first.payload == b"1"
            await asyncio.sleep(0.1)
            assert acknowledged == []
            second = await client.messages.__anext__()
            assert second.payload == b"2"
            while acknowledged != [1]:
                await asyncio.sleep(0.005)

    run(main())


def test_leaving_waits_for_disconnect_to_be_written_and_no_longer(serve: Serve, run: Run) -> None:
    left = threading.Event()

    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0")
        assert read_packet(connection)[0] == 0x30
        assert read_packet(connection) == (0xE0, b"")
        assert left.wait(120)

    class Silent(Client):
        def _tick(self) -> None:
            """Nothing that only time brings may be needed."""

    async def main() -> None:
        async with Silent("127.0.0.1", serve(script).port, protocol=MQTTv311, timeout=100) as client:
            await client.publish("t", "x")
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 80
        left.set()

    run(main())


def test_a_subscribe_whose_connection_is_lost_fails_at_once(serve: Serve, run: Run) -> None:
    def script(connection: socket.socket) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\0\0")
        assert read_packet(connection)[0] == 0x82

    async def main() -> None:
        where = ("127.0.0.1", serve(script).port)
        async with Client(*where, protocol=MQTTv311, reconnect=True, reconnect_min_delay=60, timeout=40) as client:
            with pytest.raises(MqttError) as raised:
                await client.subscribe("t")
            assert "in time" not in str(raised.value)

    run(main())


def test_a_program_that_does_not_keep_up_is_not_fed_on(broker: Broker, run: Run) -> None:
    async def main() -> None:
        client = Client("127.0.0.1", broker.tcp, max_queued_incoming_messages=10)
        async with client as slow, Client("127.0.0.1", broker.tcp) as fast:
            await slow.subscribe("slow", 1)
            for start in range(0, 2000, 500):
                await asyncio.gather(*(fast.publish("slow", str(n), 1) for n in range(start, start + 500)))
            for number in range(2000):
                assert len(slow.messages) <= 2048
                assert int((await slow.messages.__anext__()).payload) == number

    run(main())


def test_will_and_refusals(broker: Broker, run: Run) -> None:
    async def main() -> None:
        async with Client("127.0.0.1", broker.tcp) as watcher:
            await watcher.subscribe("will", 1)
            client = Client("127.0.0.1", broker.tcp, will=Will("will", "gone", 1))
            async with client:
                client._sock.shutdown(socket.SHUT_RDWR)
                assert (await watcher.messages.__anext__()).payload == b"gone"
            with pytest.raises(ValueError):
                await watcher.publish("a/#", "x")
            with pytest.raises(ValueError):
                await watcher.subscribe("a#")
        with reserve() as nobody, pytest.raises(MqttError, match="refused"):
            async with Client(*nobody.getsockname()):
                pass
        with pytest.raises(MqttError):
            await watcher.publish("not", "connected")

    run(main())


def test_nothing_is_lost_when_the_connection_ends_during_a_long_silence(broker: Broker, run: Run) -> None:
    async def main() -> None:
        where = ("127.0.0.1", broker.tcp)
        mine = Client(
            *where, identifier="silence", protocol=MQTTv311, clean_session=False, reconnect=True, reconnect_min_delay=0.01
        )
        async with mine as client, Client(*where) as other:
            await client.subscribe("silence/#", 2)
            waiting = asyncio.ensure_future(client.messages.__anext__())
            await asyncio.sleep(0)
            client._sock.shutdown(socket.SHUT_RDWR)
            for number in range(20):
                await other.publish("silence/x", str(number), 1 + number % 2)
            got = {int((await waiting).payload)}
            while len(got) < 20:
                got.add(int((await client.messages.__anext__()).payload))
            assert got == set(range(20))
            # The server keeps nothing for it afterwards.
            await client.unsubscribe("silence/#")
        async with Client(*where, identifier="silence", protocol=MQTTv311, clean_session=True):
            pass

    run(main())
