package paho

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session"
)

var (
	errNoAuthHandler = errors.New("enhanced authentication flow started but no AuthHandler configured")
	errStillGoing    = errors.New("previous authentication is still in progress")
)

// authentication is the state of enhanced authentication.
type authentication struct {
	mu sync.Mutex
	// failed is why an authentication cannot go on.
	failed error
	// waiting takes the end of a re-authentication; nil from a connection that ended without a DISCONNECT.
	waiting chan *AuthResponse
}

func (a *authentication) fail(err error) {
	a.mu.Lock()
	a.failed = err
	a.mu.Unlock()
}

func (a *authentication) failure() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.failed
}

// answer ends a re-authentication that is under way.
func (a *authentication) answer(response *AuthResponse) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.waiting != nil {
		a.waiting <- response
		a.waiting = nil
	}
}

// ended says that the connection has ended.
func (a *authentication) ended(disconnect *Disconnect) {
	var response *AuthResponse
	if disconnect != nil {
		response = AuthResponseFromPacketDisconnect(disconnect.Packet())
	}
	a.answer(response)
}

// onAuth takes an AUTH of the server.
func (c *Client) onAuth(e *engine.Event) {
	auth := &packets.Auth{ReasonCode: byte(e.Reason), Properties: properties(e.Properties, packets.AUTH)}
	c.debug.Println("received AUTH")
	switch auth.ReasonCode {
	case packets.AuthSuccess:
		if c.config.AuthHandler != nil {
			go c.config.AuthHandler.Authenticated()
		}
		c.auth.answer(AuthResponseFromPacketAuth(auth))
	case packets.AuthContinueAuthentication:
		go c.authenticate(AuthFromPacketAuth(auth)) // one at a time: the server waits for the answer
	}
}

// authenticate has the program answer an AUTH.
func (c *Client) authenticate(auth *Auth) {
	client := c.flow.Engine()
	if client == nil {
		return
	}
	err := errNoAuthHandler
	if c.config.AuthHandler != nil {
		if answer := c.config.AuthHandler.Authenticate(auth); answer == nil {
			err = errors.New("the AuthHandler has no answer to AUTH")
		} else if err = c.sendAuth(client, answer); err != nil {
			err = fmt.Errorf("error sending authentication packet: %w", err)
		}
	}
	if err != nil {
		c.auth.fail(err)
		client.Abort()
	}
}

// sendAuth sends an AUTH. One that names no method gets CONNECT's [MQTT-4.12.0-5].
func (c *Client) sendAuth(client *engine.Client, auth *Auth) error {
	packet := auth.Packet()
	if packet.Properties == nil {
		packet.Properties = &packets.Properties{}
	}
	if packet.Properties.AuthMethod == "" {
		packet.Properties.AuthMethod = orNone(c.connect.Properties).AuthMethod
	}
	encoded, err := packet.Properties.Pack(packets.AUTH)
	if err != nil {
		return err
	}
	return client.Auth(auth.ReasonCode, encoded)
}

// Authenticate begins to authenticate anew, and waits until the server has accepted, or has ended the connection. The AuthHandler answers
// what the server asks meanwhile. CONNECT must have named an authentication method, which the AUTH packets name, too.
func (c *Client) Authenticate(ctx context.Context, a *Auth) (*AuthResponse, error) {
	client := c.flow.Engine()
	if client == nil || !c.up.Load() {
		return nil, session.ErrNoConnection
	}
	waiting := make(chan *AuthResponse, 1)
	c.auth.mu.Lock()
	if c.auth.waiting != nil {
		c.auth.mu.Unlock()
		return nil, errStillGoing
	}
	c.auth.waiting = waiting
	c.auth.mu.Unlock()
	defer func() {
		c.auth.mu.Lock()
		if c.auth.waiting == waiting {
			c.auth.waiting = nil
		}
		c.auth.mu.Unlock()
	}()
	c.debug.Println("sending AUTH")
	if err := c.sendAuth(client, a); err != nil {
		return nil, c.callError(err)
	}
	select {
	case response := <-waiting:
		if response == nil {
			return nil, ErrConnectionLost
		}
		return response, nil
	case <-c.lost:
		select {
		case response := <-waiting:
			if response != nil {
				return response, nil
			}
		default:
		}
		return nil, ErrConnectionLost
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
