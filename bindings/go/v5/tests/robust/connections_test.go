package robust

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session/state"
	"go.uber.org/goleak"
)

// TestNothingIsLeft: no goroutine is left of a client, however its connection ended.
func TestNothingIsLeft(t *testing.T) {
	ways := map[string]func(*paho.Client, *server){
		"Disconnect":        func(c *paho.Client, s *server) { c.Disconnect(&paho.Disconnect{}) },
		"terminated":        func(c *paho.Client, s *server) { c.TerminateConnectionForTest() },
		"closed by server":  func(c *paho.Client, s *server) { s.Close() },
		"server DISCONNECT": func(c *paho.Client, s *server) { s.send(&packets.Disconnect{Properties: &packets.Properties{}}) },
		"malformed packet":  func(c *paho.Client, s *server) { s.Write([]byte{0xff, 0xff, 0xff, 0xff, 0xff}) },
	}
	for name, way := range ways {
		for kind, connection := range map[string]func(*testing.T) (net.Conn, *server){"adopted": pipe, "carried": carried} {
			t.Run(name+", "+kind, func(t *testing.T) {
				before := goleak.IgnoreCurrent()
				conn, s := connection(t)
				received := make(chan *paho.Publish, 1)
				c := connectOn(t, paho.ClientConfig{Conn: conn, OnPublishReceived: collect(received)}, s, 0, false, 0)
				s.message(1, 1, false)
				await(t, received, "message")
				s.expect(packets.PUBACK)
				drained := make(chan bool)
				go func() {
					io.Copy(io.Discard, s.Conn)
					close(drained)
				}()
				way(c, s)
				await(t, c.Done(), "Done")
				await(t, drained, "end of the connection")
				s.Close()
				goleak.VerifyNone(t, before)
			})
		}
	}
}

// TestNothingIsLeftOfFailures: nor is one left of an attempt that failed, and the connection is closed.
func TestNothingIsLeftOfFailures(t *testing.T) {
	type manager struct{ *state.State }
	type pinger struct{ *paho.DefaultPinger }
	for name, attempt := range map[string]struct {
		config paho.ClientConfig
		serve  func(*server)
		want   error
	}{
		"refused":   {serve: func(s *server) { s.send(&packets.Connack{ReasonCode: 0x87, Properties: &packets.Properties{}}) }},
		"closed":    {serve: func(s *server) { s.Close() }},
		"malformed": {serve: func(s *server) { s.Write([]byte{0x20, 1, 9, 9, 9}) }},
		"silent":    {config: paho.ClientConfig{PacketTimeout: time.Second}, serve: func(*server) {}, want: context.DeadlineExceeded},
		"session":   {config: paho.ClientConfig{Session: manager{state.NewInMemory()}}, want: paho.ErrUnsupportedSession},
		"pinger":    {config: paho.ClientConfig{PingHandler: pinger{paho.NewDefaultPinger()}}, want: paho.ErrUnsupportedPinger},
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			conn, s := pipe(t)
			attempt.config.Conn = conn
			c := paho.NewClient(attempt.config)
			ended := make(chan error, 1)
			go func() {
				_, err := c.Connect(context.Background(), &paho.Connect{ClientID: "client"})
				ended <- err
			}()
			if attempt.serve != nil {
				s.expect(packets.CONNECT)
				attempt.serve(s)
			}
			err := await(t, ended, "end of Connect")
			if err == nil || attempt.want != nil && !errors.Is(err, attempt.want) {
				t.Errorf("Connect returns %v", err)
			}
			await(t, c.Done(), "Done")
			if name != "closed" {
				if _, err := io.Copy(io.Discard, s.Conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error("the connection stays open")
				}
			}
			s.Close()
			goleak.VerifyNone(t, before)
		})
	}
}

