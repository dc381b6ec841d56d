"""paho.mqtt.subscribe, which is paho_oxide.subscribe."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.subscribe")
