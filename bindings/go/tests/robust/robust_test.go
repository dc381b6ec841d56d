// Package robust has a test for each situation that users of the Go clients suffer from, and for what goes wrong with connections.
package robust

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
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

// TestStorm: goroutines publish and wait, handlers publish and wait, and the connection breaks and stalls all the time. Every call must end.
func TestStorm(t *testing.T) {
	broker := both.Mosquitto(t)
	p := newProxy(t, broker)
	var clients []mqtt.Client
	for i := range 4 {
		c := connected(t, options(p.url(), fmt.Sprint("sub", i)).SetKeepAlive(time.Second).SetPingTimeout(200*time.Millisecond).
			SetWriteTimeout(time.Second).SetOrderMatters(i%2 == 0).SetResubscribe(true))
		c.Subscribe("storm/#", byte(i%3), func(c mqtt.Client, m mqtt.Message) {
			c.Publish("echo", 1, false, m.Payload()).WaitTimeout(20 * time.Millisecond)
		})
		clients = append(clients, c)
	}
	stop := make(chan struct{})
	var publishers sync.WaitGroup
	var count atomic.Int64
	for i := range 16 {
		c := connected(t, options(p.url(), fmt.Sprint("pub", i)).SetKeepAlive(time.Second).SetPingTimeout(200*time.Millisecond).SetWriteTimeout(time.Second))
		clients = append(clients, c)
		publishers.Add(1)
		go func() {
			defer publishers.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				token := c.Publish("storm/"+strconv.Itoa(i), byte(n%3), false, "payload")
				if !token.WaitTimeout(patience) {
					t.Errorf("publisher %d: a call with QoS %d does not end", i, n%3)
					return
				}
				count.Add(1)
			}
		}()
	}
	for range times(40, 1000) {
		time.Sleep(time.Duration(rand.IntN(30)) * time.Millisecond)
		switch rand.IntN(4) {
		case 0:
			p.stalled.Store(true)
			time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
			p.stalled.Store(false)
		case 1:
			p.cut(true)
		default:
			p.cut(false)
		}
	}
	close(stop)
	publishers.Wait()
	if count.Load() < 16 {
		t.Errorf("only %d calls", count.Load())
	}
	for _, c := range clients {
		c.Disconnect(100)
	}
}

// failing is a connection whose writes fail once told to.
type failing struct {
	net.Conn
	fails *atomic.Bool
}

var errWrite = errors.New("this write fails")

func (f failing) Write(p []byte) (int, error) {
	if f.fails.Load() {
		return 0, errWrite
	}
	return f.Conn.Write(p)
}

// TestWriteError: the token of a publish with QoS 0 whose write fails ends with the error.
func TestWriteError(t *testing.T) {
	broker := both.Mosquitto(t)
	var fails atomic.Bool
	lost := make(chan error, 1)
	o := options(broker.TCP, "writeerror").SetAutoReconnect(false).SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err })
	o.SetCustomOpenConnectionFn(func(uri *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		conn, err := net.Dial("tcp", uri.Host)
		return failing{conn, &fails}, err
	})
	c := connected(t, o)
	fails.Store(true)
	if err := ended(t, c.Publish("x", 0, false, "x"), "Publish"); !errors.Is(err, errWrite) {
		t.Errorf("the token's error is %v", err)
	}
	if err := <-lost; !errors.Is(err, errWrite) {
		t.Errorf("the connection is lost by %v", err)
	}
	c.Disconnect(10)
}

