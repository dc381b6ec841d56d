package dial

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// serve runs a conversation with each connection to a port of its own, and returns the address.
func serve(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				talk(conn)
			}()
		}
	}()
	return l.Addr().String()
}

// echo sends back what it reads.
func echo(conn net.Conn) { io.Copy(conn, conn) }

func echoes(t *testing.T, conn net.Conn) {
	t.Helper()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := conn.Write([]byte("ping")); err != nil {
		t.Fatal(err)
	}
	var back [4]byte
	if _, err := io.ReadFull(conn, back[:]); err != nil || string(back[:]) != "ping" {
		t.Errorf("%q, %v", back, err)
	}
}

// tunnel joins a client with the address that it asked for.
func tunnel(client io.ReadWriter, address string) {
	server, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer server.Close()
	go io.Copy(server, client)
	io.Copy(client, server)
}

// socks is a proxy that wants the user "name" with the password "word", or nothing at all.
func socks(t *testing.T, login bool) func(net.Conn) {
	return func(conn net.Conn) {
		var head [2]byte
		io.ReadFull(conn, head[:])
		io.ReadFull(conn, make([]byte, head[1]))
		if login {
			conn.Write([]byte{5, 2})
			credentials := make([]byte, 3+len("name")+len("word"))
			io.ReadFull(conn, credentials)
			if string(credentials) != "\x01\x04name\x04word" {
				conn.Write([]byte{1, 1})
				return
			}
			conn.Write([]byte{1, 0})
		} else {
			conn.Write([]byte{5, 0})
		}
		var request [4]byte
		io.ReadFull(conn, request[:])
		var host string
		switch request[3] {
		case 1:
			var ip [4]byte
			io.ReadFull(conn, ip[:])
			host = net.IP(ip[:]).String()
		case 3:
			var n [1]byte
			io.ReadFull(conn, n[:])
			name := make([]byte, n[0])
			io.ReadFull(conn, name)
			host = string(name)
		}
		var port [2]byte
		io.ReadFull(conn, port[:])
		if host == "refused.example" {
			conn.Write([]byte{5, 5, 0, 1, 0, 0, 0, 0, 0, 0})
			return
		}
		conn.Write([]byte{5, 0, 0, 3, 4, 'n', 'a', 'm', 'e', 0, 0})
		_, real, _ := net.SplitHostPort(net.JoinHostPort(host, itoa(binary.BigEndian.Uint16(port[:]))))
		tunnel(conn, "127.0.0.1:"+real)
	}
}

func itoa(n uint16) string {
	digits := ""
	for ; n > 0; n /= 10 {
		digits = string(rune('0'+n%10)) + digits
	}
	return digits
}

func proxyVariables(t *testing.T, values map[string]string) {
	t.Helper()
	for _, name := range []string{"ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"} {
		t.Setenv(name, values[name])
	}
}

