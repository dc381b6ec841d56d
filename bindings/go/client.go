// Package mqtt is an MQTT 3.1 and 3.1.1 client with the interface of github.com/eclipse/paho.mqtt.golang, on the paho-oxide engine.
//
// A program makes options, a client of them, and connects:
//
//	opts := mqtt.NewClientOptions().AddBroker("tcp://localhost:1883").SetClientID("thermometer")
//	client := mqtt.NewClient(opts)
//	if token := client.Connect(); token.Wait() && token.Error() != nil {
//		log.Fatal(token.Error())
//	}
//	client.Publish("room/temperature", 1, false, "21.5").Wait()
//	client.Disconnect(250)
//
// Connections are made by Go: dialers, proxies and every field of a *tls.Config work. Session, acknowledgements, flow control, keep-alive
// and stores are the engine's. Handlers run on ordinary goroutines, and a message is acknowledged after its handler has returned.
package mqtt

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

// A Client speaks MQTT with a server. All functions may be called from any goroutine, handlers included.
type Client interface {
	// IsConnected returns true if the client is connected, or on its way there and set to go on until it is (AutoReconnect, ConnectRetry).
	IsConnected() bool
	// IsConnectionOpen returns true if the client is connected now.
	IsConnectionOpen() bool
	// Connect starts to connect. With ConnectRetry its token ends only when that has succeeded, or by Disconnect.
	Connect() Token
	// Disconnect sends a DISCONNECT behind what has been published and closes the connection. It returns when that is done, or after quiesce
	// milliseconds. Calls that have not ended then end with an error. It may be called in any state.
	Disconnect(quiesce uint)
	// Publish sends a message. The payload is a string, a []byte or a bytes.Buffer; the client has its own copy when Publish returns.
	Publish(topic string, qos byte, retained bool, payload interface{}) Token
	// Subscribe asks the server for the messages of a filter, and adds a route for them unless callback is nil.
	Subscribe(topic string, qos byte, callback MessageHandler) Token
	// SubscribeMultiple is Subscribe for several filters with their QoS.
	SubscribeMultiple(filters map[string]byte, callback MessageHandler) Token
	// Unsubscribe ends subscriptions, and removes the filters' routes.
	Unsubscribe(topics ...string) Token
	// AddRoute sends messages that match a filter to a handler, without a subscription.
	AddRoute(topic string, callback MessageHandler)
	// OptionsReader shows the options that the client uses.
	OptionsReader() ClientOptionsReader
}

// ErrNotConnected is the error of calls that need a connection when there is none and none is on its way.
var ErrNotConnected = errors.New("not Connected")

type client struct {
	options ClientOptions
	// ownStore says that the program gave no store: the engine's memory serves.
	ownStore bool
	log      lineLog
	router   *router

	status  status
	pending pending
	inbox   inbox
	// held are subscribes and unsubscribes that wait for a connection (ResumeSubs).
	held held
	// subscribed are the filters that the server has granted (Resubscribe).
	subscribed subscribed

	// session is made by Connect.
	session atomic.Pointer[session]
	// attempt takes the outcome of the CONNECT that is under way.
	attempt atomic.Pointer[attempt]
	// closing is closed when the connection that Disconnect ends has ended.
	closing atomic.Pointer[chan struct{}]

	lostPause, failedPause backoff
}

// NewClient makes a client with a copy of these options. It does nothing until Connect is called.
func NewClient(o *ClientOptions) Client {
	c := &client{options: *o, log: lineLog{o.Logger}}
	if c.options.Store == nil {
		c.options.Store, c.ownStore = NewMemoryStore(), true
	}
	switch c.options.ProtocolVersion {
	case 3, 4, 0x83, 0x84:
		c.options.protocolVersionExplicit = true
	default:
		c.options.ProtocolVersion = 4
		c.options.protocolVersionExplicit = false
	}
	c.router = newRouter(c.options.DefaultPublishHandler)
	c.inbox.init(c)
	c.lostPause.startsAtOnce = true
	return c
}

func (c *client) AddRoute(topic string, callback MessageHandler) {
	if callback != nil {
		c.router.add(topic, callback)
	}
}

