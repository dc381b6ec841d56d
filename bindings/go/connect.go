package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/dial"
	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

// defaultDialTimeout is that of options without a Dialer.
const defaultDialTimeout = 30 * time.Second

// An attempt waits for the outcome of one CONNECT. The engine's events give it.
type attempt struct {
	done    chan struct{}
	version uint
	present bool
	code    byte
	err     error
}

// tryServers goes through the servers once, and through the protocol versions at each. It returns how the last one ended: session present,
// CONNACK's code, and an error unless the client is connected now.
func (c *client) tryServers(ctx context.Context, again bool, tries int) (present bool, code byte, err error) {
	c.notify(ConnectionNotificationConnecting{IsReconnect: again, Attempt: tries})
	version := c.options.ProtocolVersion
	code, err = packets.ErrNetworkError, errors.New("no servers defined to connect to")
	for _, server := range c.options.Servers {
		for {
			var dialed bool
			present, code, dialed, err = c.tryServer(ctx, server, version)
			if code == packets.Accepted {
				c.connectedNow(again, present)
				return present, code, nil
			}
			if ctx.Err() != nil || !dialed {
				break
			}
			if c.options.protocolVersionExplicit {
				c.log.error(CLI, "Connecting to", server, "CONNACK was not CONN_ACCEPTED, but rather", packets.ConnackReturnCodes[code])
			}
			if c.options.protocolVersionExplicit || version != 4 {
				break
			}
			c.log.debug(CLI, "Trying reconnect using MQTT 3.1 protocol")
			version = 3 // stays so for the servers that follow, as in the original
		}
		if ctx.Err() != nil {
			break
		}
	}
	if code == packets.ErrNetworkError {
		err = fmt.Errorf("%w : %w", packets.ErrorNetworkError, err)
	} else if err = packets.ConnErrors[code]; err == nil {
		err = fmt.Errorf("connection refused with return code %d", code)
	}
	c.notify(ConnectionNotificationFailed{Reason: err})
	return false, code, err
}

// tryServer makes one attempt at one server with one version. dialed says if there was a network connection.
func (c *client) tryServer(ctx context.Context, server *url.URL, version uint) (present bool, code byte, dialed bool, err error) {
	connect := c.connectPacket(server, version)
	secure := c.options.TLSConfig
	if c.options.OnConnectAttempt != nil {
		secure = c.options.OnConnectAttempt(server, c.options.TLSConfig)
	}
	c.notify(ConnectionNotificationBroker{Broker: server})
	var deadline time.Time
	if c.options.ConnectTimeout != 0 {
		deadline = time.Now().Add(c.options.ConnectTimeout)
	}
	conn, err := c.open(ctx, server, secure)
	if err == nil && conn == nil {
		err = errors.New("the function that opens connections returned none")
	}
	if err != nil {
		c.log.error(CLI, err)
		c.log.warn(CLI, "failed to connect to broker, trying next")
		c.notify(ConnectionNotificationBrokerFailed{Broker: server, Reason: err})
		return false, packets.ErrNetworkError, false, err
	}
	c.log.debug(CLI, "socket connected to broker")
	present, code, err = c.handshake(ctx, conn, connect, deadline)
	return present, code, true, err
}

// handshake gives the connection to the engine, which sends CONNECT, and waits for the outcome. Whoever takes the attempt out of c.attempt decides
// it: an event of the engine's, or the end of ctx. When the client has been connected, Disconnect ends it and this goroutine must not, though it
// may learn of both at the same time.
func (c *client) handshake(ctx context.Context, conn net.Conn, connect *engine.Connect, deadline time.Time) (bool, byte, error) {
	try := &attempt{done: make(chan struct{}), version: uint(connect.Version)}
	c.attempt.Store(try)
	connect.Deadline = deadline
	session := c.session.Load()
	if err := session.engine.Attach(conn, connect); err != nil {
		c.attempt.Store(nil)
		conn.Close()
		return false, packets.ErrNetworkError, err
	}
	select {
	case <-try.done:
	case <-ctx.Done():
		if c.attempt.CompareAndSwap(try, nil) {
			session.engine.Abort()
			return false, packets.ErrNetworkError, errAborted
		}
		<-try.done
	}
	return try.present, try.code, try.err
}

// accepted takes CONNACK: the client is connected, unless Disconnect has been called meanwhile.
func (c *client) accepted(present bool) {
	try := c.attempt.Swap(nil)
	if try == nil {
		return
	}
	// Before anybody sees the connection: the goroutine that reconnects after its loss may run before the one that has made it is done.
	if !c.options.protocolVersionExplicit {
		c.options.ProtocolVersion, c.options.protocolVersionExplicit = try.version, true
	}
	if c.status.up() {
		c.inbox.open()
		try.end(present, packets.Accepted, nil)
	} else {
		try.end(false, packets.ErrNetworkError, errAborted)
	}
}

// outcome ends the attempt that is under way. It returns false if there is none.
func (c *client) outcome(code byte, err error) bool {
	try := c.attempt.Swap(nil)
	if try == nil {
		return false
	}
	try.end(false, code, err)
	return true
}

