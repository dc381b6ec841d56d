// Command program measures one thing with whichever library it was built with: program SCENARIO URL COUNT [CA-FILE].
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const size = 256

func fail(v ...any) {
	fmt.Fprintln(os.Stderr, v...)
	os.Exit(1)
}

func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func options(id string) *mqtt.ClientOptions {
	o := mqtt.NewClientOptions().AddBroker(os.Args[2]).SetClientID(id)
	if len(os.Args) > 4 {
		pem, err := os.ReadFile(os.Args[4])
		if err != nil {
			fail(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		o.SetTLSConfig(&tls.Config{RootCAs: pool, ServerName: "localhost", InsecureSkipVerify: true})
	}
	return o
}

func connect(o *mqtt.ClientOptions) mqtt.Client {
	c := mqtt.NewClient(o)
	if t := c.Connect(); t.Wait() && t.Error() != nil {
		fail(t.Error())
	}
	return c
}

// rate prints messages a second and processor time a message.
func rate(n int, start time.Time, before time.Duration) {
	took, used := time.Since(start), cpu()-before
	fmt.Printf("rate=%.0f cpu_us=%.3f\n", float64(n)/took.Seconds(), float64(used.Nanoseconds())/1e3/float64(n))
}

// publish publishes n messages, at most window of them under way, and waits for all.
func publish(o *mqtt.ClientOptions, qos byte, n, window int) {
	c := connect(o)
	payload := []byte(strings.Repeat("x", size))
	tokens := make([]mqtt.Token, window)
	start, before := time.Now(), cpu()
	for i := range n {
		if old := tokens[i%window]; old != nil && (!old.Wait() || old.Error() != nil) {
			fail(old.Error())
		}
		tokens[i%window] = c.Publish("bench/topic", qos, false, payload)
	}
	for _, t := range tokens {
		if t != nil && (!t.Wait() || t.Error() != nil) {
			fail(t.Error())
		}
	}
	rate(n, start, before)
	c.Disconnect(250)
}

// publishMany publishes n messages with QoS 1 from goroutines, each of which waits for the end of each.
func publishMany(o *mqtt.ClientOptions, n, goroutines int) {
	c := connect(o)
	payload := []byte(strings.Repeat("x", size))
	start, before := time.Now(), cpu()
	var all sync.WaitGroup
	for range goroutines {
		all.Add(1)
		go func() {
			defer all.Done()
			for range n / goroutines {
				if t := c.Publish("bench/topic", 1, false, payload); !t.Wait() || t.Error() != nil {
					fail(t.Error())
				}
			}
		}()
	}
	all.Wait()
	rate(n, start, before)
	c.Disconnect(250)
}

func receive(o *mqtt.ClientOptions, qos byte, n int) {
	var count atomic.Int64
	done := make(chan bool)
	o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
		if len(m.Payload()) != size {
			fail("payload of", len(m.Payload()))
		}
		if count.Add(1) == int64(n) {
			close(done)
		}
	})
	c := connect(o)
	start, before := time.Now(), cpu()
	c.Subscribe(fmt.Sprintf("f/%d/%d/%d/0", qos, size, n), qos, nil)
	<-done
	rate(n, start, before)
	c.Disconnect(250)
}

func roundTrips(o *mqtt.ClientOptions, qos byte, n int) {
	back := make(chan bool, 1)
	o.SetDefaultPublishHandler(func(mqtt.Client, mqtt.Message) { back <- true })
	c := connect(o)
	payload := []byte(strings.Repeat("x", size))
	samples := make([]time.Duration, 0, n)
	for i := range n + 500 {
		start := time.Now()
		c.Publish("e/topic", qos, false, payload)
		<-back
		if i >= 500 {
			samples = append(samples, time.Since(start))
		}
	}
	slices.Sort(samples)
	fmt.Printf("p50_us=%.1f p99_us=%.1f\n", float64(samples[n/2].Nanoseconds())/1e3, float64(samples[n*99/100].Nanoseconds())/1e3)
	c.Disconnect(250)
}

func resident() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		fail(err)
	}
	for _, line := range strings.Split(string(status), "\n") {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, _ := strconv.Atoi(strings.Fields(value)[0])
			return kib
		}
	}
	return 0
}

func idle(n int) {
	clients := []mqtt.Client{connect(options("idle"))}
	runtime.GC()
	kib, goroutines := resident(), runtime.NumGoroutine()
	for i := range n {
		clients = append(clients, connect(options("idle"+strconv.Itoa(i))))
	}
	runtime.GC()
	threads, _ := os.ReadDir("/proc/self/task")
	fmt.Printf("kib=%.2f goroutines=%.2f threads=%d\n", float64(resident()-kib)/float64(n), float64(runtime.NumGoroutine()-goroutines)/float64(n), len(threads))
	for _, c := range clients {
		c.Disconnect(0)
	}
}

func main() {
	n, err := strconv.Atoi(os.Args[3])
	if err != nil {
		fail(err)
	}
	o := options("bench")
	switch scenario := os.Args[1]; scenario {
	case "publish0":
		publish(o, 0, n, 1000)
	case "publish1":
		publish(o, 1, n, 1000)
	case "publish1many":
		publishMany(o, n, 100)
	case "publish1store":
		directory, err := os.MkdirTemp("", "bench")
		if err != nil {
			fail(err)
		}
		defer os.RemoveAll(directory)
		publish(o.SetCleanSession(false).SetStore(mqtt.NewFileStore(directory)), 1, n, 1000)
	case "receive0":
		receive(o, 0, n)
	case "receive1", "receive1tls":
		receive(o, 1, n)
	case "receive0unordered":
		receive(o.SetOrderMatters(false), 0, n)
	case "receive1unordered":
		receive(o.SetOrderMatters(false), 1, n)
	case "roundtrip0":
		roundTrips(o, 0, n)
	case "roundtrip1":
		roundTrips(o, 1, n)
	case "idle":
		idle(n)
	default:
		fail("no scenario", scenario)
	}
}
