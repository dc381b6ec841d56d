package packets

import (
	"fmt"
	"io"
)

// withID describes a packet that has a header and an identifier.
func withID(fh FixedHeader, id uint16) string { return fmt.Sprintf("%s MessageID: %d", fh, id) }

// sendID writes a packet whose body is an identifier.
func (fh *FixedHeader) sendID(w io.Writer, id uint16) error { return fh.send(w, appendUint16(nil, id)) }

// readID reads the body of such a packet.
func readID(b io.Reader, id *uint16) error {
	d := decoder{r: b}
	*id = d.uint16()
	return d.err
}

// PubackPacket is a PUBACK.
type PubackPacket struct {
	FixedHeader
	MessageID uint16
}

// String describes the packet.
func (p *PubackPacket) String() string { return withID(p.FixedHeader, p.MessageID) }

// Write encodes the packet.
func (p *PubackPacket) Write(w io.Writer) error { return p.sendID(w, p.MessageID) }

// Unpack decodes what follows the fixed header.
func (p *PubackPacket) Unpack(b io.Reader) error { return readID(b, &p.MessageID) }

// Details returns the header's quality of service and the identifier.
func (p *PubackPacket) Details() Details { return Details{Qos: p.Qos, MessageID: p.MessageID} }

// PubrecPacket is a PUBREC.
type PubrecPacket struct {
	FixedHeader
	MessageID uint16
}

// String describes the packet.
func (p *PubrecPacket) String() string { return withID(p.FixedHeader, p.MessageID) }

// Write encodes the packet.
func (p *PubrecPacket) Write(w io.Writer) error { return p.sendID(w, p.MessageID) }

// Unpack decodes what follows the fixed header.
func (p *PubrecPacket) Unpack(b io.Reader) error { return readID(b, &p.MessageID) }

// Details returns the header's quality of service and the identifier.
func (p *PubrecPacket) Details() Details { return Details{Qos: p.Qos, MessageID: p.MessageID} }

// PubrelPacket is a PUBREL.
type PubrelPacket struct {
	FixedHeader
	MessageID uint16
}

// String describes the packet.
func (p *PubrelPacket) String() string { return withID(p.FixedHeader, p.MessageID) }

// Write encodes the packet.
func (p *PubrelPacket) Write(w io.Writer) error { return p.sendID(w, p.MessageID) }

// Unpack decodes what follows the fixed header.
func (p *PubrelPacket) Unpack(b io.Reader) error { return readID(b, &p.MessageID) }

// Details returns the header's quality of service and the identifier.
func (p *PubrelPacket) Details() Details { return Details{Qos: p.Qos, MessageID: p.MessageID} }

// PubcompPacket is a PUBCOMP.
type PubcompPacket struct {
	FixedHeader
	MessageID uint16
}

// String describes the packet.
func (p *PubcompPacket) String() string { return withID(p.FixedHeader, p.MessageID) }

// Write encodes the packet.
func (p *PubcompPacket) Write(w io.Writer) error { return p.sendID(w, p.MessageID) }

// Unpack decodes what follows the fixed header.
func (p *PubcompPacket) Unpack(b io.Reader) error { return readID(b, &p.MessageID) }

// Details returns the header's quality of service and the identifier.
func (p *PubcompPacket) Details() Details { return Details{Qos: p.Qos, MessageID: p.MessageID} }

// UnsubackPacket is a UNSUBACK.
type UnsubackPacket struct {
	FixedHeader
	MessageID uint16
}

// String describes the packet.
func (p *UnsubackPacket) String() string { return withID(p.FixedHeader, p.MessageID) }

// Write encodes the packet.
func (p *UnsubackPacket) Write(w io.Writer) error { return p.sendID(w, p.MessageID) }

// Unpack decodes what follows the fixed header.
func (p *UnsubackPacket) Unpack(b io.Reader) error { return readID(b, &p.MessageID) }

// Details returns the identifier.
func (p *UnsubackPacket) Details() Details { return Details{MessageID: p.MessageID} }
