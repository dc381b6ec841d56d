package packets

import "io"

// PingreqPacket is a PINGREQ.
type PingreqPacket struct {
	FixedHeader
}

// String describes the packet.
func (p *PingreqPacket) String() string { return p.FixedHeader.String() }

// Write encodes the packet.
func (p *PingreqPacket) Write(w io.Writer) error { return p.send(w, nil) }

// Unpack does nothing: a PINGREQ is its fixed header.
func (p *PingreqPacket) Unpack(b io.Reader) error { return nil }

// Details returns zeroes: a PINGREQ has neither.
func (p *PingreqPacket) Details() Details { return Details{} }

// PingrespPacket is a PINGRESP.
type PingrespPacket struct {
	FixedHeader
}

// String describes the packet.
func (p *PingrespPacket) String() string { return p.FixedHeader.String() }

// Write encodes the packet.
func (p *PingrespPacket) Write(w io.Writer) error { return p.send(w, nil) }

// Unpack does nothing: a PINGRESP is its fixed header.
func (p *PingrespPacket) Unpack(b io.Reader) error { return nil }

// Details returns zeroes: a PINGRESP has neither.
func (p *PingrespPacket) Details() Details { return Details{} }

// DisconnectPacket is a DISCONNECT.
type DisconnectPacket struct {
	FixedHeader
}

// String describes the packet.
func (p *DisconnectPacket) String() string { return p.FixedHeader.String() }

// Write encodes the packet.
func (p *DisconnectPacket) Write(w io.Writer) error { return p.send(w, nil) }

// Unpack does nothing: a DISCONNECT is its fixed header.
func (p *DisconnectPacket) Unpack(b io.Reader) error { return nil }

// Details returns zeroes: a DISCONNECT has neither.
func (p *DisconnectPacket) Details() Details { return Details{} }
