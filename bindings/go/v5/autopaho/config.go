// Package autopaho keeps an MQTT 5 connection: it connects, and connects again when the connection is lost.
//
//	manager, err := autopaho.NewConnection(ctx, autopaho.ClientConfig{
//		ServerUrls:            []*url.URL{server},
//		KeepAlive:             20,
//		SessionExpiryInterval: 60,
//		OnConnectionUp: func(m *autopaho.ConnectionManager, connack *paho.Connack) {
//			m.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "room/+", QoS: 1}}})
//		},
//		ClientConfig: paho.ClientConfig{
//			ClientID: "thermometer",
//			OnPublishReceived: []func(paho.PublishReceived) (bool, error){ ... },
//		},
//	})
//
// A ConnectionManager lives until its context ends or Disconnect is called.
package autopaho

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/gorilla/websocket"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue/memory"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/flow"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/log"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session/state"
)

const (
	defaultRetryDelay     = 10 * time.Second
	defaultConnectTimeout = 10 * time.Second
)

var (
	// ErrUnsupportedSession is NewConnection's error for a session that does not come from package paho/session/state: the engine has its own.
	ErrUnsupportedSession = paho.ErrUnsupportedSession
	// ErrUnsupportedPinger is NewConnection's error for a PingHandler of the program's own: the engine keeps the connection alive.
	ErrUnsupportedPinger = paho.ErrUnsupportedPinger

	errNoServers = errors.New("no server urls provided")
)

// WebSocketConfig makes the WebSocket connections other than the default. Both functions are called before each connection, and may be nil.
type WebSocketConfig struct {
	Dialer func(url *url.URL, tlsCfg *tls.Config) *websocket.Dialer // returns what dials; nil for the default
	Header func(url *url.URL, tlsCfg *tls.Config) http.Header       // returns what the request has beside the usual
}

// ClientConfig says what NewConnection connects to, and how.
type ClientConfig struct {
	ServerUrls                    []*url.URL  // the servers, tried in this order; mqtt, tcp, tls, mqtts, ssl, ws, wss and some more schemes
	TlsCfg                        *tls.Config // for those schemes that use TLS
	KeepAlive                     uint16      // seconds
	CleanStartOnInitialConnection bool        // if true, the first connection that succeeds begins a new session
	SessionExpiryInterval         uint32      // seconds for which the server keeps the session without a connection

	// Deprecated: use ReconnectBackoff, which comes first.
	ConnectRetryDelay time.Duration
	ReconnectBackoff  func(int) time.Duration // how long to wait before attempt n, the first being 0; by default 10 s before each but the first
	ConnectTimeout    time.Duration           // of each attempt at one server, with all that belongs to it; 10 s by default
	WebSocketCfg      *WebSocketConfig

	Queue queue.Queue // for PublishViaQueue; by default one in memory

	// Deprecated: use ServerUrls, which comes first.
	BrokerUrls []*url.URL

	// AttemptConnection, if set, makes the connection to a server. Its context ends with the ConnectionManager.
	AttemptConnection func(context.Context, ClientConfig, *url.URL) (net.Conn, error)

	OnConnectionUp   func(*ConnectionManager, *paho.Connack) // called when there is a connection; the next one is only made after it has returned
	OnConnectionDown func() bool                             // called when a connection is lost; false means that no other is made
	OnConnectError   func(error)                             // called when an attempt fails, with a *ConnackError in it if the server refused

	Debug      log.Logger // of this package
	Errors     log.Logger // of this package
	PahoDebug  log.Logger // of package paho
	PahoErrors log.Logger // of package paho

	ConnectUsername string
	ConnectPassword []byte

	WillMessage    *paho.WillMessage
	WillProperties *paho.WillProperties

	// ConnectPacketBuilder, if set, is called before each attempt. It may change the packet, or return another, or refuse by an error.
	ConnectPacketBuilder func(*paho.Connect, *url.URL) (*paho.Connect, error)

	// DisconnectPacketBuilder, if set, returns the packet that ends the last connection. If it returns nil, none is sent.
	DisconnectPacketBuilder func() *paho.Disconnect

	// What package paho needs. Conn has no effect.
	paho.ClientConfig
}

// ResetUsernamePassword clears user name and password.
func (cfg *ClientConfig) ResetUsernamePassword() {
	cfg.ConnectUsername, cfg.ConnectPassword = "", []byte{}
}

