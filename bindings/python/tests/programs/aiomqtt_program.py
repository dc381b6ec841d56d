"""aiomqtt, unchanged: messages of each QoS, a will, wildcards, a disconnect that is noticed."""

import asyncio
import sys

import aiomqtt


async def main(port: int) -> None:
    async with aiomqtt.Client("127.0.0.1", port, identifier="aio-a", will=aiomqtt.Will("gone", "a", 1)) as first:
        async with aiomqtt.Client("127.0.0.1", port, identifier="aio-b", protocol=aiomqtt.ProtocolVersion.V5) as second:
            await second.subscribe("aio/#", qos=2)
            await second.subscribe([("gone", 1), ("x/+", 0)])
            sent = [(f"aio/{qos}", f"payload {qos}", qos, False) for qos in (0, 1, 2)]
            for topic, payload, qos, retain in [*sent, ("x/y", b"\x00\xff", 0, True), ("x/y", b"", 0, True)]:
                await first.publish(topic, payload, qos=qos, retain=retain)
                async for message in second.messages:
                    print(message.topic, message.payload, message.qos, message.retain, message.properties)
                    break
            await second.unsubscribe("aio/#")
            many = 500
            await second.subscribe("many", qos=1)
            for number in range(many):
                await first.publish("many", str(number), qos=1)
            got = []
            async for message in second.messages:
                got.append(int(message.payload))
                if len(got) == many:
                    break
            print(got == list(range(many)))
            # The will comes when the socket is gone without a word.
            first._client._sock_close()
            async for message in second.messages:
                print(message.topic, message.payload)
                break
        try:
            await first.publish("x", "y", timeout=5)
        except aiomqtt.MqttError as error:
            print(type(error).__name__)


try:
    asyncio.run(asyncio.wait_for(main(int(sys.argv[1])), 300))
except aiomqtt.MqttError as error:
    print("end:", type(error).__name__)
