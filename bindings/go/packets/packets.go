// Package packets encodes and decodes the control packets of MQTT 3.1 and 3.1.1.
//
// Stores of programs meet these types: a [ControlPacket] is what the client hands to a Store and takes back from it. The
// client's own connections do not use this package; the engine has a codec of its own.
package packets

import (
	"errors"
	"fmt"
	"io"
)

// A ControlPacket is one MQTT packet, decoded.
type ControlPacket interface {
	// Write encodes the packet, the fixed header included, in one call of Write.
	Write(io.Writer) error
	// Unpack decodes what follows the fixed header. The packet's FixedHeader must have been set.
	Unpack(io.Reader) error
	// String describes the packet for logs. It never shows a password.
	String() string
	// Details returns the quality of service and the identifier by which stores name the packet.
	Details() Details
}

// Packet types, as in the first half of a packet's first byte.
const (
	Connect     = 1
	Connack     = 2
	Publish     = 3
	Puback      = 4
	Pubrec      = 5
	Pubrel      = 6
	Pubcomp     = 7
	Subscribe   = 8
	Suback      = 9
	Unsubscribe = 10
	Unsuback    = 11
	Pingreq     = 12
	Pingresp    = 13
	Disconnect  = 14
)

// PacketNames has the name of each packet type.
var PacketNames = map[uint8]string{
	Connect:     "CONNECT",
	Connack:     "CONNACK",
	Publish:     "PUBLISH",
	Puback:      "PUBACK",
	Pubrec:      "PUBREC",
	Pubrel:      "PUBREL",
	Pubcomp:     "PUBCOMP",
	Subscribe:   "SUBSCRIBE",
	Suback:      "SUBACK",
	Unsubscribe: "UNSUBSCRIBE",
	Unsuback:    "UNSUBACK",
	Pingreq:     "PINGREQ",
	Pingresp:    "PINGRESP",
	Disconnect:  "DISCONNECT",
}

// How a connect ended: CONNACK's return codes, and two codes for connects that ended without one.
const (
	Accepted                        = 0x00
	ErrRefusedBadProtocolVersion    = 0x01
	ErrRefusedIDRejected            = 0x02
	ErrRefusedServerUnavailable     = 0x03
	ErrRefusedBadUsernameOrPassword = 0x04
	ErrRefusedNotAuthorised         = 0x05
	ErrNetworkError                 = 0xFE
	ErrProtocolViolation            = 0xFF
)

// ConnackReturnCodes has a sentence for each way in which a connect ends.
var ConnackReturnCodes = map[uint8]string{
	Accepted:                        "Connection Accepted",
	ErrRefusedBadProtocolVersion:    "Connection Refused: Bad Protocol Version",
	ErrRefusedIDRejected:            "Connection Refused: Client Identifier Rejected",
	ErrRefusedServerUnavailable:     "Connection Refused: Server Unavailable",
	ErrRefusedBadUsernameOrPassword: "Connection Refused: Username or Password in unknown format",
	ErrRefusedNotAuthorised:         "Connection Refused: Not Authorised",
	ErrNetworkError:                 "Connection Error",
	ErrProtocolViolation:            "Connection Refused: Protocol Violation",
}

// The errors of connects that failed. Programs compare with errors.Is, and some compare the text.
var (
	ErrorRefusedBadProtocolVersion    = errors.New("unacceptable protocol version")
	ErrorRefusedIDRejected            = errors.New("identifier rejected")
	ErrorRefusedServerUnavailable     = errors.New("server Unavailable")
	ErrorRefusedBadUsernameOrPassword = errors.New("bad user name or password")
	ErrorRefusedNotAuthorised         = errors.New("not Authorized")
	ErrorNetworkError                 = errors.New("network Error")
	ErrorProtocolViolation            = errors.New("protocol Violation")
)

// ConnErrors has the error for each way in which a connect ends.
var ConnErrors = map[byte]error{
	Accepted:                        nil,
	ErrRefusedBadProtocolVersion:    ErrorRefusedBadProtocolVersion,
	ErrRefusedIDRejected:            ErrorRefusedIDRejected,
	ErrRefusedServerUnavailable:     ErrorRefusedServerUnavailable,
	ErrRefusedBadUsernameOrPassword: ErrorRefusedBadUsernameOrPassword,
	ErrRefusedNotAuthorised:         ErrorRefusedNotAuthorised,
	ErrNetworkError:                 ErrorNetworkError,
	ErrProtocolViolation:            ErrorProtocolViolation,
}

// Details are what a store needs to know of a packet.
type Details struct {
	Qos       byte
	MessageID uint16
}

// FixedHeader is what every packet begins with.
type FixedHeader struct {
	MessageType     byte
	Dup             bool
	Qos             byte
	Retain          bool
	RemainingLength int
}

// String describes the header for logs.
func (fh FixedHeader) String() string {
	return fmt.Sprintf("%s: dup: %t qos: %d retain: %t rLength: %d",
		PacketNames[fh.MessageType], fh.Dup, fh.Qos, fh.Retain, fh.RemainingLength)
}

// NewControlPacket returns an empty packet of the given type, with the flags that MQTT fixes for it, or nil if there is no
// such type.
func NewControlPacket(packetType byte) ControlPacket {
	fh := FixedHeader{MessageType: packetType}
	switch packetType {
	case Pubrel, Subscribe, Unsubscribe:
		fh.Qos = 1 // the reserved bits 0010 [MQTT-3.6.1-1], [MQTT-3.8.1-1], [MQTT-3.10.1-1]
	}
	cp, err := NewControlPacketWithHeader(fh)
	if err != nil {
		return nil
	}
	return cp
}

// NewControlPacketWithHeader returns a packet of the header's type whose other fields are empty.
func NewControlPacketWithHeader(fh FixedHeader) (ControlPacket, error) {
	switch fh.MessageType {
	case Connect:
		return &ConnectPacket{FixedHeader: fh}, nil
	case Connack:
		return &ConnackPacket{FixedHeader: fh}, nil
	case Publish:
		return &PublishPacket{FixedHeader: fh}, nil
	case Puback:
		return &PubackPacket{FixedHeader: fh}, nil
	case Pubrec:
		return &PubrecPacket{FixedHeader: fh}, nil
	case Pubrel:
		return &PubrelPacket{FixedHeader: fh}, nil
	case Pubcomp:
		return &PubcompPacket{FixedHeader: fh}, nil
	case Subscribe:
		return &SubscribePacket{FixedHeader: fh}, nil
	case Suback:
		return &SubackPacket{FixedHeader: fh}, nil
	case Unsubscribe:
		return &UnsubscribePacket{FixedHeader: fh}, nil
	case Unsuback:
		return &UnsubackPacket{FixedHeader: fh}, nil
	case Pingreq:
		return &PingreqPacket{FixedHeader: fh}, nil
	case Pingresp:
		return &PingrespPacket{FixedHeader: fh}, nil
	case Disconnect:
		return &DisconnectPacket{FixedHeader: fh}, nil
	}
	return nil, fmt.Errorf("unsupported packet type 0x%x", fh.MessageType)
}
