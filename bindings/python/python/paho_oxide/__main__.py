"""``python -m paho_oxide program.py``: runs a program that imports paho-mqtt on this package."""

from __future__ import annotations

import runpy
import sys

from . import compat


def main() -> None:
    """Runs the program that the command line names: a file, or a module after ``-m``."""
    compat.install()
    arguments = sys.argv[1:]
    if arguments[:1] == ["-m"] and len(arguments) > 1:
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments and not arguments[0].startswith("-"):
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
    else:
        sys.exit("usage: python -m paho_oxide program.py [argument...], or python -m paho_oxide -m module [argument...]")


main()
