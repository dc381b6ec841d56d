package robust

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

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
