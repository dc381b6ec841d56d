package packets

import (
	"fmt"
	"io"
)

// SubscribePacket is a SUBSCRIBE. Qoss has one entry for each of Topics.
type SubscribePacket struct {
	FixedHeader
	MessageID uint16
	Topics    []string
	Qoss      []byte
}

// String describes the packet.
func (s *SubscribePacket) String() string {
	return fmt.Sprintf("%s MessageID: %d topics: %s", s.FixedHeader, s.MessageID, s.Topics)
}

// Write encodes the packet.
func (s *SubscribePacket) Write(w io.Writer) error {
	if len(s.Qoss) < len(s.Topics) {
		return fmt.Errorf("subscribe has %d topics and %d qualities of service", len(s.Topics), len(s.Qoss))
	}
	body := appendUint16(nil, s.MessageID)
	for i, topic := range s.Topics {
		body = append(appendField(body, topic), s.Qoss[i])
	}
	return s.send(w, body)
}

// Unpack decodes what follows the fixed header, whose RemainingLength says where the filters end.
func (s *SubscribePacket) Unpack(b io.Reader) error {
	d := decoder{r: b}
	s.MessageID = d.uint16()
	for rest := s.RemainingLength - 2; rest > 0 && d.err == nil; {
		topic, qos := d.string(), d.byte()
		if d.err == nil {
			s.Topics, s.Qoss = append(s.Topics, topic), append(s.Qoss, qos)
		}
		rest -= 3 + len(topic)
	}
	return d.err
}

// Details returns 1, as SUBSCRIBE's reserved bits say, and the identifier.
func (s *SubscribePacket) Details() Details { return Details{Qos: 1, MessageID: s.MessageID} }

// SubackPacket is a SUBACK.
type SubackPacket struct {
	FixedHeader
	MessageID   uint16
	ReturnCodes []byte
}

// String describes the packet.
func (sa *SubackPacket) String() string { return withID(sa.FixedHeader, sa.MessageID) }

// Write encodes the packet.
func (sa *SubackPacket) Write(w io.Writer) error {
	return sa.send(w, append(appendUint16(nil, sa.MessageID), sa.ReturnCodes...))
}

// Unpack decodes what follows the fixed header: the identifier, and codes up to the reader's end.
func (sa *SubackPacket) Unpack(b io.Reader) error {
	d := decoder{r: b}
	sa.MessageID = d.uint16()
	if d.err == nil {
		sa.ReturnCodes, d.err = io.ReadAll(b)
	}
	return d.err
}

// Details returns the identifier.
func (sa *SubackPacket) Details() Details { return Details{MessageID: sa.MessageID} }

// UnsubscribePacket is an UNSUBSCRIBE.
type UnsubscribePacket struct {
	FixedHeader
	MessageID uint16
	Topics    []string
}

// String describes the packet.
func (u *UnsubscribePacket) String() string { return withID(u.FixedHeader, u.MessageID) }

// Write encodes the packet.
func (u *UnsubscribePacket) Write(w io.Writer) error {
	body := appendUint16(nil, u.MessageID)
	for _, topic := range u.Topics {
		body = appendField(body, topic)
	}
	return u.send(w, body)
}

// Unpack decodes what follows the fixed header: the identifier, and filters up to the reader's end.
func (u *UnsubscribePacket) Unpack(b io.Reader) error {
	d := decoder{r: b}
	u.MessageID = d.uint16()
	if d.err != nil {
		return d.err
	}
	for {
		topic := d.string()
		if d.err == io.EOF { // between two filters: the regular end
			return nil
		}
		if d.err != nil {
			return d.err
		}
		u.Topics = append(u.Topics, topic)
	}
}

// Details returns 1, as UNSUBSCRIBE's reserved bits say, and the identifier.
func (u *UnsubscribePacket) Details() Details { return Details{Qos: 1, MessageID: u.MessageID} }
