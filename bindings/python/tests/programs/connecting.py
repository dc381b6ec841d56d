"""Prints how a client comes to its server: SRV records, proxies, WebSocket's upgrade request, bridge mode, addresses."""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
import warnings
from typing import Any, Callable

import dns.message
import dns.resolver
import dns.rrset
import paho.mqtt.client as mqtt
import socks
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

warnings.simplefilter("ignore")
V2 = mqtt.CallbackAPIVersion.VERSION2


def exactly(connection: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        chunk = connection.recv(length - len(data))
        if not chunk:
            raise ConnectionError
        data += chunk
    return data


class Server:
    """Answers one connection at a time with a function, and keeps what the function returns."""

    def __init__(self, answer: Callable[[socket.socket], Any]):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.answer = answer
        self.seen: list[Any] = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            with connection:
                try:
                    self.seen.append(self.answer(connection))
                except OSError as error:
                    self.seen.append(type(error).__name__)


def broker(connection: socket.socket) -> bytes:
    """Accepts a connection, and returns its CONNECT once DISCONNECT has come."""
    connect = exactly(connection, 2)
    connect += exactly(connection, connect[1])
    connection.sendall(b"\x20\x02\0\0")
    assert exactly(connection, 2) == b"\xe0\0"
    return connect


def go(name: str, client: mqtt.Client, connect: Callable[[mqtt.Client], Any], *seen: list[Any]) -> None:
    """Connects, waits for CONNACK, disconnects; prints what happened and what the servers saw."""
    print("==", name)
    try:
        print(repr(connect(client)))
        while not client.is_connected() and client.loop(0.1) == 0:
            pass
        print(client.is_connected(), repr(client.disconnect()))
    except Exception as error:
        print(type(error).__name__, error)
    for each in seen:
        # A server has seen a connection to its end a little after the client.
        for _ in range(1000):
            if each:
                break
            threading.Event().wait(0.01)
        print(each)
        each.clear()


server = Server(broker)

# ---- addresses ---------------------------------------------------------------------------------------------------------------

for arguments in ({"bind_address": "127.0.0.1"}, {"bind_address": "127.0.0.2", "bind_port": 0}):
    go(f"{arguments}", mqtt.Client(V2, "bound"), lambda c: c.connect("127.0.0.1", server.port, **arguments), server.seen)

go("no address of ours", mqtt.Client(V2), lambda c: c.connect("127.0.0.1", server.port, bind_address="192.0.2.1"))

# ---- bridge mode -------------------------------------------------------------------------------------------------------------

for protocol in 3, 4:
    client = mqtt.Client(V2, "bridge", protocol=protocol)
    print(client.enable_bridge_mode())
    go(f"bridge {protocol}", client, lambda c: c.connect("127.0.0.1", server.port), server.seen)

# ---- CONNECT, byte by byte ---------------------------------------------------------------------------------------------------


def broker_of_5(connection: socket.socket) -> bytes:
    connect = exactly(connection, 2)
    connect += exactly(connection, connect[1])
    connection.sendall(b"\x20\x03\0\0\0")
    connection.recv(100)
    return connect


server_of_5 = Server(broker_of_5)
properties = Properties(PacketTypes.CONNECT)
properties.SessionExpiryInterval = 30
properties.UserProperty = ("a", "b")
will_properties = Properties(PacketTypes.WILLMESSAGE)
will_properties.WillDelayInterval = 7


def with_will(client: mqtt.Client) -> mqtt.Client:
    client.will_set("will", "gone", 1, True, will_properties if client.protocol == 5 else None)
    return client


def with_user(client: mqtt.Client, *arguments: Any) -> mqtt.Client:
    client.username_pw_set(*arguments)
    return client


for protocol in 3, 4, 5:
    peer = server_of_5 if protocol == 5 else server
    for user in ("u",), ("u", "p"), ("u", ""), (None, "p"), ("", ""):
        client = with_user(mqtt.Client(V2, "user", protocol=protocol), *user)
        go(f"user {protocol} {user}", client, lambda c: c.connect("127.0.0.1", peer.port), peer.seen)
    client = with_will(mqtt.Client(V2, "will", protocol=protocol))
    go(f"will {protocol}", client, lambda c: c.connect("127.0.0.1", peer.port, 7), peer.seen)
    client.will_clear()
    go(f"no will {protocol}", client, lambda c: c.connect("127.0.0.1", peer.port, 0), peer.seen)
    # None is the default; whether the server knows the session shows in what MQTT 5 sends the second time.
    for clean in None, True, False:
        how: dict[str, Any] = {} if protocol == 5 or clean is None else {"clean_session": clean}
        start: dict[str, Any] = {"clean_start": clean} if protocol == 5 and clean is not None else {}
        client = mqtt.Client(V2, "clean", protocol=protocol, **how)
        go(f"clean {protocol} {clean}", client, lambda c: c.connect("127.0.0.1", peer.port, **start), peer.seen)
        go("reconnect", client, lambda c: c.reconnect(), peer.seen)
        go("connect again", client, lambda c: c.connect("127.0.0.1", peer.port, **start), peer.seen)
client = mqtt.Client(V2, protocol=5)
go("properties", client, lambda c: c.connect("127.0.0.1", server_of_5.port, properties=properties), server_of_5.seen)

# ---- SRV records -------------------------------------------------------------------------------------------------------------

nobody = socket.socket()  # it does not listen, and nobody else is given its port
nobody.bind(("127.0.0.1", 0))
closed = nobody.getsockname()[1]
zone = {
    "_mqtt._tcp.one.test.": [f"10 5 {server.port} 127.0.0.1."],
    "_mqtt._tcp.two.test.": [f"10 5 {closed} 127.0.0.1.", f"20 5 {server.port} 127.0.0.1."],
    "_mqtt._tcp.none.test.": [f"10 5 {closed} 127.0.0.1."],
    "_mqtt._tcp.empty.test.": [],
    "_secure-mqtt._tcp.tls.test.": [f"10 5 {closed} 127.0.0.1."],
}
questions: list[str] = []


def resolver(udp: socket.socket) -> None:
    while True:
        data, address = udp.recvfrom(4096)
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text()
        questions.append(f"{name} {query.question[0].rdtype}")
        answer = dns.message.make_response(query)
        if name not in zone:
            answer.set_rcode(3)
        elif zone[name]:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "SRV", *zone[name]))
        udp.sendto(answer.to_wire(), address)


udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
threading.Thread(target=resolver, args=(udp,), daemon=True).start()
dns.resolver.default_resolver = dns.resolver.Resolver(configure=False)
dns.resolver.default_resolver.nameservers = ["127.0.0.1"]
dns.resolver.default_resolver.port = udp.getsockname()[1]
dns.resolver.default_resolver.search = []
dns.resolver.default_resolver.lifetime = 60.0  # the machine may be busy

for domain in "one.test", "two.test":
    go(domain, mqtt.Client(V2, "srv"), lambda c: c.connect_srv(domain, 30), server.seen)
for domain in "none.test", "empty.test", "missing.test":
    go(domain, mqtt.Client(V2, "srv"), lambda c: c.connect_srv(domain))
client = mqtt.Client(V2, "srv")
client.tls_set()
go("tls.test", client, lambda c: c.connect_srv("tls.test"))
print(sorted(set(questions)))

# ---- proxies -----------------------------------------------------------------------------------------------------------------


def through(connection: socket.socket, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as target:

        def back() -> None:
            try:
                while data := target.recv(4096):
                    connection.sendall(data)
            except OSError:
                pass

        threading.Thread(target=back, daemon=True).start()
        while data := connection.recv(4096):
            target.sendall(data)


def socks5(connection: socket.socket) -> str:
    methods = exactly(connection, exactly(connection, 2)[1])
    if 2 in methods:
        connection.sendall(b"\x05\x02")
        user = exactly(connection, exactly(connection, 2)[1])
        password = exactly(connection, exactly(connection, 1)[0])
        connection.sendall(b"\x01" + bytes([password != b"secret"]))
        if password != b"secret":
            return f"{user!r} refused"
    else:
        connection.sendall(b"\x05\0")
    request = exactly(connection, 4)
    host = exactly(connection, exactly(connection, 1)[0] if request[3] == 3 else 4)
    port = int.from_bytes(exactly(connection, 2), "big")
    connection.sendall(b"\x05\0\0\x01\0\0\0\0\0\0")
    through(connection, port)
    return f"{host!r} {port == server.port}"


def http(connection: socket.socket) -> str:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += exactly(connection, 1)
    line = request.split(b"\r\n")[0].decode()
    if "refused" in line:
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
        return line
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    through(connection, server.port)
    return line.replace(str(server.port), "PORT")


proxies = {socks.SOCKS5: Server(socks5), socks.HTTP: Server(http)}
for kind, proxy in proxies.items():
    for more in {}, {"proxy_rdns": False}, {"proxy_username": "u", "proxy_password": "secret"}:
        client = mqtt.Client(V2, "proxy")
        print(client.proxy_set(proxy_type=kind, proxy_addr="127.0.0.1", proxy_port=proxy.port, **more))
        go(f"proxy {kind} {more}", client, lambda c: c.connect("localhost", server.port), server.seen, proxy.seen)
client = mqtt.Client(V2, "proxy")
wrong = {"proxy_username": "u", "proxy_password": "wrong"}
client.proxy_set(proxy_type=socks.SOCKS5, proxy_addr="127.0.0.1", proxy_port=proxies[socks.SOCKS5].port, **wrong)
go("wrong password", client, lambda c: c.connect("localhost", server.port), proxies[socks.SOCKS5].seen)
client = mqtt.Client(V2, "proxy")
client.proxy_set(proxy_type=socks.HTTP, proxy_addr="127.0.0.1", proxy_port=proxies[socks.HTTP].port)
go("forbidden", client, lambda c: c.connect("refused.test", 1883), proxies[socks.HTTP].seen)
for arguments in {}, {"proxy_type": 9, "proxy_addr": "x"}, {"proxy_type": socks.HTTP}, {"proxy_type": 3, "proxy_addr": 5}:
    try:
        print(mqtt.Client(V2).proxy_set(**arguments))
    except Exception as error:
        print(arguments, type(error).__name__, error)

# ---- WebSocket's upgrade request ---------------------------------------------------------------------------------------------


def plain(request: bytes) -> list[str]:
    lines = request.decode().split("\r\n")
    return [
        "Sec-WebSocket-Key: KEY" if line.startswith("Sec-WebSocket-Key:") else line.replace(str(web.port), "PORT")
        for line in lines
    ]


def upgrade(connection: socket.socket) -> Any:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += exactly(connection, 1)
    fields = {line.split(b":")[0].lower(): line.partition(b":")[2].strip() for line in request.split(b"\r\n")}
    accept = base64.b64encode(hashlib.sha1(fields[b"sec-websocket-key"] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    head += b"Sec-WebSocket-Accept: " + accept + b"\r\n"
    path = request.split(b" ")[1]
    answers = {
        b"/404": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        b"/wrong-key": head.replace(accept, b"AAAA") + b"\r\n",
        b"/wrong-protocol": head + b"Sec-WebSocket-Protocol: other\r\n\r\n",
        b"/end": b"HTTP/1.1 101 Switching",
    }
    connection.sendall(answers.get(path, head + b"Sec-WebSocket-Protocol: mqtt\r\n\r\n"))
    if path in answers:
        return plain(request)
    header = exactly(connection, 2)
    mask = exactly(connection, 4)
    connect = bytes(byte ^ mask[index % 4] for index, byte in enumerate(exactly(connection, header[1] & 127)))
    # CONNACK in two frames. A ping is not compared: the original's answer to one has no mask.
    connection.sendall(b"\x02\x01\x20" + b"\x80\x03\x02\0\0")
    frames = []
    while True:
        first, length = exactly(connection, 2)
        mask = exactly(connection, 4)
        frames.append((first, bytes(b ^ mask[i % 4] for i, b in enumerate(exactly(connection, length & 127)))))
        if frames[-1][1] == b"\xe0\0":
            return [*plain(request), connect, frames]


web = Server(upgrade)


def headers(given: dict[str, str]) -> dict[str, str]:
    print(sorted(given))
    return {**given, "Host": "elsewhere", "X-Added": "yes"}


for options in (
    {},
    {"path": "/other?x=1"},
    {"headers": {"X-Mine": "1", "Host": "virtual"}},
    {"headers": headers},
    {"headers": {"Sec-Websocket-Protocol": "mqttv3.1"}},
    {"path": "/404"},
    {"path": "/wrong-key"},
    {"path": "/wrong-protocol"},
    {"path": "/end"},
):
    client = mqtt.Client(V2, "web", transport="websockets")
    print(client.ws_set_options(**options))
    name = {key: value if not callable(value) else "a function" for key, value in options.items()}
    go(f"websocket {name}", client, lambda c: c.connect("127.0.0.1", web.port), web.seen)
for bad in 5, "x", ["a"]:
    try:
        print(mqtt.Client(V2, transport="websockets").ws_set_options(headers=bad))
    except Exception as error:
        print(type(error).__name__, error)
