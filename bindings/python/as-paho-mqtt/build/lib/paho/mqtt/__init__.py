"""paho.mqtt, which is paho_oxide."""

from paho_oxide.exception import MQTTException

__all__ = ["MQTTException"]
__version__ = "2.2.0"
