"""paho.mqtt.properties, which is paho_oxide.properties."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.properties")
