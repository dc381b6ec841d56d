package mqtt

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// CredentialsProvider returns the user name and password for the next attempt to connect.
type CredentialsProvider func() (username string, password string)

// MessageHandler is called with each message of a subscription or route. It runs on an ordinary goroutine and may call any
// function of the client and wait for any token; while it does, later messages of an ordered client wait behind it.
type MessageHandler func(Client, Message)

// ConnectionLostHandler is called on a goroutine of its own when the connection is lost: never after Disconnect.
type ConnectionLostHandler func(Client, error)

// OnConnectHandler is called on a goroutine of its own each time the client has connected, reconnects included.
type OnConnectHandler func(Client)

// ReconnectHandler is called before each attempt to reconnect. It is lent the client's own options and may change them, servers
// and credentials say, for this attempt and the later ones.
type ReconnectHandler func(Client, *ClientOptions)

// ConnectionAttemptHandler is called before each attempt at each server. The attempt uses the TLS configuration that it returns.
type ConnectionAttemptHandler func(broker *url.URL, tlsCfg *tls.Config) *tls.Config

// OpenConnectionFunc makes a connection to a server, in place of this package's own dialing. It does the TLS or WebSocket
// handshake, too: MQTT is spoken on what it returns.
type OpenConnectionFunc func(uri *url.URL, options ClientOptions) (net.Conn, error)

// ConnectionNotificationHandler is called with each step of connecting and with each loss.
type ConnectionNotificationHandler func(Client, ConnectionNotification)

// ClientOptions are the options of a client. NewClient copies them, so later changes have no effect on the client.
type ClientOptions struct {
	Servers                  []*url.URL
	ClientID                 string
	Username                 string
	Password                 string
	CredentialsProvider      CredentialsProvider
	CleanSession             bool
	Order                    bool
	WillEnabled              bool
	WillTopic                string
	WillPayload              []byte
	WillQos                  byte
	WillRetained             bool
	ProtocolVersion          uint
	protocolVersionExplicit  bool
	TLSConfig                *tls.Config
	KeepAlive                int64 // seconds; 0 means none
	PingTimeout              time.Duration
	ConnectTimeout           time.Duration
	MaxReconnectInterval     time.Duration
	AutoReconnect            bool
	ConnectRetryInterval     time.Duration
	ConnectRetry             bool
	Store                    Store
	DefaultPublishHandler    MessageHandler
	OnConnect                OnConnectHandler
	OnConnectionLost         ConnectionLostHandler
	OnReconnecting           ReconnectHandler
	OnConnectAttempt         ConnectionAttemptHandler
	OnConnectionNotification ConnectionNotificationHandler
	WriteTimeout             time.Duration
	MessageChannelDepth      uint // no effect, as in the original
	ResumeSubs               bool
	HTTPHeaders              http.Header
	WebsocketOptions         *WebsocketOptions
	MaxResumePubInFlight     int // 0 means no limit
	Dialer                   *net.Dialer
	CustomOpenConnectionFn   OpenConnectionFunc
	AutoAckDisabled          bool
	// Resubscribe has subscriptions made again after a reconnect at which the server has no session any more. The original has no such option.
	Resubscribe bool
	Logger      *slog.Logger // if set, the client's lines go there and not to ERROR, CRITICAL, WARN and DEBUG
}

// NewClientOptions returns options with these defaults: CleanSession, Order and AutoReconnect true, KeepAlive 30 seconds,
// PingTimeout 10 seconds, ConnectTimeout and ConnectRetryInterval 30 seconds, MaxReconnectInterval 10 minutes.
func NewClientOptions() *ClientOptions {
	return &ClientOptions{
		CleanSession:         true,
		Order:                true,
		KeepAlive:            30,
		PingTimeout:          10 * time.Second,
		ConnectTimeout:       30 * time.Second,
		MaxReconnectInterval: 10 * time.Minute,
		AutoReconnect:        true,
		ConnectRetryInterval: 30 * time.Second,
		OnConnectionLost:     DefaultConnectionLostHandler,
		HTTPHeaders:          http.Header{},
		WebsocketOptions:     &WebsocketOptions{},
		Dialer:               &net.Dialer{Timeout: 30 * time.Second},
	}
}

// AddBroker adds a server to the end of the list: scheme://[user[:password]@]host:port. The schemes are tcp and mqtt; ssl, tls, mqtts,
// mqtt+ssl and tcps; ws and wss; unix. Without a scheme it is tcp, without a host 127.0.0.1. A server that is not a URL is logged and left out.
func (o *ClientOptions) AddBroker(server string) *ClientOptions {
	if strings.HasPrefix(server, ":") {
		server = "127.0.0.1" + server
	}
	if !strings.Contains(server, "://") {
		server = "tcp://" + server
	}
	broker, err := url.Parse(server)
	if err != nil {
		packageLog.error(CLI, "broker address", server, "is not a URL:", err)
		return o
	}
	o.Servers = append(o.Servers, broker)
	return o
}