func TestSOCKS(t *testing.T) {
	target := serve(t, echo)
	_, port, _ := net.SplitHostPort(target)
	open, closed := serve(t, socks(t, false)), serve(t, socks(t, true))
	for _, c := range []struct{ proxy, address, want string }{
		{"socks5://" + open, target, ""},
		{"socks5h://" + open, "somewhere.example:" + port, ""},
		{"socks5://name:word@" + closed, target, ""},
		{"socks5://name:wrong@" + closed, target, "username/password authentication failed"},
		{"socks5://" + closed, target, "unsupported authentication method 2"},
		{"socks5://" + open, "refused.example:1", "connection refused"},
	} {
		proxyVariables(t, map[string]string{"ALL_PROXY": c.proxy})
		conn, err := TCP(context.Background(), &net.Dialer{}, c.address)
		if c.want != "" {
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		echoes(t, conn)
		conn.Close()
	}
	// Addresses that the environment excepts are connected to directly.
	proxyVariables(t, map[string]string{"ALL_PROXY": "socks5://name:wrong@" + closed, "NO_PROXY": "x.example, 127.0.0.0/8"})
	conn, err := TCP(context.Background(), &net.Dialer{}, target)
	if err != nil {
		t.Fatal(err)
	}
	echoes(t, conn)
	conn.Close()
	// A proxy that says nothing costs no more than the dialer's time.
	silent := serve(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
	proxyVariables(t, map[string]string{"all_proxy": "socks5://" + silent})
	if _, err := TCP(context.Background(), &net.Dialer{Timeout: 50 * time.Millisecond}, target); !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a silent proxy: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := TCP(ctx, &net.Dialer{}, target); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestBypasses(t *testing.T) {
	for _, c := range []struct {
		list, address string
		want          bool
	}{
		{"", "a:1", false}, {"a", "a:1", true}, {"a", "b.a:1", false}, {"*.a", "b.a:1", true}, {"*.a", "a:1", true}, {"*.a", "xa:1", false},
		{"10.0.0.0/8", "10.1.2.3:1", true}, {"10.0.0.0/8", "11.1.2.3:1", false}, {"10.0.0.0/8", "name:1", false}, {"::1", "[::1]:1", true},
		{" x , 1.2.3.4 ", "1.2.3.4:1", true}, {"a", "no port", false},
	} {
		if got := bypasses(c.list, c.address); got != c.want {
			t.Errorf("%q excepts %q: %v", c.list, c.address, got)
		}
	}
}

// upgrade answers a WebSocket handshake and returns the connection's buffered side.
func upgrade(t *testing.T, conn net.Conn, change func(string) string) *bufio.Reader {
	from := bufio.NewReader(conn)
	request, err := http.ReadRequest(from)
	if err != nil {
		return from
	}
	sum := sha1.Sum([]byte(request.Header.Get("Sec-WebSocket-Key") + websocketGUID))
	answer := "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Protocol: mqtt\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n"
	if change != nil {
		answer = change(answer)
	}
	io.WriteString(conn, answer)
	return from
}

// frame reads one masked frame.
func frame(from *bufio.Reader) (byte, []byte) {
	var head [2]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, nil
	}
	length := uint64(head[1] & 0x7f)
	switch length {
	case 126:
		var b [2]byte
		io.ReadFull(from, b[:])
		length = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		io.ReadFull(from, b[:])
		length = binary.BigEndian.Uint64(b[:])
	}
	var mask [4]byte
	io.ReadFull(from, mask[:])
	payload := make([]byte, length)
	io.ReadFull(from, payload)
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	if head[1]&0x80 == 0 {
		return 0xff, nil
	}
	return head[0], payload
}

func dialWS(t *testing.T, address string, proxy Proxy) (net.Conn, *http.Response, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return WebSocket(ctx, &net.Dialer{}, &url.URL{Scheme: "ws", Host: address, Path: "/mqtt"}, nil, http.Header{"X-Test": {"yes"}}, proxy)
}

func TestWebSocketFrames(t *testing.T) {
	sizes := []int{1, 125, 126, 65535, 65536, 300000}
	address := serve(t, func(conn net.Conn) {
		from := upgrade(t, conn, nil)
		for range sizes {
			op, payload := frame(from)
			if op != 0x82 {
				return
			}
			// It comes back in two fragments with a ping between them.
			half := len(payload) / 2
			var out []byte
			put := func(op byte, part []byte) {
				out = append(out, op, 127)
				out = binary.BigEndian.AppendUint64(out, uint64(len(part)))
				out = append(out, part...)
			}
			put(0x02, payload[:half])
			out = append(out, 0x89, 2, 'h', 'i')
			put(0x80, payload[half:])
			conn.Write(out)
			if op, pong := frame(from); op != 0x8a || string(pong) != "hi" {
				return
			}
		}
		conn.Write([]byte{0x88, 2, 3, 232})
	})
	conn, _, err := dialWS(t, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	for _, size := range sizes {
		sent := make([]byte, size)
		for i := range sent {
			sent[i] = byte(i * 7)
		}
		if n, err := conn.Write(sent); n != size || err != nil {
			t.Fatal(n, err)
		}
		got := make([]byte, size)
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != string(sent) {
			t.Fatalf("%d bytes: %v", size, err)
		}
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after the server's close: %d, %v", n, err)
	}
	conn.Close()
}

func TestMalformedFrames(t *testing.T) {
	for name, bytes := range map[string]string{
		"text": "\x81\x01x", "masked": "\x82\x81abcdx", "reserved": "\xc2\x01x", "long ping": "\x89\x7e\x00\x80", "cut ping": "\x09\x00", "continuation alone": "\x80\x01x",
		"unknown control": "\x8b\x00", "unknown data": "\x83\x00", "two beginnings": "\x02\x01x\x82\x01y",
	} {
		address := serve(t, func(conn net.Conn) {
			upgrade(t, conn, nil)
			io.WriteString(conn, bytes)
		})
		conn, _, err := dialWS(t, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err == nil || name != "two beginnings" && len(got) > 0 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		conn.Close()
	}
}

func TestHandshakes(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"refused":      func(string) string { return "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno" },
		"no upgrade":   func(s string) string { return strings.Replace(s, "Upgrade: websocket", "X: y", 1) },
		"wrong accept": func(s string) string { return strings.Replace(s, "Accept: ", "Accept: x", 1) },
		"no HTTP":      func(string) string { return "\x20\x02\x00\x00\r\n\r\n" },
		"endless": func(string) string {
			return "HTTP/1.1 101 x\r\n" + strings.Repeat("A: "+strings.Repeat("b", 1000)+"\r\n", 2000)
		},
	} {
		address := serve(t, func(conn net.Conn) { upgrade(t, conn, change) })
		conn, response, err := dialWS(t, address, nil)
		if err == nil {
			conn.Close()
			t.Errorf("%s: no error", name)
		}
		if name == "refused" && (!errors.Is(err, ErrHandshake) || response == nil || response.StatusCode != 403) {
			t.Errorf("%s: %v, %v", name, err, response)
		}
	}
}

func TestHTTPProxy(t *testing.T) {
	address := serve(t, func(conn net.Conn) {
		from := upgrade(t, conn, nil)
		_, payload := frame(from)
		conn.Write(append([]byte{0x82, byte(len(payload))}, payload...))
	})
	proxy := serve(t, func(conn net.Conn) {
		from := bufio.NewReader(conn)
		request, err := http.ReadRequest(from)
		if err != nil || request.Method != http.MethodConnect || request.Header.Get("Proxy-Authorization") != "Basic dTpw" {
			io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\n\r\n")
		tunnel(struct {
			io.Reader
			io.Writer
		}{from, conn}, request.Host)
	})
	through := func(user string) Proxy {
		return func(*http.Request) (*url.URL, error) { return url.Parse("http://" + user + proxy) }
	}
	conn, _, err := dialWS(t, address, through("u:p@"))
	if err != nil {
		t.Fatal(err)
	}
	echoes(t, conn)
	conn.Close()
	if _, _, err := dialWS(t, address, through("")); err == nil || !strings.Contains(err.Error(), "Proxy Authentication Required") {
		t.Errorf("without credentials: %v", err)
	}
}
