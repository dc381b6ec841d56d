// Package dial makes the connections on which MQTT is spoken: TCP, TLS, Unix sockets and WebSocket, directly or through the proxies that the
// environment names.
package dial

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"os"
	"strings"
)

// TCP connects to address, through the SOCKS5 proxy in ALL_PROXY or all_proxy unless NO_PROXY or no_proxy names the address.
func TCP(ctx context.Context, dialer *net.Dialer, address string) (net.Conn, error) {
	proxy := environmentProxy()
	if proxy == nil || bypasses(firstOf("NO_PROXY", "no_proxy"), address) {
		return dialer.DialContext(ctx, "tcp", address)
	}
	return throughSOCKS(ctx, dialer, proxy, address)
}

// TLS connects to address and makes the TLS handshake. Only a lower-case all_proxy makes it use a proxy: with the upper-case one alone the
// original dials directly, and programs may rely on that.
func TLS(ctx context.Context, dialer *net.Dialer, address string, config *tls.Config) (net.Conn, error) {
	if os.Getenv("all_proxy") == "" {
		return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
	}
	conn, err := TCP(ctx, dialer, address)
	if err != nil {
		return nil, err
	}
	return handshake(ctx, conn, config, address)
}

// Unix connects to the socket that the URL names, by its host if it has one (unix://name), else by its path.
func Unix(ctx context.Context, dialer *net.Dialer, uri *url.URL) (net.Conn, error) {
	name := uri.Path
	if uri.Host != "" {
		name = uri.Host
	}
	return dialer.DialContext(ctx, "unix", name)
}

// handshake makes the TLS handshake on conn, and closes it if that fails.
func handshake(ctx context.Context, conn net.Conn, config *tls.Config, address string) (net.Conn, error) {
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" && !config.InsecureSkipVerify {
		config = config.Clone()
		config.ServerName, _, _ = net.SplitHostPort(address)
	}
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// firstOf returns the first of these environment variables that is not empty.
func firstOf(names ...string) string {
	for _, name := range names {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// environmentProxy returns the environment's SOCKS5 proxy, or nil. What is no SOCKS5 URL has no effect.
func environmentProxy() *url.URL {
	proxy, err := url.Parse(firstOf("ALL_PROXY", "all_proxy"))
	if err != nil || !isSOCKS(proxy) {
		return nil
	}
	return proxy
}

func isSOCKS(proxy *url.URL) bool { return proxy.Scheme == "socks5" || proxy.Scheme == "socks5h" }

// bypasses returns true if a list of hosts, addresses, networks and *.zones, as in NO_PROXY, names the host of address.
func bypasses(list, address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	for _, entry := range strings.Split(list, ",") {
		entry = strings.TrimSpace(entry)
		zone, isZone := strings.CutPrefix(entry, "*.")
		_, network, networkErr := net.ParseCIDR(entry)
		switch {
		case entry == "":
		case networkErr == nil:
			if ip != nil && network.Contains(ip) {
				return true
			}
		case isZone:
			if host == zone || strings.HasSuffix(host, "."+zone) {
				return true
			}
		case host == entry, ip != nil && ip.Equal(net.ParseIP(entry)):
			return true
		}
	}
	return false
}