// TestRandomWalk: every call, in every state, from callbacks too: nothing panics, and every call returns.
func TestRandomWalk(t *testing.T) {
	broker := both.Mosquitto(t)
	p := newProxy(t, broker)
	for walk := range 4 {
		t.Run(strconv.Itoa(walk), func(t *testing.T) {
			t.Parallel()
			var c mqtt.Client
			var depth atomic.Int32
			var step func(r *rand.Rand)
			handler := func(c mqtt.Client, m mqtt.Message) {
				if depth.Add(1) < 20 {
					step(rand.New(rand.NewPCG(rand.Uint64(), 1)))
				}
				depth.Add(-1)
			}
			o := options(p.url(), fmt.Sprint("walk", walk)).SetConnectRetry(walk%2 == 0).SetConnectRetryInterval(time.Millisecond).SetOrderMatters(walk < 2).
				SetCleanSession(walk%2 == 0).SetResumeSubs(walk == 3).SetWriteTimeout(100 * time.Millisecond)
			callback := func() {
				if depth.Add(1) < 20 {
					step(rand.New(rand.NewPCG(rand.Uint64(), 2)))
				}
				depth.Add(-1)
			}
			o.OnConnect = func(mqtt.Client) { callback() }
			o.OnConnectionLost = func(mqtt.Client, error) { callback() }
			o.OnReconnecting = func(mqtt.Client, *mqtt.ClientOptions) { callback() }
			c = mqtt.NewClient(o)
			step = func(r *rand.Rand) {
				switch r.IntN(14) {
				case 0:
					c.Connect()
				case 1:
					c.Connect().WaitTimeout(time.Millisecond)
				case 2:
					c.Disconnect(uint(r.IntN(3)))
				case 3:
					p.cut(r.IntN(2) == 0)
				case 4:
					c.Subscribe("walk/#", byte(r.IntN(3)), handler)
				case 5:
					c.Unsubscribe("walk/#")
				case 6:
					c.SubscribeMultiple(map[string]byte{"walk/a": 1, "walk/b": 2}, nil)
				case 7:
					c.AddRoute("walk/+", handler)
				case 8:
					c.IsConnected()
					c.IsConnectionOpen()
				default:
					c.Publish("walk/a", byte(r.IntN(3)), r.IntN(8) == 0, "x").WaitTimeout(time.Millisecond)
				}
			}
			r := rand.New(rand.NewPCG(uint64(walk), 3))
			for range times(1500, 250000) {
				step(r)
			}
			c.Disconnect(1000)
			quiet := make(chan bool)
			go func() { c.Disconnect(5000); close(quiet) }()
			select {
			case <-quiet:
			case <-time.After(patience):
				t.Error("Disconnect does not return")
			}
		})
	}
}

// usage is what must not grow.
type usage struct{ goroutines, descriptors, threads, heap int }

func measure() usage {
	runtime.GC()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	descriptors, _ := os.ReadDir("/proc/self/fd")
	threads, _ := os.ReadDir("/proc/self/task")
	return usage{runtime.NumGoroutine(), len(descriptors), len(threads), int(memory.HeapAlloc)}
}

// settle waits until there are no more goroutines and descriptors than before, and returns what there is.
func settle(before usage) usage {
	deadline := time.Now().Add(20 * time.Second)
	for {
		now := measure()
		if now.goroutines <= before.goroutines && now.descriptors <= before.descriptors || time.Now().After(deadline) {
			return now
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func (u usage) check(t *testing.T, before usage, heap int) {
	t.Helper()
	if u.goroutines > before.goroutines || u.descriptors > before.descriptors || u.threads > before.threads+16 || u.heap > before.heap+heap {
		buffer := make([]byte, 1<<20)
		t.Errorf("before %+v, after %+v\n%s", before, u, buffer[:runtime.Stack(buffer, true)])
	}
}

// TestReconnectsLeakNothing: connections broken again and again under load.
func TestReconnectsLeakNothing(t *testing.T) {
	broker := both.Mosquitto(t)
	p := newProxy(t, broker)
	up := make(chan bool, 1000)
	o := options(p.url(), "leak").SetMaxReconnectInterval(time.Millisecond).SetOnConnectHandler(func(c mqtt.Client) {
		c.Subscribe("leak", 1, func(mqtt.Client, mqtt.Message) {})
		up <- true
	})
	c := connected(t, o)
	<-up
	round := func() {
		for range 5 {
			c.Publish("leak", 1, false, make([]byte, 1000))
			c.Publish("leak", 0, false, "x")
		}
		p.cut(false)
		select {
		case <-up:
		case <-time.After(patience):
			t.Fatal("no reconnect")
		}
	}
	for range 20 {
		round()
	}
	before := measure()
	for range times(150, 10000) {
		round()
	}
	c.Disconnect(1000)
	settle(before).check(t, before, 8<<20)
}

// TestNothingIsLeft: clients made, used and dropped.
func TestNothingIsLeft(t *testing.T) {
	broker := both.Mosquitto(t)
	use := func(i int) {
		c := connected(t, options(broker.TCP, fmt.Sprint("drop", i)).SetCleanSession(i%2 == 0))
		ended(t, c.Subscribe("drop", 1, func(mqtt.Client, mqtt.Message) {}), "Subscribe")
		ended(t, c.Publish("drop", 2, false, "x"), "Publish")
		c.Disconnect(1000)
	}
	for i := range 10 {
		use(i)
	}
	before := measure()
	for i := range times(200, 5000) {
		use(i)
	}
	settle(before).check(t, before, 8<<20)
}

// TestSubscribeOverRestart: a subscribe whose server goes away ends.
func TestSubscribeOverRestart(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			packets.ReadPacket(conn)
			conn.Write([]byte{0x20, 2, 0, 0})
			packets.ReadPacket(conn) // SUBSCRIBE
			conn.Close()
		}
	}()
	c := connected(t, options("tcp://"+l.Addr().String(), "restart"))
	if err := ended(t, c.Subscribe("x", 1, nil), "Subscribe"); err == nil {
		t.Error("no error")
	}
	c.Disconnect(100)
}

// TestResumedSubscribe: with ResumeSubs it is asked for again, and ends well.
func TestResumedSubscribe(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for first := true; ; first = false {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			packets.ReadPacket(conn)
			conn.Write([]byte{0x20, 2, 0, 0})
			p, err := packets.ReadPacket(conn)
			if first || err != nil {
				conn.Close()
				continue
			}
			answer := packets.NewControlPacket(packets.Suback).(*packets.SubackPacket)
			answer.MessageID, answer.ReturnCodes = p.Details().MessageID, []byte{1}
			answer.Write(conn)
			io.Copy(io.Discard, conn)
		}
	}()
	c := connected(t, options("tcp://"+l.Addr().String(), "resume").SetResumeSubs(true))
	if err := ended(t, c.Subscribe("x", 1, nil), "Subscribe"); err != nil {
		t.Error(err)
	}
	c.Disconnect(100)
}

