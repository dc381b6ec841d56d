package packets

import (
	"fmt"
	"io"
)

// ConnectPacket is a CONNECT.
type ConnectPacket struct {
	FixedHeader
	ProtocolName    string
	ProtocolVersion byte
	CleanSession    bool
	WillFlag        bool
	WillQos         byte
	WillRetain      bool
	UsernameFlag    bool
	PasswordFlag    bool
	ReservedBit     byte
	Keepalive       uint16

	ClientIdentifier string
	WillTopic        string
	WillMessage      []byte
	Username         string
	Password         []byte
}

// String describes the packet; in the password's place it says that there is one.
func (c *ConnectPacket) String() string {
	password := ""
	if len(c.Password) > 0 {
		password = "<redacted>"
	}
	return fmt.Sprintf("%s protocolversion: %d protocolname: %s cleansession: %t willflag: %t WillQos: %d WillRetain: %t "+
		"Usernameflag: %t Passwordflag: %t keepalive: %d clientId: %s willtopic: %s willmessage: %s Username: %s Password: %s",
		c.FixedHeader, c.ProtocolVersion, c.ProtocolName, c.CleanSession, c.WillFlag, c.WillQos, c.WillRetain,
		c.UsernameFlag, c.PasswordFlag, c.Keepalive, c.ClientIdentifier, c.WillTopic, c.WillMessage, c.Username, password)
}

// Write encodes the packet.
func (c *ConnectPacket) Write(w io.Writer) error {
	body := appendField(nil, c.ProtocolName)
	body = append(body, c.ProtocolVersion, bit(c.CleanSession, 1)|bit(c.WillFlag, 2)|c.WillQos<<3|bit(c.WillRetain, 5)|
		bit(c.PasswordFlag, 6)|bit(c.UsernameFlag, 7))
	body = appendUint16(body, c.Keepalive)
	body = appendField(body, c.ClientIdentifier)
	if c.WillFlag {
		body = appendField(body, c.WillTopic)
		body = appendField(body, c.WillMessage)
	}
	if c.UsernameFlag {
		body = appendField(body, c.Username)
	}
	if c.PasswordFlag {
		body = appendField(body, c.Password)
	}
	return c.send(w, body)
}

// Unpack decodes what follows the fixed header.
func (c *ConnectPacket) Unpack(b io.Reader) error {
	d := decoder{r: b}
	c.ProtocolName = d.string()
	c.ProtocolVersion = d.byte()
	flags := d.byte()
	c.ReservedBit = flags & 1
	c.CleanSession = flags&(1<<1) != 0
	c.WillFlag = flags&(1<<2) != 0
	c.WillQos = flags >> 3 & 3
	c.WillRetain = flags&(1<<5) != 0
	c.PasswordFlag = flags&(1<<6) != 0
	c.UsernameFlag = flags&(1<<7) != 0
	c.Keepalive = d.uint16()
	c.ClientIdentifier = d.string()
	if c.WillFlag {
		c.WillTopic = d.string()
		c.WillMessage = d.bytes()
	}
	if c.UsernameFlag {
		c.Username = d.string()
	}
	if c.PasswordFlag {
		c.Password = d.bytes()
	}
	return d.err
}

// Validate returns the CONNACK code with which a server would answer these fields.
func (c *ConnectPacket) Validate() byte {
	versions := map[string]byte{"MQIsdp": 3, "MQTT": 4}
	version, known := versions[c.ProtocolName]
	switch {
	case c.PasswordFlag && !c.UsernameFlag: // [MQTT-3.1.2-22]
		return ErrRefusedBadUsernameOrPassword
	case c.ReservedBit != 0: // [MQTT-3.1.2-3]
		return ErrProtocolViolation
	case known && c.ProtocolVersion != version:
		return ErrRefusedBadProtocolVersion
	case !known:
		return ErrProtocolViolation
	case len(c.ClientIdentifier) > maxField, len(c.Username) > maxField, len(c.Password) > maxField:
		return ErrProtocolViolation
	case c.ClientIdentifier == "" && !c.CleanSession: // [MQTT-3.1.3-8]
		return ErrRefusedIDRejected
	}
	return Accepted
}

// Details returns zeroes: a CONNECT has neither.
func (c *ConnectPacket) Details() Details { return Details{} }

// ConnackPacket is a CONNACK.
type ConnackPacket struct {
	FixedHeader
	SessionPresent bool
	ReturnCode     byte
}

// String describes the packet.
func (ca *ConnackPacket) String() string {
	return fmt.Sprintf("%s sessionpresent: %t returncode: %d", ca.FixedHeader, ca.SessionPresent, ca.ReturnCode)
}

// Write encodes the packet.
func (ca *ConnackPacket) Write(w io.Writer) error {
	return ca.send(w, []byte{bit(ca.SessionPresent, 0), ca.ReturnCode})
}

// Unpack decodes what follows the fixed header.
func (ca *ConnackPacket) Unpack(b io.Reader) error {
	d := decoder{r: b}
	ca.SessionPresent = d.byte()&1 != 0
	ca.ReturnCode = d.byte()
	return d.err
}

// Details returns zeroes: a CONNACK has neither.
func (ca *ConnackPacket) Details() Details { return Details{} }
