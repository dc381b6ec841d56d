"""The package as it is installed: types, style, the README's programs, and the distribution that stands in for paho-mqtt."""

from __future__ import annotations

import importlib.metadata
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import venv
import zipfile

import pytest

import paho_oxide
from conftest import HERE, PROGRAMS, Broker, run_program

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


def test_mypy_of_the_tests(tmp_path: pathlib.Path) -> None:
    tests = [str(path) for path in HERE.glob("*.py")]
    # The package's types are those of the sources, as the tests' are.
    tool("mypy", "--config-file", "pyproject.toml", "--cache-dir", str(tmp_path), *tests)


def test_mypy_of_a_program(tmp_path: pathlib.Path) -> None:
    arguments = ["--strict", "--cache-dir", str(tmp_path), str(HERE / "programs" / "typed.py")]
    # From another directory: the types are the installed package's.
    tool("mypy", *arguments, cwd=tmp_path)


@pytest.mark.parametrize("index", range(len(blocks(REPOSITORY / "README.md"))))
def test_the_readmes_program(broker: Broker, index: int, tmp_path: pathlib.Path) -> None:
    program = tmp_path / "receive.py"
    program.write_text(blocks(REPOSITORY / "README.md")[index])
    done = subprocess.run(
        [sys.executable, str(program), str(broker.tcp)], capture_output=True, text=True, timeout=300, check=True
    )
    assert done.stdout == "greeting/python hello\n"


def test_the_programs_of_this_packages_readme(broker: Broker, tmp_path: pathlib.Path) -> None:
    programs = blocks(BINDING / "README.md")
    assert programs
    for text in programs:
        program = tmp_path / "program.py"
        program.write_text(text.replace("1883", str(broker.tcp)))
        done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert done.stdout


COMPATIBLE = """
import importlib, sys
names = sys.argv[1:]
print(__name__, len(names), {importlib.import_module("paho.mqtt." + name).__name__ == "paho_oxide." + name for name in names})
import paho.mqtt.client as mqtt
import paho.mqtt
from paho.mqtt import MQTTException, publish
import paho_oxide.exception
print(mqtt.Client is paho.mqtt.client.Client, publish.__name__, MQTTException is paho_oxide.exception.MQTTException)
"""


