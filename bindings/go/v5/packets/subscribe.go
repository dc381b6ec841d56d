package packets

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
)

// Subscribe is a SUBSCRIBE packet.
type Subscribe struct {
	Properties    *Properties
	Subscriptions []SubOptions
	PacketID      uint16
}

// When the server sends the retained messages of a topic that is subscribed to.
const (
	RetainSendOnSubscribe      = iota // at every SUBSCRIBE
	RetainSendOnSubscribeIfNew        // if there was no such subscription before
	RetainDoNotSend                   // never
)

// SubOptions is one subscription: a topic filter and how the server handles it.
type SubOptions struct {
	Topic             string
	QoS               byte
	RetainHandling    byte
	NoLocal           bool
	RetainAsPublished bool
}

// Pack returns the byte that follows the topic filter.
func (s *SubOptions) Pack() byte {
	return s.QoS&3 | bit(s.NoLocal, 2) | bit(s.RetainAsPublished, 3) | s.RetainHandling&3<<4
}

// Unpack decodes that byte.
func (s *SubOptions) Unpack(r *bytes.Buffer) error {
	b, err := r.ReadByte()
	if err != nil {
		return err
	}
	s.set(b)
	return nil
}

func (s *SubOptions) set(b byte) {
	s.QoS = b & 3
	s.NoLocal = b>>2&1 != 0
	s.RetainAsPublished = b>>3&1 != 0
	s.RetainHandling = b >> 4 & 3
}

// String describes the packet.
func (s *Subscribe) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "SUBSCRIBE: PacketID:%d Subscriptions:\n", s.PacketID)
	for _, o := range s.Subscriptions {
		fmt.Fprintf(&b, "\t%s: QOS:%d RetainHandling:%X NoLocal:%t RetainAsPublished:%t\n",
			o.Topic, o.QoS, o.RetainHandling, o.NoLocal, o.RetainAsPublished)
	}
	fmt.Fprintf(&b, "Properties:\n%s", s.Properties)
	return b.String()
}

// SetIdentifier sets the packet's identifier.
func (s *Subscribe) SetIdentifier(packetID uint16) { s.PacketID = packetID }

// Type returns SUBSCRIBE.
func (s *Subscribe) Type() byte { return SUBSCRIBE }

// Unpack decodes what follows the fixed header.
func (s *Subscribe) Unpack(r *bytes.Buffer) error { return decode(r, s.unpack) }

func (s *Subscribe) unpack(d *decoder) {
	s.PacketID = d.uint16()
	d.properties(&s.Properties, SUBSCRIBE)
	for len(d.data) > 0 {
		o := SubOptions{Topic: d.string()}
		o.set(d.byte())
		if d.err == nil {
			s.Subscriptions = append(s.Subscriptions, o)
		}
	}
}

// Buffers encodes what follows the fixed header.
func (s *Subscribe) Buffers() (net.Buffers, error) {
	var e encoder
	e.uint16(s.PacketID)
	e.properties(s.Properties, SUBSCRIBE)
	for i := range s.Subscriptions {
		e.string(s.Subscriptions[i].Topic)
		e.byte(s.Subscriptions[i].Pack())
	}
	return net.Buffers{e.data}, e.err
}

// WriteTo writes the whole packet.
func (s *Subscribe) WriteTo(w io.Writer) (int64, error) { return writePacket(w, s, SUBSCRIBE, 2) }

// Suback is a SUBACK packet.
type Suback struct {
	Properties *Properties
	Reasons    []byte
	PacketID   uint16
}

// Reason codes of SUBACK.
const (
	SubackGrantedQoS0                         = 0x00
	SubackGrantedQoS1                         = 0x01
	SubackGrantedQoS2                         = 0x02
	SubackUnspecifiederror                    = 0x80
	SubackImplementationspecificerror         = 0x83
	SubackNotauthorized                       = 0x87
	SubackTopicFilterinvalid                  = 0x8F
	SubackPacketIdentifierinuse               = 0x91
	SubackQuotaexceeded                       = 0x97
	SubackSharedSubscriptionnotsupported      = 0x9E
	SubackSubscriptionIdentifiersnotsupported = 0xA1
	SubackWildcardsubscriptionsnotsupported   = 0xA2
)

// String describes the packet.
func (s *Suback) String() string {
	return fmt.Sprintf("SUBACK: ReasonCode:%v PacketID:%d Properties:\n%s", s.Reasons, s.PacketID, s.Properties)
}

