package paho

import "github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"

type (
	// A Disconnect is a DISCONNECT packet.
	Disconnect struct {
		Properties *DisconnectProperties
		ReasonCode byte
	}

	// DisconnectProperties are the properties of a DISCONNECT packet.
	DisconnectProperties struct {
		ServerReference       string
		ReasonString          string
		SessionExpiryInterval *uint32
		User                  UserProperties
	}
)

// InitProperties sets the properties from those of package packets.
func (d *Disconnect) InitProperties(p *packets.Properties) {
	p = orNone(p)
	d.Properties = &DisconnectProperties{
		ServerReference:       p.ServerReference,
		ReasonString:          p.ReasonString,
		SessionExpiryInterval: p.SessionExpiryInterval,
		User:                  UserPropertiesFromPacketUser(p.User),
	}
}

// DisconnectFromPacketDisconnect returns a DISCONNECT of package packets as this package has it.
func DisconnectFromPacketDisconnect(p *packets.Disconnect) *Disconnect {
	disconnect := &Disconnect{ReasonCode: p.ReasonCode}
	disconnect.InitProperties(p.Properties)
	return disconnect
}

// Packet returns the DISCONNECT as package packets has it.
func (d *Disconnect) Packet() *packets.Disconnect {
	disconnect := &packets.Disconnect{ReasonCode: d.ReasonCode}
	if p := d.Properties; p != nil {
		disconnect.Properties = &packets.Properties{
			ServerReference:       p.ServerReference,
			ReasonString:          p.ReasonString,
			SessionExpiryInterval: p.SessionExpiryInterval,
			User:                  p.User.ToPacketProperties(),
		}
	}
	return disconnect
}
