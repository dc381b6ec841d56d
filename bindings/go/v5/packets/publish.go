package packets

import (
	"bytes"
	"fmt"
	"io"
	"net"
)

// Publish is a PUBLISH packet.
type Publish struct {
	Payload    []byte
	Topic      string
	Properties *Properties
	PacketID   uint16
	QoS        byte
	Duplicate  bool
	Retain     bool
}

// String describes the packet.
func (p *Publish) String() string {
	return fmt.Sprintf("PUBLISH: PacketID:%d QOS:%d Topic:%s Duplicate:%t Retain:%t Payload:\n%s\nProperties\n%s",
		p.PacketID, p.QoS, p.Topic, p.Duplicate, p.Retain, p.Payload, p.Properties)
}

// SetIdentifier sets the packet's identifier.
func (p *Publish) SetIdentifier(packetID uint16) { p.PacketID = packetID }

// Type returns PUBLISH.
func (p *Publish) Type() byte { return PUBLISH }

func (p *Publish) flags() byte { return bit(p.Duplicate, 3) | p.QoS&3<<1 | bit(p.Retain, 0) }

// Unpack decodes what follows the fixed header, whose QoS must be set already.
func (p *Publish) Unpack(r *bytes.Buffer) error { return decode(r, p.unpack) }

func (p *Publish) unpack(d *decoder) {
	p.Topic = d.string()
	if p.QoS > 0 {
		p.PacketID = d.uint16()
	}
	d.properties(&p.Properties, PUBLISH)
	p.Payload = d.rest()
}

// Buffers encodes what follows the fixed header. The payload is not copied.
func (p *Publish) Buffers() (net.Buffers, error) {
	e := encoder{data: make([]byte, 0, 5+len(p.Topic))}
	if p.QoS > 3 { // 3 is no QoS either, but can be written, as the original does
		e.fail(errQoS)
	}
	e.string(p.Topic)
	if p.QoS > 0 {
		e.uint16(p.PacketID)
	}
	e.properties(p.Properties, PUBLISH)
	return net.Buffers{e.data, p.Payload}, e.err
}

// WriteTo writes the whole packet.
func (p *Publish) WriteTo(w io.Writer) (int64, error) { return p.ToControlPacket().WriteTo(w) }

// ToControlPacket puts a fixed header before the packet.
func (p *Publish) ToControlPacket() *ControlPacket {
	return &ControlPacket{FixedHeader: FixedHeader{Type: PUBLISH, Flags: p.flags()}, Content: p}
}