// TestResubscribe: with the option, a clean session's subscriptions are made again.
func TestResubscribe(t *testing.T) {
	broker := both.Mosquitto(t)
	p := newProxy(t, broker)
	up := make(chan bool, 10)
	received := make(chan string, 10)
	c := connected(t, options(p.url(), "resubscribe").SetResubscribe(true).SetOnConnectHandler(func(mqtt.Client) { up <- true }))
	ended(t, c.Subscribe("again", 1, func(_ mqtt.Client, m mqtt.Message) { received <- string(m.Payload()) }), "Subscribe")
	<-up
	p.cut(false)
	<-up
	other := connected(t, options(broker.TCP, "resubscriber"))
	for {
		ended(t, other.Publish("again", 1, false, "x"), "Publish")
		select {
		case <-received:
			c.Disconnect(100)
			other.Disconnect(100)
			return
		case <-time.After(20 * time.Millisecond): // the subscription may be on its way
		}
	}
}

// TestDisconnectWithHangingHandler: Disconnect returns in time though a handler hangs, and the program can connect again.
func TestDisconnectWithHangingHandler(t *testing.T) {
	broker := both.Mosquitto(t)
	hang, in := make(chan bool), make(chan bool, 10)
	c := connected(t, options(broker.TCP, "hang"))
	ended(t, c.Subscribe("hang", 1, func(mqtt.Client, mqtt.Message) { in <- true; <-hang }), "Subscribe")
	for range 5 {
		ended(t, c.Publish("hang", 1, false, "x"), "Publish")
	}
	<-in
	start := time.Now()
	c.Disconnect(5000)
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("Disconnect took %v", took)
	}
	if err := ended(t, c.Connect(), "Connect"); err != nil {
		t.Error(err)
	}
	close(hang)
	c.Disconnect(1000)
}

// TestHandlerMayWait: a handler of ordered messages waits for what it publishes, with more messages behind it.
func TestHandlerMayWait(t *testing.T) {
	broker := both.Mosquitto(t)
	const messages = 300
	done := make(chan bool, messages)
	c := connected(t, options(broker.TCP, "wait").SetKeepAlive(0)) // no ping comes to the help of what is forgotten
	ended(t, c.Subscribe("wait", 1, func(c mqtt.Client, m mqtt.Message) {
		for qos := byte(0); qos < 3; qos++ {
			if token := c.Publish("answer", qos, false, m.Payload()); !token.WaitTimeout(patience) || token.Error() != nil {
				t.Errorf("in the handler: %v", token.Error())
			}
		}
		if token := c.Subscribe("other", 1, nil); !token.WaitTimeout(patience) {
			t.Error("a subscribe in the handler does not end")
		}
		done <- true
	}), "Subscribe")
	for i := range messages {
		c.Publish("wait", 1, false, strconv.Itoa(i))
	}
	for range messages {
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatal("a handler that waits is stuck")
		}
	}
	c.Disconnect(1000)
}

