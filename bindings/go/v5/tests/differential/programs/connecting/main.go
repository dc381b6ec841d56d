// Command connecting prints how the first connection is made, lost and made again, with servers that refuse in between.
package main

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

func main() {
	first, second := kit.Listen(), kit.Listen()
	refusals, ups, downs, lost, gone := make(chan error, 9), make(chan string, 9), make(chan bool, 9), make(chan error, 9), make(chan byte, 9)
	cfg := kit.Config(first, second)
	// Callbacks print nothing: they run while this goroutine goes on.
	built := make(chan string, 9)
	attempt := 0
	cfg.CleanStartOnInitialConnection = true
	cfg.SessionExpiryInterval = 60
	cfg.ConnectUsername, cfg.ConnectPassword = "user", []byte("password")
	cfg.WillMessage = &paho.WillMessage{Topic: "will", Payload: []byte("bye"), QoS: 1, Retain: true}
	cfg.ConnectPacketBuilder = func(c *paho.Connect, server *url.URL) (*paho.Connect, error) {
		attempt++
		built <- fmt.Sprint("builder ", c.ClientID, c.CleanStart, c.KeepAlive, c.Username, c.UsernameFlag, string(c.Password), c.PasswordFlag,
			*c.Properties.SessionExpiryInterval, c.WillMessage.Topic, c.WillProperties != nil, server.Host == second.URL.Host)
		if attempt == 2 {
			return nil, errors.New("not this one")
		}
		c.ClientID = fmt.Sprint("attempt", attempt)
		return c, nil
	}
	cfg.OnConnectError = func(err error) { refusals <- err }
	cfg.OnConnectionUp = func(m *autopaho.ConnectionManager, c *paho.Connack) {
		ups <- fmt.Sprint(c.ReasonCode, c.SessionPresent, c.Properties.AssignedClientID)
	}
	cfg.OnConnectionDown = func() bool { downs <- true; return true }
	cfg.OnClientError = func(err error) { lost <- err }
	cfg.OnServerDisconnect = func(d *paho.Disconnect) { gone <- d.ReasonCode }
	m, err := autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	conn := first.Accept()
	conn.Answer(&packets.Connack{ReasonCode: 0x87, Properties: &packets.Properties{ReasonString: "go away"}})
	kit.Print(kit.Recv(built, "builder"))
	err = kit.Recv(refusals, "OnConnectError")
	var refused *autopaho.ConnackError
	kit.Print(err, errors.As(err, &refused), refused.ReasonCode, refused.Reason)
	conn.Expect("after the refusal")
	kit.Print(kit.Recv(built, "builder"))
	kit.Print(kit.Recv(refusals, "OnConnectError"))
	conn = first.Accept()
	kit.Print(kit.Recv(built, "builder"))
	conn.Close()
	kit.Print(kit.Recv(refusals, "OnConnectError") != nil)
	conn = second.Accept()
	kit.Print(kit.Recv(built, "builder"))
	connect := conn.Answer(&packets.Connack{Properties: &packets.Properties{AssignedClientID: "assigned"}})
	kit.Print("clean", connect.CleanStart, connect.ClientID, kit.Recv(ups, "OnConnectionUp"))
	kit.Print(m.AwaitConnection(kit.Context()))

	conn.Close()
	kit.Print(kit.Recv(lost, "OnClientError") != nil, kit.Recv(downs, "OnConnectionDown"))
	conn = first.Accept()
	kit.Print(kit.Recv(built, "builder"))
	connect = conn.Connack(true)
	kit.Print("clean", connect.CleanStart, connect.ClientID, kit.Recv(ups, "OnConnectionUp"))
	conn.Send(&packets.Disconnect{ReasonCode: 0x8b, Properties: &packets.Properties{ReasonString: "maintenance"}})
	conn.Close()
	kit.Print(kit.Recv(gone, "OnServerDisconnect"), kit.Recv(downs, "OnConnectionDown"), len(lost))
	conn = first.Accept()
	kit.Print(kit.Recv(built, "builder"))
	conn.Connack(false)
	kit.Print(kit.Recv(ups, "OnConnectionUp"))
	m.TerminateConnectionForTest()
	kit.Print(kit.Recv(downs, "OnConnectionDown"), kit.Recv(lost, "OnClientError") != nil)
	conn = first.Accept()
	kit.Print(kit.Recv(built, "builder"))
	conn.Connack(false)
	kit.Print(kit.Recv(ups, "OnConnectionUp"), m.AwaitConnection(kit.Context()))
	kit.Print(m.Disconnect(kit.Context()))
	conn.Expect("at the end")
	conn.Expect("at the end")
	<-m.Done()
	kit.Print(len(lost), len(gone), len(downs), len(refusals))
}
