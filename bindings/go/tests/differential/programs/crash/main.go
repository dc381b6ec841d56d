// Command crash runs itself once for each way in which a program's own fault ends it, and prints how that ends.
package main

import (
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"

	mqtt "github.com/eclipse/paho.mqtt.golang"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/differential/programs/kit"
)

const fault = "the program's own fault"

var ways = []string{"ordered handler", "unordered handler", "default handler", "OnConnect", "OnConnectionLost", "OnReconnecting", "notification", "credentials", "open"}

func run(way string) {
	s := kit.Listen()
	o := kit.Options(s.URL).SetOrderMatters(way != "unordered handler").SetAutoReconnect(way == "OnReconnecting")
	o.SetCustomOpenConnectionFn(func(u *url.URL, _ mqtt.ClientOptions) (net.Conn, error) {
		if way == "open" {
			panic(fault)
		}
		return net.Dial("tcp", u.Host)
	})
	switch way {
	case "default handler":
		o.SetDefaultPublishHandler(func(mqtt.Client, mqtt.Message) { panic(fault) })
	case "OnConnect":
		o.SetOnConnectHandler(func(mqtt.Client) { panic(fault) })
	case "OnConnectionLost":
		o.SetConnectionLostHandler(func(mqtt.Client, error) { panic(fault) })
	case "OnReconnecting":
		o.SetReconnectingHandler(func(mqtt.Client, *mqtt.ClientOptions) { panic(fault) })
	case "notification":
		o.SetConnectionNotificationHandler(func(mqtt.Client, mqtt.ConnectionNotification) { panic(fault) })
	case "credentials":
		o.SetCredentialsProvider(func() (string, string) { panic(fault) })
	}
	c := mqtt.NewClient(o)
	if strings.HasSuffix(way, "ordered handler") {
		c.AddRoute("t", func(mqtt.Client, mqtt.Message) { panic(fault) })
	}
	c.Connect()
	conn := s.Accept()
	conn.Connack(0, false)
	conn.Message("t", "x", 1, 1, false, false)
	if way == "OnConnectionLost" || way == "OnReconnecting" {
		conn.Close()
	}
	select {}
}

func main() {
	if len(os.Args) > 1 {
		run(os.Args[1])
	}
	for _, way := range ways {
		command := exec.Command(os.Args[0], way)
		var stderr strings.Builder
		command.Stderr = &stderr
		err := command.Run()
		kit.Print(way, err, strings.Contains(stderr.String(), "panic: "+fault), strings.Contains(stderr.String(), "crash/main.go"))
	}
}