// TestCallsEnd: when the connection is lost, every call ends at once, without the session that would go on with it.
func TestCallsEnd(t *testing.T) {
	for kind, connection := range map[string]func(*testing.T) (net.Conn, *server){"adopted": pipe, "carried": carried} {
		for whose, kept := range map[string]session.SessionManager{"its own": nil, "the program's": state.NewInMemory()} {
			t.Run(kind+", "+whose, func(t *testing.T) {
				conn, s := connection(t)
				c := connectOn(t, paho.ClientConfig{Conn: conn, Session: kept, PacketTimeout: 2 * patience}, s, 0, false, 2)
				var ends []<-chan error
				for i := range 10 { // two are sent, the others wait for quota
					ends = append(ends, publish(t, c, byte(i%2)+1))
				}
				s.expect(packets.PUBLISH)
				s.expect(packets.PUBLISH)
				subscribed := make(chan error, 1)
				go func() {
					_, err := c.Subscribe(context.Background(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}})
					subscribed <- err
				}()
				s.expect(packets.SUBSCRIBE)
				s.Close()
				for _, ended := range ends {
					if await(t, ended, "end of Publish") == nil {
						t.Error("Publish returns no error")
					}
				}
				if err := await(t, subscribed, "end of Subscribe"); !errors.Is(err, paho.ErrConnectionLost) {
					t.Errorf("Subscribe returns %v", err)
				}
				await(t, c.Done(), "Done")
			})
		}
	}
}

// TestUnwrittenCallEnds: so does a publish with QoS 0 that has not been written.
func TestUnwrittenCallEnds(t *testing.T) {
	for kind, connection := range map[string]func(*testing.T) (net.Conn, *server){"adopted": pipe, "carried": carried} {
		t.Run(kind, func(t *testing.T) {
			conn, s := connection(t)
			kept := state.NewInMemory()
			defer kept.Close()
			c := connectOn(t, paho.ClientConfig{Conn: conn, Session: kept, PacketTimeout: 2 * patience}, s, 60, false, 0)
			unwritten := make(chan error, 1)
			go func() {
				_, err := c.Publish(context.Background(), &paho.Publish{Topic: "t", Payload: make([]byte, 32<<20)})
				unwritten <- err
			}()
			if _, err := io.ReadFull(s, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			s.Close()
			if err := await(t, unwritten, "end of Publish"); !errors.Is(err, paho.ErrConnectionLost) {
				t.Errorf("Publish returns %v", err)
			}
			await(t, c.Done(), "Done")
		})
	}
}

// TestSessionGoesOn: with a session that the server keeps, publishes that were sent end on the next connection, and those that were not end
// with the first one.
func TestSessionGoesOn(t *testing.T) {
	kept := state.NewInMemory()
	config := paho.ClientConfig{Session: kept, PacketTimeout: patience}
	c, s := connect(t, config, 60, false, 1)
	first := publish(t, c, 1)
	id := s.expect(packets.PUBLISH).PacketID()
	second := publish(t, c, 1) // no quota
	select {
	case err := <-second:
		t.Fatalf("Publish returns %v without an answer", err)
	case <-time.After(50 * time.Millisecond):
	}
	s.Close()
	if err := await(t, second, "end of the second Publish"); !errors.Is(err, session.ErrNoConnection) {
		t.Errorf("the second Publish returns %v", err)
	}
	await(t, c.Done(), "Done")
	next, s := connect(t, config, 60, true, 1)
	again := s.expect(packets.PUBLISH)
	if again.PacketID() != id || !again.Content.(*packets.Publish).Duplicate {
		t.Errorf("%v is sent again", again)
	}
	s.puback(id)
	if err := await(t, first, "end of the first Publish"); err != nil {
		t.Error(err)
	}
	other := paho.NewClient(paho.ClientConfig{Session: kept, Conn: first2(pipe(t))})
	if _, err := other.Connect(within(t), &paho.Connect{ClientID: "client"}); err == nil {
		t.Error("two clients use a session at the same time")
	}
	next.Disconnect(&paho.Disconnect{})
	kept.Close()
}

func first2(conn net.Conn, _ *server) net.Conn { return conn }

// TestManualAcksOverReconnect: acknowledgements of an older connection are dropped, the messages come again, and the server can send as many
// as before.
func TestManualAcksOverReconnect(t *testing.T) {
	kept := state.NewInMemory()
	defer kept.Close()
	received := make(chan *paho.Publish, 10)
	config := paho.ClientConfig{Session: kept, EnableManualAcknowledgment: true, OnPublishReceived: collect(received)}
	c, s := connect(t, config, 60, false, 0)
	s.message(1, 1, false)
	s.message(2, 2, false)
	old := []*paho.Publish{await(t, received, "message"), await(t, received, "message")}
	s.Close()
	await(t, c.Done(), "Done")
	for _, message := range old {
		if err := c.Ack(message); !errors.Is(err, paho.ErrPacketNotFound) {
			t.Errorf("an old acknowledgement returns %v", err)
		}
	}
	c, s = connect(t, config, 60, true, 0)
	for range 100 {
		s.message(1, 1, true)
		s.message(2, 2, true)
		for range 2 {
			if err := c.Ack(await(t, received, "message")); err != nil {
				t.Fatal(err)
			}
		}
		s.expect(packets.PUBACK)
		s.expect(packets.PUBREC)
		s.send(&packets.Pubrel{PacketID: 2, Properties: &packets.Properties{}})
		s.expect(packets.PUBCOMP)
	}
	c.Disconnect(&paho.Disconnect{})
}

// TestAcksInterval: with SendAcksInterval, acknowledgements are sent together.
func TestAcksInterval(t *testing.T) {
	received := make(chan *paho.Publish, 10)
	c, s := connect(t, paho.ClientConfig{
		EnableManualAcknowledgment: true, SendAcksInterval: 300 * time.Millisecond, OnPublishReceived: collect(received),
	}, 0, false, 0)
	begin := time.Now()
	for id := range uint16(5) {
		s.message(1, id+1, false)
		message := await(t, received, "message")
		if err := c.Ack(message); err != nil {
			t.Error(err)
		}
	}
	for id := range uint16(5) {
		if p := s.expect(packets.PUBACK); p.PacketID() != id+1 {
			t.Errorf("%v is acknowledged", p)
		}
	}
	if time.Since(begin) < 300*time.Millisecond {
		t.Error("the acknowledgements have not waited")
	}
	c.Disconnect(&paho.Disconnect{})
}

// TestHandlersMayCall: a handler may call every function of its client, and wait for it.
func TestHandlersMayCall(t *testing.T) {
	ended := make(chan error, 1)
	c, s := connect(t, paho.ClientConfig{PacketTimeout: 5 * time.Second, OnPublishReceived: []func(paho.PublishReceived) (bool, error){ // Disconnect waits that long for handlers
		func(p paho.PublishReceived) (bool, error) {
			ctx := context.Background()
			_, err := p.Client.Publish(ctx, &paho.Publish{Topic: "t", QoS: 2})
			if err == nil {
				_, err = p.Client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}})
			}
			if err == nil {
				_, err = p.Client.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{"t"}})
			}
			if err == nil {
				err = p.Client.Disconnect(&paho.Disconnect{})
			}
			ended <- err
			return true, nil
		},
	}}, 0, false, 0)
	s.message(0, 0, false)
	go s.answer()
	if err := await(t, ended, "end of the handler"); err != nil {
		t.Error(err)
	}
	await(t, c.Done(), "Done")
}