// SetClientID sets the client identifier. Servers end the older of two connections with the same one.
func (o *ClientOptions) SetClientID(id string) *ClientOptions {
	o.ClientID = id
	return o
}

// SetUsername sets the user name. User information in a server's URL, and a CredentialsProvider, come before it.
func (o *ClientOptions) SetUsername(u string) *ClientOptions {
	o.Username = u
	return o
}

// SetPassword sets the password. MQTT 3 sends a password only with a user name.
func (o *ClientOptions) SetPassword(p string) *ClientOptions {
	o.Password = p
	return o
}

// SetCredentialsProvider sets a function that is asked for user name and password before each attempt.
func (o *ClientOptions) SetCredentialsProvider(p CredentialsProvider) *ClientOptions {
	o.CredentialsProvider = p
	return o
}

// SetCleanSession sets the clean session flag of CONNECT. With false the server keeps subscriptions and messages for the client
// while it is away, and the client sends again what its Store holds of an earlier process.
func (o *ClientOptions) SetCleanSession(clean bool) *ClientOptions {
	o.CleanSession = clean
	return o
}

// SetOrderMatters says if handlers are called one after the other, in the order of the messages (true), or each on a
// goroutine of its own.
func (o *ClientOptions) SetOrderMatters(order bool) *ClientOptions {
	o.Order = order
	return o
}

// SetTLSConfig sets the configuration for ssl, tls, mqtts, tcps and wss. All of it works, since it is Go's crypto/tls that reads it.
func (o *ClientOptions) SetTLSConfig(t *tls.Config) *ClientOptions {
	o.TLSConfig = t
	return o
}

// SetStore sets where messages with QoS 1 and 2 are kept while they are on their way. The default is a MemoryStore.
func (o *ClientOptions) SetStore(s Store) *ClientOptions {
	o.Store = s
	return o
}

// SetKeepAlive sets after how long a silence the client sends a PINGREQ. MQTT counts in seconds: fractions are cut off.
func (o *ClientOptions) SetKeepAlive(k time.Duration) *ClientOptions {
	o.KeepAlive = int64(k / time.Second)
	return o
}

// SetPingTimeout sets how long the client waits for a PINGRESP before it takes the connection for lost.
func (o *ClientOptions) SetPingTimeout(k time.Duration) *ClientOptions {
	o.PingTimeout = k
	return o
}

// SetProtocolVersion sets the only version to be tried: 3 is MQTT 3.1, 4 is 3.1.1, 0x83 and 0x84 are the same for bridges. Other values up to
// 0x80 have no effect. Without it the client tries 3.1.1, then 3.1.
func (o *ClientOptions) SetProtocolVersion(pv uint) *ClientOptions {
	if pv == 3 || pv == 4 || pv > 0x80 {
		o.ProtocolVersion = pv
		o.protocolVersionExplicit = true
	}
	return o
}

// SetWill sets the message that the server publishes when the connection ends without a DISCONNECT.
func (o *ClientOptions) SetWill(topic string, payload string, qos byte, retained bool) *ClientOptions {
	return o.SetBinaryWill(topic, []byte(payload), qos, retained)
}

// SetBinaryWill is SetWill for any bytes.
func (o *ClientOptions) SetBinaryWill(topic string, payload []byte, qos byte, retained bool) *ClientOptions {
	o.WillEnabled = true
	o.WillTopic = topic
	o.WillPayload = payload
	o.WillQos = qos
	o.WillRetained = retained
	return o
}

// UnsetWill takes the will away.
func (o *ClientOptions) UnsetWill() *ClientOptions {
	o.WillEnabled = false
	return o
}

// SetDefaultPublishHandler sets the handler of messages for which there is no other.
func (o *ClientOptions) SetDefaultPublishHandler(defaultHandler MessageHandler) *ClientOptions {
	o.DefaultPublishHandler = defaultHandler
	return o
}

// SetOnConnectHandler sets the function that is called after each connect and reconnect.
func (o *ClientOptions) SetOnConnectHandler(onConn OnConnectHandler) *ClientOptions {
	o.OnConnect = onConn
	return o
}

// SetConnectionLostHandler sets the function that is called when the connection is lost.
func (o *ClientOptions) SetConnectionLostHandler(onLost ConnectionLostHandler) *ClientOptions {
	o.OnConnectionLost = onLost
	return o
}

// SetReconnectingHandler sets the function that is called before each attempt to reconnect.
func (o *ClientOptions) SetReconnectingHandler(cb ReconnectHandler) *ClientOptions {
	o.OnReconnecting = cb
	return o
}

