package paho

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/flow"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

// An outcome is how a CONNECT ended.
type outcome struct {
	connack *Connack
	err     error
}

// Connect sends CONNECT and waits for the answer, at most for the PacketTimeout. It returns the CONNACK if there was one, and an error unless
// the server has accepted. A Client connects once. The connection is closed when Connect fails.
func (c *Client) Connect(ctx context.Context, cp *Connect) (*Connack, error) {
	if c.config.Conn == nil {
		return nil, errors.New("client connection is nil")
	}
	packet := cp.Packet()
	c.mu.Lock()
	if c.connectCalled {
		c.mu.Unlock()
		return nil, errors.New("connect must only be called once")
	}
	c.connectCalled, c.connect, c.clientID = true, packet, cp.ClientID
	c.mu.Unlock()

	ctx, cancel := c.withTimeout(ctx)
	defer cancel()
	c.debug.Println("sending CONNECT")
	if err := c.attach(packet); err != nil {
		_ = c.config.Conn.Close()
		close(c.done)
		return nil, err
	}
	select {
	case result := <-c.outcome:
		return c.connected(result)
	case <-ctx.Done():
		c.debug.Println("no CONNACK:", ctx.Err())
		if client := c.flow.Engine(); client != nil {
			client.Abort() // Failed follows, if Connected has not come before
		}
		if result := <-c.outcome; result.err == nil {
			<-c.done
		} else {
			_, _ = c.connected(result)
		}
		return nil, ctx.Err()
	}
}

// attach gives the connection to the engine.
func (c *Client) attach(packet *packets.Connect) error {
	if c.flow == nil {
		return ErrUnsupportedSession
	}
	if _, ok := c.config.PingHandler.(*DefaultPinger); c.config.PingHandler != nil && !ok {
		return ErrUnsupportedPinger
	}
	connect, err := connectOptions(packet)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidArguments, err)
	}
	owner := &flow.Owner{
		Connected: c.onConnected, Failed: c.onFailed, Message: c.inbox.put, Auth: c.onAuth, Ended: c.onEnded,
		Busy: c.inbox.busy, Await: c.inbox.awaitRoom,
	}
	err = c.flow.Attach(owner, connect, func(client *engine.Client) error { return client.Attach(plain(c.config.Conn), connect) })
	if errors.Is(err, engine.ErrArgument) {
		err = fmt.Errorf("%w: %w", ErrInvalidArguments, err)
	}
	return err
}

// plain returns what a connection is that has only been made safe for several writers. The engine has one.
func plain(conn net.Conn) net.Conn {
	if wrapper, ok := conn.(interface{ Unsynchronized() net.Conn }); ok {
		return wrapper.Unsynchronized()
	}
	return conn
}

// connectOptions returns a CONNECT as the engine takes it.
func connectOptions(p *packets.Connect) (*engine.Connect, error) {
	keepAlive := time.Duration(p.KeepAlive) * time.Second
	connect := &engine.Connect{
		Version: 5, Clean: p.CleanStart, KeepAlive: p.KeepAlive, PingTimeout: keepAlive, ClientID: &p.ClientID,
	}
	if p.UsernameFlag {
		connect.Username = &p.Username
	}
	if p.PasswordFlag {
		if connect.Password = p.Password; connect.Password == nil {
			connect.Password = []byte{}
		}
	}
	// The delay of the will is the will's on the wire. A Connect has it twice.
	properties, will := *orNone(p.Properties), *orNone(p.WillProperties)
	if will.WillDelayInterval == nil {
		will.WillDelayInterval = properties.WillDelayInterval
	}
	properties.WillDelayInterval = nil
	var err error
	if connect.Properties, err = properties.Pack(packets.CONNECT); err != nil {
		return nil, err
	}
	if p.WillFlag {
		connect.Will = &engine.Will{Topic: p.WillTopic, Payload: p.WillMessage, QoS: p.WillQOS, Retain: p.WillRetain}
		connect.Will.Properties, err = will.Pack(packets.CONNECT)
	}
	return connect, err
}

// onConnected takes CONNACK.
func (c *Client) onConnected(e *engine.Event) {
	connack := connackOf(e)
	connack.SessionPresent = e.Flags&engine.FlagSessionPresent != 0
	c.mu.Lock()
	p := connack.Properties
	if p.AssignedClientID != "" {
		c.clientID = p.AssignedClientID
	}
	set(&c.limits.ReceiveMaximum, p.ReceiveMaximum)
	set(&c.limits.MaximumQoS, p.MaximumQoS)
	set(&c.limits.MaximumPacketSize, p.MaximumPacketSize)
	set(&c.limits.TopicAliasMaximum, p.TopicAliasMaximum)
	c.limits.RetainAvailable, c.limits.WildcardSubAvailable = p.RetainAvailable, p.WildcardSubAvailable
	c.limits.SubIDAvailable, c.limits.SharedSubAvailable = p.SubIDAvailable, p.SharedSubAvailable
	if asked := c.connect.Properties; asked != nil {
		set(&c.expiry, asked.SessionExpiryInterval)
	}
	set(&c.expiry, p.SessionExpiryInterval)
	c.mu.Unlock()
	if p.AuthMethod != "" && c.config.AuthHandler != nil {
		go c.config.AuthHandler.Authenticated()
	}
	c.debug.Println("received CONNACK")
	c.up.Store(true)
	c.outcome <- outcome{connack: connack}
}

