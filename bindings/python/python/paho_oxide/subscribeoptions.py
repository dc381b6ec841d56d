"""Options of a subscription in MQTT 5."""

from __future__ import annotations

from typing import Any

__all__ = ["MQTTException", "SubscribeOptions"]


class MQTTException(Exception):
    """An attribute which a subscription does not have."""


class SubscribeOptions:
    """QoS and the other options of one topic filter (MQTT 5, 3.8.3.1).

    :param qos: the highest QoS at which the server may deliver: 0, 1 or 2.
    :param noLocal: the server does not send back what this client itself publishes.
    :param retainAsPublished: messages keep the retain flag with which they were published.
    :param retainHandling: when retained messages are sent: one of the RETAIN_* constants.
    """

    RETAIN_SEND_ON_SUBSCRIBE, RETAIN_SEND_IF_NEW_SUB, RETAIN_DO_NOT_SEND = range(3)

    names: list[str]
    QoS: int
    noLocal: bool
    retainAsPublished: bool
    retainHandling: int

    def __init__(
        self,
        qos: int = 0,
        noLocal: bool = False,
        retainAsPublished: bool = False,
        retainHandling: int = RETAIN_SEND_ON_SUBSCRIBE,
    ):
        object.__setattr__(self, "names", ["QoS", "noLocal", "retainAsPublished", "retainHandling"])
        self.QoS = qos
        self.noLocal = noLocal
        self.retainAsPublished = retainAsPublished
        self.retainHandling = retainHandling
        self._check()

    def _check(self) -> None:
        # An AssertionError whatever the interpreter's flags: programs catch it.
        for what, value in ("QoS", self.QoS), ("Retain handling", self.retainHandling):
            if value not in (0, 1, 2):
                raise AssertionError(f"{what} should be 0, 1 or 2, not {value}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.names:
            raise MQTTException(f"{name} Attribute name must be one of {self.names}")
        object.__setattr__(self, name, value)

    def pack(self) -> bytes:
        """Returns the byte which SUBSCRIBE has for these options."""
        self._check()
        flags = int(bool(self.noLocal)) << 2 | int(bool(self.retainAsPublished)) << 3
        return bytes([self.retainHandling << 4 | flags | self.QoS])

    def unpack(self, buffer: bytes | bytearray) -> int:
        """Takes the options from the first byte of `buffer`; returns how many bytes that were."""
        byte = buffer[0]
        self.QoS = byte & 3
        self.noLocal = bool(byte & 4)
        self.retainAsPublished = bool(byte & 8)
        self.retainHandling = byte >> 4 & 3
        self._check()
        return 1

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name}={getattr(self, name)}" for name in self.names) + "}"

    def json(self) -> dict[str, Any]:
        """Returns the options as a dictionary."""
        return {name: getattr(self, name) for name in self.names}
