package packets

import (
	"bytes"
	"fmt"
	"io"
	"net"
)

// acknowledgement describes a packet of that kind; the order of the two numbers is the caller's.
func acknowledgement(head string, properties *Properties) string {
	if properties == nil {
		return head + "\n"
	}
	return head + " Properties:\n" + properties.String()
}

// acknowledgement decodes an identifier, and what may be left out behind it: a reason code, and behind that properties [MQTT5-3.4.2.1].
func (d *decoder) acknowledgement(id *uint16, reason *byte, properties **Properties, packet byte) {
	*id = d.uint16()
	if len(d.data) > 0 {
		d.reason(reason, properties, packet)
	}
}

// reason decodes a reason code and the properties that may follow.
func (d *decoder) reason(reason *byte, properties **Properties, packet byte) {
	*reason = d.byte()
	if len(d.data) > 0 {
		d.properties(properties, packet)
	}
}

// shortAcknowledgement leaves the length of the properties out if there are none.
func shortAcknowledgement(id uint16, reason byte, properties *Properties, packet byte) (net.Buffers, error) {
	e := encoder{data: make([]byte, 0, 8)}
	e.uint16(id)
	e.byte(reason)
	e.properties(properties, packet)
	if len(e.data) == 4 {
		e.data = e.data[:3]
	}
	return net.Buffers{e.data}, e.err
}

// Puback is a PUBACK packet.
type Puback struct {
	Properties *Properties
	PacketID   uint16
	ReasonCode byte
}

// Reason codes of PUBACK.
const (
	PubackSuccess                     = 0x00
	PubackNoMatchingSubscribers       = 0x10
	PubackUnspecifiedError            = 0x80
	PubackImplementationSpecificError = 0x83
	PubackNotAuthorized               = 0x87
	PubackTopicNameInvalid            = 0x90
	PubackPacketIdentifierInUse       = 0x91
	PubackQuotaExceeded               = 0x97
	PubackPayloadFormatInvalid        = 0x99
)

// String describes the packet.
func (p *Puback) String() string {
	return acknowledgement(fmt.Sprintf("PUBACK: PacketID:%d ReasonCode:%X", p.PacketID, p.ReasonCode), p.Properties)
}

// Unpack decodes what follows the fixed header.
func (p *Puback) Unpack(r *bytes.Buffer) error { return decode(r, p.unpack) }

func (p *Puback) unpack(d *decoder) {
	d.acknowledgement(&p.PacketID, &p.ReasonCode, &p.Properties, PUBACK)
}

// Buffers encodes what follows the fixed header.
func (p *Puback) Buffers() (net.Buffers, error) {
	e := encoder{data: make([]byte, 0, 8)}
	e.uint16(p.PacketID)
	e.byte(p.ReasonCode)
	e.properties(p.Properties, PUBACK)
	return net.Buffers{e.data}, e.err
}

// WriteTo writes the whole packet.
func (p *Puback) WriteTo(w io.Writer) (int64, error) { return writePacket(w, p, PUBACK, 0) }

// Reason returns the name of the reason code, or "" for one that PUBACK does not have.
func (p *Puback) Reason() string { return pubackReasons.name(p.ReasonCode) }

// Pubrec is a PUBREC packet.
type Pubrec struct {
	Properties *Properties
	PacketID   uint16
	ReasonCode byte
}

// Reason codes of PUBREC.
const (
	PubrecSuccess                     = 0x00
	PubrecNoMatchingSubscribers       = 0x10
	PubrecUnspecifiedError            = 0x80
	PubrecImplementationSpecificError = 0x83
	PubrecNotAuthorized               = 0x87
	PubrecTopicNameInvalid            = 0x90
	PubrecPacketIdentifierInUse       = 0x91
	PubrecQuotaExceeded               = 0x97
	PubrecPayloadFormatInvalid        = 0x99
)

// String describes the packet.
func (p *Pubrec) String() string {
	return acknowledgement(fmt.Sprintf("PUBREC: ReasonCode:%X PacketID:%d", p.ReasonCode, p.PacketID), p.Properties)
}

// Unpack decodes what follows the fixed header.
func (p *Pubrec) Unpack(r *bytes.Buffer) error { return decode(r, p.unpack) }

func (p *Pubrec) unpack(d *decoder) {
	d.acknowledgement(&p.PacketID, &p.ReasonCode, &p.Properties, PUBREC)
}

// Buffers encodes what follows the fixed header.
func (p *Pubrec) Buffers() (net.Buffers, error) {
	return shortAcknowledgement(p.PacketID, p.ReasonCode, p.Properties, PUBREC)
}

// WriteTo writes the whole packet.
func (p *Pubrec) WriteTo(w io.Writer) (int64, error) { return p.ToControlPacket().WriteTo(w) }

// ToControlPacket puts a fixed header before the packet.
func (p *Pubrec) ToControlPacket() *ControlPacket {
	return &ControlPacket{FixedHeader: FixedHeader{Type: PUBREC}, Content: p}
}

// Reason returns the name of the reason code, or "" for one that PUBREC does not have.
func (p *Pubrec) Reason() string { return pubackReasons.name(p.ReasonCode) }

// Pubrel is a PUBREL packet.
type Pubrel struct {
	Properties *Properties
	PacketID   uint16
	ReasonCode byte
}

// String describes the packet.
func (p *Pubrel) String() string {
	return acknowledgement(fmt.Sprintf("PUBREL: ReasonCode:%X PacketID:%d", p.ReasonCode, p.PacketID), p.Properties)
}

// Unpack decodes what follows the fixed header.
func (p *Pubrel) Unpack(r *bytes.Buffer) error { return decode(r, p.unpack) }

func (p *Pubrel) unpack(d *decoder) {
	d.acknowledgement(&p.PacketID, &p.ReasonCode, &p.Properties, PUBREL)
}

// Buffers encodes what follows the fixed header.
func (p *Pubrel) Buffers() (net.Buffers, error) {
	return shortAcknowledgement(p.PacketID, p.ReasonCode, p.Properties, PUBREL)
}

// WriteTo writes the whole packet.
func (p *Pubrel) WriteTo(w io.Writer) (int64, error) { return writePacket(w, p, PUBREL, 2) }

// Pubcomp is a PUBCOMP packet.
type Pubcomp struct {
	Properties *Properties
	PacketID   uint16
	ReasonCode byte
}

// Reason codes of PUBCOMP.
const (
	PubcompSuccess                  = 0x00
	PubcompPacketIdentifierNotFound = 0x92
)

// String describes the packet.
func (p *Pubcomp) String() string {
	return acknowledgement(fmt.Sprintf("PUBCOMP: ReasonCode:%X PacketID:%d", p.ReasonCode, p.PacketID), p.Properties)
}

// Unpack decodes what follows the fixed header.
func (p *Pubcomp) Unpack(r *bytes.Buffer) error { return decode(r, p.unpack) }

func (p *Pubcomp) unpack(d *decoder) {
	d.acknowledgement(&p.PacketID, &p.ReasonCode, &p.Properties, PUBCOMP)
}

// Buffers encodes what follows the fixed header.
func (p *Pubcomp) Buffers() (net.Buffers, error) {
	return shortAcknowledgement(p.PacketID, p.ReasonCode, p.Properties, PUBCOMP)
}

// WriteTo writes the whole packet.
func (p *Pubcomp) WriteTo(w io.Writer) (int64, error) { return writePacket(w, p, PUBCOMP, 0) }

// Reason returns the name of the reason code, or "" for one that PUBCOMP does not have.
func (p *Pubcomp) Reason() string { return pubcompReasons.name(p.ReasonCode) }
