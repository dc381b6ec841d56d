package autopaho

import (
	"errors"
	"fmt"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/log"
)

// ConnectionDownError is the error of calls that need a connection while there is none. (A connection that is lost during a call gives another.)
//
//lint:ignore ST1012 the original's name
var ConnectionDownError = errors.New("connection with the MQTT server is currently down")

var errShutDown = errors.New("connection manager shutting down")

// DisconnectError is why a connection ended that the server ended by DISCONNECT.
type DisconnectError struct{ err string }

// Error returns the text.
func (d *DisconnectError) Error() string { return d.err }

// ConnackError is why an attempt failed that the server refused by CONNACK.
type ConnackError struct {
	ReasonCode byte   // the CONNACK's
	Reason     string // its reason string, which may be empty
	Err        error  // what package paho said
}

// NewConnackError returns the error for a CONNACK.
func NewConnackError(err error, connack *paho.Connack) *ConnackError {
	refused := &ConnackError{ReasonCode: connack.ReasonCode, Err: err}
	if connack.Properties != nil {
		refused.Reason = connack.Properties.ReasonString
	}
	return refused
}

// Error has the reason code and what package paho said.
func (c *ConnackError) Error() string {
	return fmt.Sprintf("server denied connect (reason: %d): %s", c.ReasonCode, c.Err)
}

// Unwrap returns what package paho said.
func (c *ConnackError) Unwrap() error { return c.Err }

// A lossWatch hears from one client why its connection ends. It hands the first reason to the manager, and to the program what the program asked for.
type lossWatch struct {
	debug        log.Logger
	onError      func(error)
	onDisconnect func(*paho.Disconnect)
	lost         chan error // gets one error, and is never full

	mu   sync.Mutex
	over bool // a reason is known, or the manager ends the connection itself
}

func newLossWatch(cfg *ClientConfig) *lossWatch {
	return &lossWatch{debug: cfg.Debug, onError: cfg.OnClientError, onDisconnect: cfg.OnServerDisconnect, lost: make(chan error, 1)}
}

// stop makes the watch deaf: what comes now follows from the manager's own Disconnect.
func (w *lossWatch) stop() {
	w.mu.Lock()
	w.over = true
	w.mu.Unlock()
}

// report hands err to the manager if it is the first. It returns true if so.
func (w *lossWatch) report(err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		w.debug.Printf("a further reason for the end of the connection: %s", err)
		return false
	}
	w.over = true
	w.lost <- err
	return true
}

func (w *lossWatch) clientError(err error) {
	if w.report(err) && w.onError != nil {
		go w.onError(err)
	}
}

func (w *lossWatch) serverDisconnect(packet *paho.Disconnect) {
	w.report(&DisconnectError{err: fmt.Sprintf("server requested disconnect (reason: %d)", packet.ReasonCode)})
	if w.onDisconnect != nil {
		go w.onDisconnect(packet)
	}
}
