// Package auth shows enhanced authentication.
package auth

import (
	"fmt"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/kit"
)

type auther struct {
	authenticated chan bool
	step          int
}

func (a *auther) Authenticate(p *paho.Auth) *paho.Auth {
	kit.Print("asked", p.ReasonCode, kit.Fields(p.Properties))
	a.step++
	return &paho.Auth{ReasonCode: packets.AuthContinueAuthentication, Properties: &paho.AuthProperties{
		AuthMethod: "method", AuthData: []byte(fmt.Sprint("answer ", a.step)),
	}}
}

func (a *auther) Authenticated() { a.authenticated <- true }

func connect() *paho.Connect {
	return &paho.Connect{ClientID: "client", Properties: &paho.ConnectProperties{RequestProblemInfo: true, AuthMethod: "method", AuthData: []byte("hello")}}
}

func challenge(data string, reason byte) *packets.Auth {
	return &packets.Auth{ReasonCode: reason, Properties: &packets.Properties{AuthMethod: "method", AuthData: []byte(data)}}
}

// Run runs the program.
func Run() {
	client, s := kit.Pipe()
	a := &auther{authenticated: make(chan bool, 10)}
	disconnected := make(chan *paho.Disconnect, 1)
	c := paho.NewClient(paho.ClientConfig{Conn: client, AuthHandler: a, OnServerDisconnect: func(d *paho.Disconnect) { disconnected <- d }})
	ended := make(chan bool)
	go func() {
		connack, err := c.Connect(kit.Context(), connect())
		kit.Print("connected", kit.Fields(connack), err)
		close(ended)
	}()
	s.Expect("first")
	s.Send(challenge("one", 0x18))
	s.Expect("then")
	s.Send(challenge("two", 0x18))
	s.Expect("then")
	s.Send(&packets.Connack{Properties: &packets.Properties{AuthMethod: "method", AuthData: []byte("welcome")}})
	kit.Recv(ended, "end of Connect")
	kit.Recv(a.authenticated, "Authenticated")

	again := make(chan *paho.AuthResponse)
	authenticate := func() {
		go func() {
			r, err := c.Authenticate(kit.Context(), &paho.Auth{ReasonCode: packets.AuthReauthenticate, Properties: &paho.AuthProperties{AuthMethod: "method", AuthData: []byte("me again")}})
			kit.Print("authenticate", err)
			again <- r
		}()
		s.Expect("sent")
	}
	authenticate()
	s.Send(challenge("three", 0x18))
	s.Expect("then")
	s.Send(&packets.Auth{Properties: &packets.Properties{AuthMethod: "method", ReasonString: "fine"}})
	kit.Print(kit.Fields(kit.Recv(again, "end of Authenticate")))
	kit.Recv(a.authenticated, "Authenticated")

	authenticate()
	s.Send(&packets.Disconnect{ReasonCode: packets.DisconnectNotAuthorized, Properties: &packets.Properties{ReasonString: "no"}})
	kit.Print(kit.Fields(kit.Recv(again, "end of Authenticate")))
	kit.Print(kit.Fields(kit.Recv(disconnected, "DISCONNECT")))
	kit.Recv(c.Done(), "Done")

	client, s = kit.Pipe()
	c = paho.NewClient(paho.ClientConfig{Conn: client})
	ended = make(chan bool)
	go func() {
		_, err := c.Connect(kit.Context(), connect())
		kit.Print("no handler", err)
		close(ended)
	}()
	s.Expect("first")
	s.Send(challenge("one", 0x18))
	kit.Recv(ended, "end of Connect")
}
