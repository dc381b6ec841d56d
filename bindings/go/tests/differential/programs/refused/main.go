// Command refused meets servers that refuse, and ones that are no MQTT servers.
package main

import (
	"errors"
	"io"
	"os"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	for code := byte(1); code <= 5; code++ {
		s := kit.Listen()
		c := mqtt.NewClient(kit.Options(s.URL))
		t := c.Connect().(*mqtt.ConnectToken)
		s.Accept().Connack(code, false)
		kit.Print(code, kit.Wait(t), t.ReturnCode(), t.Error() == packets.ConnErrors[code], c.IsConnected())
		s.Close()
	}
	// Without a version, 3.1.1 then 3.1.
	s := kit.Listen()
	c := mqtt.NewClient(mqtt.NewClientOptions().AddBroker(s.URL).SetClientID("both"))
	t := c.Connect().(*mqtt.ConnectToken)
	first := s.Accept().Connack(1, false)
	kit.Print(first.ProtocolName, first.ProtocolVersion)
	second := s.Accept().Connack(0, false)
	kit.Print(second.ProtocolName, second.ProtocolVersion, kit.Wait(t))
	r := c.OptionsReader()
	kit.Print(r.ProtocolVersion())
	c.Disconnect(kit.Quiesce)
	s.Close()

	answers := map[string][]byte{
		"nothing": nil, "half": {0x20, 2, 0}, "other packet": {0xd0, 0}, "http": []byte("HTTP/1.1 400 Bad Request\r\n\r\n"),
	}
	for _, name := range []string{"nothing", "half", "other packet"} {
		s := kit.Listen()
		c := mqtt.NewClient(kit.Options(s.URL))
		t := c.Connect().(*mqtt.ConnectToken)
		conn := s.Accept()
		conn.Read()
		conn.Write(answers[name])
		conn.Close()
		kit.Wait(t)
		kit.Print(name, t.ReturnCode(), errors.Is(t.Error(), packets.ErrorNetworkError), name != "nothing" || errors.Is(t.Error(), io.EOF))
		if name == "nothing" {
			kit.Print(t.Error())
		}
		s.Close()
	}
	// A server that says nothing.
	s = kit.Listen()
	o := kit.Options(s.URL).SetConnectTimeout(3 * time.Second)
	c = mqtt.NewClient(o)
	t = c.Connect().(*mqtt.ConnectToken)
	conn := s.Accept()
	kit.Wait(t)
	kit.Print(t.ReturnCode(), errors.Is(t.Error(), os.ErrDeadlineExceeded), errors.Is(t.Error(), packets.ErrorNetworkError))
	conn.Close()
	// The second server takes it.
	bad, good := kit.Listen(), kit.Listen()
	c = mqtt.NewClient(kit.Options(bad.URL).AddBroker(good.URL))
	t = c.Connect().(*mqtt.ConnectToken)
	bad.Accept().Connack(3, false)
	good.Accept().Connack(0, true)
	kit.Print(kit.Wait(t), t.SessionPresent())
	c.Disconnect(kit.Quiesce)
}
