package paho

import (
	"fmt"
	"strings"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

type (
	// A Publish is a PUBLISH packet: a message.
	Publish struct {
		PacketID   uint16
		QoS        byte
		duplicate  bool // only the session sets it
		Retain     bool
		Topic      string
		Properties *PublishProperties
		Payload    []byte
	}

	// PublishProperties are the properties of a PUBLISH packet.
	PublishProperties struct {
		CorrelationData        []byte
		ContentType            string
		ResponseTopic          string
		PayloadFormat          *byte
		MessageExpiry          *uint32
		SubscriptionIdentifier *int
		TopicAlias             *uint16
		User                   UserProperties
	}

	// A PublishResponse is the last acknowledgement of a message that was sent with QoS 1 or 2.
	PublishResponse struct {
		Properties *PublishResponseProperties
		ReasonCode byte
	}

	// PublishResponseProperties are the properties of a PublishResponse.
	PublishResponseProperties struct {
		ReasonString string
		User         UserProperties
	}
)

// InitProperties sets the properties from those of package packets.
func (p *Publish) InitProperties(prop *packets.Properties) {
	prop = orNone(prop)
	p.Properties = &PublishProperties{
		CorrelationData:        prop.CorrelationData,
		ContentType:            prop.ContentType,
		ResponseTopic:          prop.ResponseTopic,
		PayloadFormat:          prop.PayloadFormat,
		MessageExpiry:          prop.MessageExpiry,
		SubscriptionIdentifier: prop.SubscriptionIdentifier,
		TopicAlias:             prop.TopicAlias,
		User:                   UserPropertiesFromPacketUser(prop.User),
	}
}

// PublishFromPacketPublish returns a PUBLISH of package packets as this package has it.
func PublishFromPacketPublish(p *packets.Publish) *Publish {
	publish := &Publish{PacketID: p.PacketID, QoS: p.QoS, duplicate: p.Duplicate, Retain: p.Retain, Topic: p.Topic, Payload: p.Payload}
	publish.InitProperties(p.Properties)
	return publish
}

// Duplicate returns true if the server says that it may have sent the message before. The client need not have seen it then.
func (p *Publish) Duplicate() bool { return p.duplicate }

// Packet returns the PUBLISH as package packets has it.
func (p *Publish) Packet() *packets.Publish {
	publish := &packets.Publish{PacketID: p.PacketID, QoS: p.QoS, Duplicate: p.duplicate, Retain: p.Retain, Topic: p.Topic, Payload: p.Payload}
	if prop := p.Properties; prop != nil {
		publish.Properties = &packets.Properties{
			CorrelationData:        prop.CorrelationData,
			ContentType:            prop.ContentType,
			ResponseTopic:          prop.ResponseTopic,
			PayloadFormat:          prop.PayloadFormat,
			MessageExpiry:          prop.MessageExpiry,
			SubscriptionIdentifier: prop.SubscriptionIdentifier,
			TopicAlias:             prop.TopicAlias,
			User:                   prop.User.ToPacketProperties(),
		}
	}
	return publish
}

// String returns the packet as text, for logs.
func (p *Publish) String() string {
	if p == nil {
		return "Publish==nil"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "topic: %s  qos: %d  retain: %t\n", p.Topic, p.QoS, p.Retain)
	if prop := p.Properties; prop != nil {
		if prop.PayloadFormat != nil {
			fmt.Fprintf(&b, "PayloadFormat: %d\n", *prop.PayloadFormat)
		}
		if prop.MessageExpiry != nil {
			fmt.Fprintf(&b, "MessageExpiry: %d\n", *prop.MessageExpiry)
		}
		if prop.ContentType != "" {
			fmt.Fprintf(&b, "ContentType: %s\n", prop.ContentType)
		}
		if prop.ResponseTopic != "" {
			fmt.Fprintf(&b, "ResponseTopic: %s\n", prop.ResponseTopic)
		}
		if prop.CorrelationData != nil {
			fmt.Fprintf(&b, "CorrelationData: %v\n", prop.CorrelationData)
		}
		if prop.TopicAlias != nil {
			fmt.Fprintf(&b, "TopicAlias: %d\n", *prop.TopicAlias)
		}
		if prop.SubscriptionIdentifier != nil {
			fmt.Fprintf(&b, "SubscriptionIdentifier: %d\n", *prop.SubscriptionIdentifier)
		}
		for _, property := range prop.User {
			fmt.Fprintf(&b, "User: %s : %s\n", property.Key, property.Value)
		}
	}
	b.Write(p.Payload)
	return b.String()
}

// PublishResponseFromPuback returns what a PUBACK says.
func PublishResponseFromPuback(pa *packets.Puback) *PublishResponse {
	return publishResponse(pa.ReasonCode, pa.Properties)
}

// PublishResponseFromPubcomp returns what a PUBCOMP says.
func PublishResponseFromPubcomp(pc *packets.Pubcomp) *PublishResponse {
	return publishResponse(pc.ReasonCode, pc.Properties)
}

// PublishResponseFromPubrec returns what a PUBREC says that refuses a message.
func PublishResponseFromPubrec(pr *packets.Pubrec) *PublishResponse {
	return publishResponse(pr.ReasonCode, pr.Properties)
}

func publishResponse(reason byte, p *packets.Properties) *PublishResponse {
	p = orNone(p)
	return &PublishResponse{
		ReasonCode: reason,
		Properties: &PublishResponseProperties{ReasonString: p.ReasonString, User: UserPropertiesFromPacketUser(p.User)},
	}
}
