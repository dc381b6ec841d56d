// Package values shows conversions between packages paho and packets, and texts.
package values

import (
	"fmt"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/kit"
)

// Run runs the program.
func Run() {
	users := []packets.User{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}, {Key: "a", Value: "3"}}
	all := &packets.Properties{
		PayloadFormat: kit.Pointer(byte(1)), MessageExpiry: kit.Pointer(uint32(2)), ContentType: "c", ResponseTopic: "r", CorrelationData: []byte("d"),
		SubscriptionIdentifier: kit.Pointer(3), SessionExpiryInterval: kit.Pointer(uint32(4)), AssignedClientID: "id", ServerKeepAlive: kit.Pointer(uint16(5)),
		AuthMethod: "m", AuthData: []byte("ad"), RequestProblemInfo: kit.Pointer(byte(1)), WillDelayInterval: kit.Pointer(uint32(6)),
		RequestResponseInfo: kit.Pointer(byte(1)), ResponseInfo: "ri", ServerReference: "sr", ReasonString: "rs", ReceiveMaximum: kit.Pointer(uint16(7)),
		TopicAliasMaximum: kit.Pointer(uint16(8)), TopicAlias: kit.Pointer(uint16(9)), MaximumQOS: kit.Pointer(byte(1)), RetainAvailable: kit.Pointer(byte(1)),
		User: users, MaximumPacketSize: kit.Pointer(uint32(10)), WildcardSubAvailable: kit.Pointer(byte(1)), SubIDAvailable: kit.Pointer(byte(0)),
		SharedSubAvailable: kit.Pointer(byte(1)),
	}
	for _, p := range []*packets.Properties{{}, all} {
		connack := paho.ConnackFromPacketConnack(&packets.Connack{SessionPresent: true, ReasonCode: 1, Properties: p})
		kit.Print(kit.Fields(connack))
		kit.Print(connack)
		connect := paho.ConnectFromPacketConnect(&packets.Connect{ClientID: "c", WillFlag: true, WillTopic: "w", WillQOS: 1, WillProperties: p, Properties: p})
		kit.Print(kit.Fields(connect), kit.Fields(connect.WillMessage))
		kit.Print(kit.Fields(connect.Packet()))
		publish := paho.PublishFromPacketPublish(&packets.Publish{Topic: "t", Duplicate: true, QoS: 2, PacketID: 3, Retain: true, Payload: []byte("p"), Properties: p})
		kit.Print(kit.Fields(publish), publish.Duplicate(), kit.Fields(publish.Packet()))
		kit.Print(kit.Fields(paho.AuthFromPacketAuth(&packets.Auth{ReasonCode: 1, Properties: p}).Packet()))
		kit.Print(kit.Fields(paho.AuthResponseFromPacketAuth(&packets.Auth{ReasonCode: 1, Properties: p})))
		kit.Print(kit.Fields(paho.AuthResponseFromPacketDisconnect(&packets.Disconnect{ReasonCode: 1, Properties: p})))
		kit.Print(kit.Fields(paho.DisconnectFromPacketDisconnect(&packets.Disconnect{ReasonCode: 1, Properties: p}).Packet()))
		kit.Print(kit.Fields(paho.PublishResponseFromPuback(&packets.Puback{ReasonCode: 1, Properties: p})))
		kit.Print(kit.Fields(paho.PublishResponseFromPubrec(&packets.Pubrec{ReasonCode: 1, Properties: p})))
		kit.Print(kit.Fields(paho.PublishResponseFromPubcomp(&packets.Pubcomp{ReasonCode: 1, Properties: p})))
		kit.Print(kit.Fields(paho.SubackFromPacketSuback(&packets.Suback{Reasons: []byte{1}, Properties: p}).Packet()))
		kit.Print(kit.Fields(paho.UnsubackFromPacketUnsuback(&packets.Unsuback{Reasons: []byte{1}, Properties: p}).Packet()))
		var subscribe paho.Subscribe
		subscribe.InitProperties(p)
		subscribe.Subscriptions = []paho.SubscribeOptions{{Topic: "t", QoS: 1, RetainHandling: 2, NoLocal: true, RetainAsPublished: true}}
		kit.Print(kit.Fields(subscribe.Packet()))
	}
	kit.Print((*paho.Publish)(nil).String())
	plain := &paho.Publish{Topic: "t", QoS: 1, Retain: true, Payload: []byte("p"), Properties: &paho.PublishProperties{
		ContentType: "c", ResponseTopic: "r", CorrelationData: []byte{1, 2}, User: paho.UserProperties{{Key: "k", Value: "v"}},
	}}
	kit.Print(plain)
	kit.Print(kit.Fields((&paho.Unsubscribe{Topics: []string{"a"}, Properties: &paho.UnsubscribeProperties{User: paho.UserProperties{{Key: "k", Value: "v"}}}}).Packet()))
	kit.Print(kit.Fields((&paho.Unsubscribe{Topics: []string{"a"}}).Packet()), kit.Fields((&paho.Subscribe{}).Packet()))

	properties := paho.UserPropertiesFromPacketUser(users)
	properties.Add("c", "4").Add("a", "5")
	kit.Print(properties, properties.Get("a"), properties.Get("z") == "", properties.GetAll("a"), properties.GetAll("z") == nil, properties.ToPacketProperties())
	kit.Print(*paho.Byte(1), *paho.Uint16(2), *paho.Uint32(3), *paho.BoolToByte(true), *paho.BoolToByte(false))
	for _, err := range []error{
		paho.ErrConnectionLost, paho.ErrInvalidArguments, paho.ErrManualAcknowledgmentDisabled, paho.ErrNetworkErrorAfterStored, paho.ErrPacketNotFound,
	} {
		kit.Print(err)
	}
	kit.Print(fmt.Sprint(paho.PublishMethod_Blocking, paho.PublishMethod_AsyncSend))
}
