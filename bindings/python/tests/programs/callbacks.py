import sys
if sys.argv[1]=="ours": import paho_oxide.compat
import paho.mqtt.client as c, time, re
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
def run(ver, proto, transport="tcp", port=18831, host="127.0.0.1"):
    print("=====", ver, proto, transport)
    import warnings; warnings.simplefilter("ignore")
    done=[]
    k=c.Client(ver, client_id=f"full{proto}", protocol=proto, transport=transport)
    name=None
    def cb(n):
        def f(cl,ud,*a):
            if n=="log" and "PING" in str(a): return
            print(n, *[ (f"msg {x.topic} {x.payload} {x.qos} {x.retain} {x.dup} {x.properties} mid={x.mid}" if isinstance(x,c.MQTTMessage) else "SOCK" if hasattr(x,"fileno") else repr(x) if not isinstance(x,Properties) else str(x)) for x in a])
            if n in("subscribe","disconnect","message","unsubscribe","publish","connect"): done.append(n)
        return f
    for n in "connect disconnect message publish subscribe unsubscribe log pre_connect connect_fail socket_open socket_close socket_register_write socket_unregister_write".split():
        setattr(k,"on_"+n,cb(n))
    if len(sys.argv)>2: 
        for n in "log socket_register_write socket_unregister_write".split(): setattr(k,"on_"+n,None)
    def until(n):
        t=time.monotonic()+5
        while n not in done and time.monotonic()<t: 
            r=k.loop(0.2)
            if r: print("loop", repr(r)); 
        if n not in done: print("MISSING", n)
        done.clear()
    print(repr(k.connect(host,port,30)))
    until("connect")
    print(k.is_connected(), k.subscribe("full/#",1)); until("subscribe")
    if proto==5: print(k.subscribe([("x/#",SubscribeOptions(2)),("y",SubscribeOptions(1))]))
    else: print(k.subscribe([("x/#",2),("y",0)]))
    until("subscribe")
    for q in 0,1,2:
        i=k.publish("full/%d"%q, "pay", q); print(i); 
        until("message");
        for _ in range(5): k.loop(0.05)
        print(i.is_published())
    done.clear()
    print(k.unsubscribe("full/#")); until("unsubscribe")
    i=k.publish("nobody", "x", 1);until("publish")
    print(repr(k.disconnect())); print(k.is_connected(), k.socket())
    print(repr(k.loop()))
for ver in c.CallbackAPIVersion.VERSION1, c.CallbackAPIVersion.VERSION2:
    for proto in 4,5: run(ver,proto)
run(ver,3)
run(ver,4,"websockets",18832)
run(ver,5,"unix",1,"/work/tmp/pydiff/m.sock")
