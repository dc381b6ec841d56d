package robust

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session/state"
	"go.uber.org/goleak"
)

// TestRandomWalk: whatever is called whenever from wherever, every call ends.
func TestRandomWalk(t *testing.T) {
	before := goleak.IgnoreCurrent()
	kept := state.NewInMemory()
	for round := range 40 {
		conn, s := pipe(t)
		config := paho.ClientConfig{Conn: conn, PacketTimeout: 2 * time.Second, EnableManualAcknowledgment: round%3 == 0}
		if round%2 == 0 {
			config.Session = kept
		}
		var c *paho.Client
		made := make(chan bool)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		walk := func() {
			<-made
			functions := calls(c, ctx)
			for name, call := range functions { // in no order
				if (name == "Disconnect" || name == "Connect") && rand.IntN(4) > 0 {
					continue
				}
				_ = call()
			}
		}
		config.OnPublishReceived = []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
			walk()
			remove := c.AddOnPublishReceived(func(paho.PublishReceived) (bool, error) { return false, nil })
			remove()
			_ = p.Client.Ack(p.Packet)
			return true, nil
		}}
		config.OnClientError = func(error) { walk() }
		config.OnServerDisconnect = func(*paho.Disconnect) { walk() }
		c = connectOn(t, config, s, uint32(round%2), false, uint16(rand.IntN(3)))
		close(made)
		served := make(chan bool)
		go func() {
			s.answer()
			close(served)
		}()
		var all sync.WaitGroup
		for range 4 {
			all.Add(1)
			go func() {
				defer all.Done()
				walk()
			}()
		}
		all.Add(1)
		go func() {
			defer all.Done()
			for id := range uint16(5) {
				_, _ = (&packets.Publish{Topic: "t", QoS: byte(id % 3), PacketID: id + 1, Properties: &packets.Properties{}}).WriteTo(s.Conn)
			}
			switch rand.IntN(4) {
			case 0:
				_, _ = (&packets.Disconnect{Properties: &packets.Properties{}}).WriteTo(s.Conn)
			case 1:
				s.Close()
			case 2:
				c.TerminateConnectionForTest()
			}
		}()
		all.Wait()
		c.TerminateConnectionForTest()
		await(t, c.Done(), fmt.Sprint("end of round ", round))
		s.Close()
		await(t, served, "end of the server")
		cancel()
	}
	kept.Close()
	goleak.VerifyNone(t, before)
}
