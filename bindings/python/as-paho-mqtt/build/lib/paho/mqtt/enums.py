"""paho.mqtt.enums, which is paho_oxide.enums."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.enums")