// DeleteRoute removes the route of a filter. It is not part of Client, since the newest release of the original does not have it there.
func (c *client) DeleteRoute(topic string) { c.router.remove(topic) }

func (c *client) OptionsReader() ClientOptionsReader { return ClientOptionsReader{options: &c.options} }

func (c *client) IsConnected() bool {
	switch c.status.now() {
	case connected:
		return true
	case connecting:
		return c.options.ConnectRetry
	case reconnecting:
		return c.options.AutoReconnect
	}
	return false
}

func (c *client) IsConnectionOpen() bool { return c.status.now() == connected }

// DefaultConnectionLostHandler logs the reason to DEBUG.
func DefaultConnectionLostHandler(client Client, reason error) {
	packageLog.debug(CLI, "Connection lost:", reason.Error())
}

func (c *client) notify(n ConnectionNotification) {
	if c.options.OnConnectionNotification != nil {
		c.options.OnConnectionNotification(c, n)
	}
}

func (c *client) Connect() Token {
	token := &ConnectToken{}
	c.log.debug(CLI, "Connect()")
	ctx, err := c.status.connect()
	if err != nil {
		if err == errAlreadyConnected && c.options.AutoReconnect {
			c.log.warn(CLI, "Connect() called but not disconnected")
			token.ended(nil, packets.Accepted, false)
			return token
		}
		c.log.error(CLI, err)
		token.setError(err)
		return token
	}
	if err := c.openSession(); err != nil {
		c.status.idle()
		token.ended(err, packets.ErrNetworkError, false)
		return token
	}
	go c.connect(ctx, token)
	return token
}

// connect is Connect's work.
func (c *client) connect(ctx context.Context, token *ConnectToken) {
	if len(c.options.Servers) == 0 {
		c.status.idle()
		token.setError(errors.New("no servers defined to connect to"))
		return
	}
	for tries := 0; ; tries++ {
		present, code, err := c.tryServers(ctx, false, tries)
		if err == nil {
			token.ended(nil, code, present)
			return
		}
		if c.options.ConnectRetry && ctx.Err() == nil {
			c.log.debug(CLI, "Connect failed, trying again after", c.options.ConnectRetryInterval, "error:", err)
			if pause(ctx, c.options.ConnectRetryInterval) {
				continue
			}
		}
		c.log.error(CLI, "Failed to connect to a broker")
		if ctx.Err() != nil {
			c.finish()
		} else {
			c.closeSession()
			c.status.idle()
		}
		token.ended(err, code, false)
		return
	}
}

// pause waits. It returns false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *client) Disconnect(quiesce uint) {
	limit := time.Duration(quiesce) * time.Millisecond
	before, ended := c.status.disconnect() // now, not on the goroutine: a Connect that follows must come after it
	if before == disconnected {
		c.log.warn(CLI, "status is already disconnected")
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.disconnect(before, ended, limit)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// disconnectGrace is how long a DISCONNECT may take to be written though Disconnect returned at once.
const disconnectGrace = 100 * time.Millisecond

// disconnect is Disconnect's work.
func (c *client) disconnect(before phase, ended <-chan struct{}, limit time.Duration) {
	switch before {
	case connected:
		closed := make(chan struct{})
		c.closing.Store(&closed)
		session := c.session.Load()
		if session.engine.Disconnect(0, 0, nil) == nil {
			timer := time.NewTimer(max(limit, disconnectGrace))
			select {
			case <-closed:
			case <-timer.C:
				c.log.warn(CLI, "Disconnect packet not sent due to timeout")
			}
			timer.Stop()
		}
		session.engine.Abort()
		c.closing.Store(nil)
		c.inbox.drop()
		c.finish()
		c.log.debug(CLI, "disconnected")
	default: // the goroutine that connects, reconnects or disconnects sees its context end, and finishes
		<-ended
	}
}

// finish ends all calls, and makes the client ready for another Connect.
func (c *client) finish() {
	for _, token := range c.pending.takeIf(func(tokenCompletor) bool { return true }) {
		lost(token)
	}
	c.pending.failUnwritten(errPublishLost)
	c.held.fail()
	c.closeSession()
	c.status.idle()
}
