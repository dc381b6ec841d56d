package mqtt

import (
	"crypto/tls"
	"net/http"
	"net/url"
	"time"
)

// ClientOptionsReader shows the options that a client uses.
type ClientOptionsReader struct {
	options *ClientOptions
}

// NewOptionsReader returns a reader of these options, for programs that stand in for a Client in their tests.
func NewOptionsReader(o *ClientOptions) ClientOptionsReader { return ClientOptionsReader{options: o} }

// Servers returns a copy of the list of servers.
func (r *ClientOptionsReader) Servers() []*url.URL {
	servers := make([]*url.URL, 0, len(r.options.Servers))
	for _, server := range r.options.Servers {
		u := *server
		servers = append(servers, &u)
	}
	return servers
}

// KeepAlive returns the keep-alive interval.
func (r *ClientOptionsReader) KeepAlive() time.Duration {
	return time.Duration(r.options.KeepAlive) * time.Second
}

// AutoReconnect returns the option AutoReconnect.
func (r *ClientOptionsReader) AutoReconnect() bool { return r.options.AutoReconnect }

// CleanSession returns the option CleanSession.
func (r *ClientOptionsReader) CleanSession() bool { return r.options.CleanSession }

// ClientID returns the option ClientID.
func (r *ClientOptionsReader) ClientID() string { return r.options.ClientID }

// ConnectRetry returns the option ConnectRetry.
func (r *ClientOptionsReader) ConnectRetry() bool { return r.options.ConnectRetry }

// ConnectRetryInterval returns the option ConnectRetryInterval.
func (r *ClientOptionsReader) ConnectRetryInterval() time.Duration {
	return r.options.ConnectRetryInterval
}

// ConnectTimeout returns the option ConnectTimeout.
func (r *ClientOptionsReader) ConnectTimeout() time.Duration { return r.options.ConnectTimeout }

// HTTPHeaders returns the option HTTPHeaders.
func (r *ClientOptionsReader) HTTPHeaders() http.Header { return r.options.HTTPHeaders }

// MaxReconnectInterval returns the option MaxReconnectInterval.
func (r *ClientOptionsReader) MaxReconnectInterval() time.Duration {
	return r.options.MaxReconnectInterval
}

// MessageChannelDepth returns the option MessageChannelDepth.
func (r *ClientOptionsReader) MessageChannelDepth() uint { return r.options.MessageChannelDepth }

// Order returns the option Order.
func (r *ClientOptionsReader) Order() bool { return r.options.Order }

// Password returns the option Password.
func (r *ClientOptionsReader) Password() string { return r.options.Password }

// PingTimeout returns the option PingTimeout.
func (r *ClientOptionsReader) PingTimeout() time.Duration { return r.options.PingTimeout }

// ProtocolVersion returns the option ProtocolVersion.
func (r *ClientOptionsReader) ProtocolVersion() uint { return r.options.ProtocolVersion }

// ResumeSubs returns the option ResumeSubs.
func (r *ClientOptionsReader) ResumeSubs() bool { return r.options.ResumeSubs }

// TLSConfig returns the option TLSConfig.
func (r *ClientOptionsReader) TLSConfig() *tls.Config { return r.options.TLSConfig }

// Username returns the option Username.
func (r *ClientOptionsReader) Username() string { return r.options.Username }

// WebsocketOptions returns the option WebsocketOptions.
func (r *ClientOptionsReader) WebsocketOptions() *WebsocketOptions { return r.options.WebsocketOptions }

// WillEnabled returns the option WillEnabled.
func (r *ClientOptionsReader) WillEnabled() bool { return r.options.WillEnabled }

// WillPayload returns the option WillPayload.
func (r *ClientOptionsReader) WillPayload() []byte { return r.options.WillPayload }

// WillQos returns the option WillQos.
func (r *ClientOptionsReader) WillQos() byte { return r.options.WillQos }

// WillRetained returns the option WillRetained.
func (r *ClientOptionsReader) WillRetained() bool { return r.options.WillRetained }

// WillTopic returns the option WillTopic.
func (r *ClientOptionsReader) WillTopic() string { return r.options.WillTopic }

// WriteTimeout returns the option WriteTimeout.
func (r *ClientOptionsReader) WriteTimeout() time.Duration { return r.options.WriteTimeout }
