"""paho.mqtt.matcher, which is paho_oxide.matcher."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.matcher")
