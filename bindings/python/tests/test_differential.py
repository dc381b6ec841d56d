"""The same programs on paho-mqtt and on this package print the same."""

from __future__ import annotations

import difflib

import pytest

from conftest import Broker, run_program


def same(name: str, *arguments: str) -> None:
    original = run_program(name, *arguments, ours=False)
    ours = run_program(name, *arguments, ours=True)
    difference = "\n".join(difflib.unified_diff(original.splitlines(), ours.splitlines(), "paho-mqtt", "ours", lineterm=""))
    assert not difference, difference
    assert original.count("\n") > 5


@pytest.mark.parametrize("name", ["values.py", "arguments.py", "endings.py", "reconnects.py", "connecting.py", "inbound.py"])
def test_program(name: str) -> None:
    same(name)


def test_callbacks_on_every_transport(broker: Broker) -> None:
    same("callbacks.py", str(broker.tcp), str(broker.tls), str(broker.ws), broker.unix, broker.ca)


def test_aiomqtt_unchanged(broker: Broker) -> None:
    same("aiomqtt_program.py", str(broker.tcp))
