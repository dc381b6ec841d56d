// Package paho is an MQTT 5 client with the interface of github.com/eclipse/paho.golang/paho, on the paho-oxide engine.
//
// A Client is for one connection, which the program makes. Package autopaho makes connections, and makes them again.
//
//	conn, err := net.Dial("tcp", "localhost:1883")
//	...
//	client := paho.NewClient(paho.ClientConfig{Conn: conn})
//	if _, err := client.Connect(ctx, &paho.Connect{ClientID: "thermometer", KeepAlive: 30, CleanStart: true}); err != nil {
//		log.Fatal(err)
//	}
//	client.Publish(ctx, &paho.Publish{Topic: "room/temperature", QoS: 1, Payload: []byte("21.5")})
//	client.Disconnect(&paho.Disconnect{})
//
// Session, acknowledgements, flow control and keep-alive are the engine's. Handlers run on an ordinary goroutine, in the order of the
// messages, and a message is acknowledged after its handlers have returned.
package paho

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/flow"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/log"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session"
)

var (
	// ErrManualAcknowledgmentDisabled is the error of Ack without ClientConfig.EnableManualAcknowledgment.
	ErrManualAcknowledgmentDisabled = errors.New("manual acknowledgments disabled")
	// ErrNetworkErrorAfterStored is here since the original exports it. What has been accepted here is sent, on a later connection if need be,
	// and no error is returned.
	ErrNetworkErrorAfterStored = errors.New("error after packet added to state")
	// ErrConnectionLost is the error of calls whose connection ended before the answer came.
	ErrConnectionLost = errors.New("connection lost after request transmitted")
	// ErrInvalidArguments is wrapped by errors that would occur again with the same arguments on the same connection.
	ErrInvalidArguments = errors.New("invalid argument")
	// ErrPacketNotFound is the error of Ack for a message that does not wait for it: its connection has ended, or it has been acknowledged.
	ErrPacketNotFound = errors.New("packet not found")

	// ErrUnsupportedSession is Connect's error if ClientConfig.Session is of a type of the program's own: the engine is the session.
	ErrUnsupportedSession = errors.New("paho-oxide: ClientConfig.Session must be nil or come from package paho/session/state")
	// ErrUnsupportedPinger is Connect's error if ClientConfig.PingHandler is of a type of the program's own: the engine keeps connections alive.
	ErrUnsupportedPinger = errors.New("paho-oxide: ClientConfig.PingHandler must be nil or a *DefaultPinger")
)

type (
	// PublishReceived is what handlers of messages are called with.
	PublishReceived struct {
		Packet *Publish
		// Client is the one that the message came to. Its connection may have ended since.
		Client *Client

		// AlreadyHandled is true if a handler that was called before has returned true.
		AlreadyHandled bool
		// Errs are the errors of the handlers that were called before, nil ones included.
		Errs []error
	}

	// ClientConfig is what a Client is made with. Only Conn is needed.
	ClientConfig struct {
		// ClientID is what Client.ClientID returns before Connect.
		ClientID string
		// Conn is the connection. The client closes it. A TCP or Unix connection is read and written by the engine; others are read by one
		// goroutine and written by one, so that they need not be safe for several writers.
		Conn net.Conn

		// Session outlives the client, if it comes from package state. Without one the client has its own.
		Session session.SessionManager

		// AuthHandler takes part in enhanced authentication.
		AuthHandler Auther
		// PingHandler may be a *DefaultPinger or nil: the engine keeps the connection alive.
		PingHandler Pinger

		// Router is called with each message, after OnPublishReceived. Without a Router and handlers there is a StandardRouter.
		Router Router

		// OnPublishReceived are the handlers of messages, called one after the other with each. More can be added by AddOnPublishReceived.
		OnPublishReceived []func(PublishReceived) (bool, error)

		// PacketTimeout is how long calls wait for the server's answer; 0 means 10 seconds.
		PacketTimeout time.Duration
		// OnServerDisconnect is called when the server has sent a DISCONNECT. Without it, OnClientError is.
		OnServerDisconnect func(*Disconnect)
		// OnClientError is called once if the connection ends without a call of Disconnect.
		OnClientError func(error)
		// PublishHook is called with each message before it is sent, and may change it.
		PublishHook func(*Publish)
		// EnableManualAcknowledgment says that the program calls Ack. Acknowledgements leave in the order of the messages, whatever the order
		// of the calls.
		EnableManualAcknowledgment bool
		// SendAcksInterval, if set, is how often acknowledgements are sent that the program has given. Otherwise they are sent at once.
		SendAcksInterval time.Duration
	}

	// CommsProperties are what one side of a connection has told the other that it can do.
	CommsProperties struct {
		MaximumPacketSize    uint32
		ReceiveMaximum       uint16
		TopicAliasMaximum    uint16
		MaximumQoS           byte
		RetainAvailable      bool
		WildcardSubAvailable bool
		SubIDAvailable       bool
		SharedSubAvailable   bool
	}
)

// defaultPacketTimeout is that of a ClientConfig without one.
const defaultPacketTimeout = 10 * time.Second