// Unpack decodes what follows the fixed header.
func (s *Suback) Unpack(r *bytes.Buffer) error { return decode(r, s.unpack) }

func (s *Suback) unpack(d *decoder) {
	s.PacketID = d.uint16()
	d.properties(&s.Properties, SUBACK)
	s.Reasons = d.rest()
}

// Buffers encodes what follows the fixed header.
func (s *Suback) Buffers() (net.Buffers, error) {
	var e encoder
	e.uint16(s.PacketID)
	e.properties(s.Properties, SUBACK)
	return net.Buffers{e.data, s.Reasons}, e.err
}

// WriteTo writes the whole packet.
func (s *Suback) WriteTo(w io.Writer) (int64, error) { return writePacket(w, s, SUBACK, 0) }

// Reason returns the name of the reason code at that index.
func (s *Suback) Reason(index int) string { return subackReasons.at(s.Reasons, index) }

// Unsubscribe is an UNSUBSCRIBE packet.
type Unsubscribe struct {
	Topics     []string
	Properties *Properties
	PacketID   uint16
}

// String describes the packet.
func (u *Unsubscribe) String() string {
	return fmt.Sprintf("UNSUBSCRIBE: PacketID:%d Topics:%v Properties:\n%s", u.PacketID, u.Topics, u.Properties)
}

// SetIdentifier sets the packet's identifier.
func (u *Unsubscribe) SetIdentifier(packetID uint16) { u.PacketID = packetID }

// Type returns UNSUBSCRIBE.
func (u *Unsubscribe) Type() byte { return UNSUBSCRIBE }

// Unpack decodes what follows the fixed header.
func (u *Unsubscribe) Unpack(r *bytes.Buffer) error { return decode(r, u.unpack) }

func (u *Unsubscribe) unpack(d *decoder) {
	u.PacketID = d.uint16()
	d.properties(&u.Properties, UNSUBSCRIBE)
	for len(d.data) > 0 {
		topic := d.string()
		if d.err == nil {
			u.Topics = append(u.Topics, topic)
		}
	}
}

// Buffers encodes what follows the fixed header.
func (u *Unsubscribe) Buffers() (net.Buffers, error) {
	var e encoder
	e.uint16(u.PacketID)
	e.properties(u.Properties, UNSUBSCRIBE)
	for _, topic := range u.Topics {
		e.string(topic)
	}
	return net.Buffers{e.data}, e.err
}

// WriteTo writes the whole packet.
func (u *Unsubscribe) WriteTo(w io.Writer) (int64, error) { return writePacket(w, u, UNSUBSCRIBE, 2) }

// Unsuback is an UNSUBACK packet.
type Unsuback struct {
	Reasons    []byte
	Properties *Properties
	PacketID   uint16
}

// Reason codes of UNSUBACK.
const (
	UnsubackSuccess                     = 0x00
	UnsubackNoSubscriptionFound         = 0x11
	UnsubackUnspecifiedError            = 0x80
	UnsubackImplementationSpecificError = 0x83
	UnsubackNotAuthorized               = 0x87
	UnsubackTopicFilterInvalid          = 0x8F
	UnsubackPacketIdentifierInUse       = 0x91
)

// String describes the packet.
func (u *Unsuback) String() string {
	return fmt.Sprintf("UNSUBACK: ReasonCode:%v PacketID:%d Properties:\n%s", u.Reasons, u.PacketID, u.Properties)
}

// Unpack decodes what follows the fixed header.
func (u *Unsuback) Unpack(r *bytes.Buffer) error { return decode(r, u.unpack) }

func (u *Unsuback) unpack(d *decoder) {
	u.PacketID = d.uint16()
	d.properties(&u.Properties, UNSUBACK)
	u.Reasons = d.rest()
}

// Buffers encodes what follows the fixed header.
func (u *Unsuback) Buffers() (net.Buffers, error) {
	var e encoder
	e.uint16(u.PacketID)
	e.properties(u.Properties, UNSUBACK)
	return net.Buffers{e.data, u.Reasons}, e.err
}

// WriteTo writes the whole packet.
func (u *Unsuback) WriteTo(w io.Writer) (int64, error) { return writePacket(w, u, UNSUBACK, 0) }

// Reason returns the name of the reason code at that index.
func (u *Unsuback) Reason(index int) string { return unsubackReasons.at(u.Reasons, index) }
