"""What the engine tells, as callbacks get it."""

from __future__ import annotations

from .enums import ConnackCode, MQTTErrorCode
from .packettypes import PacketTypes
from .properties import Properties, VariableByteIntegers
from .reasoncodes import ReasonCode


def unpack(packet_type: int, packed: bytes) -> Properties:
    """Returns the properties of a packet of that type; empty bytes are none."""
    properties = Properties(packet_type)
    if packed:
        properties.unpack(packed)
    return properties


def publish_properties(packed: bytes) -> Properties:
    """Returns the properties of a message."""
    return unpack(PacketTypes.PUBLISH, packed)


def pack(properties: Properties | None) -> bytes:
    """Returns the bytes of properties without their length in front."""
    if properties is None:
        return b""
    packed = properties.pack()
    return bytes(packed[VariableByteIntegers.decode(packed)[1] :])


_CONNACK_NAMES = {
    ConnackCode.CONNACK_ACCEPTED: "Success",
    ConnackCode.CONNACK_REFUSED_PROTOCOL_VERSION: "Unsupported protocol version",
    ConnackCode.CONNACK_REFUSED_IDENTIFIER_REJECTED: "Client identifier not valid",
    ConnackCode.CONNACK_REFUSED_SERVER_UNAVAILABLE: "Server unavailable",
    ConnackCode.CONNACK_REFUSED_BAD_USERNAME_PASSWORD: "Bad user name or password",
    ConnackCode.CONNACK_REFUSED_NOT_AUTHORIZED: "Not authorized",
}


def convert_connack_rc_to_reason_code(connack_code: ConnackCode | int) -> ReasonCode:
    """Returns the reason code of MQTT 5 for a return code of CONNACK in MQTT 3.

    :raises ValueError: there is no such return code.
    """
    return ReasonCode(PacketTypes.CONNACK, _CONNACK_NAMES[ConnackCode(connack_code)])


def convert_disconnect_error_code_to_reason_code(rc: MQTTErrorCode) -> ReasonCode:
    """Returns the reason code of MQTT 5 that comes nearest to why a connection ended."""
    names = {
        MQTTErrorCode.MQTT_ERR_SUCCESS: "Success",
        MQTTErrorCode.MQTT_ERR_KEEPALIVE: "Keep alive timeout",
        MQTTErrorCode.MQTT_ERR_PROTOCOL: "Protocol error",
    }
    return ReasonCode(PacketTypes.DISCONNECT, names.get(rc, "Unspecified error"))
