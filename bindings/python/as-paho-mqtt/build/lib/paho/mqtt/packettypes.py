"""paho.mqtt.packettypes, which is paho_oxide.packettypes."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.packettypes")
