package paho

import (
	"fmt"
	"strings"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

type (
	// A Connack is a CONNACK packet.
	Connack struct {
		Properties     *ConnackProperties
		ReasonCode     byte
		SessionPresent bool
	}

	// ConnackProperties are the properties of a CONNACK packet. Those that say what the server offers are true unless it says otherwise.
	ConnackProperties struct {
		SessionExpiryInterval *uint32
		AuthData              []byte
		AuthMethod            string
		ResponseInfo          string
		ServerReference       string
		ReasonString          string
		AssignedClientID      string
		MaximumPacketSize     *uint32
		ReceiveMaximum        *uint16
		TopicAliasMaximum     *uint16
		ServerKeepAlive       *uint16
		MaximumQoS            *byte
		User                  UserProperties
		WildcardSubAvailable  bool
		SubIDAvailable        bool
		SharedSubAvailable    bool
		RetainAvailable       bool
	}
)

// InitProperties sets the properties from those of package packets.
func (c *Connack) InitProperties(p *packets.Properties) {
	p = orNone(p)
	offered := func(flag *byte) bool { return flag == nil || *flag == 1 }
	c.Properties = &ConnackProperties{
		SessionExpiryInterval: p.SessionExpiryInterval,
		AuthData:              p.AuthData,
		AuthMethod:            p.AuthMethod,
		ResponseInfo:          p.ResponseInfo,
		ServerReference:       p.ServerReference,
		ReasonString:          p.ReasonString,
		AssignedClientID:      p.AssignedClientID,
		MaximumPacketSize:     p.MaximumPacketSize,
		ReceiveMaximum:        p.ReceiveMaximum,
		TopicAliasMaximum:     p.TopicAliasMaximum,
		ServerKeepAlive:       p.ServerKeepAlive,
		MaximumQoS:            p.MaximumQOS,
		User:                  UserPropertiesFromPacketUser(p.User),
		WildcardSubAvailable:  offered(p.WildcardSubAvailable),
		SubIDAvailable:        offered(p.SubIDAvailable),
		SharedSubAvailable:    offered(p.SharedSubAvailable),
		RetainAvailable:       offered(p.RetainAvailable),
	}
}

// ConnackFromPacketConnack returns a CONNACK of package packets as this package has it.
func ConnackFromPacketConnack(c *packets.Connack) *Connack {
	connack := &Connack{SessionPresent: c.SessionPresent, ReasonCode: c.ReasonCode}
	connack.InitProperties(c.Properties)
	return connack
}

// String returns the packet as text, for logs.
func (c *Connack) String() string {
	return fmt.Sprintf("CONNACK: ReasonCode:%d SessionPresent:%t\nProperties:\n%s", c.ReasonCode, c.SessionPresent, c.Properties)
}

// String returns the properties as text, a line each.
func (p *ConnackProperties) String() string {
	var b strings.Builder
	line := func(name, value string) { b.WriteString("\t" + name + ":" + value + "\n") }
	text := func(name, value string) {
		if value != "" {
			line(name, value)
		}
	}
	if p.SessionExpiryInterval != nil {
		line("SessionExpiryInterval", fmt.Sprint(*p.SessionExpiryInterval))
	}
	text("AssignedClientID", p.AssignedClientID)
	if p.ServerKeepAlive != nil {
		line("ServerKeepAlive", fmt.Sprint(*p.ServerKeepAlive))
	}
	text("AuthMethod", p.AuthMethod)
	text("AuthData", fmt.Sprintf("%X", p.AuthData))
	text("ServerReference", p.ServerReference)
	text("ReasonString", p.ReasonString)
	if p.ReceiveMaximum != nil {
		line("ReceiveMaximum", fmt.Sprint(*p.ReceiveMaximum))
	}
	if p.TopicAliasMaximum != nil {
		line("TopicAliasMaximum", fmt.Sprint(*p.TopicAliasMaximum))
	}
	line("RetainAvailable", fmt.Sprint(p.RetainAvailable))
	if p.MaximumPacketSize != nil {
		line("MaximumPacketSize", fmt.Sprint(*p.MaximumPacketSize))
	}
	line("WildcardSubAvailable", fmt.Sprint(p.WildcardSubAvailable))
	line("SubIDAvailable", fmt.Sprint(p.SubIDAvailable))
	line("SharedSubAvailable", fmt.Sprint(p.SharedSubAvailable))
	if len(p.User) > 0 {
		b.WriteString("\tUser Properties:\n")
		for _, property := range p.User {
			line("\t"+property.Key, property.Value)
		}
	}
	return b.String()
}