// TestHandlersFinish: messages that had come before the end are handled, and Disconnect waits for that.
func TestHandlersFinish(t *testing.T) {
	gate := make(chan bool)
	var mu sync.Mutex
	var handled []byte
	came := make(chan bool, 100)
	c, s := connect(t, paho.ClientConfig{PacketTimeout: patience, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(p paho.PublishReceived) (bool, error) {
			came <- true
			<-gate
			mu.Lock()
			handled = append(handled, p.Packet.Payload...)
			mu.Unlock()
			return true, nil
		},
	}}, 0, false, 0)
	for id := range uint16(20) {
		s.message(1, id+1, false)
	}
	await(t, came, "message")
	subscribed := make(chan error, 1)
	go func() { // its answer is behind the messages
		_, err := c.Subscribe(within(t), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}})
		subscribed <- err
	}()
	id := s.expect(packets.SUBSCRIBE).PacketID()
	s.send(&packets.Suback{PacketID: id, Reasons: []byte{0}, Properties: &packets.Properties{}})
	if err := await(t, subscribed, "SUBACK"); err != nil {
		t.Fatal(err)
	}
	disconnected := make(chan error, 1)
	go func() { disconnected <- c.Disconnect(&paho.Disconnect{}) }()
	s.expect(packets.DISCONNECT)
	select {
	case <-disconnected:
		t.Error("Disconnect does not wait")
	case <-time.After(100 * time.Millisecond):
	}
	close(gate)
	if err := await(t, disconnected, "end of Disconnect"); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(handled) != 20 || !slices.IsSorted(handled) {
		t.Errorf("handled: %v", handled)
	}
}

