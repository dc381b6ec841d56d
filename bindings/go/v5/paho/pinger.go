package paho

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/log"
)

// A Pinger keeps a connection alive. The engine does that for every Client: a ClientConfig may name a *DefaultPinger or none, and Connect
// returns ErrUnsupportedPinger for any other.
type Pinger interface {
	// Run sends PINGREQ when it is due, until ctx ends, and returns an error if the server does not answer. It returns at once if keepAlive
	// is 0.
	Run(ctx context.Context, conn net.Conn, keepAlive uint16) error
	// PacketSent says that a packet has been sent.
	PacketSent()
	// PacketReceived says that a packet has come.
	PacketReceived()
	// PingResp says that a PINGRESP has come.
	PingResp()
	// SetDebug sets where lines for debugging go.
	SetDebug(log.Logger)
}

// A DefaultPinger is a Pinger for programs that read and write packets themselves. A Client that is given one lets the engine do its work.
type DefaultPinger struct {
	mu                       sync.Mutex
	running                  bool
	sent, received, answered time.Time
	debug                    log.Logger
}

// NewDefaultPinger returns a pinger.
func NewDefaultPinger() *DefaultPinger { return &DefaultPinger{debug: log.NOOPLogger{}} }

var (
	errPingerRuns = errors.New("Run() already in progress")
	errNoConn     = errors.New("conn is nil")
	errNoPingresp = errors.New("PINGRESP timed out")
)

// Run sends a PINGREQ at once, and another whenever for keepAlive seconds nothing has been sent or nothing has come. It returns an error if
// a PINGREQ has no answer when the next one would be due.
func (p *DefaultPinger) Run(ctx context.Context, conn net.Conn, keepAlive uint16) error {
	if keepAlive == 0 {
		return nil
	}
	if conn == nil {
		return errNoConn
	}
	if !p.begin() {
		return errPingerRuns
	}
	defer p.end()
	interval := time.Duration(keepAlive) * time.Second
	timer := time.NewTimer(0)
	defer timer.Stop()
	failed := make(chan error, 1)
	var asked time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-failed:
			return err
		case now := <-timer.C:
			due, answered := p.state(interval)
			if !asked.IsZero() && asked.After(answered) {
				p.log("PINGRESP timed out")
				return errNoPingresp
			}
			if now.Before(due) {
				timer.Reset(due.Sub(now))
				continue
			}
			asked = time.Now()
			go p.ping(conn, failed) // it may wait for the network longer than ctx lasts
			timer.Reset(interval)
		}
	}
}

func (p *DefaultPinger) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running {
		return false
	}
	p.running = true
	return true
}

func (p *DefaultPinger) end() {
	p.mu.Lock()
	p.running = false
	p.mu.Unlock()
}

// state returns when the next PINGREQ is due, and when the last PINGRESP came.
func (p *DefaultPinger) state(interval time.Duration) (due, answered time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := p.sent
	if p.received.Before(idle) {
		idle = p.received
	}
	return idle.Add(interval), p.answered
}

func (p *DefaultPinger) ping(conn net.Conn, failed chan<- error) {
	if _, err := packets.NewControlPacket(packets.PINGREQ).WriteTo(conn); err != nil {
		failed <- fmt.Errorf("failed to send PINGREQ: %w", err)
	}
}

func (p *DefaultPinger) log(line string) {
	p.mu.Lock()
	debug := p.debug
	p.mu.Unlock()
	debug.Println("DefaultPinger", line)
}

// PacketSent says that a packet has been sent.
func (p *DefaultPinger) PacketSent() { p.note(&p.sent) }

// PacketReceived says that a packet has come.
func (p *DefaultPinger) PacketReceived() { p.note(&p.received) }

// PingResp says that a PINGRESP has come.
func (p *DefaultPinger) PingResp() { p.note(&p.answered) }

func (p *DefaultPinger) note(what *time.Time) {
	p.mu.Lock()
	*what = time.Now()
	p.mu.Unlock()
}

// SetDebug sets where lines for debugging go.
func (p *DefaultPinger) SetDebug(debug log.Logger) {
	p.mu.Lock()
	p.debug = debug
	p.mu.Unlock()
}
