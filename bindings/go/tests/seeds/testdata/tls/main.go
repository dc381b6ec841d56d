// A tutorial's program with TLS. Added: "fmt", "log", and what the comment at its end stands for.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/ioutil"
	"log"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

func main() {
	// 加载 CA 证书
	certpool := x509.NewCertPool()
	ca, err := ioutil.ReadFile("ca.crt")
	if err != nil {
		log.Fatalf("Failed to load CA certificate: %v", err)
	}
	certpool.AppendCertsFromPEM(ca)

	// 配置 TLS 连接
	tlsConfig := &tls.Config{
		RootCAs: certpool,
	}

	opts := mqtt.NewClientOptions().
		AddBroker("ssl://localhost:8883").
		SetClientID("ssl_client").
		SetTLSConfig(tlsConfig) // 启用 TLS 加密

	client := mqtt.NewClient(opts)
	// 连接和发布消息...
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatal(token.Error())
	}
	token := client.Publish("example/topic", 0, false, "Hello MQTT")
	fmt.Println("published:", token.Wait(), token.Error())
	client.Disconnect(250)
}