@pytest.mark.parametrize("way", ["import", "file", "module"])
def test_programs_of_paho_mqtt(tmp_path: pathlib.Path, way: str) -> None:
    """With a line at their beginning, or by another command: every module of the original is ours."""
    program = tmp_path / "program.py"
    program.write_text(("import paho_oxide.compat\n" if way == "import" else "") + COMPATIBLE)
    names = sorted({row.split("\t")[0] for row in (HERE / "api.tsv").read_text().splitlines()[1:]})
    command = {
        "import": [str(program)],
        "file": ["-m", "paho_oxide", str(program)],
        "module": ["-m", "paho_oxide", "-m", "program"],
    }[way]
    done = subprocess.run([sys.executable, *command, *names], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == f"__main__ {len(names)} {{True}}\nTrue paho_oxide.publish True\n", done.stderr


@pytest.mark.parametrize("arguments", [[], ["-x", "program.py"], ["-m"]])
def test_a_command_without_a_program_is_explained(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "paho_oxide", *arguments], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("usage: python -m paho_oxide program.py")


@pytest.mark.parametrize("name", ["client", "properties", "exception"])
def test_paho_mqtt_is_replaced_as_a_whole_or_not_at_all(name: str) -> None:
    """Were some modules the original's and some ours, no exception of the one would be caught by the other's name."""
    program = f"import paho.mqtt.{name}, paho_oxide.compat"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    refusal = r"ImportError: paho\.mqtt\.\w+ has been imported already: import paho_oxide\.compat before it\n"
    assert done.returncode == 1 and re.search(refusal, done.stderr), done.stderr
    twice = f"import paho_oxide.compat; import paho.mqtt.{name}; paho_oxide.compat.install()"
    subprocess.run([sys.executable, "-c", twice], check=True)


def built(pattern: str) -> list[pathlib.Path]:
    """Returns what `make wheel` built."""
    wheels = os.environ.get("PAHO_OXIDE_WHEELS")
    if not wheels:
        pytest.skip("PAHO_OXIDE_WHEELS is not set: `make test-python` sets it")
    found = list(pathlib.Path(wheels).glob(pattern))
    assert found, f"no {pattern} in {wheels}"
    return found


def test_a_program_that_cannot_be_touched(tmp_path: pathlib.Path, broker: Broker) -> None:
    """With `paho-oxide-as-paho-mqtt` in a fresh environment it prints what it prints with paho-mqtt."""
    wheels = built("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = str(tmp_path / "venv/bin/python")
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-index", *map(str, wheels)], check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True, capture_output=True)
    arguments = ("tls", str(broker.tls), broker.ca, "5")
    ours = subprocess.run(
        [python, str(PROGRAMS / "callbacks.py"), *arguments], capture_output=True, text=True, timeout=300, check=True
    )
    assert ours.stdout == run_program("callbacks.py", *arguments, ours=False)
    # Every module of the original is there, and is ours.
    names = sorted({row.split("\t")[0] for row in (HERE / "api.tsv").read_text().splitlines()[1:]})
    code = "import importlib, sys; print([importlib.import_module('paho.mqtt.' + name).__name__ for name in sys.argv[1:]])"
    done = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, timeout=300, check=True)
    assert done.stdout == f"{['paho_oxide.' + name for name in names]}\n"


def test_the_wheel_needs_nothing_but_the_c_library(tmp_path: pathlib.Path) -> None:
    """One module for Python 3.9 and later, no OpenSSL, and of glibc nothing newer than the wheel's name says."""
    [wheel] = built("paho_oxide-*.whl")
    assert "-cp39-abi3-" in wheel.name
    with zipfile.ZipFile(wheel) as contents:
        modules = [name for name in contents.namelist() if ".so" in name]
        assert modules == ["paho_oxide/_native.abi3.so"]
        module = pathlib.Path(contents.extract(modules[0], tmp_path))
    listed = subprocess.run(["ldd", str(module)], capture_output=True, text=True, check=True).stdout
    needed = {line.split()[0].rpartition("/")[2].partition(".")[0] for line in listed.splitlines()}
    allowed = {"linux-vdso", "libc", "libm", "libdl", "libpthread", "librt", "libgcc_s"}
    assert not [name for name in needed - allowed if not name.startswith("ld-linux")], listed
    image = module.read_bytes()
    assert b"OpenSSL" not in image
    said = re.search(r"manylinux_2_(\d+)", wheel.name)
    if said:
        assert max(map(int, re.findall(rb"\0GLIBC_2\.(\d+)", image))) <= int(said[1])


def test_a_free_threaded_build_is_refused() -> None:
    program = "import sys; sys.abiflags = 't'; import paho_oxide"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode and "ImportError: paho_oxide does not support free-threaded builds" in done.stderr


def test_the_source_distribution() -> None:
    """It holds licences, lock file, package and engine. `make wheel` builds the wheel from it, which all tests here run on."""
    [archive] = built("*.tar.gz")
    with tarfile.open(archive) as contents:
        names = {name.partition("/")[2] for name in contents.getnames()}
        member = contents.extractfile(f"{archive.name[: -len('.tar.gz')]}/PKG-INFO")
        assert member is not None
        information = member.read().decode()
    assert {"LICENSE-MIT", "LICENSE-APACHE", "Cargo.lock", "Cargo.toml", "src/lib.rs", "bindings/python/src/lib.rs"} <= names
    modules = {f"python/paho_oxide/{path.name}" for path in (BINDING / "python/paho_oxide").glob("*.py*")}
    assert modules - {"python/paho_oxide/__pycache__"} <= names
    assert not [name for name in names if name.endswith(".so")]
    assert f"Version: {importlib.metadata.version('paho-oxide')}\n" in information
    installed = pathlib.Path(paho_oxide.__file__).parent
    assert {f"python/paho_oxide/{path.name}" for path in installed.glob("*.py")} <= names


def test_every_situation_has_its_tests() -> None:
    """What users of other clients suffer from, and what programs rely on, is in a table: its tests must exist."""
    rows = [line.split("\t") for line in (HERE / "situations.tsv").read_text().splitlines()[1:]]
    assert rows
    for situation, tests in rows:
        for test in tests.split():
            file, _, name = test.partition("::")
            name, _, parameter = name.rstrip("]").partition("[")
            text = (HERE / file).read_text()
            assert f"\ndef {name}(" in text and (not parameter or f'"{parameter}"' in text), (situation, test)
