"""A program that is checked, not run: everything that programs commonly do has its types."""

from __future__ import annotations

from typing import Any

from paho_oxide import aio, publish
from paho_oxide.client import (
    CallbackAPIVersion,
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTErrorCode,
    MQTTMessage,
    MQTTv5,
)
from paho_oxide.packettypes import PacketTypes
from paho_oxide.properties import Properties
from paho_oxide.reasoncodes import ReasonCode


def on_connect(client: Client, userdata: Any, flags: ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:
    assert not flags.session_present and not reason.is_failure
    rc, mid = client.subscribe([("a/#", 1), ("b", 0)])
    assert rc == MQTTErrorCode.MQTT_ERR_SUCCESS and mid is not None


def on_disconnect(
    client: Client, userdata: Any, flags: DisconnectFlags, reason: ReasonCode, properties: Properties | None
) -> None:
    print(flags.is_disconnect_packet_from_server, reason.getName())


def main() -> None:
    client = Client(CallbackAPIVersion.VERSION2, client_id="typed", protocol=MQTTv5)
    client.on_connect = on_connect
    client.on_disconnect = on_disconnect

    @client.message_callback()
    def on_message(client: Client, userdata: Any, message: MQTTMessage) -> None:
        print(message.topic.upper(), len(message.payload), message.qos + 1)

    properties = Properties(PacketTypes.PUBLISH)
    properties.ContentType = "text/plain"
    client.connect("localhost")
    client.loop_start()
    info = client.publish("a/b", b"payload", qos=1, properties=properties)
    info.wait_for_publish(1.5)
    print(info.rc.name, info.mid + 1)
    client.loop_stop()
    publish.single("a", 5, hostname="localhost")


async def asynchronous() -> None:
    async with aio.Client("localhost", reconnect=True) as client:
        reasons = await client.subscribe("a/#", qos=1)
        print(reasons[0].value)
        async for message in client.messages:
            await client.publish("b", message.payload, qos=1)
            client.ack(message)
