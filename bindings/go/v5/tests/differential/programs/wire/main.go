// Command wire prints each kind of packet as bytes and as text, and what is read of packets.
package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

func full() *packets.Properties {
	identifier := 300
	return &packets.Properties{
		PayloadFormat: paho.Byte(1), MessageExpiry: paho.Uint32(7), ContentType: "text", ResponseTopic: "r/t", CorrelationData: []byte{1, 0xab},
		SubscriptionIdentifier: &identifier, SessionExpiryInterval: paho.Uint32(9), AssignedClientID: "id", ServerKeepAlive: paho.Uint16(5),
		AuthMethod: "m", AuthData: []byte{3}, RequestProblemInfo: paho.Byte(0), WillDelayInterval: paho.Uint32(4),
		RequestResponseInfo: paho.Byte(1), ServerReference: "ref", ReasonString: "why", ReceiveMaximum: paho.Uint16(6),
		TopicAliasMaximum: paho.Uint16(8), TopicAlias: paho.Uint16(2), MaximumQOS: paho.Byte(1), RetainAvailable: paho.Byte(0),
		User: []packets.User{{Key: "a", Value: "1"}, {Key: "a", Value: "2"}}, MaximumPacketSize: paho.Uint32(1000), WildcardSubAvailable: paho.Byte(1),
		SubIDAvailable: paho.Byte(1), SharedSubAvailable: paho.Byte(0),
	}
}

// show prints a packet as text, the length of its bytes, and as the text of what is read of them.
func show(p *packets.ControlPacket, exact bool) {
	fmt.Println(p.PacketType(), p.PacketID(), p)
	var b bytes.Buffer
	if _, err := p.WriteTo(&b); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(b.Len())
	if exact {
		fmt.Printf("%x\n", b.Bytes())
	}
	read, err := packets.ReadPacket(&b)
	fmt.Println(read, err, read.Flags&0xf)
}

func main() {
	for _, of := range []*packets.Properties{{}, full()} {
		exact := len(of.User) == 0 // the order of properties is anybody's choice
		for kind := packets.CONNECT; kind <= packets.AUTH; kind++ {
			own := *of
			properties := &own
			if !packets.ValidateID(kind, packets.PropReasonString) {
				own.ReasonString = "" // the original would write it
			}
			p := packets.NewControlPacket(kind)
			switch c := p.Content.(type) {
			case *packets.Connect:
				c.ClientID, c.KeepAlive, c.CleanStart, c.UsernameFlag, c.Username, c.PasswordFlag, c.Password = "c", 30, true, true, "u", true, []byte("p")
				c.Properties = &packets.Properties{SessionExpiryInterval: properties.SessionExpiryInterval, AuthMethod: properties.AuthMethod}
				c.WillFlag, c.WillTopic, c.WillMessage, c.WillQOS, c.WillRetain, c.WillProperties = true, "w", []byte("bye"), 1, true, &packets.Properties{WillDelayInterval: properties.WillDelayInterval}
			case *packets.Connack:
				c.SessionPresent, c.ReasonCode, c.Properties = true, 0x87, properties
			case *packets.Publish:
				c.Topic, c.QoS, c.PacketID, c.Payload, c.Retain, c.Duplicate, c.Properties = "t", 2, 513, []byte("body"), true, true, properties
			case *packets.Puback:
				c.PacketID, c.ReasonCode, c.Properties = 1, 0x10, properties
			case *packets.Pubrec:
				c.PacketID, c.ReasonCode, c.Properties = 1, 0x80, properties
			case *packets.Pubrel:
				c.PacketID, c.Properties = 1, properties
			case *packets.Pubcomp:
				c.PacketID, c.ReasonCode, c.Properties = 1, 0x92, properties
			case *packets.Subscribe:
				c.PacketID, c.Properties = 5, properties
				c.Subscriptions = []packets.SubOptions{{Topic: "a/+", QoS: 1, NoLocal: true}, {Topic: "#", RetainHandling: packets.RetainDoNotSend, RetainAsPublished: true}}
			case *packets.Suback:
				c.PacketID, c.Reasons, c.Properties = 5, []byte{1, 0x87}, properties
			case *packets.Unsubscribe:
				c.PacketID, c.Topics, c.Properties = 6, []string{"a", "b/#"}, properties
			case *packets.Unsuback:
				c.PacketID, c.Reasons, c.Properties = 6, []byte{0, 0x11}, properties
			case *packets.Disconnect:
				c.ReasonCode, c.Properties = 4, properties
			case *packets.Auth:
				c.ReasonCode, c.Properties = 0x18, properties
				p.Flags = 0 // the original makes a reserved bit of it
			}
			show(p, exact)
		}
	}
	for p := range 16 {
		for id := range 50 {
			if packets.ValidateID(byte(p), byte(id)) {
				fmt.Print(p, ":", id, " ")
			}
		}
	}
	fmt.Println(packets.NewControlPacket(0) == nil, packets.NewControlPacket(16) == nil)
	fmt.Println(&packets.Disconnect{}, &packets.Puback{}, &packets.Connack{}, &packets.Auth{})
	for _, wire := range []string{"\x40\x02\x00\x01", "\x40\x03\x00\x01\x10", "\xe0\x01\x04", "\xf0\x00", "\x30\x05\x00\x01a\x00b", "\x30\x80"} {
		read, err := packets.ReadPacket(strings.NewReader(wire))
		fmt.Println(read != nil, err != nil)
	}
	connect := paho.ConnectFromPacketConnect(packets.NewControlPacket(packets.CONNECT).Content.(*packets.Connect))
	fmt.Println(connect.ClientID == "", paho.Suback{Reasons: []byte{1}}.Reasons)
}
