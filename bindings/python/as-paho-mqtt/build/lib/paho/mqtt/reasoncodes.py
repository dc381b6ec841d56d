"""paho.mqtt.reasoncodes, which is paho_oxide.reasoncodes."""

import importlib
import sys

sys.modules[__name__] = importlib.import_module("paho_oxide.reasoncodes")
