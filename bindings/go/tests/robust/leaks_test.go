package robust

import (
	"fmt"
	"os"
	"runtime"
	"testing"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

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
	deadline := time.Now().Add(patience)
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
