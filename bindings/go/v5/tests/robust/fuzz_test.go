package robust

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// FuzzServer: whatever a server sends, before CONNACK and after it, the client ends.
func FuzzServer(f *testing.F) {
	properties := &packets.Properties{
		ContentType: "t", ResponseTopic: "r", CorrelationData: []byte{1}, PayloadFormat: paho.Byte(1), MessageExpiry: paho.Uint32(9),
		TopicAlias: paho.Uint16(1), User: []packets.User{{Key: "k", Value: "v"}}, ReasonString: "why", AuthMethod: "m", AuthData: []byte{2},
	}
	seeds := []packets.Packet{
		&packets.Connack{Properties: &packets.Properties{}},
		&packets.Connack{ReasonCode: 0x87, Properties: properties},
		&packets.Publish{Topic: "t", QoS: 2, PacketID: 1, Payload: []byte("p"), Properties: properties},
		&packets.Puback{PacketID: 1, Properties: properties},
		&packets.Pubrec{PacketID: 1, Properties: properties},
		&packets.Pubrel{PacketID: 1, Properties: properties},
		&packets.Pubcomp{PacketID: 1, Properties: properties},
		&packets.Suback{PacketID: 1, Reasons: []byte{0, 0x80}, Properties: properties},
		&packets.Unsuback{PacketID: 1, Reasons: []byte{0}, Properties: properties},
		&packets.Auth{ReasonCode: 0x18, Properties: properties},
		&packets.Disconnect{ReasonCode: 0x8e, Properties: properties},
		&packets.Pingresp{},
	}
	for _, seed := range seeds {
		var sent bytes.Buffer
		if _, err := seed.WriteTo(&sent); err != nil {
			f.Fatal(err)
		}
		f.Add(true, sent.Bytes())
		f.Add(false, sent.Bytes())
	}
	f.Fuzz(func(t *testing.T, connected bool, sent []byte) {
		client, peer := net.Pipe()
		c := paho.NewClient(paho.ClientConfig{Conn: client, PacketTimeout: 5 * time.Second, AuthHandler: silent{},
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
				_ = p.Packet.String()
				paho.NewStandardRouter().Route(p.Packet.Packet())
				return true, nil
			}}})
		go io.Copy(io.Discard, peer)
		go func() {
			if connected {
				_, _ = (&packets.Connack{Properties: &packets.Properties{}}).WriteTo(peer)
				go c.Publish(context.Background(), &paho.Publish{Topic: "t", QoS: 2})
				go c.Subscribe(context.Background(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "t"}}})
			}
			_ = peer.SetWriteDeadline(time.Now().Add(patience))
			_, _ = peer.Write(sent)
			peer.Close()
		}()
		if connack, err := c.Connect(context.Background(), &paho.Connect{ClientID: "fuzz", KeepAlive: 10}); err == nil {
			_ = connack.String()
		}
		await(t, c.Done(), "Done")
	})
}

// silent is an Auther that has no answer.
type silent struct{}

func (silent) Authenticate(*paho.Auth) *paho.Auth { return nil }
func (silent) Authenticated()                     {}
