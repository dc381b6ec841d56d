#!/usr/bin/env python3
"""The servers that texts_async.c and texts_client.c are to complain of.

    python3 texts.py PROGRAM
"""
import os
import socket
import ssl
import struct
import subprocess
import sys
import tempfile

import peer


def read_packet(connection):
    """The first byte and the body of a packet whose length is at most 16 KB."""
    first = connection.recv(1)
    if not first:
        raise OSError("closed")
    length, shift = 0, 0
    while True:
        byte = connection.recv(1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return first[0], body


def closes(connection):
    read_packet(connection)
    connection.sendall(peer.CONNACK)
    connection.close()


def breaks(connection):
    """A PUBLISH of QoS 3."""
    read_packet(connection)
    connection.sendall(peer.CONNACK + b"\x36\x05\x00\x01a\x00\x01")
    connection.recv(1000)


def refuses(connection):
    while True:
        first, body = read_packet(connection)
        if first >> 4 == 1:
            connection.sendall(peer.CONNACK5)
        elif first >> 4 == 8:
            connection.sendall(peer.packet(0x90, body[:2] + b"\x00\x87"))


def http(connection):
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


context = peer.tls_context()


def tls(connection):
    try:
        context.wrap_socket(connection, server_side=True).recv(1000)
    except ssl.SSLError:
        pass  # the client does not trust it, or spoke no TLS


def alerts(connection):
    connection.recv(1000)
    connection.sendall(b"\x15\x03\x01\x00\x02\x02\x46")


def resets(connection):
    connection.recv(1000)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def leaves(connection):
    connection.recv(1000)
    connection.close()


with tempfile.TemporaryDirectory() as folder:
    certificate, text = os.path.join(folder, "cert.pem"), os.path.join(folder, "text.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=client", "-keyout",
         os.path.join(folder, "key.pem"), "-out", certificate],
        check=True, stderr=subprocess.DEVNULL,
    )
    with open(text, "w") as file:
        file.write("no PEM at all\n")
    ports = [str(peer.listen(serve)) for serve in (closes, breaks, refuses, tls, http)]
    others = [str(peer.listen(serve)) for serve in (alerts, resets, leaves)]
    peer.run([sys.argv[1], *ports[1:], certificate, text, *others], ports[0])
