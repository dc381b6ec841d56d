"""paho.mqtt.exception, which is paho_oxide.exception."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.exception")
