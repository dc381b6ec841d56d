package mqtt

import (
	"context"
	"net"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

// A late context calls a function before somebody waits for its end.
type late struct {
	context.Context
	before func()
}

func (l late) Done() <-chan struct{} {
	l.before()
	return l.Context.Done()
}

// TestDisconnectBesideConnack: the client has been connected, and Disconnect has been called, before the goroutine that connects looks. It must take
// the attempt as successful, whichever it sees first: Disconnect ends the connection, and the client may be connecting anew.
func TestDisconnectBesideConnack(t *testing.T) {
	for range 50 {
		c := NewClient(NewClientOptions()).(*client)
		ctx, err := c.status.connect()
		if err == nil {
			err = c.openSession()
		}
		if err != nil {
			t.Fatal(err)
		}
		conn, server := net.Pipe()
		last := make(chan packets.ControlPacket, 1)
		go func() {
			var before packets.ControlPacket
			for {
				packet, err := packets.ReadPacket(server)
				if err != nil {
					last <- before
					return
				}
				if _, connects := packet.(*packets.ConnectPacket); connects {
					_ = packets.NewControlPacket(packets.Connack).Write(server)
				}
				before = packet
			}
		}()
		ended := make(chan bool)
		looks := func() {
			for deadline := time.Now().Add(time.Minute); c.status.now() != connected || c.attempt.Load() != nil; runtime.Gosched() {
				if time.Now().After(deadline) {
					t.Error("no CONNACK")
					return
				}
			}
			go func() {
				c.Disconnect(60000)
				close(ended)
			}()
			<-ctx.Done()
		}
		connect := c.connectPacket(&url.URL{}, 4)
		if _, code, err := c.handshake(late{ctx, looks}, conn, connect, time.Time{}); err != nil || code != packets.Accepted {
			t.Errorf("the attempt ends with %d, %v", code, err)
		}
		<-ended
		if packet, ok := (<-last).(*packets.DisconnectPacket); !ok {
			t.Errorf("the last packet is %v", packet)
		}
	}
}
