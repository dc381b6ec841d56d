package dial

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strconv"
	"time"
)

// The bytes of RFC 1928 and RFC 1929 that this client uses.
const (
	socksVersion      = 5
	socksNoAuth       = 0
	socksPassword     = 2
	socksNoMethod     = 0xff
	socksAuthVersion  = 1
	socksConnect      = 1
	socksIPv4         = 1
	socksName         = 3
	socksIPv6         = 4
	socksMaxField     = 255
	socksReplyHead    = 4
	socksGranted      = 0
	defaultSOCKSPort  = "1080"
	minimalDialBudget = 30 * time.Second
)

// socksReplies are the answers of RFC 1928, in the original's words.
var socksReplies = [...]string{
	"succeeded", "general SOCKS server failure", "connection not allowed by ruleset", "network unreachable", "host unreachable", "connection refused",
	"TTL expired", "command not supported", "address type not supported",
}

// throughSOCKS has the proxy connect to address. The proxy looks the name up, as with the original.
func throughSOCKS(ctx context.Context, dialer *net.Dialer, proxy *url.URL, address string) (net.Conn, error) {
	proxyAddress := proxy.Host
	if proxy.Port() == "" {
		proxyAddress = net.JoinHostPort(proxy.Hostname(), defaultSOCKSPort)
	}
	budget := dialer.Timeout
	if budget == 0 {
		budget = minimalDialBudget
	}
	ctx, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", proxyAddress)
	if err != nil {
		return nil, err
	}
	err = within(ctx, conn, func() error { return socksHandshake(conn, proxy.User, address) })
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("socks connect tcp %s->%s: %w", proxyAddress, address, err)
	}
	return conn, nil
}

// within runs a conversation on conn until ctx ends.
func within(ctx context.Context, conn net.Conn, talk func() error) error {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	err := talk()
	if !stop() && err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

func socksHandshake(conn net.Conn, user *url.Userinfo, address string) error {
	request, err := socksRequest(address)
	if err != nil {
		return err
	}
	methods := []byte{socksNoAuth}
	if user != nil {
		methods = append(methods, socksPassword)
	}
	if _, err := conn.Write(append([]byte{socksVersion, byte(len(methods))}, methods...)); err != nil {
		return err
	}
	var answer [2]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	switch {
	case answer[0] != socksVersion:
		return fmt.Errorf("unexpected protocol version %d", answer[0])
	case answer[1] == socksNoMethod:
		return errors.New("no acceptable authentication methods")
	case answer[1] == socksPassword && user != nil:
		if err := socksLogin(conn, user); err != nil {
			return err
		}
	case answer[1] != socksNoAuth:
		return fmt.Errorf("unsupported authentication method %d", answer[1])
	}
	if _, err := conn.Write(request); err != nil {
		return err
	}
	return socksReply(conn)
}

func socksRequest(address string) ([]byte, error) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %q: %w", portText, err)
	}
	request := []byte{socksVersion, socksConnect, 0}
	switch ip := net.ParseIP(host); {
	case ip.To4() != nil:
		request = append(append(request, socksIPv4), ip.To4()...)
	case ip != nil:
		request = append(append(request, socksIPv6), ip.To16()...)
	case len(host) > socksMaxField:
		return nil, errors.New("host name too long")
	default:
		request = append(append(request, socksName, byte(len(host))), host...)
	}
	return append(request, byte(port>>8), byte(port)), nil
}

func socksLogin(conn net.Conn, user *url.Userinfo) error {
	name := user.Username()
	password, _ := user.Password()
	if name == "" || len(name) > socksMaxField || len(password) > socksMaxField {
		return errors.New("invalid username/password")
	}
	login := append([]byte{socksAuthVersion, byte(len(name))}, name...)
	login = append(append(login, byte(len(password))), password...)
	if _, err := conn.Write(login); err != nil {
		return err
	}
	var answer [2]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if answer[1] != 0 {
		return errors.New("username/password authentication failed")
	}
	return nil
}

// socksReply reads the proxy's answer, with the address that the proxy bound, which is of no use here.
func socksReply(conn net.Conn) error {
	var head [socksReplyHead]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return err
	}
	if head[1] != socksGranted {
		text := fmt.Sprintf("unknown code: %d", head[1])
		if int(head[1]) < len(socksReplies) {
			text = socksReplies[head[1]]
		}
		return errors.New("unknown error " + text)
	}
	length := 0
	switch head[3] {
	case socksIPv4:
		length = net.IPv4len
	case socksIPv6:
		length = net.IPv6len
	case socksName:
		var b [1]byte
		if _, err := io.ReadFull(conn, b[:]); err != nil {
			return err
		}
		length = int(b[0])
	default:
		return fmt.Errorf("unknown address type %d", head[3])
	}
	_, err := io.ReadFull(conn, make([]byte, length+2))
	return err
}
