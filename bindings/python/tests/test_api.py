"""Every public name of paho-mqtt 2.2, with its signature, is here: `api.tsv`, a row a name."""

from __future__ import annotations

import csv
import enum
import importlib
import inspect
import pathlib
import re
from typing import Any

import pytest

ROWS = list(csv.DictReader((pathlib.Path(__file__).parent / "api.tsv").open(), delimiter="\t"))

# Rows that differ, and why.
EXCEPTIONS = {
    ("client", "HAVE_DNS"): "whether dnspython is installed",
    ("client", "MQTTMessage.__init__"): "native: its signature is a text, with `topic=None` for `b''`",
    ("client", "MQTTMessageInfo.__init__"): "native: its signature is a text without annotations",
    ("client", "MQTTMessageInfo.next"): "native: the same",
    ("client", "MQTTMessageInfo.wait_for_publish"): "native: the same",
    ("client", "MQTTMessageInfo.is_published"): "native: the same",
    ("matcher", "MQTTMatcher.Node"): "a class; its constructor's signature has a `self`",
}


def plain(signature: str) -> str:
    """Removes annotations and the ways in which the same value can be written."""
    signature = signature.replace("'", "").replace('"', "").replace("paho.", "")
    return re.sub(r"\s+", "", signature)


def parameters(text: str) -> list[tuple[str, str]]:
    """Names and defaults of a signature as the table has it."""
    inner = text[1 : text.rindex(")")]
    parts, depth, current = [], 0, ""
    for character in inner:
        depth += character in "([{<"
        depth -= character in ")]}>"
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    parts.append(current)
    found = []
    for part in filter(None, map(str.strip, parts)):
        name = re.split(r"[:=]", part)[0].strip()
        default = ""
        depth = 0
        for index, character in enumerate(part):
            depth += character in "([{"
            depth -= character in ")]}"
            if character == "=" and depth == 0:
                default = part[index + 1 :].strip()
                break
        found.append((name, default))
    return found


def find(row: dict[str, str]) -> Any:
    place: Any = importlib.import_module("paho_oxide." + row["module"])
    if row["of"]:
        place = getattr(place, row["of"])
    return inspect.getattr_static(place, row["name"]) if row["of"] else getattr(place, row["name"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['module']}.{row['of']}.{row['name']}")
def test_row(row: dict[str, str]) -> None:
    kind, expected = row["kind"], row["signature / value"]
    found = find(row)
    name = f"{row['of']}.{row['name']}" if row["of"] else row["name"]
    if (row["module"], name) in EXCEPTIONS:
        return
    if kind == "constant":
        assert int(found) == int(expected)
    elif kind == "enum member":
        assert found.value == int(expected)
    elif kind == "class":
        assert inspect.isclass(found)
        base = expected.strip("()")
        if base.startswith("enum"):
            assert issubclass(found, enum.Enum)
        else:
            assert base in [one.__name__ for one in found.__mro__]
    elif kind == "property":
        assert inspect.isdatadescriptor(found)
        setter = getattr(found, "fset", None)
        if expected == "read only":
            assert setter is None
        elif isinstance(found, property):
            assert setter is not None
    elif kind in ("method", "function"):
        if isinstance(found, staticmethod):
            found = found.__func__
        assert parameters(str(inspect.signature(found))) == parameters(expected)
    elif kind == "attribute" and expected.lstrip("-").isdigit():
        assert found == int(expected)


def test_every_exception_is_a_row() -> None:
    rows = {(row["module"], f"{row['of']}.{row['name']}" if row["of"] else row["name"]) for row in ROWS}
    assert set(EXCEPTIONS) <= rows


def test_annotations_are_the_originals() -> None:
    """Where the table has annotations, ours say the same."""
    different = []
    for row in ROWS:
        if row["kind"] not in ("method", "function") or "->" not in row["signature / value"]:
            continue
        name = f"{row['of']}.{row['name']}" if row["of"] else row["name"]
        if (row["module"], name) in EXCEPTIONS:
            continue
        found = find(row)
        found = found.__func__ if isinstance(found, staticmethod) else found
        if plain(str(inspect.signature(found))) != plain(row["signature / value"]):
            different.append(f"{name}: {inspect.signature(found)} for {row['signature / value']}")
    assert not different, "\n".join(different)
