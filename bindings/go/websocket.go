package mqtt

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/dial"
)

// WebsocketOptions are options for ws and wss connections.
type WebsocketOptions struct {
	ReadBufferSize  int // no effect
	WriteBufferSize int // no effect
	// Proxy returns the proxy for the handshake's request. The default is http.ProxyFromEnvironment.
	Proxy ProxyFunction
}

// ProxyFunction returns the proxy for a request, or nil if there shall be none.
type ProxyFunction func(req *http.Request) (*url.URL, error)

// websocketTimeout is how long NewWebsocket waits if no time is given.
const websocketTimeout = 10 * time.Second

// NewWebsocket connects to a ws or wss URL. What it returns reads and writes the payloads of binary frames.
func NewWebsocket(host string, tlsc *tls.Config, timeout time.Duration, requestHeader http.Header, options *WebsocketOptions) (net.Conn, error) {
	uri, err := url.Parse(host)
	if err != nil {
		return nil, err
	}
	return dialWebsocket(context.Background(), uri, tlsc, timeout, requestHeader, options, packageLog)
}

func dialWebsocket(ctx context.Context, uri *url.URL, tlsc *tls.Config, timeout time.Duration, header http.Header, options *WebsocketOptions, log lineLog) (net.Conn, error) {
	if timeout == 0 {
		timeout = websocketTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	proxy := dial.Proxy(http.ProxyFromEnvironment)
	if options != nil && options.Proxy != nil {
		proxy = dial.Proxy(options.Proxy)
	}
	conn, response, err := dial.WebSocket(ctx, &net.Dialer{}, uri, tlsc, header, proxy)
	if err != nil && response != nil {
		body, _ := io.ReadAll(response.Body)
		log.warn(CLI, fmt.Sprintf("Websocket handshake failure. StatusCode: %d. Body: %s", response.StatusCode, body))
	}
	return conn, err
}
