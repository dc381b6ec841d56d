"""MQTT on the engine of paho-oxide, with the interface of paho-mqtt.

``paho_oxide.client`` has the :class:`~paho_oxide.client.Client` for threads and loops, ``paho_oxide.aio`` one for asyncio,
``paho_oxide.publish`` and ``paho_oxide.subscribe`` have functions for a single message. ``import paho_oxide.compat`` lets
``import paho.mqtt.client`` find all this.
"""

import sys

from .exception import MQTTException

if "t" in getattr(sys, "abiflags", ""):
    # No wheel fits such a build, but the source distribution or a path can bring one to it.
    raise ImportError("paho_oxide does not support free-threaded builds of Python")
if sys.version_info < (3, 12):
    # Later versions refuse a native module that does not declare itself ready for this.
    try:
        import _xxsubinterpreters  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        pass
    else:
        if _xxsubinterpreters.get_current() != _xxsubinterpreters.get_main():
            raise ImportError("paho_oxide does not support loading in subinterpreters")

__all__ = ["MQTTException"]
__version__ = "0.1.0"
