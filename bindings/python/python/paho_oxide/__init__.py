"""MQTT on the engine of paho-oxide, with the interface of paho-mqtt.

``paho_oxide.client`` has the :class:`~paho_oxide.client.Client` for threads and loops, ``paho_oxide.aio`` one for asyncio,
``paho_oxide.publish`` and ``paho_oxide.subscribe`` have functions for a single message. ``import paho_oxide.compat`` lets
``import paho.mqtt.client`` find all this.
"""

from .exception import MQTTException

__all__ = ["MQTTException"]
__version__ = "0.1.0"
