package dial

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ErrHandshake says that the server did not agree to speak WebSocket. Its text is what programs of the original know.
var ErrHandshake = errors.New("websocket: bad handshake")

const (
	// websocketGUID is what RFC 6455 has both sides append to the key.
	websocketGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
	// maxHandshake is how many bytes of answer a server or proxy may send before its headers end.
	maxHandshake = 1 << 20
)

// A Proxy function returns the proxy for a request, or nil, as that of http.Transport.
type Proxy func(*http.Request) (*url.URL, error)

// WebSocket connects to a ws or wss URL and makes the handshakes. If the server refuses, its answer comes with the error; the body has been read
// into memory.
func WebSocket(ctx context.Context, dialer *net.Dialer, uri *url.URL, config *tls.Config, header http.Header, proxy Proxy) (net.Conn, *http.Response, error) {
	request, key, err := upgradeRequest(uri, header)
	if err != nil {
		return nil, nil, err
	}
	address, secure := withPort(uri)
	conn, err := toServer(ctx, dialer, request, address, proxy)
	if err != nil {
		return nil, nil, err
	}
	if secure {
		if conn, err = handshake(ctx, conn, config, address); err != nil {
			return nil, nil, err
		}
	}
	var response *http.Response
	buffered := bufio.NewReader(conn)
	err = within(ctx, conn, func() error {
		if err := request.Write(conn); err != nil {
			return err
		}
		response, err = readResponse(buffered, request)
		return err
	})
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	if !accepted(response, key) {
		conn.Close()
		return nil, response, ErrHandshake
	}
	return newFrames(conn, buffered), response, nil
}

// withPort returns the URL's host and port, and true if TLS is spoken there.
func withPort(uri *url.URL) (string, bool) {
	secure := uri.Scheme == "wss"
	port := uri.Port()
	if port == "" {
		port = map[bool]string{false: "80", true: "443"}[secure]
	}
	return net.JoinHostPort(uri.Hostname(), port), secure
}

// upgradeRequest returns the request with the program's headers, and the key that the answer must prove to have seen.
func upgradeRequest(uri *url.URL, header http.Header) (*http.Request, string, error) {
	plain := *uri
	switch uri.Scheme {
	case "ws":
		plain.Scheme = "http"
	case "wss":
		plain.Scheme = "https"
	default:
		return nil, "", errors.New("malformed ws or wss URL")
	}
	if plain.User != nil { // as the original's: credentials are CONNECT's, not HTTP's
		return nil, "", errors.New("malformed ws or wss URL")
	}
	var random [16]byte
	rand.Read(random[:])
	key := base64.StdEncoding.EncodeToString(random[:])
	request := &http.Request{
		Method: http.MethodGet, URL: &plain, Host: plain.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Sec-WebSocket-Protocol": {"mqtt"}},
	}
	for name, values := range header {
		switch http.CanonicalHeaderKey(name) {
		case "Host":
			if len(values) > 0 {
				request.Host = values[0]
			}
		case "Upgrade", "Connection", "Sec-Websocket-Key", "Sec-Websocket-Version", "Sec-Websocket-Extensions", "Sec-Websocket-Protocol":
			return nil, "", fmt.Errorf("websocket: duplicate header not allowed: %s", name)
		default:
			request.Header[name] = values
		}
	}
	request.Header["Upgrade"] = []string{"websocket"}
	request.Header["Connection"] = []string{"Upgrade"}
	request.Header["Sec-WebSocket-Key"] = []string{key}
	request.Header["Sec-WebSocket-Version"] = []string{"13"}
	return request, key, nil
}

// accepted returns true if the answer agrees to WebSocket and has seen the key.
func accepted(response *http.Response, key string) bool {
	sum := sha1.Sum([]byte(key + websocketGUID))
	return response.StatusCode == http.StatusSwitchingProtocols &&
		hasToken(response.Header, "Upgrade", "websocket") && hasToken(response.Header, "Connection", "upgrade") &&
		response.Header.Get("Sec-Websocket-Accept") == base64.StdEncoding.EncodeToString(sum[:])
}

func hasToken(header http.Header, name, token string) bool {
	for _, value := range header.Values(name) {
		for _, part := range strings.Split(value, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// readResponse reads an answer's head within maxHandshake. Of the body of a refusal it keeps the first KiB, for logs.
func readResponse(from *bufio.Reader, request *http.Request) (*http.Response, error) {
	limited := &io.LimitedReader{R: from, N: maxHandshake}
	head := bufio.NewReaderSize(byteReader{limited}, 16) // takes single bytes, so that nothing behind the head is lost
	response, err := http.ReadResponse(head, request)
	if err != nil {
		if limited.N == 0 {
			err = errors.New("websocket: answer too long")
		}
		return nil, err
	}
	if response.StatusCode != http.StatusSwitchingProtocols && response.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(response.Body, 1024))
		response.Body = io.NopCloser(strings.NewReader(string(body)))
	}
	return response, nil
}

// A byteReader gives out one byte a call. Its user's buffer therefore never holds more than has been used.
type byteReader struct{ from io.Reader }

func (b byteReader) Read(p []byte) (int, error) {
	if len(p) > 1 {
		p = p[:1]
	}
	return b.from.Read(p)
}

// toServer connects to address, through the proxy if the function names one.
func toServer(ctx context.Context, dialer *net.Dialer, request *http.Request, address string, proxy Proxy) (net.Conn, error) {
	var through *url.URL
	if proxy != nil {
		var err error
		if through, err = proxy(request); err != nil {
			return nil, err
		}
	}
	switch {
	case through == nil:
		return dialer.DialContext(ctx, "tcp", address)
	case isSOCKS(through):
		return throughSOCKS(ctx, dialer, through, address)
	case through.Scheme == "http":
		return throughHTTP(ctx, dialer, through, address)
	}
	return nil, fmt.Errorf("proxy: unknown scheme: %s", through.Scheme)
}

// throughHTTP has an HTTP proxy connect to address.
func throughHTTP(ctx context.Context, dialer *net.Dialer, proxy *url.URL, address string) (net.Conn, error) {
	proxyAddress, _ := withPort(proxy)
	conn, err := dialer.DialContext(ctx, "tcp", proxyAddress)
	if err != nil {
		return nil, err
	}
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: http.Header{}}
	if proxy.User != nil {
		password, _ := proxy.User.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(proxy.User.Username() + ":" + password))
		request.Header.Set("Proxy-Authorization", "Basic "+credentials)
	}
	err = within(ctx, conn, func() error {
		if err := request.Write(conn); err != nil {
			return err
		}
		response, err := readResponse(bufio.NewReaderSize(byteReader{conn}, 16), request)
		if err == nil && response.StatusCode != http.StatusOK {
			_, text, _ := strings.Cut(response.Status, " ")
			err = errors.New(text)
		}
		return err
	})
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
