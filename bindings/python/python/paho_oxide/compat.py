"""Lets ``import paho.mqtt.client``, and all other names of paho-mqtt, find this package.

``import paho_oxide.compat`` before the program's own imports, or ``python -m paho_oxide program.py``.
"""

from __future__ import annotations

import importlib
import sys
import types

_MODULES = (
    "client",
    "enums",
    "exception",
    "matcher",
    "packettypes",
    "properties",
    "publish",
    "reasoncodes",
    "subscribe",
    "subscribeoptions",
)


def install() -> None:
    """Puts this package in the place of paho-mqtt.

    :raises ImportError: the program has imported paho-mqtt itself already, so that both would be in use.
    """
    for name, module in list(sys.modules.items()):
        if name.startswith("paho.mqtt.") and not getattr(module, "__name__", "").startswith("paho_oxide."):
            raise ImportError(f"{name} has been imported already: import paho_oxide.compat before it")
    if "paho.mqtt.client" in sys.modules:
        return
    import paho_oxide

    paho = sys.modules.get("paho") or types.ModuleType("paho")
    paho.__path__ = getattr(paho, "__path__", [])
    mqtt = types.ModuleType("paho.mqtt", paho_oxide.__doc__)
    mqtt.__path__ = []
    sys.modules["paho"] = paho
    sys.modules["paho.mqtt"] = mqtt
    setattr(paho, "mqtt", mqtt)
    setattr(mqtt, "__version__", "2.2.0")
    for name in _MODULES:
        module = importlib.import_module("paho_oxide." + name)
        sys.modules["paho.mqtt." + name] = module
        setattr(mqtt, name, module)
    setattr(mqtt, "MQTTException", importlib.import_module("paho_oxide.exception").MQTTException)


install()