// set sets a variable to a value that may be absent.
func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// connackOf returns the CONNACK of an event.
func connackOf(e *engine.Event) *Connack {
	connack := &Connack{ReasonCode: byte(e.Reason)}
	connack.InitProperties(properties(e.Properties, packets.CONNACK))
	return connack
}

// properties returns the properties in an event. The engine has checked them.
func properties(encoded []byte, packetType byte) *packets.Properties {
	p := &packets.Properties{}
	if len(encoded) > 0 {
		_ = flow.Unpack(p, encoded, packetType)
	}
	return p
}

// onFailed takes the end of an attempt that no connection came of.
func (c *Client) onFailed(e *engine.Event) {
	result := outcome{err: e.Err}
	if e.Reason != 0 {
		result.connack = connackOf(e)
		result.err = fmt.Errorf("failed to connect to server: %s", result.connack.Properties.ReasonString)
	}
	if err := c.auth.failure(); err != nil {
		result = outcome{err: err}
	}
	c.inbox.close()
	c.outcome <- result
}

// connected is what Connect does with the outcome.
func (c *Client) connected(result outcome) (*Connack, error) {
	if result.err != nil {
		c.debug.Println("not connected:", result.err)
		c.flow.Ended(false, true)
		c.closeSession()
		close(c.done)
	}
	return result.connack, result.err
}

func (c *Client) closeSession() {
	if c.ownSession {
		c.flow.Close()
	}
}

// onEnded takes the end of the connection.
func (c *Client) onEnded(e *engine.Event) {
	c.up.Store(false)
	c.inbox.close()
	var disconnect *Disconnect
	if e.Kind == engine.ServerDisconnect {
		disconnect = &Disconnect{ReasonCode: byte(e.Reason)}
		disconnect.InitProperties(properties(e.Properties, packets.DISCONNECT))
		c.mu.Lock()
		set(&c.expiry, disconnect.Properties.SessionExpiryInterval)
		c.mu.Unlock()
	}
	err := e.Err
	if e.Kind == engine.Lost && e.Flags == engine.LostNoPingresp {
		err = fmt.Errorf("ping handler error: %w", errNoPingresp)
	}
	if e.Kind == engine.Closed {
		c.unsaid = e.Err
	}
	c.auth.ended(disconnect) // before lost: who waits for both shall find the server's answer
	close(c.lost)
	go c.shutdown(disconnect, err)
}

// shutdown does what is left to do when the connection has ended.
func (c *Client) shutdown(disconnect *Disconnect, err error) {
	c.debug.Println("the connection has ended:", err)
	c.tracker.reset()
	c.mu.Lock()
	expired := c.expiry == 0
	c.mu.Unlock()
	byProgram := c.byProgram.Load()
	c.flow.Ended(expired, byProgram)
	c.closeSession()
	c.inbox.awaitIdle(c.config.PacketTimeout)
	close(c.done)
	switch {
	case byProgram:
	case disconnect != nil && c.config.OnServerDisconnect != nil:
		c.config.OnServerDisconnect(disconnect)
	case c.config.OnClientError != nil:
		if disconnect != nil {
			err = errors.New("server initiated disconnect")
		}
		c.config.OnClientError(err)
	}
}

// Disconnect sends a DISCONNECT and closes the connection. It returns when handlers have returned for all messages that had come, or after the
// PacketTimeout, so that a handler may call it. It returns an error if the connection did not take the DISCONNECT.
func (c *Client) Disconnect(d *Disconnect) error {
	if d == nil {
		d = &Disconnect{}
	}
	if !c.up.Load() {
		select {
		case <-c.lost: // another Disconnect, or the end of the connection, may be under way
			<-c.done
		default:
		}
		return &net.OpError{Op: "write", Net: "mqtt", Err: net.ErrClosed}
	}
	packet := d.Packet()
	encoded, err := packet.Properties.Pack(packets.DISCONNECT)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidArguments, err)
	}
	if p := packet.Properties; p != nil {
		c.mu.Lock()
		set(&c.expiry, p.SessionExpiryInterval)
		c.mu.Unlock()
	}
	c.debug.Println("sending DISCONNECT")
	c.byProgram.Store(true)
	client := c.flow.Engine()
	if client == nil {
		return &net.OpError{Op: "write", Net: "mqtt", Err: net.ErrClosed}
	}
	if err = client.Disconnect(0, d.ReasonCode, encoded); err == nil {
		timer := time.NewTimer(c.config.PacketTimeout)
		defer timer.Stop()
		select {
		case <-c.lost:
			err = c.unsaid
		case <-timer.C: // the socket takes nothing
			err = context.DeadlineExceeded
		}
	}
	if err != nil && c.up.Load() {
		client.Abort()
	}
	<-c.done // shutdown sees to it that this takes a bounded time
	return err
}
