package packets

import (
	"bytes"
	"fmt"
	"io"
	"net"
)

// Pingreq is a PINGREQ packet.
type Pingreq struct{}

// String describes the packet.
func (p *Pingreq) String() string { return "PINGREQ" }

// Unpack does nothing: there is nothing behind the fixed header.
func (p *Pingreq) Unpack(r *bytes.Buffer) error { return nil }

func (p *Pingreq) unpack(*decoder) {}

// Buffers returns nothing.
func (p *Pingreq) Buffers() (net.Buffers, error) { return nil, nil }

// WriteTo writes the whole packet.
func (p *Pingreq) WriteTo(w io.Writer) (int64, error) { return writePacket(w, p, PINGREQ, 0) }

// Pingresp is a PINGRESP packet.
type Pingresp struct{}

// String describes the packet.
func (p *Pingresp) String() string { return "PINGRESP" }

// Unpack does nothing: there is nothing behind the fixed header.
func (p *Pingresp) Unpack(r *bytes.Buffer) error { return nil }

func (p *Pingresp) unpack(*decoder) {}

// Buffers returns nothing.
func (p *Pingresp) Buffers() (net.Buffers, error) { return nil, nil }

// WriteTo writes the whole packet.
func (p *Pingresp) WriteTo(w io.Writer) (int64, error) { return writePacket(w, p, PINGRESP, 0) }

// Disconnect is a DISCONNECT packet.
type Disconnect struct {
	Properties *Properties
	ReasonCode byte
}

// Reason codes of DISCONNECT.
const (
	DisconnectNormalDisconnection                 = 0x00
	DisconnectDisconnectWithWillMessage           = 0x04
	DisconnectUnspecifiedError                    = 0x80
	DisconnectMalformedPacket                     = 0x81
	DisconnectProtocolError                       = 0x82
	DisconnectImplementationSpecificError         = 0x83
	DisconnectNotAuthorized                       = 0x87
	DisconnectServerBusy                          = 0x89
	DisconnectServerShuttingDown                  = 0x8B
	DisconnectKeepAliveTimeout                    = 0x8D
	DisconnectSessionTakenOver                    = 0x8E
	DisconnectTopicFilterInvalid                  = 0x8F
	DisconnectTopicNameInvalid                    = 0x90
	DisconnectReceiveMaximumExceeded              = 0x93
	DisconnectTopicAliasInvalid                   = 0x94
	DisconnectPacketTooLarge                      = 0x95
	DisconnectMessageRateTooHigh                  = 0x96
	DisconnectQuotaExceeded                       = 0x97
	DisconnectAdministrativeAction                = 0x98
	DisconnectPayloadFormatInvalid                = 0x99
	DisconnectRetainNotSupported                  = 0x9A
	DisconnectQoSNotSupported                     = 0x9B
	DisconnectUseAnotherServer                    = 0x9C
	DisconnectServerMoved                         = 0x9D
	DisconnectSharedSubscriptionNotSupported      = 0x9E
	DisconnectConnectionRateExceeded              = 0x9F
	DisconnectMaximumConnectTime                  = 0xA0
	DisconnectSubscriptionIdentifiersNotSupported = 0xA1
	DisconnectWildcardSubscriptionsNotSupported   = 0xA2
)

// String describes the packet.
func (d *Disconnect) String() string {
	return fmt.Sprintf("DISCONNECT: ReasonCode:%X Properties\n%s", d.ReasonCode, d.Properties)
}

// Unpack decodes what follows the fixed header. That may be nothing, for a normal disconnection [MQTT5-3.14.2.1].
func (d *Disconnect) Unpack(r *bytes.Buffer) error { return decode(r, d.unpack) }

func (d *Disconnect) unpack(from *decoder) {
	if len(from.data) > 0 {
		from.reason(&d.ReasonCode, &d.Properties, DISCONNECT)
	}
}

// Buffers encodes what follows the fixed header.
func (d *Disconnect) Buffers() (net.Buffers, error) {
	var e encoder
	e.byte(d.ReasonCode)
	e.properties(d.Properties, DISCONNECT)
	return net.Buffers{e.data}, e.err
}

// WriteTo writes the whole packet.
func (d *Disconnect) WriteTo(w io.Writer) (int64, error) { return writePacket(w, d, DISCONNECT, 0) }

// Reason returns the name of the reason code, or "" for one that DISCONNECT does not have.
func (d *Disconnect) Reason() string { return disconnectReasons.name(d.ReasonCode) }

// Auth is an AUTH packet.
type Auth struct {
	Properties *Properties
	ReasonCode byte
}

// Reason codes of AUTH.
const (
	AuthSuccess                = 0x00
	AuthContinueAuthentication = 0x18
	AuthReauthenticate         = 0x19
)

// String describes the packet.
func (a *Auth) String() string {
	return acknowledgement(fmt.Sprintf("AUTH: ReasonCode:%X", a.ReasonCode), a.Properties)
}

// Unpack decodes what follows the fixed header. That may be nothing, for success [MQTT5-3.15.2.1].
func (a *Auth) Unpack(r *bytes.Buffer) error { return decode(r, a.unpack) }

func (a *Auth) unpack(d *decoder) {
	if len(d.data) > 0 {
		d.reason(&a.ReasonCode, &a.Properties, AUTH)
	}
}

// Buffers encodes what follows the fixed header.
func (a *Auth) Buffers() (net.Buffers, error) {
	var e encoder
	e.byte(a.ReasonCode)
	e.properties(a.Properties, AUTH)
	return net.Buffers{e.data}, e.err
}

// WriteTo writes the whole packet.
func (a *Auth) WriteTo(w io.Writer) (int64, error) { return writePacket(w, a, AUTH, 0) }
