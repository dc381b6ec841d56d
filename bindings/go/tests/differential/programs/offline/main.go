// Command offline makes each call without a connection, and connects to where nobody is.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func main() {
	closed := strings.TrimPrefix(kit.Refusing(), "tcp://")

	c := mqtt.NewClient(kit.Options("tcp://" + closed))
	kit.Print(c.IsConnected(), c.IsConnectionOpen())
	kit.Print(kit.Wait(c.Publish("a", 1, false, "x")), c.Publish("a", 1, false, "x").Error() == mqtt.ErrNotConnected)
	kit.Print(kit.Wait(c.Subscribe("a", 1, nil)), kit.Wait(c.SubscribeMultiple(map[string]byte{"a": 1}, nil)), kit.Wait(c.Unsubscribe("a")))
	kit.Print(kit.Wait(c.Publish("a", 0, false, struct{}{})))
	c.Disconnect(kit.Quiesce)
	c.Disconnect(0)

	t := c.Connect().(*mqtt.ConnectToken)
	kit.Print(kit.Wait(t), t.ReturnCode(), t.SessionPresent())
	kit.Print(errors.Is(t.Error(), packets.ErrorNetworkError), errors.Is(t.Error(), syscall.ECONNREFUSED), errors.Is(t.Error(), packets.ErrorRefusedNotAuthorised))
	var op *net.OpError
	kit.Print(errors.As(t.Error(), &op), op != nil && op.Op == "dial", c.IsConnected())

	none := mqtt.NewClient(mqtt.NewClientOptions())
	kit.Print(kit.Wait(none.Connect()), none.Connect().(*mqtt.ConnectToken).ReturnCode())
	for _, scheme := range []string{"xyz", "http", "TCP"} {
		kit.Print(scheme, kit.Wait(mqtt.NewClient(mqtt.NewClientOptions().AddBroker(scheme+"://"+closed).SetProtocolVersion(4)).Connect()))
	}
	custom := kit.Options("tcp://" + closed).SetCustomOpenConnectionFn(nil)
	custom.CustomOpenConnectionFn = nil
	kit.Print(kit.Wait(mqtt.NewClient(custom).Connect()))
	failing := mqtt.NewClientOptions().AddBroker("any://where").SetProtocolVersion(4)
	failing.SetCustomOpenConnectionFn(nil)
	kit.Print(kit.Wait(mqtt.NewClient(failing).Connect()))

	d := &mqtt.DummyToken{}
	kit.Print(d.Wait(), d.WaitTimeout(0), d.Error())
	<-d.Done()
	p := &mqtt.PlaceHolderToken{}
	kit.Print(p.Wait(), p.WaitTimeout(0), p.Error())
	kit.Print(mqtt.WaitTokenTimeout(d, 0))
	_ = bytes.Buffer{}
	fmt.Println("done")
}