// TestSlowHandlers: the server is held back when handlers do not keep up, and nothing is lost.
func TestSlowHandlers(t *testing.T) {
	const messages = 40000
	gate := make(chan bool)
	all := make(chan bool)
	count := 0
	client, s := pipe(t)
	// Where the kernel may hold tens of megabytes for a socket, it could hold all.
	if err := errors.Join(client.(*net.TCPConn).SetReadBuffer(64<<10), s.Conn.(*net.TCPConn).SetWriteBuffer(64<<10)); err != nil {
		t.Fatal(err)
	}
	c := connectOn(t, paho.ClientConfig{Conn: client, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(p paho.PublishReceived) (bool, error) {
			<-gate
			if count++; count == messages {
				close(all)
			}
			return true, nil
		},
	}}, s, 0, false, 0)
	var written atomic.Int64
	go func() {
		payload := make([]byte, 1024)
		for range messages {
			if _, err := (&packets.Publish{Topic: "t", Payload: payload, Properties: &packets.Properties{}}).WriteTo(s.Conn); err != nil {
				return
			}
			written.Add(1)
		}
	}()
	// The server stops when all that lies between is full.
	for last := int64(-1); last != written.Load(); time.Sleep(300 * time.Millisecond) {
		last = written.Load()
	}
	if written.Load() == messages {
		t.Error("the client has no bound")
	}
	close(gate)
	await(t, all, "all messages")
	c.Disconnect(&paho.Disconnect{})
}

// TestStalledSocket: calls that cannot be written end in time, and so does Disconnect.
func TestStalledSocket(t *testing.T) {
	for kind, connection := range map[string]func(*testing.T) (net.Conn, *server){"adopted": pipe, "carried": carried} {
		t.Run(kind, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			conn, s := connection(t)
			c := connectOn(t, paho.ClientConfig{Conn: conn, PacketTimeout: 3 * time.Second}, s, 0, false, 0) // long enough to connect
			payload := make([]byte, 4<<20)
			var all sync.WaitGroup
			for i := range 8 {
				all.Add(1)
				go func() {
					defer all.Done()
					if _, err := c.Publish(context.Background(), &paho.Publish{Topic: "t", QoS: byte(i % 3), Payload: payload}); err == nil && i%3 != 0 {
						t.Error("Publish returns no error")
					}
				}()
			}
			all.Wait()
			var timeout net.Error
			if err := c.Disconnect(&paho.Disconnect{}); !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("Disconnect returns %v", err)
			}
			await(t, c.Done(), "Done")
			s.Close()
			goleak.VerifyNone(t, before)
		})
	}
}

// TestClosedByProgram: a program that closes its connection gets the error of net's own Read, whoever reads.
func TestClosedByProgram(t *testing.T) {
	failed := make(chan error, 1)
	c, _ := connect(t, paho.ClientConfig{OnClientError: func(err error) { failed <- err }}, 0, false, 0)
	c.TerminateConnectionForTest()
	var operation *net.OpError
	if err := await(t, failed, "OnClientError"); !errors.As(err, &operation) || operation.Op != "read" || !errors.Is(err, net.ErrClosed) {
		t.Errorf("OnClientError is told %v", err)
	}
}

// TestQuota: many publishers share a small Receive Maximum, and the order of each one's messages stays.
func TestQuota(t *testing.T) {
	c, s := connect(t, paho.ClientConfig{PacketTimeout: patience}, 0, false, 3)
	const publishers, each = 20, 100
	var all sync.WaitGroup
	for range publishers {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := range each {
				if _, err := c.Publish(context.Background(), &paho.Publish{Topic: "t", QoS: byte(i%2) + 1}); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	go s.answer()
	all.Wait()
	c.Disconnect(&paho.Disconnect{})
}

// TestIdentifiers: when all packet identifiers are in use, calls fail.
func TestIdentifiers(t *testing.T) {
	kept := state.NewInMemory()
	defer kept.Close()
	c, s := connect(t, paho.ClientConfig{Session: kept}, 60, false, 0)
	for id := 1; id <= 65535; id++ {
		kept.AllocateClientPacketIDForTest(uint16(id), packets.PUBLISH, nil)
	}
	if err := await(t, publish(t, c, 1), "end of Publish"); !errors.Is(err, session.ErrPacketIdentifiersExhausted) {
		t.Errorf("Publish returns %v", err)
	}
	if _, err := c.Subscribe(within(t), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}}); !errors.Is(err, session.ErrPacketIdentifiersExhausted) {
		t.Errorf("Subscribe returns %v", err)
	}
	if err := await(t, publish(t, c, 0), "end of Publish"); err != nil {
		t.Error(err)
	}
	s.expect(packets.PUBLISH)
	c.Disconnect(&paho.Disconnect{})
}

