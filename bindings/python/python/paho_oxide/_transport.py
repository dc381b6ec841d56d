"""Making the connection: sockets, proxies, TLS, and WebSocket's handshake."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import urllib.parse
import urllib.request
import uuid
from typing import Any, Callable, Dict, Union

HTTPHeader = Dict[str, str]
WebSocketHeaders = Union[Callable[[HTTPHeader], HTTPHeader], HTTPHeader]

# RFC 6455, 1.3: what a server appends to the key.
_ACCEPT = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
# A server must not fill the memory with an answer that never ends.
_MAX_ANSWER = 1 << 16


class WebsocketConnectionError(ConnectionError):
    """The server did not become a WebSocket."""


class _WebsocketWrapper:
    """The socket under a WebSocket, once the handshake is done. Frames are the engine's business."""

    def __init__(
        self,
        socket: socket.socket | ssl.SSLSocket,
        host: str,
        port: int,
        is_ssl: bool,
        path: str,
        extra_headers: WebSocketHeaders | None,
    ):
        self._socket = socket
        self._rest = _handshake(socket, host, port, is_ssl, path, extra_headers)

    def recv(self, length: int) -> bytes:
        """Reads bytes of the stream under the frames; those that came with the handshake's answer first."""
        rest, self._rest = self._rest[:length], self._rest[length:]
        return rest or self._socket.recv(length)

    def send(self, data: bytes) -> int:
        """Writes bytes of the stream under the frames."""
        return self._socket.send(data)

    def pending(self) -> int:
        """Returns how many bytes can be read although the socket is not readable."""
        pending = self._socket.pending() if isinstance(self._socket, ssl.SSLSocket) else 0
        return len(self._rest) + pending

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()

    def fileno(self) -> int:
        """Returns the descriptor, or -1."""
        return self._socket.fileno()

    def setblocking(self, flag: bool) -> None:
        """As a socket's."""
        self._socket.setblocking(flag)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def _handshake(
    sock: socket.socket | ssl.SSLSocket,
    host: str,
    port: int,
    is_ssl: bool,
    path: str,
    extra_headers: WebSocketHeaders | None,
) -> bytes:
    key = base64.b64encode(uuid.uuid4().bytes)
    default_port = 443 if is_ssl else 80
    authority = host if port == default_port else f"{host}:{port}"
    headers: HTTPHeader = {
        "Host": authority,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Origin": f"{'https' if is_ssl else 'http'}://{authority}",
        "Sec-WebSocket-Key": key.decode("ascii"),
        "Sec-Websocket-Version": "13",
        "Sec-Websocket-Protocol": "mqtt",
    }
    if isinstance(extra_headers, dict):
        headers.update(extra_headers)
    elif callable(extra_headers):
        headers = extra_headers(headers)
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    sock.sendall("\r\n".join(lines).encode("utf-8"))

    answer = b""
    while b"\r\n\r\n" not in answer:
        chunk = sock.recv(4096)
        if not chunk or len(answer) > _MAX_ANSWER:
            raise WebsocketConnectionError("WebSocket handshake error")
        answer += chunk
    head, rest = answer.split(b"\r\n\r\n", 1)
    fields: dict[str, str] = {}
    status, *others = head.decode("latin-1").split("\r\n")
    for line in others:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    if "upgrade" not in fields.get("connection", "upgrade").lower():
        raise WebsocketConnectionError("WebSocket handshake error, connection not upgraded")
    sent_key = next((value for name, value in headers.items() if name.lower() == "sec-websocket-key"), "")
    expected = base64.b64encode(hashlib.sha1((sent_key + _ACCEPT).encode()).digest()).decode()
    if fields.get("sec-websocket-accept", expected) != expected:
        raise WebsocketConnectionError("WebSocket handshake error, invalid secret key")
    # Which subprotocol the server names is not looked at, as in the original: there are servers that name a wrong one.
    if status.split(" ")[1:2] != ["101"] or not {"connection", "sec-websocket-accept"} <= fields.keys():
        raise WebsocketConnectionError("WebSocket handshake error")
    return rest


def dial(
    transport: str,
    host: str,
    port: int,
    source: tuple[str, int],
    timeout: float,
    proxy: dict[str, Any],
) -> socket.socket:
    """Returns a connected socket with that timeout.

    :raises OSError: it cannot be made.
    """
    if transport == "unix":
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            sock.connect(host)
        except BaseException:
            sock.close()
            raise
        return sock
    if proxy:
        import socks

        made: socket.socket = socks.create_connection((host, port), timeout=timeout, source_address=source, **proxy)
        sock = made
    else:
        sock = socket.create_connection((host, port), timeout=timeout, source_address=source)
    # Without it an acknowledgement may wait 40 ms for the peer's.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def default_proxy(host: str) -> dict[str, Any]:
    """Returns PySocks's arguments for the proxy that ``mqtt_proxy`` in the environment names, or that is PySocks's default."""
    try:
        import socks
    except ImportError:
        return {}
    proxies = urllib.request.getproxies()
    if "mqtt" in proxies and not urllib.request.proxy_bypass(host):
        url = urllib.parse.urlparse(proxies["mqtt"])
        kinds = {"http": socks.HTTP, "socks4": socks.SOCKS4, "socks5": socks.SOCKS5}
        if url.scheme in kinds:
            return {"proxy_type": kinds[url.scheme], "proxy_addr": url.hostname, "proxy_port": url.port}
    default = socks.get_default_proxy()
    if default:
        names = ("proxy_type", "proxy_addr", "proxy_port", "proxy_rdns", "proxy_username", "proxy_password")
        return dict(zip(names, default))
    return {}


def secure(sock: socket.socket, context: ssl.SSLContext, host: str, timeout: float) -> ssl.SSLSocket:
    """Does TLS's handshake on a connected socket, and checks the server's name where the context says so.

    :raises ssl.SSLError: the handshake failed.
    """
    wrapped = context.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    wrapped.settimeout(timeout)
    wrapped.do_handshake()
    return wrapped
