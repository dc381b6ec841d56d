// Command tunnels connects by wss://, through a SOCKS proxy and through an HTTP proxy, which the environment names.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"runtime"
	"strings"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/gorilla/websocket"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

// seen has what servers in between have to say of a connection.
var seen = make(chan string, 99)

// or ends the goroutine of a connection that its client has given up.
func or(err error) {
	if err != nil {
		runtime.Goexit()
	}
}

// join copies bytes both ways until both ends have closed.
func join(a, b io.ReadWriteCloser) {
	go func() {
		io.Copy(a, b)
		a.Close()
	}()
	io.Copy(b, a)
	b.Close()
}

func dial(address string) net.Conn {
	conn, err := net.Dial("tcp", address)
	or(err)
	return conn
}

// messages is the byte stream in a WebSocket connection.
type messages struct {
	*websocket.Conn
	rest io.Reader
}

func (m *messages) Read(p []byte) (int, error) {
	for {
		if m.rest != nil {
			if n, err := m.rest.Read(p); err != io.EOF {
				return n, err
			}
		}
		var err error
		if _, m.rest, err = m.NextReader(); err != nil {
			return 0, err
		}
	}
}

func (m *messages) Write(p []byte) (int, error) {
	return len(p), m.WriteMessage(websocket.BinaryMessage, p)
}

// gateway passes on what comes by WebSocket.
func gateway(to string) http.HandlerFunc {
	upgrader := websocket.Upgrader{Subprotocols: []string{"mqtt"}}
	return func(w http.ResponseWriter, r *http.Request) {
		seen <- fmt.Sprint("websocket ", r.URL, r.TLS != nil, r.Header.Get("Sec-WebSocket-Protocol"), r.Header.Get("X-Test"))
		conn, err := upgrader.Upgrade(w, r, nil)
		or(err)
		join(dial(to), &messages{Conn: conn})
	}
}

// tunnel is an HTTP proxy that knows these names.
func tunnel(names map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		seen <- fmt.Sprint("proxy ", r.Method, r.Host, r.Header.Get("Proxy-Authorization"))
		to, known := names[r.Host]
		if !known {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		conn, _, err := w.(http.Hijacker).Hijack() // first: what is read ahead would be lost
		or(err)
		_, err = io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		or(err)
		join(dial(to), conn)
	}
}

// socks is a SOCKS5 proxy that wants a name with a password.
func socks(names map[string]string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	kit.Must(err)
	read := func(conn net.Conn, n int) []byte {
		bytes := make([]byte, n)
		_, err := io.ReadFull(conn, bytes)
		or(err)
		return bytes
	}
	field := func(conn net.Conn) string { return string(read(conn, int(read(conn, 1)[0]))) }
	serve := func(conn net.Conn) {
		read(conn, 1)
		field(conn) // methods
		conn.Write([]byte{5, 2})
		read(conn, 1)
		who := field(conn) + ":" + field(conn)
		conn.Write([]byte{1, 0})
		kind := read(conn, 4)[3]
		name := field(conn)
		port := read(conn, 2)
		name = fmt.Sprint(name, ":", int(port[0])<<8|int(port[1]))
		seen <- fmt.Sprint("socks ", who, " ", kind, " ", name)
		to, known := names[name]
		if !known {
			conn.Write([]byte{5, 2, 0, 1, 0, 0, 0, 0, 0, 0})
			conn.Close()
			return
		}
		conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		join(dial(to), conn)
	}
	go func() {
		for {
			conn, err := l.Accept()
			kit.Must(err)
			go serve(conn)
		}
	}()
	return l.Addr().String()
}

func main() {
	server := kit.Listen()
	secure := httptest.NewUnstartedServer(gateway(server.URL.Host))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	plain := httptest.NewServer(gateway(server.URL.Host))
	encrypted, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: secure.TLS.Certificates})
	kit.Must(err)
	go func() {
		for {
			conn, err := encrypted.Accept()
			kit.Must(err)
			go join(dial(server.URL.Host), conn)
		}
	}()
	address := func(of string) string { return of[strings.Index(of, "//")+2:] }
	proxy := address(httptest.NewServer(tunnel(map[string]string{"mqtt.example:80": address(plain.URL), "example.com:443": address(secure.URL)})).URL)
	os.Setenv("http_proxy", "http://name:word@"+proxy)
	os.Setenv("https_proxy", "http://"+proxy)
	os.Setenv("no_proxy", "direct.example")
	os.Setenv("all_proxy", "socks5://name:word@"+socks(map[string]string{"mqtt.example:1883": server.URL.Host, "example.com:8883": encrypted.Addr().String()}))

	trusting := &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "example.com"} // the original takes no name from a URL whose server is behind a proxy
	trusting.RootCAs.AddCert(secure.Certificate())
	for _, to := range []string{
		"wss://" + address(secure.URL) + "/mqtt", "mqtt://mqtt.example:1883", "mqtts://example.com:8883", "ws://mqtt.example/path", "wss://example.com/path",
	} {
		cfg := kit.Config()
		cfg.ServerUrls = append(cfg.ServerUrls, kit.URL(to))
		cfg.TlsCfg = trusting
		cfg.WebSocketCfg = &autopaho.WebSocketConfig{Header: func(_ *url.URL, config *tls.Config) http.Header {
			return http.Header{"X-Test": {fmt.Sprint(config != nil)}}
		}}
		cfg.OnConnectError = func(err error) { kit.Fatal(err) }
		m, err := autopaho.NewConnection(kit.Context(), cfg)
		kit.Must(err)
		conn := server.Accept()
		conn.Connack(false)
		kit.Must(m.AwaitConnection(kit.Context()))
		kit.Print(cfg.ServerUrls[0].Scheme)
		for len(seen) > 0 {
			kit.Print(<-seen)
		}
		result := kit.Go(func() (*paho.PublishResponse, error) {
			return m.Publish(kit.Context(), &paho.Publish{Topic: "t", QoS: 1, Payload: make([]byte, 100_000)})
		}, kit.Response)
		p := conn.Read().Content.(*packets.Publish)
		kit.Print(p.Topic, len(p.Payload))
		conn.Send(&packets.Puback{PacketID: p.PacketID})
		kit.Print(kit.Recv(result, "response"))
		kit.Print(m.Disconnect(kit.Context()))
		conn.Expect("end")
		conn.Expect("end")
	}

	for _, to := range []string{"wss://" + address(secure.URL) + "/mqtt", "mqtt://refused.example:1883", "ws://refused.example/path", "mqtts://example.com:8883"} {
		cfg := kit.Config()
		cfg.ServerUrls = append(cfg.ServerUrls, kit.URL(to))
		cfg.TlsCfg = &tls.Config{ServerName: "example.com"} // trusts nobody
		refused := make(chan error, 99)
		cfg.OnConnectError = func(err error) {
			select {
			case refused <- err:
			default:
			}
		}
		m, err := autopaho.NewConnection(kit.Context(), cfg)
		kit.Must(err)
		kit.Print(kit.Recv(refused, "OnConnectError"))
		kit.Print(m.Disconnect(kit.Context()))
	}
	secure.CloseClientConnections()
}
