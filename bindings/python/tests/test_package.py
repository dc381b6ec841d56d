"""The package as it is installed: types, style, the README's programs, and the distribution that stands in for paho-mqtt."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import venv

import pytest

import paho_oxide
from conftest import HERE, Broker

PACKAGE = pathlib.Path(paho_oxide.__file__).parent
BINDING = HERE.parent
REPOSITORY = BINDING.parent.parent


def tool(*command: str, cwd: pathlib.Path = BINDING) -> None:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr


def blocks(page: pathlib.Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def test_ruff() -> None:
    tool("ruff", "check", "--no-cache", ".")
    tool("ruff", "format", "--no-cache", "--check", ".")


def test_mypy(tmp_path: pathlib.Path) -> None:
    assert (PACKAGE / "py.typed").exists()
    tool("mypy", "--config-file", "pyproject.toml", "--cache-dir", str(tmp_path), "python/paho_oxide")


def test_mypy_of_a_program(tmp_path: pathlib.Path) -> None:
    arguments = ["--strict", "--cache-dir", str(tmp_path), str(HERE / "programs" / "typed.py")]
    # From another directory: the types are the installed package's.
    tool("mypy", *arguments, cwd=tmp_path)


@pytest.mark.parametrize("index", range(len(blocks(REPOSITORY / "README.md"))))
def test_the_readmes_program(broker: Broker, index: int, tmp_path: pathlib.Path) -> None:
    program = tmp_path / "receive.py"
    program.write_text(blocks(REPOSITORY / "README.md")[index])
    done = subprocess.run(
        [sys.executable, str(program), str(broker.tcp)], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "greeting/python hello\n"


def test_the_programs_of_this_packages_readme(broker: Broker, tmp_path: pathlib.Path) -> None:
    programs = blocks(BINDING / "README.md")
    assert programs
    for text in programs:
        program = tmp_path / "program.py"
        program.write_text(text.replace("1883", str(broker.tcp)))
        done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert done.stdout


def test_the_distribution_that_stands_in_for_paho_mqtt(tmp_path: pathlib.Path, broker: Broker) -> None:
    wheels = os.environ.get("PAHO_OXIDE_WHEELS")
    if not wheels:
        pytest.skip("PAHO_OXIDE_WHEELS is not set: `make test-python` sets it")
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv/bin/python")
    found = [str(wheel) for wheel in pathlib.Path(wheels).glob("*.whl")]
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-index", *found], check=True)
    code = "import paho.mqtt.client as c, paho.mqtt.publish as p, sys; print(c.Client.__module__); "
    code += "p.single('t', 'x', 1, hostname='127.0.0.1', port=int(sys.argv[1]))"
    done = subprocess.run([python, "-c", code, str(broker.tcp)], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "paho_oxide.client\n"
