"""Prints what the value classes make of good and bad arguments."""

from __future__ import annotations

import re
import warnings
from typing import Any

import paho.mqtt.client as c
from paho.mqtt.matcher import MQTTMatcher
from paho.mqtt.properties import *
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions


def plain(text: str) -> str:
    return re.sub("0x[0-9a-f]{6,}", "0x", text).replace("paho_oxide", "paho.mqtt")


def t(expression: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value = eval(expression, globals())
            print(plain(f"{expression} -> {value!r} {[(w.category.__name__, str(w.message)) for w in caught]}"))
        except Exception as error:
            print(plain(f"{expression} !! {type(error).__name__} {error}"))


def s(p: Any, n: str, v: Any) -> str:
    setattr(p, n, v)
    return str(p)


P = Properties
for f in [
    's(P(3),"UserProperty",("a","b"))',
    's(P(3),"UserProperty",[("a","b"),("c","d")])',
    's(P(3),"UserProperty","x")',
    's(P(3),"UserProperty",5)',
    's(P(3),"UserProperty",("a",))',
    's(P(3),"Nope",1)',
    's(P(1),"TopicAlias",1)',
    's(P(3),"TopicAlias",0)',
    's(P(3),"TopicAlias",70000)',
    's(P(3),"TopicAlias","x")',
    's(P(3),"PayloadFormatIndicator",2)',
    's(P(3),"PayloadFormatIndicator",-1)',
    's(P(1),"ReceiveMaximum",0)',
    's(P(1),"ReceiveMaximum",65536)',
    's(P(1),"MaximumPacketSize",0)',
    's(P(1),"SessionExpiryInterval",-1)',
    's(P(1),"SessionExpiryInterval",2**32)',
    's(P(8),"SubscriptionIdentifier",0)',
    's(P(8),"SubscriptionIdentifier",268435456)',
    's(P(3),"SubscriptionIdentifier",[1,2])',
    's(P(3),"SubscriptionIdentifier",(1,2))',
    's(P(1),"RequestProblemInformation",2)',
    's(P(1),"RequestResponseInformation",2)',
    's(P(2),"MaximumQoS",2)',
    's(P(2),"RetainAvailable",2)',
    's(P(3),"ContentType","x")',
    's(P(3),"ContentType",b"x")',
    's(P(3),"ContentType",5)',
    's(P(3),"CorrelationData",b"x")',
    's(P(3),"CorrelationData","x")',
    's(P(3),"MessageExpiryInterval",5.5)',
    "P(99).packetType",
    "P(55)",
    'P("x")',
    's(P(3),"packetType",1)',
    "P(3).isEmpty()",
    "P(3).json()",
    "P(3).pack()",
    "str(P(3))",
    'hasattr(P(3),"UserProperty")',
    "P(3).UserProperty",
    'P(3).allowsMultiple("UserProperty")',
    'P(3).allowsMultiple("Foo")',
    'P(3).getIdentFromName("UserProperty")',
    'P(3).getIdentFromName("Foo")',
    "P(3).getNameFromIdent(38)",
    "P(3).getNameFromIdent(1000)",
    "VariableByteIntegers.encode(-1)",
    "VariableByteIntegers.encode(268435456)",
    "VariableByteIntegers.encode(321)",
    'VariableByteIntegers.decode(b"\\xc1\\x02")',
    'VariableByteIntegers.decode(b"\\xff\\xff\\xff\\xff\\x01")',
    'VariableByteIntegers.decode(b"\\x80\\x00")',
    'VariableByteIntegers.decode(b"")',
    'writeUTF("x\\u00e9")',
    'writeUTF(b"x")',
    "writeUTF(5)",
    'writeBytes(b"abc")',
    "writeInt16(5)",
    "writeInt16(70000)",
    "writeInt32(5)",
    'readInt16(b"\\0\\5")',
    'readInt16(b"\\0")',
    'readInt32(b"\\0\\0\\0\\5")',
    'readUTF(b"\\0\\1xy",10)',
    'readUTF(b"\\0\\5xy",10)',
    'readUTF(b"\\0\\5xy",3)',
    'readUTF(b"\\0",3)',
    'readUTF(b"\\0\\1\\0",3)',
    'readUTF(b"\\0\\3\\xef\\xbb\\xbf",5)',
    'readUTF(b"\\0\\3\\xed\\xa0\\x80",5)',
    'readUTF(b"\\0\\1\\xff",5)',
    'readBytes(b"\\0\\1xy",10)',
    'readBytes(b"\\0\\5xy",10)',
    'readBytes(b"\\0\\5xy",4)',
]:
    t(f)
q = P(3)
q.UserProperty = ("a", "b")
q.UserProperty = ("c", "d")
q.ContentType = "t"
q.CorrelationData = b"\x01x"
q.TopicAlias = 3
q.MessageExpiryInterval = 9
q.PayloadFormatIndicator = 1
q.SubscriptionIdentifier = 5
q.SubscriptionIdentifier = 6
t("str(q)")
t("q.json()")
t("q.pack()")
t("q.isEmpty()")
t("vars(q).keys()")
t("q.SubscriptionIdentifier")
r = P(3)
t("r.unpack(bytes(q.pack()))")
t("str(r)")
t("r.SubscriptionIdentifier")
t('P(3).unpack(b"\\x02\\x21\\x00")')
t('P(3).unpack(b"\\x03\\x21\\x00\\x01")')
t("0")
t('P(3).unpack(b"\\x05\\x01")')
t('P(3).unpack(b"\\x02\\x7f\\x00")')
t('P(3).unpack(b"\\x00")')
t('P(3).unpack(b"\\x02\\x01\\x05")')
t('P(3).unpack(b"\\x00xx")')
t("q.clear()")
t("str(q)")
t("P(3).writeProperty(1,0,1)")
t('P(3).writeProperty(38,6,("a","b"))')
t('P(3).readProperty(b"\\0\\1a\\0\\1b",6,10)')
t('P(3).readProperty(b"\\5",0,10)')


def d(p, n):
    p.UserProperty = ("a", "b")
    delattr(p, n)
    return str(p)


t('d(P(3),"UserProperty")')
R = ReasonCode
for f in [
    "R(2)",
    "str(R(2))",
    'R(2,"Not authorized")',
    "R(2,identifier=135)",
    "R(2,identifier=1)",
    'R(2,"zz")',
    'R(4,"Not authorized")==135',
    'R(4)=="Success"',
    "R(4)==R(5)",
    "R(4)==None",
    "R(4)!=0",
    "R(4)<5",
    'R(4)<"x"',
    "R(4)<R(4,identifier=135)",
    "R(4)<=0",
    "R(4).json()",
    "R(4,identifier=135).pack()",
    "R(4,identifier=135).is_failure",
    "R(9,identifier=1).is_failure",
    "R(9,identifier=0)",
    "R(14)",
    "R(14,identifier=0)",
    'R(14,"Success")',
    'R(14,"Normal disconnection")',
    "R(3)",
    "R(99)",
    "R(4).getName()",
    'R(4).getId("Not authorized")',
    'R(4).getId("x")',
    'R(2).unpack(b"\\x87")',
    'R(2).unpack(b"\\x01")',
    'R(2).unpack(b"")',
    "ReasonCodes(2)",
    "bool(R(2))",
    "int(R(2))",
    "R(2)==0.0",
    'R(2)=="success"',
    "R(9,identifier=3)",
    "R(9)",
    "R(4,identifier=1)",
    "str(R(2,identifier=200))",
    'f"{R(2)}"',
    "R(2).value",
    'R(2).set("Not authorized")',
    'R(2).set("zz")',
    'R("x")',
]:
    t(f)
S = SubscribeOptions
for f in [
    "S()",
    "str(S())",
    "S(1,True,True,2).json()",
    "S(1,True,True,2).pack()",
    "S(3)",
    "S(1,retainHandling=3)",
    'S().unpack(b"\\x2e")',
    "vars(S())",
    "S(qos=-1)",
    'S("x")',
    's(S(),"qos",5)',
    's(S(),"foo",5)',
    "S(5).pack()",
    'S().unpack(b"")',
    "S().names",
    's(S(),"noLocal",5)',
    "S(1)==S(1)",
]:
    t(f)
M = MQTTMatcher
m = M()
for k in ["a/b", "a/+", "#", "a/#", "+/b", "$SYS/#", "a"]:
    m[k] = k
for f in [
    'list(m.iter_match("a/b"))',
    'list(m.iter_match("a"))',
    'list(m.iter_match("$SYS/x"))',
    'list(m.iter_match("x/y/z"))',
    'm["a/b"]',
    'm["zz"]',
    'm.__delitem__("zz")',
    'm.__delitem__("a/b")',
    'm["a/b"]',
    'list(m.iter_match("a/b"))',
    'm["a"]',
    "vars(M())",
    "vars(M.Node())",
    "M.Node.__slots__",
    'm.__delitem__("a/+/q")',
    'list(m.iter_match("$SYS"))',
    'type(m.iter_match("a"))',
]:
    t(f)
for f in [
    "c.topic_matches_sub(%r,%r)" % x
    for x in [
        ("a/#", "a"),
        ("#", "$SYS/x"),
        ("$SYS/#", "$SYS/x"),
        ("+/b", "a/b"),
        ("a/b/#/c", "a/b"),
        ("", "a"),
        ("a", ""),
        ("a+", "a+"),
        ("/+", "/x"),
        ("+", "/x"),
        ("+/+", "$a/b"),
    ]
]:
    t(f)
for i in list(range(-2, 18)) + [200]:
    t(f"c.error_string({i})")
for i in list(range(-1, 8)) + ["c.ReasonCode(2,identifier=135)", "c.ReasonCode(2)"]:
    t(f"c.connack_string({i})")
for i in range(-1, 17):
    t(f"c.convert_disconnect_error_code_to_reason_code(c.MQTTErrorCode({i}))")
for i in range(0, 7):
    t(f"c.convert_connack_rc_to_reason_code(c.ConnackCode({i}))")
t("c.convert_connack_rc_to_reason_code(0)")
t("vars(c.MQTTMessageInfo(3))")
t("list(c.MQTTMessageInfo(3))")
t("c.MQTTMessageInfo(3)[0]")
t("c.MQTTMessageInfo(3)[2]")
t("c.MQTTMessageInfo(3)==c.MQTTMessageInfo(3)")
t("c.MQTTMessage(1)==c.MQTTMessage(1)")
t("c.MQTTMessage(1)!=c.MQTTMessage(2)")
t("str(c.MQTTMessageInfo(3))")
t("c.MQTTMessageInfo(3).is_published()")
mm = c.MQTTMessage(1, b"\xff")
t("mm.topic")
t("list(zip(*[iter(c.MQTTMessageInfo(3))]*1))")
