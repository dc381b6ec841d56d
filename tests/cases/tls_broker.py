#!/usr/bin/env python3
"""A very small broker with TLS: answers CONNECT, PINGREQ, SUBSCRIBE and PUBLISH at QoS 1, and sends nothing by itself.

    python3 tls_broker.py PROGRAM [ARGUMENT ...]
"""
import sys

import peer

context = peer.tls_context()


def exactly(connection, length):
    data = b""
    while len(data) < length:
        more = connection.recv(length - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


def serve(connection):
    secured = context.wrap_socket(connection, server_side=True)
    while True:
        first = exactly(secured, 1)[0]
        length, shift = 0, 0
        while True:
            byte = exactly(secured, 1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        body = exactly(secured, length)
        kind = first >> 4
        if kind == 1:
            secured.sendall(peer.CONNACK)
        elif kind == 3 and first & 6:
            topic = int.from_bytes(body[:2], "big")
            secured.sendall(b"\x40\x02" + body[2 + topic : 4 + topic])
        elif kind == 12:
            secured.sendall(b"\xd0\x00")
        elif kind == 14:
            return


peer.run(sys.argv[1:], f"ssl://127.0.0.1:{peer.listen(serve)}")
