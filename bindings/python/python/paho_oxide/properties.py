"""Properties of MQTT 5: their names, their types, and their bytes."""

from __future__ import annotations

import struct
from typing import Any

from .exception import MalformedPacket, MQTTException
from .packettypes import PacketTypes as T

__all__ = [
    "MQTTException",
    "MalformedPacket",
    "Properties",
    "VariableByteIntegers",
    "readBytes",
    "readInt16",
    "readInt32",
    "readUTF",
    "writeBytes",
    "writeInt16",
    "writeInt32",
    "writeUTF",
]

_MAX_VARIABLE = 268_435_455


def writeInt16(length: int) -> bytearray:
    """Returns a number from 0 to 65,535 in two bytes."""
    return bytearray(struct.pack("!H", length))


def readInt16(buf: bytes | bytearray) -> int:
    """Returns the number in the first two bytes."""
    return int.from_bytes(buf[:2], "big") if len(buf) >= 2 else _short(2)


def writeInt32(length: int) -> bytearray:
    """Returns a number of 32 bits in four bytes."""
    return bytearray(struct.pack("!L", length))


def readInt32(buf: bytes | bytearray) -> int:
    """Returns the number in the first four bytes."""
    return int.from_bytes(buf[:4], "big") if len(buf) >= 4 else _short(4)


def _short(size: int) -> int:
    raise struct.error(f"unpack requires a buffer of {size} bytes")


def writeUTF(data: str | bytes) -> bytearray:
    """Returns a string, or one already encoded, with its length before it."""
    encoded = data if isinstance(data, (bytes, bytearray)) else bytearray(data, "utf-8")
    return writeInt16(len(encoded)) + encoded


def readUTF(buffer: bytes | bytearray, maxlen: int) -> tuple[str, int]:
    """Returns the string at the start of `buffer` and the number of its bytes, of which there are `maxlen`.

    :raises MalformedPacket: it is longer, or has characters that MQTT forbids.
    """
    data, used = _counted(buffer, maxlen, "Length delimited string too long")
    text = data.decode("utf-8")
    for character in text:
        if character == "\0":
            raise MalformedPacket("[MQTT-1.5.4-2] Null found in UTF-8 data")
        if "\ud800" <= character <= "\udfff":
            raise MalformedPacket("[MQTT-1.5.4-1] D800-DFFF found in UTF-8 data")
        if character == "\ufeff":
            raise MalformedPacket("[MQTT-1.5.4-3] U+FEFF in UTF-8 data")
    return text, used


def writeBytes(buffer: bytes | bytearray) -> bytearray:
    """Returns bytes with their number before them."""
    return writeInt16(len(buffer)) + buffer


def readBytes(buffer: bytes | bytearray, maxlen: int) -> tuple[bytes, int]:
    """Returns the counted bytes at the start of `buffer` and how many it took, of which there are `maxlen`."""
    return _counted(buffer, maxlen, "Length delimited binary data too long")


def _counted(buffer: bytes | bytearray, maxlen: int, too_long: str) -> tuple[bytes, int]:
    length = readInt16(buffer)
    if length + 2 > maxlen:
        raise MalformedPacket(too_long)
    return bytes(buffer[2 : 2 + length]), length + 2


class VariableByteIntegers:
    """Integers of one to four bytes (MQTT 5, 1.5.5)."""

    @staticmethod
    def encode(x: int) -> bytes:
        """Returns the bytes of `x`.

        :raises ValueError: `x` is not in 0 to 268,435,455.
        """
        if not 0 <= x <= _MAX_VARIABLE:
            raise ValueError(f"Value {x!r} must be in range 0-{_MAX_VARIABLE}")
        encoded = bytearray()
        while True:
            x, low = divmod(x, 128)
            encoded.append(low | 0x80 if x else low)
            if not x:
                return bytes(encoded)

    @staticmethod
    def decode(buffer: bytes | bytearray) -> tuple[int, int]:
        """Returns the integer at the start of `buffer` and the number of its bytes.

        :raises MalformedPacket: it does not end, or has more than four bytes.
        """
        value = 0
        for position, byte in enumerate(buffer):
            if position == 4:
                raise MalformedPacket("Variable Byte Integer is more than four bytes long")
            value |= (byte & 0x7F) << 7 * position
            if byte < 0x80:
                return value, position + 1
        if len(buffer) >= 4:
            raise MalformedPacket("Variable Byte Integer is more than four bytes long")
        raise MalformedPacket("Not enough data to decode Variable Byte Integer")


_TYPES = (
    "Byte",
    "Two Byte Integer",
    "Four Byte Integer",
    "Variable Byte Integer",
    "Binary Data",
    "UTF-8 Encoded String",
    "UTF-8 String Pair",
)
_BYTE, _TWO, _FOUR, _VARIABLE, _BINARY, _STRING, _PAIR = range(7)