// SetUsernamePassword sets those of the two that are not empty.
//
// Deprecated: set ConnectUsername and ConnectPassword.
func (cfg *ClientConfig) SetUsernamePassword(username string, password []byte) {
	if username != "" {
		cfg.ConnectUsername = username
	}
	if len(password) > 0 {
		cfg.ConnectPassword = password
	}
}

// SetWillMessage sets the will, and that the server waits twice the KeepAlive before it publishes it.
//
// Deprecated: set WillMessage and WillProperties.
func (cfg *ClientConfig) SetWillMessage(topic string, payload []byte, qos byte, retain bool) {
	cfg.WillMessage = &paho.WillMessage{Topic: topic, Payload: payload, QoS: qos, Retain: retain}
	delay := 2 * uint32(cfg.KeepAlive)
	cfg.WillProperties = &paho.WillProperties{WillDelayInterval: &delay}
}

// SetConnectPacketConfigurator sets a ConnectPacketBuilder that does not care which server it is for. It returns true if fn is not nil.
//
// Deprecated: set ConnectPacketBuilder.
func (cfg *ClientConfig) SetConnectPacketConfigurator(fn func(*paho.Connect) (*paho.Connect, error)) bool {
	if fn == nil {
		cfg.ConnectPacketBuilder = nil
		return false
	}
	cfg.ConnectPacketBuilder = func(packet *paho.Connect, _ *url.URL) (*paho.Connect, error) { return fn(packet) }
	return true
}

// SetDisConnectPacketConfigurator sets the DisconnectPacketBuilder.
//
// Deprecated: set DisconnectPacketBuilder.
func (cfg *ClientConfig) SetDisConnectPacketConfigurator(fn func() *paho.Disconnect) {
	cfg.DisconnectPacketBuilder = fn
}

// complete sets what the program left out. It returns an error for what nothing can be done with.
func (cfg *ClientConfig) complete() error {
	if cfg.Debug == nil {
		cfg.Debug = log.NOOPLogger{}
	}
	if cfg.Errors == nil {
		cfg.Errors = log.NOOPLogger{}
	}
	if cfg.ReconnectBackoff == nil {
		delay := cfg.ConnectRetryDelay
		if delay == 0 {
			delay = defaultRetryDelay
		}
		cfg.ReconnectBackoff = NewConstantBackoff(delay)
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = defaultConnectTimeout
	}
	if len(cfg.ServerUrls) == 0 {
		cfg.ServerUrls = cfg.BrokerUrls
	}
	if cfg.Queue == nil {
		cfg.Queue = memory.New()
	}
	if len(cfg.ServerUrls) == 0 {
		return errNoServers
	}
	if cfg.Session != nil && !flow.Supported(cfg.Session) {
		return ErrUnsupportedSession
	}
	if _, ours := cfg.PingHandler.(*paho.DefaultPinger); cfg.PingHandler != nil && !ours {
		return ErrUnsupportedPinger
	}
	return nil
}

// ownSession makes a session that outlives connections if the program gave none. It returns true if so.
func (cfg *ClientConfig) ownSession() bool {
	if cfg.Session != nil {
		return false
	}
	cfg.Session = state.NewInMemory()
	return true
}

// connectPacket makes the CONNECT for a server.
func (cfg *ClientConfig) connectPacket(first bool, server *url.URL) (*paho.Connect, error) {
	packet := &paho.Connect{
		ClientID:     cfg.ClientID,
		KeepAlive:    cfg.KeepAlive,
		CleanStart:   cfg.CleanStartOnInitialConnection && first,
		Username:     cfg.ConnectUsername,
		UsernameFlag: cfg.ConnectUsername != "",
		PasswordFlag: len(cfg.ConnectPassword) > 0,
	}
	if packet.PasswordFlag {
		packet.Password = cfg.ConnectPassword
	}
	if cfg.WillMessage != nil {
		packet.WillMessage, packet.WillProperties = cfg.WillMessage, cfg.WillProperties
		if packet.WillProperties == nil {
			packet.WillProperties = &paho.WillProperties{}
		}
	}
	if cfg.SessionExpiryInterval != 0 {
		expiry := cfg.SessionExpiryInterval
		packet.Properties = &paho.ConnectProperties{SessionExpiryInterval: &expiry}
	}
	if cfg.ConnectPacketBuilder == nil {
		return packet, nil
	}
	return cfg.ConnectPacketBuilder(packet, server)
}