func (a *attempt) end(present bool, code byte, err error) {
	a.present, a.code, a.err = present, code, err
	close(a.done)
}

// connectPacket returns the CONNECT for a server.
func (c *client) connectPacket(server *url.URL, version uint) *engine.Connect {
	o := &c.options
	name, password := o.Username, o.Password
	if server.User != nil {
		name = server.User.Username()
		if p, given := server.User.Password(); given {
			password = p
		}
	}
	if o.CredentialsProvider != nil {
		name, password = o.CredentialsProvider()
	}
	connect := &engine.Connect{
		Version:           byte(version),
		ClientID:          &o.ClientID,
		Clean:             o.CleanSession,
		Session:           engine.SessionKeep,
		KeepAlive:         uint16(o.KeepAlive),
		PingTimeout:       o.PingTimeout,
		WriteTimeout:      o.WriteTimeout,
		MaxResumeInFlight: uint32(max(o.MaxResumePubInFlight, 0)),
	}
	if name != "" {
		connect.Username = &name
		if password != "" { // never without a name [MQTT-3.1.2-22]
			connect.Password = []byte(password)
		}
	}
	if o.WillEnabled {
		connect.Will = &engine.Will{Topic: o.WillTopic, Payload: o.WillPayload, QoS: o.WillQos, Retain: o.WillRetained}
	}
	return connect
}

// open makes the network connection.
func (c *client) open(ctx context.Context, server *url.URL, secure *tls.Config) (net.Conn, error) {
	o := &c.options
	if o.CustomOpenConnectionFn != nil {
		return o.CustomOpenConnectionFn(server, *o)
	}
	dialer := o.Dialer
	if dialer == nil {
		c.log.warn(CLI, "dialer was nil, using default")
		dialer = &net.Dialer{Timeout: defaultDialTimeout}
	}
	switch server.Scheme {
	case "tcp", "mqtt":
		return dial.TCP(ctx, dialer, server.Host)
	case "ssl", "tls", "mqtts", "mqtt+ssl", "tcps":
		return dial.TLS(ctx, dialer, server.Host, secure)
	case "unix":
		return dial.Unix(ctx, dialer, server)
	case "ws", "wss":
		plain := *server
		plain.User = nil // the credentials are CONNECT's
		if server.Scheme == "ws" {
			secure = nil
		}
		return dialWebsocket(ctx, &plain, secure, o.ConnectTimeout, o.HTTPHeaders, o.WebsocketOptions, c.log)
	}
	return nil, errors.New("unknown protocol")
}

// connectedNow does what follows each connect.
func (c *client) connectedNow(again, present bool) {
	c.log.debug(CLI, "client is connected/reconnected")
	if c.options.OnConnect != nil {
		go c.options.OnConnect(c)
	}
	if c.options.OnConnectionNotification != nil {
		go c.options.OnConnectionNotification(c, ConnectionNotificationConnected{})
	}
	if again && !present && c.options.Resubscribe {
		if filters := c.subscribed.all(); len(filters) > 0 {
			token := newSubscribeToken()
			token.filters = filters
			c.send(token)
		}
	}
	c.sendHeld()
}

// connectionLost handles the end of a connection that Disconnect did not ask for. It does not wait: the engine's goroutine calls it.
func (c *client) connectionLost(reason error) {
	again := c.options.AutoReconnect
	ctx, news := c.status.lost(again)
	if !news {
		return
	}
	c.log.error(CLI, "connection lost:", reason)
	c.pending.failUnwritten(reason)
	for _, token := range c.pending.takeIf(func(token tokenCompletor) bool {
		_, isPublish := token.(*PublishToken)
		return !isPublish || (c.options.CleanSession && !again)
	}) {
		if _, isPublish := token.(*PublishToken); isPublish {
			lost(token)
		} else {
			c.asked(token)
		}
	}
	if c.options.OnConnectionLost != nil {
		go c.options.OnConnectionLost(c, reason)
	}
	if c.options.OnConnectionNotification != nil {
		go c.options.OnConnectionNotification(c, ConnectionNotificationLost{Reason: reason})
	}
	if again {
		go c.reconnect(ctx)
	}
}

// stableTime is how long a connection must last at least for its loss to be met with an attempt at once.
const stableTime = 3 * time.Second

// reconnect tries until the client is connected or Disconnect is called.
func (c *client) reconnect(ctx context.Context) {
	longest := c.options.MaxReconnectInterval
	wait := c.lostPause.next(time.Now(), longest, stableTime)
	for tries := 0; pause(ctx, wait); tries++ {
		if c.options.OnReconnecting != nil {
			c.options.OnReconnecting(c, &c.options)
		}
		_, _, err := c.tryServers(ctx, true, tries)
		if err == nil {
			return
		}
		wait = c.failedPause.next(time.Now(), longest, c.options.ConnectTimeout)
		c.log.debug(CLI, "Reconnect failed, trying again after", wait, "error:", err)
	}
	c.log.debug(CLI, "Client moved to disconnected state while reconnecting, abandoning reconnect")
	c.finish()
}
