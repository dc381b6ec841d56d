package autopaho

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/dial"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// connect tries one server after the other until one accepts. It returns nil if ctx ends first.
func (m *ConnectionManager) connect(ctx context.Context, watch *lossWatch, first bool) (*paho.Client, *paho.Connack) {
	for attempt := 0; pause(ctx, m.cfg.ReconnectBackoff(attempt)); attempt++ {
		for _, server := range m.cfg.ServerUrls {
			client, connack, err := m.attempt(ctx, watch, first, server)
			if err == nil {
				return client, connack
			}
			if ctx.Err() != nil {
				return nil, nil
			}
			m.cfg.Debug.Printf("no connection to %s: %s", server.Redacted(), err)
			if m.cfg.OnConnectError != nil {
				m.cfg.OnConnectError(describe(err, connack, server))
			}
		}
	}
	return nil, nil
}

// pause waits. It returns false if ctx has ended.
func pause(ctx context.Context, delay time.Duration) bool {
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}

// A schemeError is that of a URL with a scheme that nothing is known of.
type schemeError struct{ server *url.URL }

func (e schemeError) Error() string {
	return fmt.Sprintf("unsupported scheme (%s) user in url %s", e.server.Scheme, e.server.Redacted())
}

// describe makes of an attempt's error what the program is told.
func describe(err error, connack *paho.Connack, server *url.URL) error {
	var scheme schemeError
	switch {
	case connack != nil:
		return NewConnackError(err, connack)
	case errors.As(err, &scheme):
		return scheme
	}
	return fmt.Errorf("failed to connect to %s: %w", server.Redacted(), err)
}

// attempt makes one attempt at one server. With an error there may be a CONNACK.
func (m *ConnectionManager) attempt(ctx context.Context, watch *lossWatch, first bool, server *url.URL) (*paho.Client, *paho.Connack, error) {
	packet, err := m.cfg.connectPacket(first, server)
	if err != nil {
		return nil, nil, err
	}
	limited, cancel := context.WithTimeout(ctx, m.cfg.ConnectTimeout)
	defer cancel()
	cfg := m.cfg
	cfg.OnClientError, cfg.OnServerDisconnect = watch.clientError, watch.serverDisconnect
	if cfg.AttemptConnection != nil {
		cfg.Conn, err = cfg.AttemptConnection(ctx, cfg, server)
	} else {
		cfg.Conn, err = cfg.dial(limited, server)
	}
	if err != nil {
		return nil, nil, err
	}
	client := paho.NewClient(cfg.ClientConfig)
	if cfg.PahoDebug != nil {
		client.SetDebugLogger(cfg.PahoDebug)
	}
	if cfg.PahoErrors != nil {
		client.SetErrorLogger(cfg.PahoErrors)
	}
	connack, err := client.Connect(limited, packet)
	return client, connack, err
}

// dial makes the connection that the URL's scheme asks for.
func (cfg *ClientConfig) dial(ctx context.Context, server *url.URL) (net.Conn, error) {
	switch strings.ToLower(server.Scheme) {
	case "mqtt", "tcp", "":
		return dial.TCP(ctx, &net.Dialer{}, server.Host)
	case "ssl", "tls", "mqtts", "mqtt+ssl", "tcps":
		return dial.TLS(ctx, &net.Dialer{}, server.Host, cfg.TlsCfg)
	case "ws":
		return cfg.WebSocketCfg.dial(ctx, server, nil)
	case "wss":
		return cfg.WebSocketCfg.dial(ctx, server, cfg.TlsCfg)
	}
	return nil, schemeError{server}
}

// dial makes a WebSocket connection. The configuration may be nil.
func (cfg *WebSocketConfig) dial(ctx context.Context, server *url.URL, config *tls.Config) (net.Conn, error) {
	var dialer *websocket.Dialer
	var header http.Header
	if cfg != nil {
		if cfg.Dialer != nil {
			dialer = cfg.Dialer(server, config)
		}
		if cfg.Header != nil {
			header = cfg.Header(server, config)
		}
	}
	if dialer == nil {
		usual := *websocket.DefaultDialer
		usual.TLSClientConfig, usual.Subprotocols = config, []string{"mqtt"}
		dialer = &usual
	}
	conn, _, err := dialer.DialContext(ctx, server.String(), header)
	if err != nil {
		return nil, fmt.Errorf("websocket connection failed: %w", err)
	}
	return &webSocket{Conn: conn}, nil
}

// A webSocket is a connection whose bytes are the payloads of messages: MQTT's packets may begin and end anywhere in them [MQTT5-6.0.0-1].
type webSocket struct {
	*websocket.Conn
	reading sync.Mutex
	message io.Reader // what is left of the message that is being read
	writing sync.Mutex
}

// Read reads from the message, or from the next one.
func (w *webSocket) Read(p []byte) (int, error) {
	w.reading.Lock()
	defer w.reading.Unlock()
	for {
		if w.message == nil {
			kind, message, err := w.NextReader()
			if err != nil {
				return 0, err
			}
			if kind != websocket.BinaryMessage { // [MQTT5-6.0.0-1]
				return 0, errors.New("websocket message that is not binary")
			}
			w.message = message
		}
		n, err := w.message.Read(p)
		if err == io.EOF {
			w.message, err = nil, nil
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

// Write sends a message.
func (w *webSocket) Write(p []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	if err := w.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// SetDeadline sets the deadlines of reads and writes. After one has passed, the connection is of no use.
func (w *webSocket) SetDeadline(t time.Time) error {
	return errors.Join(w.SetReadDeadline(t), w.SetWriteDeadline(t))
}
