// Command packets encodes, decodes and prints each packet.
package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func show(p packets.ControlPacket) {
	var b bytes.Buffer
	kit.Must(p.Write(&b))
	encoded := b.Bytes()
	kit.Print(fmt.Sprintf("%.200x", encoded), p.Details())
	again, err := packets.ReadPacket(bytes.NewReader(encoded))
	kit.Print(fmt.Sprintf("%.300s", fmt.Sprint(again)), err)
	var c bytes.Buffer
	kit.Must(again.Write(&c))
	kit.Print(bytes.Equal(encoded, c.Bytes()))
}

func main() {
	for kind := 0; kind < 18; kind++ {
		p := packets.NewControlPacket(byte(kind))
		kit.Print(kind, p == nil, packets.PacketNames[byte(kind)])
		_, err := packets.NewControlPacketWithHeader(packets.FixedHeader{MessageType: byte(kind)})
		kit.Print(err)
		if p == nil {
			continue
		}
		switch p := p.(type) {
		case *packets.ConnectPacket:
			p.ProtocolName, p.ProtocolVersion, p.ClientIdentifier, p.CleanSession = "MQTT", 4, "id", true
			p.UsernameFlag, p.Username, p.PasswordFlag, p.Password = true, "user", true, []byte("pass")
			p.WillFlag, p.WillTopic, p.WillMessage, p.WillQos, p.WillRetain, p.Keepalive = true, "w", []byte("m"), 1, true, 60
			kit.Print(p.Validate())
		case *packets.PublishPacket:
			p.TopicName, p.Payload, p.Qos, p.MessageID, p.Dup, p.Retain = "a/b", []byte(strings.Repeat("x", 300)), 2, 0x1234, true, true
			show(p.Copy())
		case *packets.SubscribePacket:
			p.MessageID, p.Topics, p.Qoss = 7, []string{"a", "b/#"}, []byte{0, 2}
		case *packets.SubackPacket:
			p.MessageID, p.ReturnCodes = 7, []byte{0, 0x80}
		case *packets.UnsubscribePacket:
			p.MessageID, p.Topics = 8, []string{"a", "b/#"}
		case *packets.ConnackPacket:
			p.SessionPresent, p.ReturnCode = true, 5
		case *packets.PubackPacket:
			p.MessageID = 0xfffe
		case *packets.PubrelPacket:
			p.MessageID = 3
		}
		show(p)
	}
	v := func(change func(*packets.ConnectPacket)) {
		p := packets.NewControlPacket(packets.Connect).(*packets.ConnectPacket)
		p.ProtocolName, p.ProtocolVersion, p.ClientIdentifier, p.CleanSession = "MQTT", 4, "id", true
		change(p)
		kit.Print(p.Validate())
	}
	v(func(p *packets.ConnectPacket) { p.PasswordFlag = true })
	v(func(p *packets.ConnectPacket) { p.ReservedBit = 1 })
	v(func(p *packets.ConnectPacket) { p.ProtocolVersion = 3 })
	v(func(p *packets.ConnectPacket) { p.ProtocolName = "MQIsdp" })
	v(func(p *packets.ConnectPacket) { p.ProtocolName = "x" })
	v(func(p *packets.ConnectPacket) { p.ClientIdentifier, p.CleanSession = "", false })
	v(func(p *packets.ConnectPacket) { p.ClientIdentifier = strings.Repeat("x", 65536) })
	for code := 0; code < 256; code++ {
		if packets.ConnErrors[byte(code)] != nil || packets.ConnackReturnCodes[byte(code)] != "" {
			kit.Print(code, packets.ConnErrors[byte(code)], packets.ConnackReturnCodes[byte(code)])
		}
	}
	for _, malformed := range [][]byte{{}, {0x30}, {0x30, 3, 0}, {0x32, 3, 0, 5, 'a'}, {0xf0, 0}, {0x00, 0}, {0x20, 1, 0}, {0x40, 0}} {
		p, err := packets.ReadPacket(bytes.NewReader(malformed))
		kit.Print(p == nil || err == nil || len(malformed) > 2, err != nil)
	}
	p, err := packets.ReadPacket(bytes.NewReader([]byte{0x30, 3, 0, 1, 't', 0x30}))
	kit.Print(p, err)
}
