package packets

import (
	"fmt"
	"io"
)

// PublishPacket is a PUBLISH.
type PublishPacket struct {
	FixedHeader
	TopicName string
	MessageID uint16
	Payload   []byte
}

// String describes the packet.
func (p *PublishPacket) String() string {
	return fmt.Sprintf("%s topicName: %s MessageID: %d payload: %s", p.FixedHeader, p.TopicName, p.MessageID, p.Payload)
}

// Write encodes the packet.
func (p *PublishPacket) Write(w io.Writer) error {
	body := make([]byte, 0, 4+len(p.TopicName)+len(p.Payload))
	body = appendField(body, p.TopicName)
	if p.Qos > 0 {
		body = appendUint16(body, p.MessageID)
	}
	return p.send(w, append(body, p.Payload...))
}

// Unpack decodes what follows the fixed header, whose RemainingLength says where the payload ends.
func (p *PublishPacket) Unpack(b io.Reader) error {
	d := decoder{r: b}
	p.TopicName = d.string()
	rest := p.RemainingLength - 2 - len(p.TopicName)
	if p.Qos > 0 {
		p.MessageID = d.uint16()
		rest -= 2
	}
	if d.err != nil {
		return d.err
	}
	if rest < 0 {
		return errPayload
	}
	p.Payload = make([]byte, rest)
	d.fill(p.Payload)
	return d.err
}

// Copy returns a packet with the same topic and payload, and a header of its own.
func (p *PublishPacket) Copy() *PublishPacket {
	return &PublishPacket{FixedHeader: FixedHeader{MessageType: Publish}, TopicName: p.TopicName, Payload: p.Payload}
}

// Details returns the quality of service and the identifier.
func (p *PublishPacket) Details() Details { return Details{Qos: p.Qos, MessageID: p.MessageID} }
