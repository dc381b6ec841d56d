"""Prints what TLS makes of good and bad certificates and settings."""

from __future__ import annotations

import re
import socket
import ssl
import sys
import threading
import warnings
from typing import Any, Callable

import paho.mqtt.client as mqtt

warnings.simplefilter("ignore")
ca, certificate, key = sys.argv[1:]
V2 = mqtt.CallbackAPIVersion.VERSION2


def serve(context: ssl.SSLContext, seen: list[Any], host: str) -> int:
    """Accepts a client, and notes what TLS agreed on."""
    listener = socket.create_server((host, 0))

    def run() -> None:
        with listener:
            connection, _ = listener.accept()
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    subject = (secured.getpeercert() or {}).get("subject")
                    seen.append((secured.selected_alpn_protocol(), secured.version(), bool(subject)))
                    secured.recv(100)
                    secured.sendall(b"\x20\x02\0\0")
                    while secured.recv(100):
                        pass
            except OSError as error:
                seen.append(type(error).__name__)

    threading.Thread(target=run, daemon=True).start()
    return int(listener.getsockname()[1])


def context(**wanted: Any) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)
    if wanted.get("client"):
        made.load_verify_locations(ca)
        made.verify_mode = ssl.CERT_REQUIRED
        # Where TLS 1.3 is spoken, a client hears of a missing certificate only after its handshake.
        made.maximum_version = ssl.TLSVersion.TLSv1_2
    if "alpn" in wanted:
        made.set_alpn_protocols(wanted["alpn"])
    made.maximum_version = wanted.get("most", made.maximum_version)
    return made


def run(name: str, configure: Callable[[mqtt.Client], Any], host: str = "localhost", **wanted: Any) -> None:
    print("==", name)
    seen: list[Any] = []
    client = mqtt.Client(V2, "secure")
    client.on_connect = lambda c, u, flags, reason, p: print("connected", reason)
    client.on_disconnect = lambda c, u, flags, reason, p: print("disconnected", reason)
    client.on_connect_fail = lambda c, u: print("failed")
    try:
        print(repr(configure(client)))
        print(repr(client.connect(host, serve(context(**wanted), seen, "127.0.0.1" if host == "localhost" else host))))
        sock = client.socket()
        assert isinstance(sock, ssl.SSLSocket)
        print(sock.server_hostname, sock.version(), sock.selected_alpn_protocol())
        while not client.is_connected() and client.loop(0.1) == 0:
            pass
        print(repr(client.disconnect()))
    except Exception as error:
        print(type(error).__name__, type(error).__mro__[1].__name__, re.sub(r"\(_ssl.c:\d+\)", "", str(error)))
        print(client.socket(), client.is_connected())
    for _ in range(1000):
        if seen:
            break
        threading.Event().wait(0.01)
    print(seen)


run("trusted", lambda c: c.tls_set(ca))
run("not trusted", lambda c: c.tls_set())
run("another name", lambda c: c.tls_set(ca), host="127.0.0.2")
run("another name, accepted", lambda c: (c.tls_set(ca), c.tls_insecure_set(True)), host="127.0.0.2")
run("nothing checked", lambda c: c.tls_set(cert_reqs=ssl.CERT_NONE))
run("a certificate of the client's", lambda c: c.tls_set(ca, certificate, key), client=True)
run("none though wanted", lambda c: c.tls_set(ca), client=True)
run("ALPN", lambda c: c.tls_set(ca, alpn_protocols=["mqtt", "x"]), alpn=["x"])
run("TLS 1.2", lambda c: c.tls_set(ca, tls_version=ssl.PROTOCOL_TLSv1_2, ciphers="ECDHE+AESGCM"))
run("a context of the program's", lambda c: c.tls_set_context(ssl.create_default_context(cafile=ca)))
run("the default context", lambda c: c.tls_set_context())


def newest() -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ca)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    return made


run("no version in common", lambda c: c.tls_set_context(newest()), most=ssl.TLSVersion.TLSv1_2)
for name, call in {
    "twice": lambda c: (c.tls_set(ca), c.tls_set(ca)),
    "insecure first": lambda c: c.tls_insecure_set(True),
    "no such file": lambda c: c.tls_set("/nowhere/ca"),
    "no such certificate": lambda c: c.tls_set(ca, "/nowhere/certificate", "/nowhere/key"),
    "no certificates": lambda c: c.tls_set(key),
    "certificate without key": lambda c: c.tls_set(ca, ca),
    "bad ciphers": lambda c: c.tls_set(ca, ciphers="NONSENSE"),
    "optional": lambda c: c.tls_set(ca, cert_reqs=ssl.CERT_OPTIONAL),
    "no context": lambda c: c.tls_set_context("context"),
}.items():
    client = mqtt.Client(V2)
    try:
        print(name, call(client))
    except Exception as error:
        print(name, type(error).__name__, re.sub(r"\(_ssl.c:\d+\)", "", str(error)))
print(mqtt.Client(V2)._ssl, mqtt.Client(V2)._ssl_context)
