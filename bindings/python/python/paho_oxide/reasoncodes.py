"""Reason codes of MQTT 5."""

from __future__ import annotations

import functools
import warnings
from types import MappingProxyType
from typing import Any

from .packettypes import PacketTypes as T

__all__ = ["ReasonCode", "ReasonCodes"]

_ACKS = [T.PUBACK, T.PUBREC]
_END = [T.CONNACK, T.DISCONNECT]
_ANY = [T.CONNACK, *_ACKS, T.SUBACK, T.UNSUBACK, T.DISCONNECT]

# MQTT 5, 2.4: the value, and for each of its names the packets in which it has that name.
_NAMES: dict[int, dict[str, list[int]]] = {
    0x00: {
        "Success": [T.CONNACK, *_ACKS, T.PUBREL, T.PUBCOMP, T.UNSUBACK, T.AUTH],
        "Normal disconnection": [T.DISCONNECT],
        "Granted QoS 0": [T.SUBACK],
    },
    0x01: {"Granted QoS 1": [T.SUBACK]},
    0x02: {"Granted QoS 2": [T.SUBACK]},
    0x04: {"Disconnect with will message": [T.DISCONNECT]},
    0x10: {"No matching subscribers": _ACKS},
    0x11: {"No subscription found": [T.UNSUBACK]},
    0x18: {"Continue authentication": [T.AUTH]},
    0x19: {"Re-authenticate": [T.AUTH]},
    0x80: {"Unspecified error": _ANY},
    0x81: {"Malformed packet": _END},
    0x82: {"Protocol error": _END},
    0x83: {"Implementation specific error": _ANY},
    0x84: {"Unsupported protocol version": [T.CONNACK]},
    0x85: {"Client identifier not valid": [T.CONNACK]},
    0x86: {"Bad user name or password": [T.CONNACK]},
    0x87: {"Not authorized": _ANY},
    0x88: {"Server unavailable": [T.CONNACK]},
    0x89: {"Server busy": _END},
    0x8A: {"Banned": [T.CONNACK]},
    0x8B: {"Server shutting down": [T.DISCONNECT]},
    0x8C: {"Bad authentication method": _END},
    0x8D: {"Keep alive timeout": [T.DISCONNECT]},
    0x8E: {"Session taken over": [T.DISCONNECT]},
    0x8F: {"Topic filter invalid": [T.SUBACK, T.UNSUBACK, T.DISCONNECT]},
    0x90: {"Topic name invalid": [T.CONNACK, *_ACKS, T.DISCONNECT]},
    0x91: {"Packet identifier in use": [*_ACKS, T.SUBACK, T.UNSUBACK]},
    0x92: {"Packet identifier not found": [T.PUBREL, T.PUBCOMP]},
    0x93: {"Receive maximum exceeded": [T.DISCONNECT]},
    0x94: {"Topic alias invalid": [T.DISCONNECT]},
    0x95: {"Packet too large": _END},
    0x96: {"Message rate too high": [T.DISCONNECT]},
    0x97: {"Quota exceeded": [T.CONNACK, *_ACKS, T.SUBACK, T.DISCONNECT]},
    0x98: {"Administrative action": [T.DISCONNECT]},
    0x99: {"Payload format invalid": [*_ACKS, T.DISCONNECT]},
    0x9A: {"Retain not supported": _END},
    0x9B: {"QoS not supported": _END},
    0x9C: {"Use another server": _END},
    0x9D: {"Server moved": _END},
    0x9E: {"Shared subscription not supported": [T.SUBACK, T.DISCONNECT]},
    0x9F: {"Connection rate exceeded": _END},
    0xA0: {"Maximum connect time": [T.DISCONNECT]},
    0xA1: {"Subscription identifiers not supported": [T.SUBACK, T.DISCONNECT]},
    0xA2: {"Wildcard subscription not supported": [T.SUBACK, T.DISCONNECT]},
}