// A Client speaks MQTT 5 on one connection. All functions may be called from any goroutine, handlers included.
type Client struct {
	config ClientConfig
	// flow is the session, or nil for one that is not supported. With ownSession it ends with the client.
	flow       *flow.Session
	ownSession bool

	handlers handlers
	inbox    inbox
	acks     acks
	tracker  tracker
	auth     authentication

	mu            sync.Mutex
	connectCalled bool
	clientID      string
	// connect is the CONNECT, and limits what CONNACK says of the server.
	connect *packets.Connect
	limits  CommsProperties
	expiry  uint32

	// up is true from CONNACK to the end of the connection.
	up atomic.Bool
	// byProgram says that Disconnect was called, and unsaid, from the end of the connection, why the server was not told.
	byProgram atomic.Bool
	unsaid    error
	// outcome takes how the CONNECT ended; lost is closed when the connection has ended, done when nothing is left of it.
	outcome    chan outcome
	lost, done chan struct{}

	debug, errors logger
}

// NewClient makes a client. It does nothing until Connect is called.
func NewClient(conf ClientConfig) *Client {
	c := &Client{
		config:   conf,
		clientID: conf.ClientID,
		limits: CommsProperties{
			ReceiveMaximum: 65535, MaximumQoS: 2, RetainAvailable: true, WildcardSubAvailable: true, SubIDAvailable: true,
			SharedSubAvailable: true,
		},
		outcome: make(chan outcome, 1),
		lost:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	c.SetDebugLogger(log.NOOPLogger{})
	c.errors.set(log.NOOPLogger{})
	if c.config.PacketTimeout == 0 {
		c.config.PacketTimeout = defaultPacketTimeout
	}
	if c.config.Session == nil {
		c.flow, c.ownSession = flow.New(nil, nil), true
	} else {
		c.flow = flow.Of(c.config.Session)
	}
	c.handlers.init(conf.OnPublishReceived)
	router := conf.Router
	if router == nil && len(conf.OnPublishReceived) == 0 {
		router = NewStandardRouter()
	}
	if router != nil {
		c.handlers.add(func(p PublishReceived) (bool, error) {
			router.Route(p.Packet.Packet())
			return false, nil
		})
	}
	c.inbox.init(c)
	c.acks.client = c
	c.tracker.init(c)
	return c
}

// AddOnPublishReceived adds a handler behind those that there are. It returns a function that removes it.
func (c *Client) AddOnPublishReceived(f func(PublishReceived) (bool, error)) func() {
	return c.handlers.add(f)
}

// ClientID returns the client identifier: the one that the server has assigned, or that of CONNECT, or that of the ClientConfig.
func (c *Client) ClientID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.clientID
}

// Done returns a channel that is closed when the connection has ended and the last handler has returned.
func (c *Client) Done() <-chan struct{} { return c.done }

// TerminateConnectionForTest closes the connection, as if it had been lost.
func (c *Client) TerminateConnectionForTest() { _ = c.config.Conn.Close() }

// SetDebugLogger sets where lines for debugging go.
func (c *Client) SetDebugLogger(l log.Logger) { c.debug.set(l) }

// SetErrorLogger sets where lines about errors go.
func (c *Client) SetErrorLogger(l log.Logger) {
	c.errors.set(l)
	if c.ownSession {
		c.flow.SetErrorLogger(l)
	}
}

// A logger can be set while it is used.
type logger struct {
	to atomic.Pointer[log.Logger]
}

func (l *logger) set(to log.Logger) { l.to.Store(&to) }

func (l *logger) Println(values ...any) { (*l.to.Load()).Println(values...) }

func (l *logger) Printf(format string, values ...any) { (*l.to.Load()).Printf(format, values...) }

// handlers are the functions that are called with messages. The list is replaced, never changed.
type handlers struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*handler]
}

type handler struct {
	call func(PublishReceived) (bool, error)
}

func (h *handlers) init(calls []func(PublishReceived) (bool, error)) {
	list := make([]*handler, len(calls))
	for i, call := range calls {
		list[i] = &handler{call}
	}
	h.list.Store(&list)
}

func (h *handlers) add(call func(PublishReceived) (bool, error)) (remove func()) {
	added := &handler{call}
	h.mu.Lock()
	list := append(append([]*handler(nil), *h.list.Load()...), added)
	h.list.Store(&list)
	h.mu.Unlock()
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		var list []*handler
		for _, present := range *h.list.Load() {
			if present != added {
				list = append(list, present)
			}
		}
		h.list.Store(&list)
	}
}

// call calls the handlers with a message.
func (h *handlers) call(c *Client, packet *Publish) {
	received := PublishReceived{Packet: packet, Client: c}
	for _, handler := range *h.list.Load() {
		handled, err := handler.call(received)
		if handled {
			received.AlreadyHandled = true
		}
		received.Errs = append(received.Errs, err)
	}
}

// withTimeout is ctx with the time that calls wait for the server.
func (c *Client) withTimeout(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.config.PacketTimeout)
}
