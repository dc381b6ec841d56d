// Package auto has the tests of package autopaho that the genuine library would not pass, or that need to look inside the program.
package auto

import (
	"bytes"
	"context"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// A server accepts connections and answers all that clients send. It knows the session of each client but the first time. It answers a request before
// it acknowledges it.
type server struct {
	t        *testing.T
	listener net.Listener
	url      *url.URL
	done     sync.WaitGroup

	mu       sync.Mutex
	conns    map[net.Conn]bool
	accepted int
	// received has each payload that came, and how often; last the packets that ended connections.
	received map[string]int
	ends     chan byte   // DISCONNECT, or 0 for a connection that ended without
	silent   atomic.Bool // no CONNACK is sent
}

func serve(t *testing.T) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse("mqtt://" + l.Addr().String())
	s := &server{t: t, listener: l, url: u, conns: map[net.Conn]bool{}, received: map[string]int{}, ends: make(chan byte, 100000)}
	s.done.Add(1)
	go s.accept()
	t.Cleanup(s.close)
	return s
}

func (s *server) accept() {
	defer s.done.Done()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.conns[conn] = true
		s.accepted++
		known := s.accepted > 1
		s.mu.Unlock()
		s.done.Add(1)
		go s.answer(conn, known)
	}
}

func (s *server) answer(conn net.Conn, known bool) {
	defer s.done.Done()
	end := byte(0)
	defer func() {
		conn.Close()
		s.mu.Lock()
		delete(s.conns, conn)
		s.mu.Unlock()
		s.ends <- end
	}()
	request := uint16(0)
	for {
		packet, err := packets.ReadPacket(conn)
		if err != nil {
			return
		}
		var answer bytes.Buffer
		switch p := packet.Content.(type) {
		case *packets.Connect:
			if !s.silent.Load() {
				(&packets.Connack{SessionPresent: known && !p.CleanStart}).WriteTo(&answer)
			}
		case *packets.Publish:
			s.mu.Lock()
			s.received[string(p.Payload)]++
			s.mu.Unlock()
			switch {
			case p.QoS == 1 && p.Properties.ResponseTopic != "":
				request = p.PacketID
				(&packets.Publish{
					Topic: p.Properties.ResponseTopic, Payload: p.Payload, QoS: 1, PacketID: 1,
					Properties: &packets.Properties{CorrelationData: p.Properties.CorrelationData},
				}).WriteTo(&answer)
			case p.QoS == 1:
				(&packets.Puback{PacketID: p.PacketID}).WriteTo(&answer)
			case p.QoS == 2:
				(&packets.Pubrec{PacketID: p.PacketID}).WriteTo(&answer)
			}
		case *packets.Puback: // the handler of the response has returned
			if request != 0 {
				(&packets.Puback{PacketID: request}).WriteTo(&answer)
			}
		case *packets.Pubrel:
			(&packets.Pubcomp{PacketID: p.PacketID}).WriteTo(&answer)
		case *packets.Subscribe:
			(&packets.Suback{PacketID: p.PacketID, Reasons: make([]byte, len(p.Subscriptions))}).WriteTo(&answer)
		case *packets.Unsubscribe:
			(&packets.Unsuback{PacketID: p.PacketID, Reasons: make([]byte, len(p.Topics))}).WriteTo(&answer)
		case *packets.Pingreq:
			(&packets.Pingresp{}).WriteTo(&answer)
		case *packets.Disconnect:
			end = packets.DISCONNECT
			return
		}
		if _, err := conn.Write(answer.Bytes()); err != nil {
			return
		}
	}
}

// send sends a packet on each connection.
func (s *server) send(content packets.Packet) {
	var out bytes.Buffer
	content.WriteTo(&out)
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		conn.Write(out.Bytes())
	}
}

// cut ends each connection, with a reset.
func (s *server) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for conn := range s.conns {
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}
}

func (s *server) close() {
	s.listener.Close()
	s.cut()
	s.done.Wait()
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// config connects to the server again and again, without waiting.
func config(s *server) autopaho.ClientConfig {
	return autopaho.ClientConfig{
		ServerUrls:            []*url.URL{s.url},
		SessionExpiryInterval: 600,
		KeepAlive:             60,
		ReconnectBackoff:      func(int) time.Duration { return 0 },
		ConnectTimeout:        patience,
		ClientConfig:          paho.ClientConfig{ClientID: "client", PacketTimeout: patience},
	}
}

func connect(t *testing.T, cfg autopaho.ClientConfig) *autopaho.ConnectionManager {
	t.Helper()
	m, err := autopaho.NewConnection(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.AwaitConnection(within(t)); err != nil {
		t.Fatal(err)
	}
	return m
}

func disconnect(t *testing.T, m *autopaho.ConnectionManager) {
	t.Helper()
	if err := m.Disconnect(within(t)); err != nil {
		t.Error(err)
	}
}

func await[T any](t *testing.T, from <-chan T, what string) (value T) {
	t.Helper()
	select {
	case value = <-from:
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	return value
}
