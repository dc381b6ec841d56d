package packets

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
)

// Connect is a CONNECT packet.
type Connect struct {
	WillMessage     []byte
	Password        []byte
	Username        string
	ProtocolName    string
	ClientID        string
	WillTopic       string
	Properties      *Properties
	WillProperties  *Properties
	KeepAlive       uint16
	ProtocolVersion byte
	WillQOS         byte
	PasswordFlag    bool
	UsernameFlag    bool
	WillRetain      bool
	WillFlag        bool
	CleanStart      bool
}

// String describes the packet. The password is in it.
func (c *Connect) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "CONNECT: ProtocolName:%s ProtocolVersion:%d ClientID:%s KeepAlive:%d CleanStart:%t",
		c.ProtocolName, c.ProtocolVersion, c.ClientID, c.KeepAlive, c.CleanStart)
	if c.UsernameFlag {
		fmt.Fprintf(&b, " Username:%s", c.Username)
	}
	if c.PasswordFlag {
		fmt.Fprintf(&b, " Password:%s", c.Password)
	}
	b.WriteByte('\n')
	if c.WillFlag {
		fmt.Fprintf(&b, " WillTopic:%s WillQOS:%d WillRetain:%t WillMessage:\n%s\n", c.WillTopic, c.WillQOS, c.WillRetain, c.WillMessage)
		if c.WillProperties != nil {
			fmt.Fprintf(&b, "WillProperties:\n%s", c.WillProperties)
		}
	}
	if c.Properties != nil {
		fmt.Fprintf(&b, "Properties:\n%s", c.Properties)
	}
	return b.String()
}

// PackFlags returns the byte of flags. What says how the will is to be published is only in it if there is a will.
func (c *Connect) PackFlags() (f byte) {
	f = bit(c.UsernameFlag, 7) | bit(c.PasswordFlag, 6) | bit(c.CleanStart, 1)
	if c.WillFlag {
		f |= bit(c.WillRetain, 5) | c.WillQOS&3<<3 | 1<<2
	}
	return f
}

// UnpackFlags sets what the byte of flags says.
func (c *Connect) UnpackFlags(b byte) {
	c.CleanStart = b>>1&1 != 0
	c.WillFlag = b>>2&1 != 0
	c.WillQOS = b >> 3 & 3
	c.WillRetain = b>>5&1 != 0
	c.PasswordFlag = b>>6&1 != 0
	c.UsernameFlag = b>>7&1 != 0
}

// Unpack decodes what follows the fixed header.
func (c *Connect) Unpack(r *bytes.Buffer) error { return decode(r, c.unpack) }

func (c *Connect) unpack(d *decoder) {
	c.ProtocolName = d.string()
	c.ProtocolVersion = d.byte()
	c.UnpackFlags(d.byte())
	c.KeepAlive = d.uint16()
	d.properties(&c.Properties, CONNECT)
	c.ClientID = d.string()
	if c.WillFlag {
		c.WillProperties = &Properties{}
		d.properties(&c.WillProperties, CONNECT)
		c.WillTopic = d.string()
		c.WillMessage = d.bytes()
	}
	if c.UsernameFlag {
		c.Username = d.string()
	}
	if c.PasswordFlag {
		c.Password = d.bytes()
	}
}

// Buffers encodes what follows the fixed header.
func (c *Connect) Buffers() (net.Buffers, error) {
	var e encoder
	e.string(c.ProtocolName)
	e.byte(c.ProtocolVersion)
	e.byte(c.PackFlags())
	e.uint16(c.KeepAlive)
	e.packed(c.Properties, connectPacking)
	e.string(c.ClientID)
	if c.WillFlag {
		e.packed(c.WillProperties, willPacking)
		e.string(c.WillTopic)
		e.bytes(c.WillMessage)
	}
	if c.UsernameFlag {
		e.string(c.Username)
	}
	if c.PasswordFlag {
		e.bytes(c.Password)
	}
	return net.Buffers{e.data}, e.err
}

// WriteTo writes the whole packet.
func (c *Connect) WriteTo(w io.Writer) (int64, error) { return writePacket(w, c, CONNECT, 0) }

// Connack is a CONNACK packet.
type Connack struct {
	Properties     *Properties
	ReasonCode     byte
	SessionPresent bool
}

// Reason codes of CONNACK.
const (
	ConnackSuccess                     = 0x00
	ConnackUnspecifiedError            = 0x80
	ConnackMalformedPacket             = 0x81
	ConnackProtocolError               = 0x82
	ConnackImplementationSpecificError = 0x83
	ConnackUnsupportedProtocolVersion  = 0x84
	ConnackInvalidClientID             = 0x85
	ConnackBadUsernameOrPassword       = 0x86
	ConnackNotAuthorized               = 0x87
	ConnackServerUnavailable           = 0x88
	ConnackServerBusy                  = 0x89
	ConnackBanned                      = 0x8A
	ConnackBadAuthenticationMethod     = 0x8C
	ConnackTopicNameInvalid            = 0x90
	ConnackPacketTooLarge              = 0x95
	ConnackQuotaExceeded               = 0x97
	ConnackPayloadFormatInvalid        = 0x99
	ConnackRetainNotSupported          = 0x9A
	ConnackQoSNotSupported             = 0x9B
	ConnackUseAnotherServer            = 0x9C
	ConnackServerMoved                 = 0x9D
	ConnackConnectionRateExceeded      = 0x9F
)

// String describes the packet.
func (c *Connack) String() string {
	return fmt.Sprintf("CONNACK: ReasonCode:%d SessionPresent:%t\nProperties:\n%s", c.ReasonCode, c.SessionPresent, c.Properties)
}

// Unpack decodes what follows the fixed header.
func (c *Connack) Unpack(r *bytes.Buffer) error { return decode(r, c.unpack) }

func (c *Connack) unpack(d *decoder) {
	c.SessionPresent = d.byte()&1 != 0
	c.ReasonCode = d.byte()
	d.properties(&c.Properties, CONNACK)
}

// Buffers encodes what follows the fixed header.
func (c *Connack) Buffers() (net.Buffers, error) {
	var e encoder
	e.byte(bit(c.SessionPresent, 0))
	e.byte(c.ReasonCode)
	e.properties(c.Properties, CONNACK)
	return net.Buffers{e.data}, e.err
}

// WriteTo writes the whole packet.
func (c *Connack) WriteTo(w io.Writer) (int64, error) { return writePacket(w, c, CONNACK, 0) }

// Reason returns the name of the reason code, or "" for one that CONNACK does not have.
func (c *Connack) Reason() string { return connackReasons.name(c.ReasonCode) }
