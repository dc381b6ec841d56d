"""Packet types of MQTT, as MQTT 5's properties and reason codes name them."""

from __future__ import annotations

__all__ = ["PacketTypes"]


class PacketTypes:
    """One number for each type of packet, and one for the properties of a will.

    ``PacketTypes.Names[PacketTypes.PUBLISH]`` is the name of the type.
    """

    indexes = range(1, 16)

    CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE = range(1, 9)
    SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = range(9, 16)

    #: No packet: a will has properties of its own inside CONNECT.
    WILLMESSAGE = 99

    Names = (
        "reserved",
        "Connect",
        "Connack",
        "Publish",
        "Puback",
        "Pubrec",
        "Pubrel",
        "Pubcomp",
        "Subscribe",
        "Suback",
        "Unsubscribe",
        "Unsuback",
        "Pingreq",
        "Pingresp",
        "Disconnect",
        "Auth",
    )
