// Package handover has genuine autopaho managers and ours follow each other on the files of one session and one queue.
package handover

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

const patience = time.Minute

// A process is the program, and the server's side of its connection.
type process struct {
	*both.Process
	t         *testing.T
	directory string
	listener  net.Listener
	conn      net.Conn
}

func start(t *testing.T, program, directory string, present bool) *process {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &process{t: t, directory: directory, listener: l, Process: both.Start(t, program, "mqtt://"+l.Addr().String(), directory)}
	l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	if p.conn, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.conn.Close() })
	p.conn.SetDeadline(time.Now().Add(patience))
	if connect, ok := p.read().Content.(*packets.Connect); !ok || connect.CleanStart {
		t.Fatalf("the client begins with %v", connect)
	}
	p.send(&packets.Connack{SessionPresent: present})
	p.Line("connected")
	return p
}

// read reads a packet. PINGREQ is answered and left out.
func (p *process) read() *packets.ControlPacket {
	p.t.Helper()
	for {
		packet, err := packets.ReadPacket(p.conn)
		if err != nil {
			p.t.Fatalf("the server reads: %v", err)
		}
		if packet.Type != packets.PINGREQ {
			return packet
		}
		p.send(&packets.Pingresp{})
	}
}

func (p *process) send(packet io.WriterTo) {
	p.t.Helper()
	if _, err := packet.WriteTo(p.conn); err != nil {
		p.t.Fatalf("the server writes: %v", err)
	}
}

// expect reads a packet of a type with this identifier.
func (p *process) expect(kind byte, id uint16) {
	p.t.Helper()
	if packet := p.read(); packet.Type != kind || packet.PacketID() != id {
		p.t.Fatalf("the client sends %v, not type %d with the identifier %d", packet, kind, id)
	}
}

// same reports a message that is not as it was published.
func (p *process) same(message *packets.Publish, qos int, payload string, again bool) {
	p.t.Helper()
	if string(message.Payload) != payload || int(message.QoS) != qos || message.Duplicate != again || message.PacketID == 0 || !message.Retain ||
		message.Topic != "topic" || message.Properties.ContentType != "text" || len(message.Properties.User) != 1 {
		p.t.Fatalf("the client sends %v", message)
	}
}

// publish has the program publish, and returns what arrives.
func (p *process) publish(qos int, payload string) *packets.Publish {
	p.t.Helper()
	p.Do(fmt.Sprint("publish ", qos, " ", payload))
	message, ok := p.read().Content.(*packets.Publish)
	if !ok {
		p.t.Fatal("the client does not publish")
	}
	p.same(message, qos, payload, false)
	return message
}

// goOn reads what a client sends when it goes on with the messages in flight and with the queue, whose messages are in flight then. It returns the
// identifiers of the messages that are released again.
func (p *process) goOn(flight map[uint16]*packets.Publish, received uint16, queued []string) (releases []uint16) {
	p.t.Helper()
	before := len(flight)
	seen := map[uint16]bool{}
	for len(seen) < before || len(queued) > 0 {
		packet := p.read()
		id := packet.PacketID()
		if seen[id] {
			p.t.Fatalf("the client sends %v, and %d was in use", packet, id)
		}
		message := flight[id]
		switch content := packet.Content.(type) {
		case *packets.Publish:
			if message != nil {
				seen[id] = true
				p.same(content, int(message.QoS), string(message.Payload), true)
				continue
			}
			if len(queued) == 0 {
				p.t.Fatalf("the client sends %v", packet)
			}
			p.same(content, 1, queued[0], false)
			flight[id], queued = content, queued[1:]
		case *packets.Pubrel:
			if id != received {
				p.t.Errorf("%d is released, and no PUBREC was sent", id)
			}
			seen[id] = true
			releases = append(releases, id)
		default:
			p.t.Fatalf("the client sends %v", packet)
		}
	}
	// A message leaves the queue's directory once it has been sent.
	p.none("queue")
	return releases
}

