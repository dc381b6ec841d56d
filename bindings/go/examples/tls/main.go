// Command tls connects with a certificate authority of its own: tls URL CA-FILE.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"os"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: tls ssl://localhost:8883 ca.crt")
	}
	certpool := x509.NewCertPool()
	ca, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatalf("Failed to load CA certificate: %v", err)
	}
	certpool.AppendCertsFromPEM(ca)
	tlsConfig := &tls.Config{RootCAs: certpool}

	opts := mqtt.NewClientOptions().AddBroker(os.Args[1]).SetClientID("ssl_client").SetTLSConfig(tlsConfig)
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		log.Fatalf("MQTT Connection Error: %v", token.Error())
	}
	token := client.Publish("example/tls", 1, false, "secret")
	if token.Wait() && token.Error() != nil {
		log.Fatalf("Error publishing message: %v", token.Error())
	}
	fmt.Println("published over TLS")
	client.Disconnect(250)

	// Without the authority's certificate the connection must fail.
	client = mqtt.NewClient(mqtt.NewClientOptions().AddBroker(os.Args[1]).SetClientID("ssl_client"))
	token = client.Connect()
	fmt.Println("without the certificate:", token.Wait() && token.Error() != nil)
}
