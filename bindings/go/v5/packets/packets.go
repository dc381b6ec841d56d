// Package packets reads and writes the control packets of MQTT 5.
package packets

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"sync"
)

// The types of control packets.
const (
	_ byte = iota
	CONNECT
	CONNACK
	PUBLISH
	PUBACK
	PUBREC
	PUBREL
	PUBCOMP
	SUBSCRIBE
	SUBACK
	UNSUBSCRIBE
	UNSUBACK
	PINGREQ
	PINGRESP
	DISCONNECT
	AUTH
)

var typeNames = [16]string{
	CONNECT: "CONNECT", CONNACK: "CONNACK", PUBLISH: "PUBLISH", PUBACK: "PUBACK", PUBREC: "PUBREC", PUBREL: "PUBREL",
	PUBCOMP: "PUBCOMP", SUBSCRIBE: "SUBSCRIBE", SUBACK: "SUBACK", UNSUBSCRIBE: "UNSUBSCRIBE", UNSUBACK: "UNSUBACK",
	PINGREQ: "PINGREQ", PINGRESP: "PINGRESP", DISCONNECT: "DISCONNECT", AUTH: "AUTH",
}

// Packet is what follows the fixed header of a control packet. Buffers returns an error if a field does not fit its length.
type Packet interface {
	Unpack(*bytes.Buffer) error
	Buffers() (net.Buffers, error)
	WriteTo(io.Writer) (int64, error)
}

// content is what ReadPacket needs of the packets of this package.
type content interface{ unpack(d *decoder) }

// FixedHeader is the type of a packet and the four bits beside it.
type FixedHeader struct {
	remainingLength int
	Type            byte
	Flags           byte
}

// WriteTo writes the header.
func (f *FixedHeader) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(f.appendTo(nil))
	return int64(n), err
}

func (f *FixedHeader) appendTo(to []byte) []byte {
	return appendLength(append(to, f.Type<<4|f.Flags&0xf), f.remainingLength)
}

// ControlPacket is a whole packet.
type ControlPacket struct {
	Content Packet
	FixedHeader
}

// NewControlPacket returns an empty packet of that type, or nil if there is no such type.
func NewControlPacket(t byte) *ControlPacket {
	packet := &ControlPacket{FixedHeader: FixedHeader{Type: t}}
	switch t {
	case CONNECT:
		packet.Content = &Connect{ProtocolName: "MQTT", ProtocolVersion: 5, Properties: &Properties{}}
	case CONNACK:
		packet.Content = &Connack{Properties: &Properties{}}
	case PUBLISH:
		packet.Content = &Publish{Properties: &Properties{}}
	case PUBACK:
		packet.Content = &Puback{Properties: &Properties{}}
	case PUBREC:
		packet.Content = &Pubrec{Properties: &Properties{}}
	case PUBREL:
		packet.Flags = 2
		packet.Content = &Pubrel{Properties: &Properties{}}
	case PUBCOMP:
		packet.Content = &Pubcomp{Properties: &Properties{}}
	case SUBSCRIBE:
		packet.Flags = 2
		packet.Content = &Subscribe{Properties: &Properties{}}
	case SUBACK:
		packet.Content = &Suback{Properties: &Properties{}}
	case UNSUBSCRIBE:
		packet.Flags = 2
		packet.Content = &Unsubscribe{Properties: &Properties{}}
	case UNSUBACK:
		packet.Content = &Unsuback{Properties: &Properties{}}
	case PINGREQ:
		packet.Content = &Pingreq{}
	case PINGRESP:
		packet.Content = &Pingresp{}
	case DISCONNECT:
		packet.Content = &Disconnect{Properties: &Properties{}}
	case AUTH:
		packet.Content = &Auth{Properties: &Properties{}}
	default:
		return nil
	}
	return packet
}

// PacketID returns the identifier of a packet that has one, and else 0.
func (c *ControlPacket) PacketID() uint16 {
	switch p := c.Content.(type) {
	case *Publish:
		return p.PacketID
	case *Puback:
		return p.PacketID
	case *Pubrec:
		return p.PacketID
	case *Pubrel:
		return p.PacketID
	case *Pubcomp:
		return p.PacketID
	case *Subscribe:
		return p.PacketID
	case *Suback:
		return p.PacketID
	case *Unsubscribe:
		return p.PacketID
	case *Unsuback:
		return p.PacketID
	}
	return 0
}

// PacketType returns the name of the packet's type.
func (c *ControlPacket) PacketType() string { return typeNames[c.Type&0xf] }

// String describes the packet.
func (c *ControlPacket) String() string {
	if s, ok := c.Content.(fmt.Stringer); ok {
		return s.String()
	}
	return fmt.Sprintf("Unknown packet type: %d", c.Type)
}

// WriteTo writes the packet. If w is a sync.Locker, as what NewThreadSafeConn returns is, WriteTo holds its lock meanwhile.
// Each packet that is not large is written by one call.
func (c *ControlPacket) WriteTo(w io.Writer) (int64, error) {
	buffers, err := c.Content.Buffers()
	if err != nil {
		return 0, err
	}
	c.remainingLength = 0
	for _, buffer := range buffers {
		c.remainingLength += len(buffer)
	}
	if c.remainingLength > maxLength {
		return 0, errTooLarge
	}
	if publish, ok := c.Content.(*Publish); ok {
		c.Flags = publish.flags()
	}
	if locker, ok := w.(sync.Locker); ok {
		locker.Lock()
		defer locker.Unlock()
	}
	if c.remainingLength > joinedLength {
		all := append(net.Buffers{c.appendTo(nil)}, buffers...)
		return all.WriteTo(w)
	}
	packet := c.appendTo(make([]byte, 0, 5+c.remainingLength))
	for _, buffer := range buffers {
		packet = append(packet, buffer...)
	}
	n, err := w.Write(packet)
	return int64(n), err
}

// writePacket writes a body behind a header of that type and those flags.
func writePacket(w io.Writer, body Packet, packetType, flags byte) (int64, error) {
	packet := ControlPacket{Content: body, FixedHeader: FixedHeader{Type: packetType, Flags: flags}}
	return packet.WriteTo(w)
}

// NewThreadSafeConn returns a connection that WriteTo locks, so that packets of several goroutines are not mixed.
func NewThreadSafeConn(c net.Conn) net.Conn { return &lockedConn{Conn: c} }

type lockedConn struct {
	net.Conn
	sync.Mutex
}

// Unsynchronized returns the connection itself. Package paho asks for it, since the engine that it gives the connection to writes whole packets.
func (c *lockedConn) Unsynchronized() net.Conn { return c.Conn }