// none awaits that a directory has no packets any more.
func (p *process) none(name string) {
	p.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		left, _ := filepath.Glob(filepath.Join(p.directory, name, "*.[mp][sk][gt]"))
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%v are left", left)
		}
	}
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

// TestHandOver: messages with QoS 1, with QoS 2 before and after PUBREC, a received one with QoS 2, and ones in the queue are there when a process is
// killed or disconnects. The next ones go on with them, and the last one brings them to an end.
func TestHandOver(t *testing.T) {
	programs := map[both.Library]string{both.Genuine: both.Build(t, both.Genuine, "..", "./handover/program"), both.Oxide: both.Build(t, both.Oxide, "..", "./handover/program")}
	for name, chain := range chains {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			flight := map[uint16]*packets.Publish{}
			var released uint16
			var queued []string
			for i, step := range chain {
				p := start(t, programs[step.library], directory, i > 0)
				if i == 0 {
					one, two, three := p.publish(1, "one"), p.publish(2, "two \x00\xff"), p.publish(2, "three")
					flight = map[uint16]*packets.Publish{one.PacketID: one, two.PacketID: two, three.PacketID: three}
					released = three.PacketID
					p.send(&packets.Pubrec{PacketID: released})
					p.expect(packets.PUBREL, released)
					p.send(&packets.Publish{Topic: "in", Payload: []byte("in"), QoS: 2, PacketID: 9})
					p.Line("message in 2 false")
					p.expect(packets.PUBREC, 9)
				} else {
					if releases := p.goOn(flight, released, queued); len(releases) != 1 {
						t.Errorf("step %d: the message is sent again, not its release", i)
					}
					more := p.publish(1, fmt.Sprint("more ", i))
					if flight[more.PacketID] != nil {
						t.Errorf("step %d: a new message has the identifier of %v", i, flight[more.PacketID])
					}
					flight[more.PacketID] = more
				}
				if i < len(chain)-1 {
					// Without a connection messages go to the queue.
					p.listener.Close()
					p.conn.Close()
					p.Line("down")
					queued = []string{fmt.Sprint("queued a ", i), fmt.Sprint("queued b ", i), fmt.Sprint("queued c ", i)}
					for _, payload := range queued {
						p.Do("queue 1 " + payload)
						p.Line("queued " + payload + " <nil>")
						time.Sleep(15 * time.Millisecond) // the original's order is that of the file system's clock
					}
					if step.killed {
						p.Kill()
					} else {
						p.Do("disconnect")
						p.Line("disconnected")
						p.End()
					}
					continue
				}
				// The last one: all is brought to an end.
				for id, message := range flight {
					switch {
					case message.QoS == 1:
						p.send(&packets.Puback{PacketID: id})
					case id == released:
						p.send(&packets.Pubcomp{PacketID: id})
					default:
						p.send(&packets.Pubrec{PacketID: id})
						p.expect(packets.PUBREL, id)
						p.send(&packets.Pubcomp{PacketID: id})
					}
				}
				// The server did not get the PUBREC.
				p.send(&packets.Publish{Topic: "in", Payload: []byte("in"), QoS: 2, PacketID: 9, Duplicate: true})
				p.expect(packets.PUBREC, 9)
				p.send(&packets.Pubrel{PacketID: 9})
				p.expect(packets.PUBCOMP, 9)
				last := p.publish(2, "last")
				p.send(&packets.Pubrec{PacketID: last.PacketID})
				p.expect(packets.PUBREL, last.PacketID)
				p.send(&packets.Pubcomp{PacketID: last.PacketID})
				p.Line("ended last <nil>")
				if step.library == both.Oxide && chain[i-1].library == both.Oxide && slices.Contains(p.Passed, "message in 2 true") {
					t.Error("a message with QoS 2 has come twice")
				}
				p.Do("disconnect")
				p.expect(packets.DISCONNECT, 0)
				p.Line("disconnected <nil>")
				p.End()
				for _, name := range []string{"client", "server", "queue"} {
					p.none(name)
				}
				// Nothing comes a second time.
				p = start(t, programs[step.library], directory, true)
				p.publish(1, "nothing before this")
				p.Kill()
			}
		})
	}
}