// TestSlowHandler: a server faster than the handler is held back, and nothing is lost.
func TestSlowHandler(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const messages = 40000 // more than the client holds
	var sent atomic.Int64
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		packets.ReadPacket(conn)
		conn.Write([]byte{0x20, 2, 0, 0})
		p := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
		p.TopicName, p.Payload = "slow", make([]byte, 1000)
		for range messages {
			if p.Write(conn) != nil {
				return
			}
			sent.Add(1)
		}
		io.Copy(io.Discard, conn)
	}()
	gate, all := make(chan bool), make(chan bool)
	count := 0
	// Where the kernel may hold tens of megabytes for a socket, it could hold all.
	small := func(uri *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		conn, err := net.Dial("tcp", uri.Host)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return conn, err
	}
	c := connected(t, options("tcp://"+l.Addr().String(), "slow").SetCustomOpenConnectionFn(small).SetDefaultPublishHandler(func(mqtt.Client, mqtt.Message) {
		<-gate
		if count++; count == messages {
			close(all)
		}
	}))
	// The server stops when all that lies between is full.
	for last := int64(-1); last != sent.Load(); time.Sleep(300 * time.Millisecond) {
		last = sent.Load()
	}
	if sent.Load() == messages {
		t.Error("the client has no bound")
	}
	close(gate)
	select {
	case <-all:
	case <-time.After(patience):
		t.Errorf("%d of %d", count, messages)
	}
	c.Disconnect(1000)
}

// TestPayloadIsCopied: the program may use a payload's memory again as soon as Publish has returned.
func TestPayloadIsCopied(t *testing.T) {
	broker := both.Mosquitto(t)
	received := make(chan string, 1000)
	c := connected(t, options(broker.TCP, "copy"))
	ended(t, c.Subscribe("copy", 1, func(_ mqtt.Client, m mqtt.Message) { received <- string(m.Payload()) }), "Subscribe")
	payload := []byte("0000")
	for i := range 1000 {
		copy(payload, fmt.Sprintf("%04d", i))
		c.Publish("copy", 1, false, payload)
	}
	for i := range 1000 {
		select {
		case got := <-received:
			if got != fmt.Sprintf("%04d", i) {
				t.Fatalf("message %d is %s", i, got)
			}
		case <-time.After(patience):
			t.Fatal("nothing came")
		}
	}
	c.Disconnect(1000)
}

// TestPingTimeout: a server that stops answering is given up, and the client connects again.
func TestPingTimeout(t *testing.T) {
	broker := both.Mosquitto(t)
	p := newProxy(t, broker)
	lost := make(chan error, 10)
	c := connected(t, options(p.url(), "ping").SetKeepAlive(time.Second).SetPingTimeout(300*time.Millisecond).
		SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err }))
	p.stalled.Store(true)
	select {
	case err := <-lost:
		if err == nil || err.Error() != "pingresp not received, disconnecting" {
			t.Errorf("lost by %v", err)
		}
	case <-time.After(patience):
		t.Error("the dead server is not noticed")
	}
	p.stalled.Store(false)
	if err := ended(t, c.Publish("x", 1, false, ""), "Publish"); err != nil {
		t.Error(err)
	}
	c.Disconnect(1000)
}

// TestIdleKeepAlive: an idle connection is kept alive.
func TestIdleKeepAlive(t *testing.T) {
	broker := both.Mosquitto(t)
	lost := make(chan error, 1)
	c := connected(t, options(broker.TCP, "idle").SetKeepAlive(time.Second).SetConnectionLostHandler(func(_ mqtt.Client, err error) { lost <- err }))
	select {
	case err := <-lost:
		t.Error(err)
	case <-time.After(3500 * time.Millisecond): // the server gives up after 1.5 seconds
	}
	c.Disconnect(1000)
}