_MESSAGE = [T.PUBLISH, T.WILLMESSAGE]
_ALL_BUT_PINGS = [*range(T.CONNECT, T.PINGREQ), T.DISCONNECT, T.AUTH]

# MQTT 5, 2.2.2.2: identifier, name, type, packets.
_TABLE: tuple[tuple[int, str, int, list[int]], ...] = (
    (1, "Payload Format Indicator", _BYTE, _MESSAGE),
    (2, "Message Expiry Interval", _FOUR, _MESSAGE),
    (3, "Content Type", _STRING, _MESSAGE),
    (8, "Response Topic", _STRING, _MESSAGE),
    (9, "Correlation Data", _BINARY, _MESSAGE),
    (11, "Subscription Identifier", _VARIABLE, [T.PUBLISH, T.SUBSCRIBE]),
    (17, "Session Expiry Interval", _FOUR, [T.CONNECT, T.CONNACK, T.DISCONNECT]),
    (18, "Assigned Client Identifier", _STRING, [T.CONNACK]),
    (19, "Server Keep Alive", _TWO, [T.CONNACK]),
    (21, "Authentication Method", _STRING, [T.CONNECT, T.CONNACK, T.AUTH]),
    (22, "Authentication Data", _BINARY, [T.CONNECT, T.CONNACK, T.AUTH]),
    (23, "Request Problem Information", _BYTE, [T.CONNECT]),
    (24, "Will Delay Interval", _FOUR, [T.WILLMESSAGE]),
    (25, "Request Response Information", _BYTE, [T.CONNECT]),
    (26, "Response Information", _STRING, [T.CONNACK]),
    (28, "Server Reference", _STRING, [T.CONNACK, T.DISCONNECT]),
    (
        31,
        "Reason String",
        _STRING,
        [T.CONNACK, T.PUBACK, T.PUBREC, T.PUBREL, T.PUBCOMP, T.SUBACK, T.UNSUBACK, T.DISCONNECT, T.AUTH],
    ),
    (33, "Receive Maximum", _TWO, [T.CONNECT, T.CONNACK]),
    (34, "Topic Alias Maximum", _TWO, [T.CONNECT, T.CONNACK]),
    (35, "Topic Alias", _TWO, [T.PUBLISH]),
    (36, "Maximum QoS", _BYTE, [T.CONNACK]),
    (37, "Retain Available", _BYTE, [T.CONNACK]),
    (38, "User Property", _PAIR, [*_ALL_BUT_PINGS, T.WILLMESSAGE]),
    (39, "Maximum Packet Size", _FOUR, [T.CONNECT, T.CONNACK]),
    (40, "Wildcard Subscription Available", _BYTE, [T.CONNACK]),
    (41, "Subscription Identifier Available", _BYTE, [T.CONNACK]),
    (42, "Shared Subscription Available", _BYTE, [T.CONNACK]),
)
_NAMES = {name: identifier for identifier, name, _, _ in _TABLE}
_COMPRESSED = {name.replace(" ", ""): identifier for name, identifier in _NAMES.items()}
_BY_IDENT = {identifier: name for name, identifier in _NAMES.items()}
_PROPERTIES = {identifier: (kind, packets) for identifier, _, kind, packets in _TABLE}
# What is the same in all of them. Callbacks get many: making one must be cheap.
_COMMON: dict[str, Any] = {"types": list(_TYPES), "names": _NAMES, "properties": _PROPERTIES}
_OWN = frozenset(("packetType", "types", "names", "properties"))
_MULTIPLE = (_COMPRESSED["UserProperty"], _COMPRESSED["SubscriptionIdentifier"])
# The least and greatest values of the properties that have limits, and how the message puts them.
_BOOLEANS = ("RequestResponseInformation", "RequestProblemInformation", "PayloadFormatIndicator")
_RANGES: dict[str, tuple[int, int, str]] = {
    "ReceiveMaximum": (1, 65_535, "in the range 1-65535"),
    "TopicAlias": (1, 65_535, "in the range 1-65535"),
    "TopicAliasMaximum": (0, 65_535, "in the range 0-65535"),
    "MaximumPacketSize": (1, _MAX_VARIABLE, "in the range 1-268435455"),
    "SubscriptionIdentifier": (1, _MAX_VARIABLE, "in the range 1-268435455"),
    **dict.fromkeys(_BOOLEANS, (0, 1, "0 or 1")),
}


