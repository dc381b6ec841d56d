"""paho.mqtt.publish, which is paho_oxide.publish."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.publish")
