// Command program measures one thing with whichever library it was built with: program SCENARIO URL COUNT.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/autopaho/queue/memory"
	"github.com/eclipse/paho.golang/paho"
)

const (
	size       = 256
	publishers = 100
)

var (
	ctx     = context.Background()
	payload = []byte(strings.Repeat("x", size))
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func cpu() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func connect(cfg autopaho.ClientConfig) *autopaho.ConnectionManager {
	server, err := url.Parse(os.Args[2])
	check(err)
	cfg.ServerUrls, cfg.KeepAlive, cfg.ClientID = []*url.URL{server}, 30, "bench"
	cfg.OnConnectError = check
	m, err := autopaho.NewConnection(ctx, cfg)
	check(err)
	check(m.AwaitConnection(ctx))
	return m
}

// rate prints messages a second and processor time a message.
func rate(n int, start time.Time, before time.Duration) {
	took, used := time.Since(start), cpu()-before
	fmt.Printf("rate=%.0f cpu_us=%.3f\n", float64(n)/took.Seconds(), float64(used.Nanoseconds())/1e3/float64(n))
}

// publish publishes n messages from a number of goroutines, each of which waits for the answer to each.
func publish(qos byte, n, goroutines int) {
	m := connect(autopaho.ClientConfig{})
	start, before := time.Now(), cpu()
	var done sync.WaitGroup
	for range goroutines {
		done.Add(1)
		go func() {
			defer done.Done()
			for range n / goroutines {
				_, err := m.Publish(ctx, &paho.Publish{Topic: "bench/topic", QoS: qos, Payload: payload})
				check(err)
			}
		}()
	}
	done.Wait()
	rate(n, start, before)
	check(m.Disconnect(ctx))
}

// publishViaQueue publishes n messages, and waits until the queue is empty and the server has the last one.
func publishViaQueue(n int) {
	q := memory.New()
	m := connect(autopaho.ClientConfig{Queue: q})
	start, before := time.Now(), cpu()
	for range n {
		check(m.PublishViaQueue(ctx, &autopaho.QueuePublish{Publish: &paho.Publish{Topic: "bench/topic", QoS: 1, Payload: payload}}))
	}
	<-q.WaitForEmpty()
	_, err := m.Publish(ctx, &paho.Publish{Topic: "bench/topic", QoS: 1, Payload: payload})
	check(err)
	rate(n, start, before)
	check(m.Disconnect(ctx))
}

func receive(qos byte, n int) {
	count, done := 0, make(chan bool)
	m := connect(autopaho.ClientConfig{ClientConfig: paho.ClientConfig{OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(paho.PublishReceived) (bool, error) {
			if count++; count == n {
				close(done)
			}
			return true, nil
		},
	}}})
	start, before := time.Now(), cpu()
	_, err := m.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: fmt.Sprintf("f/%d/%d/%d/0", qos, size, n), QoS: qos}}})
	check(err)
	<-done
	rate(n, start, before)
	check(m.Disconnect(ctx))
}

// roundTrips sends messages that the server sends back, one after the other.
func roundTrips(qos byte, n int) {
	back := make(chan bool, 1)
	m := connect(autopaho.ClientConfig{ClientConfig: paho.ClientConfig{OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(paho.PublishReceived) (bool, error) { back <- true; return true, nil },
	}}})
	samples := make([]time.Duration, n)
	for i := range samples {
		start := time.Now()
		_, err := m.Publish(ctx, &paho.Publish{Topic: "e/topic", QoS: qos, Payload: payload})
		check(err)
		<-back
		samples[i] = time.Since(start)
	}
	slices.Sort(samples)
	fmt.Printf("p50_us=%.1f p99_us=%.1f\n", float64(samples[n/2].Nanoseconds())/1e3, float64(samples[n*99/100].Nanoseconds())/1e3)
	check(m.Disconnect(ctx))
}

func main() {
	n, err := strconv.Atoi(os.Args[3])
	check(err)
	switch scenario := os.Args[1]; scenario {
	case "publish0":
		publish(0, n, 1)
	case "publish1":
		publish(1, n, 1)
	case "publish1many":
		publish(1, n, publishers)
	case "queue":
		publishViaQueue(n)
	case "receive0":
		receive(0, n)
	case "receive1":
		receive(1, n)
	case "roundtrip0":
		roundTrips(0, n)
	case "roundtrip1":
		roundTrips(1, n)
	default:
		check(fmt.Errorf("no scenario %s", scenario))
	}
}