// SetConnectionAttemptHandler sets the function that is called before each attempt at each server.
func (o *ClientOptions) SetConnectionAttemptHandler(onConnectAttempt ConnectionAttemptHandler) *ClientOptions {
	o.OnConnectAttempt = onConnectAttempt
	return o
}

// SetConnectionNotificationHandler sets the function that is told each step of connecting and each loss.
func (o *ClientOptions) SetConnectionNotificationHandler(onConnectionNotification ConnectionNotificationHandler) *ClientOptions {
	o.OnConnectionNotification = onConnectionNotification
	return o
}

// SetWriteTimeout sets how long a write may take, and how long Publish, Subscribe and Unsubscribe may wait for room in the
// client's queue. 0 means no limit for writes, and 30 seconds for the wait.
func (o *ClientOptions) SetWriteTimeout(t time.Duration) *ClientOptions {
	o.WriteTimeout = t
	return o
}

// SetConnectTimeout sets how long each attempt may take: once to dial (the Dialer's Timeout is set, too), once for the handshakes.
func (o *ClientOptions) SetConnectTimeout(t time.Duration) *ClientOptions {
	o.ConnectTimeout = t
	if o.Dialer == nil {
		o.Dialer = &net.Dialer{}
	}
	o.Dialer.Timeout = t
	return o
}

// SetMaxReconnectInterval sets the longest pause between attempts to reconnect. Pauses begin with one second and double.
func (o *ClientOptions) SetMaxReconnectInterval(t time.Duration) *ClientOptions {
	o.MaxReconnectInterval = t
	return o
}

// SetAutoReconnect says if the client reconnects after a loss.
func (o *ClientOptions) SetAutoReconnect(a bool) *ClientOptions {
	o.AutoReconnect = a
	return o
}

// SetConnectRetry says if Connect tries until it succeeds. Meanwhile, Publish takes messages.
func (o *ClientOptions) SetConnectRetry(a bool) *ClientOptions {
	o.ConnectRetry = a
	return o
}

// SetConnectRetryInterval sets the pause between the attempts of ConnectRetry.
func (o *ClientOptions) SetConnectRetryInterval(t time.Duration) *ClientOptions {
	o.ConnectRetryInterval = t
	return o
}

// SetMessageChannelDepth has no effect, as in the original: the engine's queues have bounds of their own.
func (o *ClientOptions) SetMessageChannelDepth(s uint) *ClientOptions {
	o.MessageChannelDepth = s
	return o
}

// SetHTTPHeaders sets headers for the WebSocket handshake.
func (o *ClientOptions) SetHTTPHeaders(h http.Header) *ClientOptions {
	o.HTTPHeaders = h
	return o
}

// SetWebsocketOptions sets the proxy for WebSocket connections. The buffer sizes have no effect.
func (o *ClientOptions) SetWebsocketOptions(w *WebsocketOptions) *ClientOptions {
	o.WebsocketOptions = w
	return o
}

// SetResumeSubs says if subscribes and unsubscribes that have no answer yet are sent again after a reconnect.
func (o *ClientOptions) SetResumeSubs(resume bool) *ClientOptions {
	o.ResumeSubs = resume
	return o
}

// SetResubscribe says if subscriptions are made again after a reconnect at which the server has no session any more, as is always so
// with CleanSession. The original does not: its programs subscribe in OnConnect.
func (o *ClientOptions) SetResubscribe(resubscribe bool) *ClientOptions {
	o.Resubscribe = resubscribe
	return o
}

// SetMaxResumePubInFlight sets how many of the messages kept from before are under way at a time after a connect.
func (o *ClientOptions) SetMaxResumePubInFlight(MaxResumePubInFlight int) *ClientOptions {
	o.MaxResumePubInFlight = MaxResumePubInFlight
	return o
}

// SetDialer sets the dialer for tcp, tls and unix connections.
func (o *ClientOptions) SetDialer(dialer *net.Dialer) *ClientOptions {
	o.Dialer = dialer
	return o
}

// SetCustomOpenConnectionFn sets a function that makes the connections, for every scheme. nil has no effect.
func (o *ClientOptions) SetCustomOpenConnectionFn(customOpenConnectionFn OpenConnectionFunc) *ClientOptions {
	if customOpenConnectionFn != nil {
		o.CustomOpenConnectionFn = customOpenConnectionFn
	}
	return o
}

// SetAutoAckDisabled says if handlers acknowledge messages themselves, with Message.Ack.
func (o *ClientOptions) SetAutoAckDisabled(autoAckDisabled bool) *ClientOptions {
	o.AutoAckDisabled = autoAckDisabled
	return o
}

// SetLogger sets where the client's log lines go.
func (o *ClientOptions) SetLogger(logger *slog.Logger) *ClientOptions {
	o.Logger = logger
	return o
}
