package auto

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/extensions/rpc"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session/state"
)

// TestNothingIsLeft: no goroutine is left of a connection manager, in whichever state it ends.
func TestNothingIsLeft(t *testing.T) {
	for name, run := range map[string]func(*testing.T, *server, autopaho.ClientConfig){
		"connected": func(t *testing.T, s *server, cfg autopaho.ClientConfig) {
			disconnect(t, connect(t, cfg))
			if end := await(t, s.ends, "end"); end != packets.DISCONNECT {
				t.Error("no DISCONNECT")
			}
		},
		"without DISCONNECT": func(t *testing.T, s *server, cfg autopaho.ClientConfig) {
			cfg.DisconnectPacketBuilder = func() *paho.Disconnect { return nil }
			disconnect(t, connect(t, cfg))
			if end := await(t, s.ends, "end"); end == packets.DISCONNECT {
				t.Error("a DISCONNECT")
			}
		},
		"the program's context": func(t *testing.T, s *server, cfg autopaho.ClientConfig) {
			ctx, cancel := context.WithCancel(context.Background())
			m, err := autopaho.NewConnection(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.AwaitConnection(within(t)); err != nil {
				t.Fatal(err)
			}
			cancel()
			await(t, m.Done(), "end")
		},
		"OnConnectionDown returns false": func(t *testing.T, s *server, cfg autopaho.ClientConfig) {
			cfg.OnConnectionDown = func() bool { return false }
			m := connect(t, cfg)
			m.TerminateConnectionForTest()
			await(t, m.Done(), "end")
			if _, err := m.Publish(within(t), &paho.Publish{Topic: "t"}); !errors.Is(err, autopaho.ConnectionDownError) {
				t.Error(err)
			}
		},
		"no CONNACK": func(t *testing.T, s *server, cfg autopaho.ClientConfig) {
			s.silent.Store(true)
			dialed := make(chan bool, 1)
			cfg.AttemptConnection = func(ctx context.Context, cfg autopaho.ClientConfig, _ *url.URL) (net.Conn, error) {
				dialed <- true
				return (&net.Dialer{}).DialContext(ctx, "tcp", s.url.Host)
			}
			m, err := autopaho.NewConnection(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			await(t, dialed, "attempt")
			disconnect(t, m)
		},
		"between attempts": func(t *testing.T, s *server, cfg autopaho.ClientConfig) {
			failed := make(chan bool, 1)
			cfg.AttemptConnection = func(context.Context, autopaho.ClientConfig, *url.URL) (net.Conn, error) { return nil, errors.New("no") }
			cfg.OnConnectError = func(error) { failed <- true }
			cfg.ReconnectBackoff = autopaho.NewConstantBackoff(time.Hour)
			m, err := autopaho.NewConnection(context.Background(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			await(t, failed, "attempt")
			disconnect(t, m)
		},
	} {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			s := serve(t)
			cfg := config(s)
			run(t, s, cfg)
			s.close()
			goleak.VerifyNone(t, before)
		})
	}
}

// TestManyPublishers: publishers that each wait for their answer all go on, though nothing else makes the connection's goroutines look.
func TestManyPublishers(t *testing.T) {
	s := serve(t)
	m := connect(t, config(s))
	defer disconnect(t, m)
	var done sync.WaitGroup
	for p := range 100 {
		done.Add(1)
		go func() {
			defer done.Done()
			for i := range 400 {
				if _, err := m.Publish(context.Background(), &paho.Publish{Topic: "t", QoS: 1, Payload: fmt.Append(nil, p, i)}); err != nil {
					t.Errorf("message %d of publisher %d: %v", i, p, err)
					return
				}
			}
		}()
	}
	done.Wait()
}

// TestHandlersStay: handlers that AddOnPublishReceived adds, before a connection or on one, are called on each that follows.
func TestHandlersStay(t *testing.T) {
	s := serve(t)
	cfg := config(s)
	up, called := make(chan bool, 10), make(chan string, 100)
	cfg.OnConnectionUp = func(*autopaho.ConnectionManager, *paho.Connack) { up <- true }
	gate := make(chan bool)
	cfg.AttemptConnection = func(ctx context.Context, _ autopaho.ClientConfig, _ *url.URL) (net.Conn, error) {
		<-gate
		return (&net.Dialer{}).DialContext(ctx, "tcp", s.url.Host)
	}
	m, err := autopaho.NewConnection(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer disconnect(t, m)
	add := func(name string) func() {
		return m.AddOnPublishReceived(func(r autopaho.PublishReceived) (bool, error) {
			called <- fmt.Sprint(name, r.AlreadyHandled, len(r.Errs), r.ConnectionManager == m)
			return name == "before", errors.New(name)
		})
	}
	add("before")
	close(gate)
	await(t, up, "connection")
	remove := add("after")
	for i := range 3 {
		s.send(&packets.Publish{Topic: "t", Payload: fmt.Append(nil, i)})
		if got := await(t, called, "call") + await(t, called, "call"); got != "beforefalse 0 trueaftertrue 1 true" {
			t.Errorf("connection %d: %q", i, got)
		}
		m.TerminateConnectionForTest()
		await(t, up, "connection")
	}
	remove()
	s.send(&packets.Publish{Topic: "t"})
	if got := await(t, called, "call"); got != "beforefalse 0 true" {
		t.Errorf("%q", got)
	}
	if len(called) > 0 {
		t.Error("a handler that was removed is called")
	}
}

// TestHandlersOfOnConnectionUp: a handler that OnConnectionUp adds each time is called once for a message, and one that another goroutine adds at that
// time stays.
func TestHandlersOfOnConnectionUp(t *testing.T) {
	s := serve(t)
	cfg := config(s)
	up, called := make(chan bool, 10), make(chan string, 100)
	add := func(m *autopaho.ConnectionManager, name string) {
		m.AddOnPublishReceived(func(autopaho.PublishReceived) (bool, error) {
			called <- name
			return true, nil
		})
	}
	var beside sync.Once
	cfg.OnConnectionUp = func(m *autopaho.ConnectionManager, _ *paho.Connack) {
		add(m, "within")
		beside.Do(func() {
			added := make(chan bool)
			go func() {
				add(m, "beside")
				close(added)
			}()
			<-added
		})
		up <- true
	}
	m := connect(t, cfg)
	defer disconnect(t, m)
	for i := range 3 {
		await(t, up, "connection")
		remove := m.AddOnPublishReceived(func(autopaho.PublishReceived) (bool, error) {
			called <- "last"
			return true, nil
		})
		s.send(&packets.Publish{Topic: "t"})
		got := map[string]int{}
		for got["last"] == 0 {
			got[await(t, called, "call")]++
		}
		if got["within"] != 1 || got["beside"] != 1 {
			t.Errorf("connection %d: %v", i, got)
		}
		remove()
		m.TerminateConnectionForTest()
	}
}

// TestUnsupported: what the engine cannot use is an error at once.
func TestUnsupported(t *testing.T) {
	type ownSession struct{ *state.State }
	type ownPinger struct{ *paho.DefaultPinger }
	s := serve(t)
	cfg := config(s)
	cfg.Session = ownSession{state.NewInMemory()}
	if _, err := autopaho.NewConnection(context.Background(), cfg); !errors.Is(err, autopaho.ErrUnsupportedSession) {
		t.Error(err)
	}
	cfg = config(s)
	cfg.PingHandler = ownPinger{paho.NewDefaultPinger()}
	if _, err := autopaho.NewConnection(context.Background(), cfg); !errors.Is(err, autopaho.ErrUnsupportedPinger) {
		t.Error(err)
	}
	cfg = config(s)
	cfg.Session, cfg.PingHandler = state.NewInMemory(), paho.NewDefaultPinger()
	disconnect(t, connect(t, cfg))
}

// TestGoingDown: who publishes while the connection is lost again and again gets errors that say so, and none of the socket's.
func TestGoingDown(t *testing.T) {
	s := serve(t)
	up := make(chan bool, 1000)
	cfg := config(s)
	cfg.OnConnectionUp = func(*autopaho.ConnectionManager, *paho.Connack) { up <- true }
	m := connect(t, cfg)
	var stop atomic.Bool
	var done sync.WaitGroup
	for p := range 8 {
		done.Add(1)
		go func() {
			defer done.Done()
			ctx := context.Background()
			for i := 0; !stop.Load(); i++ {
				_, err := m.Publish(ctx, &paho.Publish{Topic: "t", QoS: byte(i % 3), Payload: fmt.Append(nil, p, i)})
				if errors.Is(err, autopaho.ConnectionDownError) {
					m.AwaitConnection(ctx)
				}
				var raw *net.OpError
				if errors.As(err, &raw) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v", err)
				}
			}
		}()
	}
	for range 100 {
		await(t, up, "connection")
		s.cut()
	}
	stop.Store(true)
	await(t, up, "connection")
	done.Wait()
	disconnect(t, m)
}

// TestQueueLosesNothing: what is in the queue comes to the server, however often the connection is lost.
func TestQueueLosesNothing(t *testing.T) {
	s := serve(t)
	cfg := config(s)
	m := connect(t, cfg)
	defer disconnect(t, m)
	const n = 3000
	for i := range n {
		message := &paho.Publish{Topic: "t", QoS: byte(1 + i%2), Payload: fmt.Append(nil, "message ", i)}
		if i%5 == 0 {
			message.Properties = &paho.PublishProperties{ContentType: "text"}
		}
		payload := message.Payload
		if err := m.PublishViaQueue(within(t), &autopaho.QueuePublish{Publish: message}); err != nil {
			t.Fatal(err)
		}
		clear(payload) // the program may use its memory again
		if rand.IntN(50) == 0 {
			s.cut()
		}
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		missing := 0
		s.mu.Lock()
		for i := range n {
			if s.received[fmt.Sprint("message ", i)] == 0 {
				missing++
			}
		}
		s.mu.Unlock()
		if missing == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d messages are missing", missing)
		}
	}
}

// TestHangingHandler: a handler that hangs does not keep Disconnect from returning.
func TestHangingHandler(t *testing.T) {
	s := serve(t)
	cfg := config(s)
	entered, leave := make(chan bool, 1), make(chan bool)
	cfg.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(paho.PublishReceived) (bool, error) {
		entered <- true
		<-leave
		return true, nil
	}}
	m := connect(t, cfg)
	s.send(&packets.Publish{Topic: "t"})
	await(t, entered, "message")
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	_ = m.Disconnect(ctx)
	if took := time.Since(start); took > patience/2 {
		t.Errorf("it took %v", took)
	}
	close(leave)
	await(t, m.Done(), "end")
}

