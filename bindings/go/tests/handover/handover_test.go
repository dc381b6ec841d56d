// Package handover has a genuine client and ours follow each other on one FileStore.
package handover

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

const patience = time.Minute

// A process is the program, and the server's side of its connection.
type process struct {
	*both.Process
	t    *testing.T
	conn net.Conn
}

func start(t *testing.T, program, directory string, present bool) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := &process{t: t, Process: both.Start(t, program, "tcp://"+l.Addr().String(), directory)}
	l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	if p.conn, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.conn.Close() })
	p.conn.SetDeadline(time.Now().Add(patience))
	connect, ok := p.read().(*packets.ConnectPacket)
	if !ok || connect.CleanSession {
		t.Fatalf("the client begins with %v", connect)
	}
	answer := packets.NewControlPacket(packets.Connack).(*packets.ConnackPacket)
	answer.SessionPresent = present
	p.send(answer)
	return p
}

func (p *process) read() packets.ControlPacket {
	p.t.Helper()
	packet, err := packets.ReadPacket(p.conn)
	if err != nil {
		p.t.Fatalf("the server reads: %v", err)
	}
	return packet
}

func (p *process) send(packet packets.ControlPacket) {
	p.t.Helper()
	if err := packet.Write(p.conn); err != nil {
		p.t.Fatalf("the server writes: %v", err)
	}
}

// ack sends an acknowledgement.
func (p *process) ack(kind byte, id uint16) {
	p.t.Helper()
	bytes := []byte{kind << 4, 2, byte(id >> 8), byte(id)}
	if kind == packets.Pubrel {
		bytes[0] |= 2
	}
	if _, err := p.conn.Write(bytes); err != nil {
		p.t.Fatal(err)
	}
}

// expect reads a packet of a type.
func expect[T packets.ControlPacket](p *process) T {
	p.t.Helper()
	packet := p.read()
	wanted, ok := packet.(T)
	if !ok {
		p.t.Fatalf("the client sends %v", packet)
	}
	return wanted
}

// publish has the program publish, and returns what arrives.
func (p *process) publish(qos int, payload string) *packets.PublishPacket {
	p.t.Helper()
	p.Do(fmt.Sprint("publish ", qos, " ", payload))
	message := expect[*packets.PublishPacket](p)
	if string(message.Payload) != payload || int(message.Qos) != qos || message.Dup || message.MessageID == 0 {
		p.t.Fatalf("the client sends %v", message)
	}
	return message
}

func (p *process) disconnect() {
	p.t.Helper()
	p.Do("disconnect")
	expect[*packets.DisconnectPacket](p)
	p.Line("disconnected")
	p.End()
}

// again reads what a client sends again: as many packets as there are messages in flight. A message whose PUBREC has come may be sent again as
// PUBLISH by a client that does not store that, or as PUBREL.
func (p *process) again(flight map[uint16]*packets.PublishPacket, received []uint16) (releases []uint16) {
	p.t.Helper()
	seen := map[uint16]bool{}
	for len(seen) < len(flight) {
		packet := p.read()
		id := packet.Details().MessageID
		message := flight[id]
		if message == nil || seen[id] {
			p.t.Fatalf("the client sends %v, and %v are in flight", packet, flight)
		}
		seen[id] = true
		switch packet := packet.(type) {
		case *packets.PublishPacket:
			if !packet.Dup || packet.Qos != message.Qos || string(packet.Payload) != string(message.Payload) || packet.TopicName != "topic" || !packet.Retain {
				p.t.Errorf("%v is sent again as %v", message, packet)
			}
		case *packets.PubrelPacket:
			if !slices.Contains(received, id) {
				p.t.Errorf("%d is released, and no PUBREC was sent", id)
			}
			releases = append(releases, id)
		default:
			p.t.Fatalf("the client sends %v", packet)
		}
	}
	return releases
}

// received is a message with QoS 2 that the server sends.
func received(id uint16, again bool) *packets.PublishPacket {
	message := packets.NewControlPacket(packets.Publish).(*packets.PublishPacket)
	message.TopicName, message.Payload, message.Qos, message.MessageID, message.Dup = "in", []byte("in"), 2, id, again
	return message
}

// A step is a process that follows another.
type step struct {
	library both.Library
	killed  bool
}