class Properties:
    """Properties of one packet, as attributes whose names are the specification's without spaces.

    ::

        properties = Properties(PacketTypes.PUBLISH)
        properties.ContentType = "text/plain"
        properties.UserProperty = ("a", "1")
        properties.UserProperty = ("b", "2")  # a second one: these add up

    :raises MQTTException: on setting an attribute: there is no such property, not in such packets, or its value
        is out of range.
    """

    packetType: int
    types: list[str]
    names: dict[str, int]
    properties: dict[int, tuple[int, list[int]]]

    def __init__(self, packetType: int) -> None:
        attributes = self.__dict__
        attributes["packetType"] = packetType
        attributes.update(_COMMON)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def allowsMultiple(self, compressedName: str) -> bool:
        """Returns true if a packet may have several of this property."""
        return self.getIdentFromName(compressedName) in _MULTIPLE

    def getIdentFromName(self, compressedName: str) -> int:
        """Returns the identifier of a property by its name without spaces, or -1."""
        return _COMPRESSED.get(compressedName, -1)

    def getNameFromIdent(self, identifier: int) -> str | None:
        """Returns the name of a property, with spaces, or None."""
        return _BY_IDENT.get(identifier)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN:
            self.__dict__[name] = value
            return
        identifier = _COMPRESSED.get(name)
        if identifier is None:
            raise MQTTException(f"Property name must be one of {_NAMES.keys()}")
        if self.packetType not in _PROPERTIES[identifier][1]:
            raise MQTTException(f"Property {name} does not apply to packet type {T.Names[self.packetType]}")
        if not isinstance(value, list):
            limits = _RANGES.get(name)
            if limits and (value < limits[0] or value > limits[1]):
                raise MQTTException(f"{name} property value must be {limits[2]}")
        if identifier in _MULTIPLE:
            values = value if isinstance(value, list) else [value]
            if name in self.__dict__:
                values = self.__dict__[name] + values
            self.__dict__[name] = values
        else:
            self.__dict__[name] = value

    def _present(self) -> list[tuple[str, int, Any]]:
        """The properties that are set, in the order of their identifiers."""
        own = self.__dict__
        return [(name, ident, own[name]) for name, ident in _COMPRESSED.items() if name in own]

    def __str__(self) -> str:
        return "[" + ", ".join(f"{name} : {value}" for name, _, value in self._present()) + "]"

    def json(self) -> dict[str, Any]:
        """Returns the properties as a dictionary; bytes as hexadecimal digits."""
        return {name: value.hex() if isinstance(value, bytes) else value for name, _, value in self._present()}

    def isEmpty(self) -> bool:
        """Returns true if no property is set."""
        return len(self.__dict__) == len(_OWN)

    def clear(self) -> None:
        """Removes all properties."""
        for name, _, _ in self._present():
            del self.__dict__[name]

    def writeProperty(self, identifier: int, type: int, value: Any) -> bytes:
        """Returns the bytes of one property."""
        data: bytes | bytearray
        if type == _BYTE:
            data = bytes([value])
        elif type == _TWO:
            data = writeInt16(value)
        elif type == _FOUR:
            data = writeInt32(value)
        elif type == _VARIABLE:
            data = VariableByteIntegers.encode(value)
        elif type == _BINARY:
            data = writeBytes(value)
        elif type == _STRING:
            data = writeUTF(value)
        else:
            data = writeUTF(value[0]) + writeUTF(value[1])
        return bytes(VariableByteIntegers.encode(identifier) + data)

    def pack(self) -> bytes:
        """Returns the properties as packets have them, their length first."""
        body = bytearray()
        for name, identifier, value in self._present():
            kind = _PROPERTIES[identifier][0]
            for one in value if self.allowsMultiple(name) else [value]:
                body += self.writeProperty(identifier, kind, one)
        return VariableByteIntegers.encode(len(body)) + bytes(body)

    def readProperty(self, buffer: bytes | bytearray, type: int, propslen: int) -> tuple[Any, int]:
        """Returns the value of that type at the start of `buffer` and the number of its bytes."""
        if type == _BYTE:
            return buffer[0], 1
        if type == _TWO:
            return readInt16(buffer), 2
        if type == _FOUR:
            return readInt32(buffer), 4
        if type == _VARIABLE:
            return VariableByteIntegers.decode(buffer)
        if type == _BINARY:
            return readBytes(buffer, propslen)
        value, used = readUTF(buffer, propslen)
        if type == _STRING:
            return value, used
        second, used2 = readUTF(buffer[used:], propslen - used)
        return (value, second), used + used2

    def unpack(self, buffer: bytes | bytearray) -> tuple[Properties, int]:
        """Replaces the properties by those at the start of `buffer`; returns itself and the number of their bytes.

        :raises MQTTException: one of them is not for this packet, out of range, or there twice.
        """
        self.clear()
        left, used = VariableByteIntegers.decode(buffer)
        total = left + used
        rest = bytes(buffer[used:])
        while left > 0:
            identifier, used = VariableByteIntegers.decode(rest)
            rest, left = rest[used:], left - used
            kind = self.properties[identifier][0]
            value, used = self.readProperty(rest, kind, left)
            rest, left = rest[used:], left - used
            name = _BY_IDENT[identifier].replace(" ", "")
            if name in self.__dict__ and identifier not in _MULTIPLE:
                raise MQTTException(f"Property '{name}' must not exist more than once")
            setattr(self, name, value)
        return self, total
