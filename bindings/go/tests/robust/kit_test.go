// Package robust has a test for each situation that users of the Go clients suffer from, and for what goes wrong with connections.
package robust

import (
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

// patience is how long something may take that must happen.
const patience = time.Minute

// times returns how often a test repeats its work: a few times, or with PAHO_OXIDE_LONG as often as it says.
func times(few, long int) int {
	if os.Getenv("PAHO_OXIDE_LONG") != "" {
		return long
	}
	return few
}

func ended(t *testing.T, token mqtt.Token, what string) error {
	t.Helper()
	if !token.WaitTimeout(patience) {
		buffer := make([]byte, 1<<20)
		t.Fatalf("%s does not end\n%s", what, buffer[:runtime.Stack(buffer, true)])
	}
	return token.Error()
}

func connected(t *testing.T, o *mqtt.ClientOptions) mqtt.Client {
	t.Helper()
	client := mqtt.NewClient(o)
	if err := ended(t, client.Connect(), "Connect"); err != nil {
		t.Fatal(err)
	}
	return client
}

// options have short pauses, so that tests reconnect quickly.
func options(url, id string) *mqtt.ClientOptions {
	return mqtt.NewClientOptions().AddBroker(url).SetClientID(id).SetMaxReconnectInterval(20 * time.Millisecond)
}

// A proxy stands between clients and a broker, and breaks connections in several ways.
type proxy struct {
	listener net.Listener
	to       string
	mu       sync.Mutex
	conns    map[net.Conn]bool
	stalled  atomic.Bool
}

func newProxy(t *testing.T, broker *both.Broker) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, to: strings.TrimPrefix(broker.TCP, "tcp://"), conns: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close(); p.cut(false) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn)
		}
	}()
	return p
}

func (p *proxy) url() string { return "tcp://" + p.listener.Addr().String() }

func (p *proxy) serve(conn net.Conn) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		conn.Close()
		return
	}
	p.mu.Lock()
	p.conns[conn], p.conns[server] = true, true
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Add(2)
	pipe := func(to, from net.Conn) {
		defer both.Done()
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			for p.stalled.Load() {
				time.Sleep(time.Millisecond)
			}
			if err == nil {
				_, err = to.Write(buffer[:n])
			}
			if err != nil {
				to.Close()
				from.Close()
				return
			}
		}
	}
	go pipe(server, conn)
	go pipe(conn, server)
	both.Wait()
	p.mu.Lock()
	delete(p.conns, conn)
	delete(p.conns, server)
	p.mu.Unlock()
}

// cut ends all connections, by RST if reset is true.
func (p *proxy) cut(reset bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		if reset {
			conn.(*net.TCPConn).SetLinger(0)
		}
		conn.Close()
	}
}