var chains = map[string][]step{
	"taken over from a killed one":  {{both.Genuine, true}, {both.Oxide, false}},
	"taken over after its end":      {{both.Genuine, false}, {both.Oxide, false}},
	"given back":                    {{both.Oxide, false}, {both.Genuine, false}},
	"given back after a kill":       {{both.Oxide, true}, {both.Oxide, false}, {both.Genuine, false}},
	"taken, killed, and given back": {{both.Genuine, true}, {both.Oxide, true}, {both.Oxide, true}, {both.Oxide, false}, {both.Genuine, false}},
	"back and forth":                {{both.Oxide, false}, {both.Genuine, true}, {both.Oxide, false}, {both.Genuine, false}, {both.Oxide, false}},
	"ours alone, killed":            {{both.Oxide, true}, {both.Oxide, true}, {both.Oxide, false}},
	"ours alone":                    {{both.Oxide, false}, {both.Oxide, false}},
}

// TestHandOver: messages with QoS 1, with QoS 2 before and after PUBREC, and a received one with QoS 2 are under way when a process is killed or
// disconnects. The next ones go on with them, and the last one brings them to an end.
func TestHandOver(t *testing.T) {
	programs := map[both.Library]string{both.Genuine: both.Build(t, both.Genuine, "..", "./handover/program"), both.Oxide: both.Build(t, both.Oxide, "..", "./handover/program")}
	for name, chain := range chains {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := filepath.Join(t.TempDir(), "store")
			flight := map[uint16]*packets.PublishPacket{}
			var released uint16
			var known bool // the store has that PUBREC has come
			for i, step := range chain {
				p := start(t, programs[step.library], directory, i > 0)
				releases := p.again(flight, []uint16{released})
				// Ours stores that PUBREC has come; the original does not.
				if i > 0 && known && len(releases) != 1 {
					t.Errorf("step %d: the message is sent again, not its release", i)
				}
				known = len(releases) == 1 || i == 0 && step.library == both.Oxide
				p.Line("connected")
				if i == 0 {
					one, two, three := p.publish(1, "one"), p.publish(2, "two \x00\xff"), p.publish(2, "three")
					flight = map[uint16]*packets.PublishPacket{one.MessageID: one, two.MessageID: two, three.MessageID: three}
					released = three.MessageID
					p.ack(packets.Pubrec, released)
					if id := expect[*packets.PubrelPacket](p).MessageID; id != released {
						t.Errorf("%d is released, not %d", id, released)
					}
					p.send(received(9, false))
					p.Line("message in 2 false")
					if id := expect[*packets.PubrecPacket](p).MessageID; id != 9 {
						t.Errorf("%d is acknowledged, not 9", id)
					}
				} else if step.library == both.Oxide { // the original may use a released message's identifier again
					more := p.publish(1, fmt.Sprint("more ", i))
					if flight[more.MessageID] != nil {
						t.Errorf("step %d: a new message has the identifier of %v", i, flight[more.MessageID])
					}
					flight[more.MessageID] = more
				}
				if i < len(chain)-1 {
					if step.killed {
						p.Kill()
					} else {
						p.disconnect()
					}
					continue
				}
				// The last one: all is brought to an end.
				for id, message := range flight {
					switch {
					case message.Qos == 1:
						p.ack(packets.Puback, id)
					default:
						if !slices.Contains(releases, id) {
							p.ack(packets.Pubrec, id)
							if released := expect[*packets.PubrelPacket](p).MessageID; released != id {
								t.Errorf("%d is released, not %d", released, id)
							}
						}
						p.ack(packets.Pubcomp, id)
					}
				}
				// The server did not get the PUBREC.
				p.send(received(9, true))
				if id := expect[*packets.PubrecPacket](p).MessageID; id != 9 {
					t.Errorf("%d is acknowledged, not 9", id)
				}
				p.ack(packets.Pubrel, 9)
				if id := expect[*packets.PubcompPacket](p).MessageID; id != 9 {
					t.Errorf("the end of %d is acknowledged, not of 9", id)
				}
				last := p.publish(2, "last")
				p.ack(packets.Pubrec, last.MessageID)
				expect[*packets.PubrelPacket](p)
				p.ack(packets.Pubcomp, last.MessageID)
				p.Line("ended last <nil>")
				if i > 0 && step.library == both.Oxide && chain[i-1].library == both.Oxide && slices.Contains(p.Passed, "message in 2 true") {
					t.Error("a message with QoS 2 has come twice")
				}
				p.disconnect()
				left, _ := filepath.Glob(filepath.Join(directory, "*.msg"))
				if len(left) != 0 {
					t.Errorf("%v are left", left)
				}
				// Nothing comes a second time.
				p = start(t, programs[step.library], directory, true)
				p.Line("connected")
				p.publish(1, "nothing before this")
				p.Kill()
			}
		})
	}
}
