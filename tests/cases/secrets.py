#!/usr/bin/env python3
"""Starts mosquitto without TLS, with it and with a pre-shared key, and an HTTP proxy; makes a client's encrypted key; runs a
program with all of these, and says which secrets it is to look for by files.

    python3 secrets.py PROGRAM
"""
import base64
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

import peer

PASSWORD, PASSPHRASE, PSK, PROXY = range(4)


def secret(which):
    """The same rule as secrets.h."""
    return "".join(chr(ord("a") + (which * 31 + i * i * 7 + i * (which + 3)) % 26) for i in range(24))


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def forward(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    sink.shutdown(socket.SHUT_WR)


def proxy(connection):
    """Opens a tunnel for whoever knows the password."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += connection.recv(4096)
    expected = base64.b64encode(b"user:" + secret(PROXY).encode())
    if expected not in request:
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
        return
    host, port = request.split()[1].decode().rsplit(":", 1)
    server = socket.create_connection((host, int(port)))
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    threading.Thread(target=forward, args=(server, connection), daemon=True).start()
    forward(connection, server)


with tempfile.TemporaryDirectory() as folder:
    path = lambda name: os.path.join(folder, name)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
            "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", path("server.key"), "-out", path("server.pem"))
    openssl("req", "-x509", "-newkey", "rsa:2048", "-days", "2", "-subj", "/CN=client", "-passout",
            "pass:" + secret(PASSPHRASE), "-keyout", path("client.key"), "-out", path("client.pem"))
    # The key itself, and where in it its private exponent is: behind the modulus (257 bytes and its head) and 65537.
    der = openssl("rsa", "-in", path("client.key"), "-passin", "pass:" + secret(PASSPHRASE), "-traditional", "-outform", "DER")
    with open(path("key.der"), "wb") as file:
        file.write(der)
    exponent = der.index(b"\x02\x03\x01\x00\x01") + 5 + 4 + 40
    with open(path("proxy"), "wb") as file:
        file.write(base64.b64encode(b"user:" + secret(PROXY).encode())[4:28])
    with open(path("psk"), "w") as file:
        file.write("id:" + secret(PSK).encode().hex() + "\n")
    search = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"

    def start():
        """Starts mosquitto on three free ports; None if somebody else was quicker to take one."""
        ports = [free_port() for _ in range(3)]
        with open(path("mosquitto.conf"), "w") as file:
            file.write(f"per_listener_settings true\nlistener {ports[0]} 127.0.0.1\nallow_anonymous true\n")
            file.write(f"listener {ports[1]} 127.0.0.1\nallow_anonymous true\ncertfile {path('server.pem')}\n")
            file.write(f"keyfile {path('server.key')}\ncafile {path('client.pem')}\nrequire_certificate true\n")
            file.write(f"listener {ports[2]} 127.0.0.1\nallow_anonymous true\npsk_hint hint\npsk_file {path('psk')}\n")
            if os.getuid() == 0:
                file.write("user root\n")
        mosquitto = subprocess.Popen(
            ["mosquitto", "-c", path("mosquitto.conf")], env={**os.environ, "PATH": search}, stderr=subprocess.DEVNULL
        )
        for port in ports:
            while mosquitto.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.01)
        return (mosquitto, ports) if mosquitto.poll() is None else None

    while not (started := start()):
        pass
    mosquitto, ports = started
    os.mkfifo(path("seen"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("server.pem"), path("server.key"))

    def silent(connection):
        """Reads CONNECT, tells so, and says nothing to the client."""
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)
            with open(path("seen"), "wb") as seen:
                seen.write(b"x")
            secured.recv(4096)

    try:
        arguments = [
            f"ssl://127.0.0.1:{ports[1]}", f"ssl://127.0.0.1:{ports[2]}", str(peer.listen(proxy)), path("client.key"),
            path("client.pem"), path("server.pem"), path("key.der"), str(exponent), path("proxy"),
            f"ssl://127.0.0.1:{peer.listen(silent)}", path("seen"),
        ]
        peer.run([sys.argv[1], *arguments], f"tcp://127.0.0.1:{ports[0]}")
    finally:
        mosquitto.terminate()
        mosquitto.wait()