@functools.total_ordering
class ReasonCode:
    """A reason code of a packet of one type; compares equal to its number and to its name.

    ``ReasonCode.names`` holds all of them. An `identifier` is used rather than a name where it is given.
    :raises KeyError: the name, or the number, is none of this type of packet.
    """

    names: MappingProxyType[int, dict[str, list[int]]] | dict[int, dict[str, list[int]]] = MappingProxyType(_NAMES)
    __hash__ = None  # type: ignore[assignment]  # equal to numbers and to names: no hash would suit both

    def __init__(self, packetType: int, aName: str = "Success", identifier: int = -1) -> None:
        self.packetType = packetType
        self.value = 0
        if identifier != -1:
            self.value = identifier
            self.getName()
        elif packetType == T.DISCONNECT and aName == "Success":
            self.set("Normal disconnection")
        else:
            self.set(aName)

    def __getName__(self, packetType: int, identifier: int) -> str:
        """Returns the name of `identifier` in packets of that type, which may differ from that in others."""
        if identifier not in self.names:
            raise KeyError(identifier)
        found = [name for name, packets in self.names[identifier].items() if packetType in packets]
        if len(found) != 1:
            raise ValueError(f"Expected exactly one name, found {found!r}")
        return found[0]

    def getId(self, name: str) -> int:
        """Returns the number which has that name in packets of this type.

        :raises KeyError: no number has.
        """
        for identifier, names in self.names.items():
            if self.packetType in names.get(name, ()):
                return identifier
        raise KeyError(f"Reason code name not found: {name}")

    def set(self, name: str) -> None:
        """Takes the number which has that name in packets of this type."""
        self.value = self.getId(name)

    def unpack(self, buffer: bytes | bytearray) -> int:
        """Takes the number from the first byte of `buffer`; returns how many bytes that were."""
        value = buffer[0]
        self.__getName__(self.packetType, value)
        self.value = value
        return 1

    def getName(self) -> str:
        """Returns the name of the number in packets of this type."""
        return self.__getName__(self.packetType, self.value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return self.value == other
        if isinstance(other, str):
            return other == str(self)
        if isinstance(other, ReasonCode):
            return self.value == other.value
        return False

    def __lt__(self, other: Any) -> bool:
        if isinstance(other, int):
            return self.value < other
        if isinstance(other, ReasonCode):
            return self.value < other.value
        return NotImplemented

    def __repr__(self) -> str:
        return f"ReasonCode({T.Names[self.packetType]}, {self.getName()!r})"

    def __str__(self) -> str:
        return self.getName()

    def json(self) -> str:
        """Returns the name."""
        return self.getName()

    def pack(self) -> bytearray:
        """Returns the number as a packet has it."""
        return bytearray([self.value])

    @property
    def is_failure(self) -> bool:
        """True from 0x80 on."""
        return self.value >= 0x80


@functools.cache
def _value(packet_type: int, identifier: int) -> int:
    return ReasonCode(packet_type, identifier=identifier).value


def reason_code(packet_type: int, identifier: int) -> ReasonCode:
    """Returns a new reason code of that number, as its class does, without looking its name up again."""
    made = ReasonCode.__new__(ReasonCode)
    made.packetType = packet_type
    made.value = _value(packet_type, identifier)
    return made


class _CompatibilityIsInstance(type):
    """Lets an instance of ReasonCode pass for one of ReasonCodes, as programs of before the renaming check it."""

    def __instancecheck__(cls, other: object) -> bool:
        return isinstance(other, ReasonCode)


class ReasonCodes(ReasonCode, metaclass=_CompatibilityIsInstance):
    """The name of :class:`ReasonCode` before paho-mqtt 2.0; deprecated."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn("ReasonCodes is deprecated, use ReasonCode (singular) instead", DeprecationWarning, stacklevel=2)
        super().__init__(*args, **kwargs)
