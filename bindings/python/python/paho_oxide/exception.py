"""Exceptions of the package."""

from __future__ import annotations

__all__ = ["MQTTException", "MalformedPacket"]


class MQTTException(Exception):
    """A value that MQTT does not allow, or a failed connection of a helper function."""


class MalformedPacket(MQTTException):
    """Bytes that cannot be read as the packet or property they should be."""
