package paho

import "github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"

type (
	// A Connect is a CONNECT packet.
	Connect struct {
		Password       []byte
		Username       string
		ClientID       string
		Properties     *ConnectProperties
		WillMessage    *WillMessage
		WillProperties *WillProperties
		KeepAlive      uint16
		CleanStart     bool
		UsernameFlag   bool
		PasswordFlag   bool
	}

	// ConnectProperties are the properties of a CONNECT packet.
	ConnectProperties struct {
		AuthData              []byte
		AuthMethod            string
		SessionExpiryInterval *uint32
		WillDelayInterval     *uint32
		ReceiveMaximum        *uint16
		TopicAliasMaximum     *uint16
		MaximumPacketSize     *uint32
		User                  UserProperties
		RequestProblemInfo    bool
		RequestResponseInfo   bool
	}

	// A WillMessage is published by the server when the connection ends without a DISCONNECT.
	WillMessage struct {
		Retain  bool
		QoS     byte
		Topic   string
		Payload []byte
	}

	// WillProperties are the properties of a WillMessage.
	WillProperties struct {
		WillDelayInterval *uint32
		PayloadFormat     *byte
		MessageExpiry     *uint32
		ContentType       string
		ResponseTopic     string
		CorrelationData   []byte
		User              UserProperties
	}
)

// InitProperties sets the properties from those of package packets.
func (c *Connect) InitProperties(p *packets.Properties) {
	p = orNone(p)
	c.Properties = &ConnectProperties{
		AuthData:              p.AuthData,
		AuthMethod:            p.AuthMethod,
		SessionExpiryInterval: p.SessionExpiryInterval,
		WillDelayInterval:     p.WillDelayInterval,
		ReceiveMaximum:        p.ReceiveMaximum,
		TopicAliasMaximum:     p.TopicAliasMaximum,
		MaximumPacketSize:     p.MaximumPacketSize,
		User:                  UserPropertiesFromPacketUser(p.User),
		RequestProblemInfo:    p.RequestProblemInfo == nil || *p.RequestProblemInfo == 1,
		RequestResponseInfo:   p.RequestResponseInfo != nil && *p.RequestResponseInfo == 1,
	}
}

// InitWillProperties sets the will's properties from those of package packets.
func (c *Connect) InitWillProperties(p *packets.Properties) {
	p = orNone(p)
	c.WillProperties = &WillProperties{
		WillDelayInterval: p.WillDelayInterval,
		PayloadFormat:     p.PayloadFormat,
		MessageExpiry:     p.MessageExpiry,
		ContentType:       p.ContentType,
		ResponseTopic:     p.ResponseTopic,
		CorrelationData:   p.CorrelationData,
		User:              UserPropertiesFromPacketUser(p.User),
	}
}

// ConnectFromPacketConnect returns a CONNECT of package packets as this package has it.
func ConnectFromPacketConnect(p *packets.Connect) *Connect {
	connect := &Connect{
		Password:     p.Password,
		Username:     p.Username,
		ClientID:     p.ClientID,
		KeepAlive:    p.KeepAlive,
		CleanStart:   p.CleanStart,
		UsernameFlag: p.UsernameFlag,
		PasswordFlag: p.PasswordFlag,
	}
	connect.InitProperties(p.Properties)
	if p.WillFlag {
		connect.WillMessage = &WillMessage{Retain: p.WillRetain, QoS: p.WillQOS, Topic: p.WillTopic, Payload: p.WillMessage}
		connect.InitWillProperties(p.WillProperties)
	}
	return connect
}

// Packet returns the CONNECT as package packets has it.
func (c *Connect) Packet() *packets.Connect {
	connect := &packets.Connect{
		Password:     c.Password,
		Username:     c.Username,
		ClientID:     c.ClientID,
		KeepAlive:    c.KeepAlive,
		CleanStart:   c.CleanStart,
		UsernameFlag: c.UsernameFlag,
		PasswordFlag: c.PasswordFlag,
	}
	if p := c.Properties; p != nil {
		connect.Properties = &packets.Properties{
			AuthData:              p.AuthData,
			AuthMethod:            p.AuthMethod,
			SessionExpiryInterval: p.SessionExpiryInterval,
			WillDelayInterval:     p.WillDelayInterval,
			ReceiveMaximum:        p.ReceiveMaximum,
			TopicAliasMaximum:     p.TopicAliasMaximum,
			MaximumPacketSize:     p.MaximumPacketSize,
			User:                  p.User.ToPacketProperties(),
		}
		// The values that a server assumes anyway are not sent.
		if p.RequestResponseInfo {
			connect.Properties.RequestResponseInfo = Byte(1)
		}
		if !p.RequestProblemInfo {
			connect.Properties.RequestProblemInfo = Byte(0)
		}
	}
	if will := c.WillMessage; will != nil {
		connect.WillFlag = true
		connect.WillRetain, connect.WillQOS, connect.WillTopic, connect.WillMessage = will.Retain, will.QoS, will.Topic, will.Payload
		if p := c.WillProperties; p != nil {
			connect.WillProperties = &packets.Properties{
				WillDelayInterval: p.WillDelayInterval,
				PayloadFormat:     p.PayloadFormat,
				MessageExpiry:     p.MessageExpiry,
				ContentType:       p.ContentType,
				ResponseTopic:     p.ResponseTopic,
				CorrelationData:   p.CorrelationData,
				User:              p.User.ToPacketProperties(),
			}
		}
	}
	return connect
}
