package handover

import (
	"slices"
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

// TestCleanClose: a process disconnects while its connection is up, with a message with QoS 2 whose PUBREC has not come, one whose PUBCOMP has not, and a
// received one that has not been released. The server has lost the PUBRECs. The next process goes on with all three.
func TestCleanClose(t *testing.T) {
	programs := map[both.Library]string{both.Genuine: both.Build(t, both.Genuine, "..", "./handover/program"), both.Oxide: both.Build(t, both.Oxide, "..", "./handover/program")}
	for first, firstProgram := range programs {
		for second, secondProgram := range programs {
			t.Run(string(first+" then "+second), func(t *testing.T) {
				t.Parallel()
				directory := t.TempDir()
				p := start(t, firstProgram, directory, false)
				sent, released := p.publish(2, "sent"), p.publish(2, "released")
				p.send(&packets.Pubrec{PacketID: released.PacketID})
				p.expect(packets.PUBREL, released.PacketID)
				p.send(&packets.Publish{Topic: "in", Payload: []byte("in"), QoS: 2, PacketID: 9})
				p.Line("message in 2 false")
				p.expect(packets.PUBREC, 9)
				p.Do("disconnect")
				p.expect(packets.DISCONNECT, 0)
				p.Line("disconnected <nil>")
				p.End()

				p = start(t, secondProgram, directory, true)
				seen := map[uint16]bool{}
				for len(seen) < 2 {
					packet := p.read()
					id := packet.PacketID()
					message, again := packet.Content.(*packets.Publish)
					switch {
					case !seen[id] && again && id == sent.PacketID:
						p.same(message, 2, "sent", true)
					case !seen[id] && packet.Type == packets.PUBREL && id == released.PacketID:
					default:
						t.Fatalf("the client sends %v", packet)
					}
					seen[id] = true
				}
				p.send(&packets.Pubcomp{PacketID: released.PacketID})
				p.send(&packets.Pubrec{PacketID: sent.PacketID})
				p.expect(packets.PUBREL, sent.PacketID)
				p.send(&packets.Pubcomp{PacketID: sent.PacketID})
				p.send(&packets.Publish{Topic: "in", Payload: []byte("in"), QoS: 2, PacketID: 9, Duplicate: true})
				p.expect(packets.PUBREC, 9)
				p.send(&packets.Pubrel{PacketID: 9})
				p.expect(packets.PUBCOMP, 9)
				last := p.publish(1, "last")
				p.send(&packets.Puback{PacketID: last.PacketID})
				p.Line("ended last <nil>")
				if slices.Contains(p.Passed, "message in 2 true") {
					t.Error("a message with QoS 2 has come twice")
				}
				p.Do("disconnect")
				p.expect(packets.DISCONNECT, 0)
				p.Line("disconnected <nil>")
				p.End()
				for _, name := range []string{"client", "server"} {
					p.none(name)
				}
			})
		}
	}
}
