"""paho.mqtt.subscribeoptions, which is paho_oxide.subscribeoptions."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.subscribeoptions")
