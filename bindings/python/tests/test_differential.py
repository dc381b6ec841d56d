"""The same programs on paho-mqtt and on this package print the same."""

from __future__ import annotations

import difflib

import pytest

from conftest import KINDS, Broker, run_program


def same(name: str, *arguments: str) -> None:
    # paho-mqtt 2.2.0 prints a line of its own where a client that has been disconnected is collected.
    printed = run_program(name, *arguments, ours=False).splitlines()
    original = [line for line in printed if not line.startswith("Client is not connected. Socket:")]
    ours = run_program(name, *arguments, ours=True).splitlines()
    difference = "\n".join(difflib.unified_diff(original, ours, "paho-mqtt", "ours", lineterm=""))
    assert not difference, difference
    assert len(original) > 5


PROGRAMS = ["values", "arguments", "endings", "reconnects", "connecting", "inbound", "failing", "flow", "states"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name: str) -> None:
    same(f"{name}.py")


def test_helpers(broker: Broker) -> None:
    same("helpers.py", str(broker.tcp), str(broker.tls), str(broker.ws), broker.unix, broker.ca)


@pytest.mark.parametrize("protocol", ["3", "4", "5"])
@pytest.mark.parametrize("kind", [*KINDS, "unix"])
def test_every_callback(broker: Broker, kind: str, protocol: str) -> None:
    place = broker.unix if kind == "unix" else str(getattr(broker, kind))
    same("callbacks.py", kind, place, broker.ca, protocol)


def test_every_line_of_the_log(broker: Broker) -> None:
    same("lines.py", str(broker.tcp))


def test_certificates(broker: Broker) -> None:
    same("secure.py", broker.ca, str(broker.directory / "server.crt"), str(broker.directory / "server.key"))


def test_aiomqtt_unchanged(broker: Broker) -> None:
    same("aiomqtt_program.py", str(broker.tcp))
