package autopaho

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/flow"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// ConnectionManager keeps a connection. All its methods may be called from any goroutine, handlers included.
type ConnectionManager struct {
	cfg        ClientConfig
	ownSession bool
	cancel     context.CancelFunc
	link       atomic.Pointer[link]
	handlers   handlers
	queueing   sync.WaitGroup // of the goroutine that publishes from the queue
	done       chan struct{}
}

// A link is one connection, or the time without one.
type link struct {
	client *paho.Client  // nil without a connection
	over   chan struct{} // closed when another link has taken its place
}

// NewConnection begins to connect, and returns at once. The connection is kept until ctx ends or Disconnect is called.
//
// It returns an error if there is no server to connect to, and for a Session or a PingHandler that the engine cannot use.
func NewConnection(ctx context.Context, cfg ClientConfig) (*ConnectionManager, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	m := &ConnectionManager{done: make(chan struct{})}
	m.ownSession = cfg.ownSession()
	m.handlers.manager = m
	m.handlers.install(&cfg)
	m.cfg = cfg
	m.link.Store(&link{over: make(chan struct{})})
	inner, cancel := context.WithCancel(ctx)
	m.cancel = cancel
	go m.run(ctx, inner)
	return m, nil
}

// run connects again and again, until inner ends or the program does not want another connection. The program's context is outer.
func (m *ConnectionManager) run(outer, inner context.Context) {
	defer close(m.done)
	defer m.end()
	for first := true; ; first = false {
		watch := newLossWatch(&m.cfg)
		client, connack := m.connect(inner, watch, first)
		if client == nil {
			m.cfg.Debug.Println("no further attempt to connect:", inner.Err())
			return
		}
		m.replaceLink(client)
		if m.cfg.OnConnectionUp != nil {
			m.connectionUp(connack)
		}
		if first {
			m.queueing.Add(1)
			go func() {
				defer m.queueing.Done()
				m.publishQueue(inner)
			}()
		}
		select {
		case err := <-watch.lost:
			<-client.Done()
			m.replaceLink(nil)
			m.cfg.Debug.Println("connection lost:", err)
			if m.cfg.OnConnectionDown != nil && !m.cfg.OnConnectionDown() {
				m.cfg.Debug.Println("OnConnectionDown wants no other connection")
				return
			}
		case <-inner.Done():
			watch.stop()
			if outer.Err() != nil {
				m.cfg.Debug.Println("disconnecting since the context has ended:", outer.Err())
			} else {
				m.cfg.Debug.Println("disconnecting since Disconnect was called")
			}
			m.disconnect(client)
			m.replaceLink(nil)
			return
		}
	}
}

// replaceLink says that there is a connection, or none if client is nil.
func (m *ConnectionManager) replaceLink(client *paho.Client) {
	close(m.link.Swap(&link{client: client, over: make(chan struct{})}).over)
}

// disconnect ends a connection that is up.
func (m *ConnectionManager) disconnect(client *paho.Client) {
	packet := &paho.Disconnect{}
	if m.cfg.DisconnectPacketBuilder != nil {
		packet = m.cfg.DisconnectPacketBuilder()
	}
	if packet == nil {
		client.TerminateConnectionForTest()
		<-client.Done()
	} else if err := client.Disconnect(packet); err != nil {
		m.cfg.Debug.Println("DISCONNECT failed:", err)
	}
}

// end releases what outlives connections.
func (m *ConnectionManager) end() {
	m.cancel()
	m.queueing.Wait()
	if m.ownSession {
		if err := m.cfg.Session.Close(); err != nil {
			m.cfg.Errors.Println("the session ended with an error:", err)
		}
	} else if session := flow.Of(m.cfg.Session); session != nil {
		session.Release() // the last connection may have been lost before the program disconnected
	}
}

// Disconnect ends the connection, and waits until that is done or ctx ends.
func (m *ConnectionManager) Disconnect(ctx context.Context) error {
	m.cancel()
	select {
	case <-m.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Done returns a channel that is closed when the connection manager has ended.
func (m *ConnectionManager) Done() <-chan struct{} { return m.done }

// AwaitConnection waits until there is a connection. It returns an error if ctx or the connection manager ends first.
func (m *ConnectionManager) AwaitConnection(ctx context.Context) error {
	for {
		link := m.link.Load()
		if link.client != nil {
			return nil
		}
		select {
		case <-link.over:
		case <-ctx.Done():
			return ctx.Err()
		case <-m.done:
			return errShutDown
		}
	}
}

// client returns the client whose connection is up.
func (m *ConnectionManager) client() (*paho.Client, error) {
	if client := m.link.Load().client; client != nil {
		return client, nil
	}
	return nil, ConnectionDownError
}

// Authenticate begins to authenticate anew, and waits for the end. ClientConfig.AuthHandler answers the server meanwhile.
func (m *ConnectionManager) Authenticate(ctx context.Context, a *paho.Auth) (*paho.AuthResponse, error) {
	client, err := m.client()
	if err != nil {
		return nil, err
	}
	return client.Authenticate(ctx, a)
}

// Subscribe sends SUBSCRIBE and waits for SUBACK.
func (m *ConnectionManager) Subscribe(ctx context.Context, s *paho.Subscribe) (*paho.Suback, error) {
	client, err := m.client()
	if err != nil {
		return nil, err
	}
	return client.Subscribe(ctx, s)
}

// Unsubscribe sends UNSUBSCRIBE and waits for UNSUBACK.
func (m *ConnectionManager) Unsubscribe(ctx context.Context, u *paho.Unsubscribe) (*paho.Unsuback, error) {
	client, err := m.client()
	if err != nil {
		return nil, err
	}
	return client.Unsubscribe(ctx, u)
}

// Publish sends a message, and waits until it is written (QoS 0) or the server has it (QoS 1 and 2).
func (m *ConnectionManager) Publish(ctx context.Context, p *paho.Publish) (*paho.PublishResponse, error) {
	client, err := m.client()
	if err != nil {
		return nil, err
	}
	return client.Publish(ctx, p)
}

// TerminateConnectionForTest closes the connection, if there is one, as if it had been lost.
func (m *ConnectionManager) TerminateConnectionForTest() {
	if client, err := m.client(); err == nil {
		client.TerminateConnectionForTest()
	}
}
