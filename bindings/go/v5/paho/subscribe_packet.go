package paho

import "github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"

type (
	// A Subscribe is a SUBSCRIBE packet.
	Subscribe struct {
		Properties    *SubscribeProperties
		Subscriptions []SubscribeOptions
	}

	// SubscribeOptions are one subscription of a SUBSCRIBE packet.
	SubscribeOptions struct {
		Topic             string
		QoS               byte
		RetainHandling    byte
		NoLocal           bool
		RetainAsPublished bool
	}

	// SubscribeProperties are the properties of a SUBSCRIBE packet.
	SubscribeProperties struct {
		SubscriptionIdentifier *int
		User                   UserProperties
	}

	// A Suback is a SUBACK packet: a reason code for each subscription.
	Suback struct {
		Properties *SubackProperties
		Reasons    []byte
	}

	// SubackProperties are the properties of a SUBACK packet.
	SubackProperties struct {
		ReasonString string
		User         UserProperties
	}

	// An Unsubscribe is an UNSUBSCRIBE packet.
	Unsubscribe struct {
		Topics     []string
		Properties *UnsubscribeProperties
	}

	// UnsubscribeProperties are the properties of an UNSUBSCRIBE packet.
	UnsubscribeProperties struct {
		User UserProperties
	}

	// An Unsuback is an UNSUBACK packet: a reason code for each topic filter.
	Unsuback struct {
		Reasons    []byte
		Properties *UnsubackProperties
	}

	// UnsubackProperties are the properties of an UNSUBACK packet.
	UnsubackProperties struct {
		ReasonString string
		User         UserProperties
	}
)

// InitProperties sets the properties from those of package packets.
func (s *Subscribe) InitProperties(prop *packets.Properties) {
	prop = orNone(prop)
	s.Properties = &SubscribeProperties{
		SubscriptionIdentifier: prop.SubscriptionIdentifier,
		User:                   UserPropertiesFromPacketUser(prop.User),
	}
}

// PacketSubOptionsFromSubscribeOptions returns the subscriptions as package packets has them.
func (s *Subscribe) PacketSubOptionsFromSubscribeOptions() []packets.SubOptions {
	options := make([]packets.SubOptions, len(s.Subscriptions))
	for i, subscription := range s.Subscriptions {
		options[i] = packets.SubOptions{
			Topic:             subscription.Topic,
			QoS:               subscription.QoS,
			RetainHandling:    subscription.RetainHandling,
			NoLocal:           subscription.NoLocal,
			RetainAsPublished: subscription.RetainAsPublished,
		}
	}
	return options
}

// Packet returns the SUBSCRIBE as package packets has it.
func (s *Subscribe) Packet() *packets.Subscribe {
	subscribe := &packets.Subscribe{Subscriptions: s.PacketSubOptionsFromSubscribeOptions()}
	if s.Properties != nil {
		subscribe.Properties = &packets.Properties{
			SubscriptionIdentifier: s.Properties.SubscriptionIdentifier,
			User:                   s.Properties.User.ToPacketProperties(),
		}
	}
	return subscribe
}

// Packet returns the SUBACK as package packets has it.
func (s *Suback) Packet() *packets.Suback {
	suback := &packets.Suback{Reasons: s.Reasons, Properties: &packets.Properties{}}
	if s.Properties != nil {
		suback.Properties.User = s.Properties.User.ToPacketProperties()
	}
	return suback
}

// SubackFromPacketSuback returns a SUBACK of package packets as this package has it.
func SubackFromPacketSuback(s *packets.Suback) *Suback {
	p := orNone(s.Properties)
	return &Suback{
		Reasons:    s.Reasons,
		Properties: &SubackProperties{ReasonString: p.ReasonString, User: UserPropertiesFromPacketUser(p.User)},
	}
}

// Packet returns the UNSUBSCRIBE as package packets has it.
func (u *Unsubscribe) Packet() *packets.Unsubscribe {
	unsubscribe := &packets.Unsubscribe{Topics: u.Topics}
	if u.Properties != nil {
		unsubscribe.Properties = &packets.Properties{User: u.Properties.User.ToPacketProperties()}
	}
	return unsubscribe
}

// Packet returns the UNSUBACK as package packets has it.
func (u *Unsuback) Packet() *packets.Unsuback {
	unsuback := &packets.Unsuback{Reasons: u.Reasons, Properties: &packets.Properties{}}
	if u.Properties != nil {
		unsuback.Properties.User = u.Properties.User.ToPacketProperties()
	}
	return unsuback
}

// UnsubackFromPacketUnsuback returns an UNSUBACK of package packets as this package has it.
func UnsubackFromPacketUnsuback(u *packets.Unsuback) *Unsuback {
	p := orNone(u.Properties)
	return &Unsuback{
		Reasons:    u.Reasons,
		Properties: &UnsubackProperties{ReasonString: p.ReasonString, User: UserPropertiesFromPacketUser(p.User)},
	}
}
