#!/usr/bin/env python3
"""A MQTT 5 server that does nothing but SCRAM-SHA-256, and runs a program on itself.

    python3 scram_server.py MODE PROGRAM [ARGUMENT ...]

The program gets the server's URI as its first argument, and the server ends with its exit code. The user is "device", the
password "correct horse". MODE is what the server does:

    honest      it authenticates the program, as often as that asks, and lets it disconnect
    impostor    it does not know the password, and says that all is well
    expired     it refuses a re-authentication
"""
import base64
import hashlib
import hmac
import os
import socket
import subprocess
import sys
import threading

METHOD = b"SCRAM-SHA-256"
USER, PASSWORD = b"device", b"correct horse"
ITERATIONS = 4096
CONNECT, DISCONNECT, AUTH = 1, 14, 15
NOT_AUTHORIZED = 0x87


def binary(data):
    return len(data).to_bytes(2, "big") + data


def packet(first, body):
    assert len(body) < 16384
    length = [len(body)] if len(body) < 128 else [len(body) & 0x7F | 0x80, len(body) >> 7]
    return bytes([first, *length]) + body


def properties(data):
    """The authentication method and these data, with their length."""
    both = b"\x15" + binary(METHOD) + b"\x16" + binary(data)
    assert len(both) < 16384
    length = [len(both)] if len(both) < 128 else [len(both) & 0x7F | 0x80, len(both) >> 7]
    return bytes(length) + both


def variable(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def authentication(data, at):
    """Method and data of the properties at that place."""
    size, at = variable(data, at)
    end, found = at + size, {}
    while at < end:
        identifier, length = data[at], int.from_bytes(data[at + 1 : at + 3], "big")
        assert identifier in (0x15, 0x16), f"property {identifier:#x}"
        found[identifier] = data[at + 3 : at + 3 + length]
        at += 3 + length
    assert at == end
    return found.get(0x15), found.get(0x16)


class Connection:
    def __init__(self, stream, mode):
        self.stream, self.mode = stream, mode

    def exactly(self, size):
        data = b""
        while len(data) < size:
            more = self.stream.recv(size - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def receive(self):
        first, length, shift = self.exactly(1)[0], 0, 0
        while True:
            byte = self.exactly(1)[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return first >> 4, self.exactly(length)

    def exchange(self, first):
        """Challenges the client, whose first message that is. Returns our signature, or none if it has not proved itself."""
        assert first.startswith(b"n,,"), first
        bare = first[3:]
        user, nonce = (part[2:] for part in bare.split(b","))
        nonce += base64.b64encode(os.urandom(9))
        salt = os.urandom(16)
        challenge = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(salt), ITERATIONS)
        self.stream.sendall(packet(AUTH << 4, b"\x18" + properties(challenge)))
        kind, body = self.receive()
        assert (kind, body[0]) == (AUTH, 0x18), body
        method, final = authentication(body, 1)
        assert method == METHOD, method
        without_proof, proof = final.rsplit(b",p=", 1)
        assert without_proof == b"c=biws,r=" + nonce, final
        password = b"a guess" if self.mode == "impostor" else PASSWORD
        salted = hashlib.pbkdf2_hmac("sha256", password, salt, ITERATIONS)
        text = b",".join((bare, challenge, without_proof))
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(client_key).digest(), text, "sha256")
        proved = bytes(a ^ b for a, b in zip(client_key, signature)) == base64.b64decode(proof)
        if self.mode != "impostor" and (user != USER or not proved):
            return None
        return b"v=" + base64.b64encode(hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), text, "sha256"))

    def serve(self):
        kind, body = self.receive()
        assert kind == CONNECT and body[:7] == b"\x00\x04MQTT\x05", body
        method, first = authentication(body, 10)
        assert method == METHOD, method
        signature = self.exchange(first)
        if signature is None:
            self.stream.sendall(packet(0x20, bytes([0, NOT_AUTHORIZED, 0])))
            return
        self.stream.sendall(packet(0x20, b"\x00\x00" + properties(signature)))
        while True:
            kind, body = self.receive()
            if kind == DISCONNECT:
                return
            assert (kind, body[0]) == (AUTH, 0x19), body
            method, first = authentication(body, 1)
            assert method == METHOD, method
            signature = None if self.mode == "expired" else self.exchange(first)
            if signature is None:
                self.stream.sendall(packet(DISCONNECT << 4, bytes([NOT_AUTHORIZED])))
                return
            self.stream.sendall(packet(AUTH << 4, b"\x00" + properties(signature)))


def main():
    mode, program = sys.argv[1], sys.argv[2:]
    assert mode in ("honest", "impostor", "expired"), mode
    failed = []

    def serve():
        stream, _ = listener.accept()
        stream.settimeout(20)
        with stream:
            try:
                Connection(stream, mode).serve()
            except EOFError:
                pass
            except Exception as error:  # whatever it is, the test has to hear of it
                failed.append(error)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)
        server = threading.Thread(target=serve)
        server.start()
        uri = f"tcp://127.0.0.1:{listener.getsockname()[1]}"
        code = subprocess.run([program[0], uri, *program[1:]], timeout=60, check=False).returncode
        server.join()
    if failed:
        sys.exit(f"scram_server.py: {failed[0]!r}")
    sys.exit(code)


main()