// TestAnyCallAnywhere makes calls from callbacks, handlers and goroutines, in every state of the connection. None may panic or wait for ever.
func TestAnyCallAnywhere(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s := serve(t)
	for round := range 20 {
		cfg := config(s)
		cfg.PacketTimeout = 5 * time.Second
		var manager atomic.Pointer[autopaho.ConnectionManager]
		call := func() {
			m := manager.Load()
			if m == nil {
				return
			}
			ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
			defer cancel()
			switch rand.IntN(10) {
			case 0:
				m.Publish(ctx, &paho.Publish{Topic: "t", QoS: byte(rand.IntN(3))})
			case 1:
				m.PublishViaQueue(ctx, &autopaho.QueuePublish{Publish: &paho.Publish{Topic: "t", QoS: byte(rand.IntN(3))}})
			case 2:
				m.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}})
			case 3:
				m.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{"t"}})
			case 4:
				m.TerminateConnectionForTest()
			case 5:
				m.AwaitConnection(ctx)
			case 6:
				m.AddOnPublishReceived(func(autopaho.PublishReceived) (bool, error) { return false, nil })()
			case 7:
				s.send(&packets.Publish{Topic: "t", Payload: []byte("x")})
			case 8:
				m.Authenticate(ctx, &paho.Auth{ReasonCode: packets.AuthReauthenticate})
			case 9:
				if rand.IntN(10) == 0 {
					s.cut()
				}
			}
		}
		cfg.OnConnectionUp = func(*autopaho.ConnectionManager, *paho.Connack) { call() }
		cfg.OnConnectionDown = func() bool { call(); return true }
		cfg.OnConnectError = func(error) { call() }
		cfg.OnClientError = func(error) { call() }
		cfg.OnServerDisconnect = func(*paho.Disconnect) { call() }
		cfg.ConnectPacketBuilder = func(c *paho.Connect, _ *url.URL) (*paho.Connect, error) { call(); return c, nil }
		cfg.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(paho.PublishReceived) (bool, error) { call(); return true, nil }}
		m, err := autopaho.NewConnection(context.Background(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		manager.Store(m)
		var done sync.WaitGroup
		for range 4 {
			done.Add(1)
			go func() {
				defer done.Done()
				for range 50 {
					call()
				}
			}()
		}
		if round%2 == 0 {
			done.Wait()
		}
		disconnect(t, m)
		done.Wait()
	}
	s.close()
	goleak.VerifyNone(t, before)
}

// TestResponseBeforePuback: a response that comes before the server has acknowledged the request is not lost.
func TestResponseBeforePuback(t *testing.T) {
	cfg := config(serve(t))
	router := paho.NewStandardRouter()
	cfg.Router = router
	m := connect(t, cfg)
	h, err := rpc.NewHandler(within(t), rpc.HandlerOpts{Conn: m, Router: router, ResponseTopicFmt: "%s/responses", ClientID: "client"})
	if err != nil {
		t.Fatal(err)
	}
	response, err := h.Request(within(t), &paho.Publish{Topic: "requests", QoS: 1, Payload: []byte("x")})
	if err != nil || string(response.Payload) != "x" {
		t.Errorf("the response is %v, %v", response, err)
	}
	disconnect(t, m)
}
