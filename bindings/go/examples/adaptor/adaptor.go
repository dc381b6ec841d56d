// Package adaptor wraps a client for programs that want few calls: make one, set what differs from the defaults, connect, publish, subscribe.
package adaptor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
)

// ErrNotConnected is returned by calls before Connect.
var ErrNotConnected = errors.New("adaptor: not connected")

// A Message is one that has been received.
type Message = mqtt.Message

// An Adaptor is one connection to a server. Its functions may be called from any goroutine; setters count at the next Connect.
type Adaptor struct {
	mu            sync.Mutex
	name          string
	broker        string
	clientID      string
	username      string
	password      string
	autoReconnect bool
	cleanSession  bool
	useTLS        bool
	qos           byte
	timeout       time.Duration
	caFile        string
	certFile      string
	keyFile       string
	client        mqtt.Client
	// routes are made again after each reconnect.
	routes map[string]route
}

type route struct {
	qos     byte
	handler func(Message)
}

// NewAdaptor returns an adaptor for a server, as tcp://host:1883.
func NewAdaptor(broker, clientID string) *Adaptor {
	return &Adaptor{
		name: "MQTT", broker: broker, clientID: clientID, autoReconnect: true, cleanSession: true, timeout: 10 * time.Second,
		routes: map[string]route{},
	}
}

// NewAdaptorWithAuth is NewAdaptor with a user name and a password.
func NewAdaptorWithAuth(broker, clientID, username, password string) *Adaptor {
	a := NewAdaptor(broker, clientID)
	a.username, a.password = username, password
	return a
}

func (a *Adaptor) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// Name returns the adaptor's name.
func (a *Adaptor) Name() string { return a.name }

// SetName sets the adaptor's name, for the program's own use.
func (a *Adaptor) SetName(name string) { a.set(func() { a.name = name }) }

// SetAutoReconnect says if a lost connection is made again. The default is true.
func (a *Adaptor) SetAutoReconnect(on bool) { a.set(func() { a.autoReconnect = on }) }

// SetCleanSession says if the server forgets subscriptions and messages when the connection ends. The default is true.
func (a *Adaptor) SetCleanSession(on bool) { a.set(func() { a.cleanSession = on }) }

// SetQoS sets the QoS of Publish and On. The default is 0.
func (a *Adaptor) SetQoS(qos byte) { a.set(func() { a.qos = qos }) }

// SetTimeout sets how long calls wait for the server. The default is 10 seconds.
func (a *Adaptor) SetTimeout(timeout time.Duration) { a.set(func() { a.timeout = timeout }) }

// SetUseSSL says if the connection is secured by TLS.
func (a *Adaptor) SetUseSSL(on bool) { a.set(func() { a.useTLS = on }) }

// SetServerCert sets the file of the certificates that sign the server's. The default are the system's.
func (a *Adaptor) SetServerCert(file string) { a.set(func() { a.caFile = file }) }

// SetClientCert sets the files of the client's certificate and key.
func (a *Adaptor) SetClientCert(certificate, key string) {
	a.set(func() { a.certFile, a.keyFile = certificate, key })
}

// Connect connects to the server.
func (a *Adaptor) Connect() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	opts := mqtt.NewClientOptions().AddBroker(a.broker).SetClientID(a.clientID).SetUsername(a.username).SetPassword(a.password).
		SetAutoReconnect(a.autoReconnect).SetCleanSession(a.cleanSession).SetConnectTimeout(a.timeout).SetOnConnectHandler(a.resubscribe)
	if a.useTLS {
		config, err := a.tlsConfig()
		if err != nil {
			return err
		}
		opts.SetTLSConfig(config)
	}
	client := mqtt.NewClient(opts)
	if err := a.wait(client.Connect()); err != nil {
		return err
	}
	a.client = client
	return nil
}

func (a *Adaptor) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{}
	if a.caFile != "" {
		pem, err := os.ReadFile(a.caFile)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("adaptor: no certificate in %s", a.caFile)
		}
	}
	if a.certFile != "" {
		certificate, err := tls.LoadX509KeyPair(a.certFile, a.keyFile)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, nil
}

// resubscribe asks for the messages of all routes; a clean session has forgotten them.
func (a *Adaptor) resubscribe(client mqtt.Client) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, route := range a.routes {
		client.Subscribe(topic, route.qos, route.call)
	}
}

func (r route) call(_ mqtt.Client, m mqtt.Message) { r.handler(m) }

func (a *Adaptor) wait(token mqtt.Token) error {
	if !token.WaitTimeout(a.timeout) {
		return errors.New("adaptor: the server does not answer")
	}
	return token.Error()
}

func (a *Adaptor) connected() (mqtt.Client, byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client == nil {
		return nil, 0, ErrNotConnected
	}
	return a.client, a.qos, nil
}

// Publish sends a message and waits until the server has it.
func (a *Adaptor) Publish(topic string, message []byte) error {
	return a.publish(topic, message, false)
}

// PublishAndRetain is Publish for a message that the server keeps for later subscribers.
func (a *Adaptor) PublishAndRetain(topic string, message []byte) error {
	return a.publish(topic, message, true)
}

func (a *Adaptor) publish(topic string, message []byte, retain bool) error {
	client, qos, err := a.connected()
	if err != nil {
		return err
	}
	return a.wait(client.Publish(topic, qos, retain, message))
}

// On calls a function with each message of a filter, now and after reconnects.
func (a *Adaptor) On(filter string, handler func(Message)) error {
	client, qos, err := a.connected()
	if err != nil {
		return err
	}
	r := route{qos, handler}
	a.set(func() { a.routes[filter] = r })
	return a.wait(client.Subscribe(filter, qos, r.call))
}

// Subscribe is On.
func (a *Adaptor) Subscribe(filter string, handler func(Message)) error { return a.On(filter, handler) }

// Disconnect ends the connection.
func (a *Adaptor) Disconnect() {
	a.mu.Lock()
	client := a.client
	a.client = nil
	a.mu.Unlock()
	if client != nil {
		client.Disconnect(1000)
	}
}

// Finalize is Disconnect, under the name that robotics frameworks call it by.
func (a *Adaptor) Finalize() error {
	a.Disconnect()
	return nil
}
