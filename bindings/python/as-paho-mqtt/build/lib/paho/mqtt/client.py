"""paho.mqtt.client, which is paho_oxide.client."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.client")