// TestMisuse: arguments that no packet can carry, and calls that no connection is for, are errors and harm nothing.
func TestMisuse(t *testing.T) {
	unconnected := paho.NewClient(paho.ClientConfig{})
	for name, call := range calls(unconnected, context.Background()) {
		if err := call(); err == nil && name != "Ack" {
			t.Errorf("%s without a connection returns no error", name)
		}
	}
	c, s := connect(t, paho.ClientConfig{}, 0, false, 0)
	long := string(make([]byte, 70000))
	for name, p := range map[string]*paho.Publish{
		"wildcard": {Topic: "a/#", QoS: 1}, "NUL": {Topic: "a\x00b"}, "long": {Topic: long}, "no UTF-8": {Topic: "\xff"},
		"property": {Topic: "t", Properties: &paho.PublishProperties{ContentType: long}},
		"response": {Topic: "t", Properties: &paho.PublishProperties{ResponseTopic: "a/#"}},
		"alias":    {Topic: "t", Properties: &paho.PublishProperties{TopicAlias: paho.Uint16(0)}},
	} {
		if _, err := c.Publish(within(t), p); !errors.Is(err, paho.ErrInvalidArguments) {
			t.Errorf("%s: Publish returns %v", name, err)
		}
	}
	for name, filters := range map[string][]paho.SubscribeOptions{
		"none": {}, "empty": {{Topic: ""}}, "wildcard": {{Topic: "a/#/b"}}, "qos": {{Topic: "t", QoS: 3}}, "long": {{Topic: long}}, "retain": {{Topic: "t", RetainHandling: 3}},
	} {
		if _, err := c.Subscribe(within(t), &paho.Subscribe{Subscriptions: filters}); !errors.Is(err, paho.ErrInvalidArguments) {
			t.Errorf("%s: Subscribe returns %v", name, err)
		}
	}
	for name, filters := range map[string][]string{"none": {}, "empty": {""}, "long": {long}} {
		if _, err := c.Unsubscribe(within(t), &paho.Unsubscribe{Topics: filters}); !errors.Is(err, paho.ErrInvalidArguments) {
			t.Errorf("%s: Unsubscribe returns %v", name, err)
		}
	}
	ended := publish(t, c, 1) // the connection has not suffered
	s.puback(s.expect(packets.PUBLISH).PacketID())
	if err := await(t, ended, "end of Publish"); err != nil {
		t.Error(err)
	}
	c.Disconnect(nil)
}

// calls are all functions of a client that have an error.
func calls(c *paho.Client, ctx context.Context) map[string]func() error {
	return map[string]func() error{
		"Publish": func() error {
			_, err := c.Publish(ctx, &paho.Publish{Topic: "t", QoS: byte(rand.IntN(3))})
			return err
		},
		"PublishWithOptions": func() error {
			_, err := c.PublishWithOptions(ctx, &paho.Publish{Topic: "t", QoS: 1}, paho.PublishOptions{Method: paho.PublishMethod_AsyncSend})
			return err
		},
		"Subscribe": func() error {
			_, err := c.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}})
			return err
		},
		"Unsubscribe": func() error {
			_, err := c.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{"t"}})
			return err
		},
		"Authenticate": func() error {
			_, err := c.Authenticate(ctx, &paho.Auth{ReasonCode: packets.AuthReauthenticate})
			return err
		},
		"Ack":        func() error { return c.Ack(&paho.Publish{QoS: 1, PacketID: 1}) },
		"Disconnect": func() error { return c.Disconnect(&paho.Disconnect{}) },
		"Connect": func() error {
			_, err := c.Connect(ctx, &paho.Connect{ClientID: "client"})
			return err
		},
	}
}
