// Command reauth authenticates by challenges: when it connects, while it is connected, and when it connects again.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

const method = "PROOF-SHA-256"

// proof is what knows the password says of a challenge.
func proof(password, challenge string) []byte {
	mac := hmac.New(sha256.New, []byte(password))
	mac.Write([]byte(challenge))
	return mac.Sum(nil)
}

// A knower answers challenges.
type knower struct {
	password string
	done     chan bool
}

func (k *knower) Authenticate(a *paho.Auth) *paho.Auth {
	return &paho.Auth{ReasonCode: packets.AuthContinueAuthentication, Properties: &paho.AuthProperties{
		AuthMethod: method, AuthData: proof(k.password, string(a.Properties.AuthData)),
	}}
}

func (k *knower) Authenticated() { k.done <- true }

// challenge asks for a proof and returns true if it is right.
func challenge(conn *kit.Conn, text string) bool {
	conn.Send(&packets.Auth{ReasonCode: packets.AuthContinueAuthentication, Properties: &packets.Properties{AuthMethod: method, AuthData: []byte(text)}})
	p := conn.Expect("answer")
	a, ok := p.Content.(*packets.Auth)
	return ok && hmac.Equal(a.Properties.AuthData, proof("secret", text))
}

// welcome lets a client in that passes two challenges.
func welcome(conn *kit.Conn, present bool) {
	conn.Expect("first")
	kit.Print(challenge(conn, "one"), challenge(conn, "two"))
	conn.Send(&packets.Connack{SessionPresent: present, Properties: &packets.Properties{AuthMethod: method, AuthData: []byte("welcome")}})
}

func main() {
	s := kit.Listen()
	k := &knower{password: "secret", done: make(chan bool, 9)}
	cfg := kit.Config(s)
	cfg.AuthHandler = k
	cfg.SessionExpiryInterval = 60
	cfg.ConnectPacketBuilder = func(c *paho.Connect, _ *url.URL) (*paho.Connect, error) {
		c.Properties.AuthMethod, c.Properties.AuthData, c.Properties.RequestProblemInfo = method, []byte("hello"), true
		return c, nil
	}
	ups, gone, refused := make(chan string, 9), make(chan *paho.Disconnect, 9), make(chan error, 9)
	cfg.OnConnectionUp = func(_ *autopaho.ConnectionManager, c *paho.Connack) {
		ups <- fmt.Sprint(c.Properties.AuthMethod, " ", string(c.Properties.AuthData), c.SessionPresent)
	}
	cfg.OnServerDisconnect = func(d *paho.Disconnect) { gone <- d }
	cfg.OnConnectError = func(err error) { refused <- err }
	m, err := autopaho.NewConnection(kit.Context(), cfg)
	kit.Must(err)
	conn := s.Accept()
	welcome(conn, false)
	kit.Print(kit.Recv(ups, "OnConnectionUp"), kit.Recv(k.done, "Authenticated"))

	again := func() <-chan string {
		return kit.Go(func() (*paho.AuthResponse, error) {
			return m.Authenticate(kit.Context(), &paho.Auth{ReasonCode: packets.AuthReauthenticate, Properties: &paho.AuthProperties{AuthMethod: method, AuthData: []byte("again")}})
		}, func(r *paho.AuthResponse) string {
			if r == nil {
				return "no response"
			}
			return fmt.Sprint(r.Success, r.ReasonCode, r.Properties != nil)
		})
	}
	for i := range 3 {
		result := again()
		conn.Expect("again")
		for step := range i { // a server may ask as often as it likes, or not at all
			kit.Print(challenge(conn, fmt.Sprint("again ", i, step)))
		}
		// Messages go on meanwhile.
		published := kit.Go(func() (*paho.PublishResponse, error) {
			return m.Publish(kit.Context(), &paho.Publish{Topic: "t", QoS: 1})
		}, kit.Response)
		p := conn.Expect("meanwhile")
		conn.Send(&packets.Puback{PacketID: p.PacketID()})
		kit.Print(kit.Recv(published, "response"))
		conn.Send(&packets.Auth{ReasonCode: packets.AuthSuccess, Properties: &packets.Properties{AuthMethod: method, AuthData: []byte("fine")}})
		kit.Print(kit.Recv(result, "response"), kit.Recv(k.done, "Authenticated"))
	}

	// The connection is lost, and made again.
	conn.Close()
	conn = s.Accept()
	welcome(conn, true)
	kit.Print(kit.Recv(ups, "OnConnectionUp"), kit.Recv(k.done, "Authenticated"))

	// The server refuses the client that wants to stay.
	k.password = "guess"
	result := again()
	conn.Expect("again")
	kit.Print(challenge(conn, "three"))
	conn.Send(&packets.Disconnect{ReasonCode: packets.DisconnectNotAuthorized, Properties: &packets.Properties{ReasonString: "no"}})
	conn.Close()
	kit.Print(kit.Recv(result, "response"), kit.Recv(gone, "OnServerDisconnect").ReasonCode)

	// And the one that comes again.
	conn = s.Accept()
	conn.Expect("first")
	kit.Print(challenge(conn, "four"))
	conn.Send(&packets.Connack{ReasonCode: packets.ConnackNotAuthorized, Properties: &packets.Properties{ReasonString: "still no"}})
	err = kit.Recv(refused, "OnConnectError")
	var connack *autopaho.ConnackError
	kit.Print(err, errors.As(err, &connack), connack.ReasonCode, connack.Reason)
	conn.Expect("end")
	kit.Print(m.Disconnect(kit.Context()))
}
