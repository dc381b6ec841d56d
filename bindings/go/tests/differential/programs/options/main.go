// Command options prints defaults, and what setters do.
package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

func show(o *mqtt.ClientOptions) {
	r := mqtt.NewClient(o)
	reader := r.OptionsReader()
	kit.Print(reader.Servers(), reader.ClientID(), reader.Username(), reader.Password(), reader.CleanSession(), reader.Order(), reader.WillEnabled(),
		reader.WillTopic(), string(reader.WillPayload()), reader.WillQos(), reader.WillRetained(), reader.ProtocolVersion(), reader.TLSConfig() != nil,
		reader.KeepAlive(), reader.PingTimeout(), reader.ConnectTimeout(), reader.MaxReconnectInterval(), reader.AutoReconnect(), reader.ConnectRetryInterval(),
		reader.ConnectRetry(), reader.WriteTimeout(), reader.MessageChannelDepth(), reader.HTTPHeaders(), *reader.WebsocketOptions(), reader.ResumeSubs())
	kit.Print(o.Dialer.Timeout, o.MaxResumePubInFlight, o.AutoAckDisabled, o.OnConnectionLost != nil, o.OnConnect != nil, o.Store != nil,
		o.CustomOpenConnectionFn != nil, o.OnConnectAttempt != nil, o.OnReconnecting != nil, o.DefaultPublishHandler != nil)
}

func main() {
	show(mqtt.NewClientOptions())
	o := mqtt.NewClientOptions()
	for _, server := range []string{"localhost:1883", ":1884", "ssl://u:p@h:8883", "ws://h/mqtt", "unix:///tmp/s", "tcp://[::1]:1", "://bad", "tcp://bad\x7f"} {
		o.AddBroker(server)
	}
	show(o)
	for _, v := range []uint{0, 1, 3, 4, 5, 0x80, 0x83, 0x84, 0x90} {
		o := mqtt.NewClientOptions().SetProtocolVersion(v)
		client := mqtt.NewClient(o)
		r := client.OptionsReader()
		fmt.Println(v, o.ProtocolVersion, r.ProtocolVersion())
	}
	o = mqtt.NewClientOptions().SetKeepAlive(1500*time.Millisecond).SetPingTimeout(time.Second).SetConnectTimeout(3*time.Second).SetWriteTimeout(time.Second).
		SetMaxReconnectInterval(time.Minute).SetConnectRetryInterval(time.Second).SetConnectRetry(true).SetAutoReconnect(false).SetOrderMatters(false).
		SetCleanSession(false).SetClientID("id").SetUsername("u").SetPassword("p").SetWill("t", "w", 1, true).SetTLSConfig(&tls.Config{}).SetResumeSubs(true).
		SetMessageChannelDepth(7).SetMaxResumePubInFlight(3).SetAutoAckDisabled(true).SetHTTPHeaders(http.Header{"A": {"b"}}).
		SetWebsocketOptions(&mqtt.WebsocketOptions{ReadBufferSize: 1})
	show(o)
	show(o.UnsetWill().SetBinaryWill("x", []byte{1, 2}, 2, false).SetKeepAlive(900 * time.Millisecond))
	client := mqtt.NewClient(o)
	o.SetClientID("changed")
	r := client.OptionsReader()
	fmt.Println(r.ClientID())
	reader := mqtt.NewOptionsReader(o)
	fmt.Println(reader.ClientID(), mqtt.TimedOut, mqtt.ErrNotConnected, mqtt.ErrInvalidQos, mqtt.ErrInvalidTopicEmptyString, mqtt.ErrInvalidTopicMultilevel)
	fmt.Printf("%q %q %q\n", mqtt.CLI, mqtt.NET, mqtt.STR)
}
