"""Prints what a client without a connection makes of good and bad arguments."""

from __future__ import annotations

import re
import warnings
from typing import Any

import paho.mqtt.client as c


def plain(text: str) -> str:
    return re.sub("0x[0-9a-f]{6,}", "0x", text).replace("paho_oxide", "paho.mqtt")


def t(expression: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = eval(expression, globals())
            shown = str(value) if isinstance(value, c.MQTTMessageInfo) else repr(value)
            print(plain(f"{expression} -> {shown} {[(w.category.__name__, str(w.message)) for w in caught]}"))
        except Exception as error:
            print(plain(f"{expression} !! {type(error).__name__} {error}"))


V2 = c.CallbackAPIVersion.VERSION2


def n(**k: Any) -> c.Client:
    return c.Client(V2, **k)


def setp(x: Any, a: str, v: Any) -> Any:
    setattr(x, a, v)
    return getattr(x, a)


for f in [
    'c.Client(client_id="x")._client_id',
    'c.Client("x")',
    "c.Client(V2,client_id=5)",
    "n(clean_session=False)",
    'n(client_id="a",clean_session=False,protocol=5)',
    "n(protocol=5)._clean_session",
    "n(protocol=7)",
    'n(transport="foo")',
    'n(transport="TCP").transport',
    'n(client_id=b"x")',
    "n(client_id=None)._client_id",
    'n(client_id="")._client_id',
    'len(n(client_id="",protocol=3)._client_id)',
    "n(protocol=3).protocol",
    "n(protocol=5).protocol",
    "n()._protocol",
    'n().publish("t")',
    'n().publish("t","x",1)',
    'n().publish("")',
    "n().publish(None)",
    'n().publish("a/#")',
    'n().publish("a+")',
    'n().publish(b"t")',
    "n().publish(5)",
    'n().publish("t",[])',
    'n().publish("t",{})',
    'n().publish("t",True)',
    'n().publish("t",3.5)',
    'n().publish("t",bytearray(b"x"))',
    'n().publish("t",memoryview(b"x"))',
    'n().publish("t","x",3)',
    'n().publish("t","x",-1)',
    'n().publish("t","x","1")',
    'n().publish("t"*65536)',
    'n().publish("t",b"x"*268435456)',
    'n().publish("t\\0")',
    'n(protocol=5).publish("")',
    'n(protocol=5).publish("",properties=Properties(3))',
    'n().publish("t",properties=Properties(3))',
    'n().subscribe("t")',
    'n().subscribe("")',
    "n().subscribe(None)",
    'n().subscribe("a#")',
    'n().subscribe("t",3)',
    'n().subscribe(("t",1))',
    'n().subscribe([("t",1),("u",0)])',
    "n().subscribe([])",
    "n().subscribe(5)",
    'n().subscribe(("t",5))',
    'n().subscribe([("t",5)])',
    'n().subscribe([("",1)])',
    "n().subscribe([(None,1)])",
    'n().subscribe("a"*65536)',
    'n().subscribe([("t",)])',
    'n(protocol=5).subscribe("t",options=SO(1))',
    'n(protocol=5).subscribe("t",1)',
    'n(protocol=5).subscribe(("t",SO(1)))',
    'n(protocol=5).subscribe([("t",SO(1))])',
    'n(protocol=5).subscribe([("t",1)])',
    'n(protocol=5).subscribe("t",options=5)',
    'n().subscribe("t",options=SO(1))',
    'n().subscribe(b"t")',
    'n().unsubscribe("t")',
    'n().unsubscribe("")',
    "n().unsubscribe(None)",
    'n().unsubscribe(["a","b"])',
    "n().unsubscribe([])",
    'n().unsubscribe([""])',
    "n().unsubscribe([5])",
    "n().unsubscribe(5)",
    'n().unsubscribe("a#b")',
    'n().will_set("")',
    'n().will_set("t",5)',
    'n().will_set("t",qos=3)',
    "n().will_set(None)",
    'n().will_set("t",[])',
    'n().will_set("a/#","x")',
    'n().will_set("t",properties=Properties(3))',
    'n(protocol=5).will_set("t",properties=Properties(3))',
    'n(protocol=5).will_set("t",properties=Properties(99))',
    'n().will_set("t","x"*70000)',
    'n().username_pw_set("a","b")',
    'n().username_pw_set(None,"b")',
    "n().username_pw_set(5)",
    'n().username_pw_set("a",5)',
    'n().username_pw_set("a",b"x")',
    'n().username_pw_set("a"*70000)',
    "n().username",
    'n().connect("")',
    "n().connect(None)",
    'n().connect("localhost",0)',
    'n().connect("localhost",-1)',
    'n().connect("localhost",1883,-1)',
    'n().connect("localhost",1883,60,"",-1)',
    'n().connect("localhost","x")',
    'n().connect_async("")',
    'n().connect_async("h",0)',
    'n().connect("localhost",1,clean_start=True)',
    'n(protocol=5).connect("localhost",1)',
    'n().connect("127.0.0.1",1)',
    'n().connect("h",properties=Properties(1))',
    "n().reconnect()",
    "n().disconnect()",
    "n().loop()",
    "n().loop_read()",
    "n().loop_write()",
    "n().loop_misc()",
    "n().loop_stop()",
    "n().want_write()",
    "n().socket()",
    "n().is_connected()",
    "n().ack(1,1)",
    "n().loop(-1)",
    "n().loop_forever()",
    "n().max_inflight_messages_set(-1)",
    "n().max_inflight_messages_set(5)",
    "n().max_queued_messages_set(-1)",
    'n().max_queued_messages_set("x")',
    "n().max_queued_messages_set(5)",
    'setp(n(),"max_queued_messages",-1)',
    'setp(n(),"max_queued_messages",7)',
    'setp(n(),"max_inflight_messages",-1)',
    'setp(n(),"max_inflight_messages",0)',
    "n().max_inflight_messages",
    "n().max_queued_messages",
    'setp(n(),"keepalive",-1)',
    'setp(n(),"port",0)',
    'setp(n(),"port",8)',
    'setp(n(),"host","")',
    'setp(n(),"host","x")',
    'setp(n(),"connect_timeout",0)',
    'setp(n(),"connect_timeout",3)',
    "n().connect_timeout",
    'setp(n(),"transport","x")',
    'setp(n(),"transport","websockets")',
    'setp(n(),"username","x")',
    'setp(n(),"password","x")',
    'setp(n(),"protocol",4)',
    'setp(n(),"will_topic",4)',
    "n().will_topic",
    "n().will_payload",
    "n().host",
    "n().port",
    "n().keepalive",
    "n().transport",
    "n().logger",
    "n().reconnect_delay_set(0,0)",
    "n().reconnect_delay_set(5,1)",
    "n().on_message",
    'n().message_callback_add("",print)',
    "n().message_callback_add(None,print)",
    'n().message_callback_add("a",None)',
    'n().message_callback_remove("x")',
    "n().message_callback_remove(None)",
    "n().proxy_set(proxy_type=2)",
    "n().proxy_set(x=1)",
    'n().tls_set("/nonexistent")',
    "n().tls_insecure_set(True)",
    "n().tls_set(cert_reqs=5)",
    "n().tls_set_context(5)",
    'n().ws_set_options("x")',
    'n().ws_set_options("/x",5)',
    "n().drop_out_messages()",
    "n().enable_bridge_mode()",
    "n().manual_ack_set(True)",
    "n().user_data_get()",
    'n().reinitialise("x")',
    'n().reinitialise("",False)',
    "n().suppress_exceptions",
    "n().on_log",
    "n().callback_api_version",
    'setp(n(),"on_connect",5)',
]:
    t(f)
i = n().publish("t", "x", 1)
t("i.rc")
t("i.is_published()")
t("i.wait_for_publish(0.01)")
i = n().publish("t")
t("i.is_published()")
t("i.wait_for_publish(0.01)")
x = n()
x.max_queued_messages_set(1)
x.publish("a", "", 1)
j = x.publish("a", "", 1)
t("str(j)")
t("j.is_published()")
t("j.wait_for_publish(0.1)")
t("[m.mid for m in x.drop_out_messages()]")
t('str(x.publish("a","",1))')
