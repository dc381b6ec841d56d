// Package engine is the binding to libpaho-oxide: a client with its events, and the goroutines that carry a connection's bytes.
//
// The engine has no thread of its own at work for a client here. All that it does, it does inside calls: one goroutine a connection waits in
// Go's network poller and has the engine read; publishing writes on the calling goroutine; a goroutine that exists only while a socket is
// full has it write on; a timer has it do what is due. Each of them takes the events that its call brought.
package engine

import (
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A Client is one client of the engine. It holds the session, and at most one connection.
type Client struct {
	options Options
	queue   uint64
	handle  uint64
	// draining is held while events are taken and handled, so that they are handled in their order.
	draining sync.Mutex
	// drainer says that a goroutine will take events.
	drainer atomic.Bool
	link    atomic.Pointer[link]
	room    roomSignal
}

// A roomSignal wakes those who wait for room, all at once.
type roomSignal struct {
	mu     sync.Mutex
	signal chan struct{}
}

func (r *roomSignal) wait() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.signal == nil {
		r.signal = make(chan struct{})
	}
	return r.signal
}

func (r *roomSignal) wake() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.signal != nil {
		close(r.signal)
		r.signal = nil
	}
}

// New makes a client. Close must be called on it.
func New(options Options) (*Client, error) {
	c := &Client{options: options}
	var err error
	if c.queue, err = createQueue(); err != nil {
		return nil, err
	}
	if c.handle, err = create(c.queue, &options); err != nil {
		destroyQueue(c.queue)
		return nil, err
	}
	return c, nil
}

// Close ends the client: the connection, and what has not ended. The last events come before it returns. Later calls return ErrClosed.
func (c *Client) Close() {
	if l := c.link.Load(); l != nil {
		l.end()
	}
	destroy(c.handle)
	c.drain()
	destroyQueue(c.queue)
}

// Handles are the engine's names of a client and of its queue.
type Handles struct {
	client, queue uint64
}

// Handles returns the engine's names of this client, for Release.
func (c *Client) Handles() Handles { return Handles{c.handle, c.queue} }

// Release is Close for a client of which only this is left, since nothing refers to it any more.
func Release(h Handles) {
	destroy(h.client)
	destroyQueue(h.queue)
}

// Attach sends CONNECT on a connection that has been made, and takes care of the connection until it ends. Connected or ConnectFailed follows.
// After an error the connection is still the caller's.
func (c *Client) Attach(conn net.Conn, connect *Connect) error {
	l := &link{client: c, conn: conn, writeTimeout: connect.WriteTimeout, begin: time.Now(), moved: make(chan struct{}, 1)}
	if raw, ok := plain(conn); ok && adopt {
		l.raw = raw
	}
	if !c.link.CompareAndSwap(nil, l) {
		return ErrState
	}
	var err error
	if l.raw != nil {
		if failed := l.raw.Control(func(fd uintptr) { err = attachFd(c.handle, fd, connect) }); failed != nil {
			err = failed
		}
	} else {
		err = attachStream(c.handle, connect)
	}
	if err != nil {
		c.link.Store(nil)
		return err
	}
	l.start()
	return nil
}

// plain returns the descriptor's side of connections whose bytes are the socket's.
func plain(conn net.Conn) (syscall.RawConn, bool) {
	var raw syscall.RawConn
	var err error
	switch socket := conn.(type) {
	case *net.TCPConn:
		raw, err = socket.SyscallConn()
	case *net.UnixConn:
		raw, err = socket.SyscallConn()
	default:
		return nil, false
	}
	return raw, err == nil
}

// Publish sends a message, or queues it. ErrRoom means that the caller may wait for Room and try again.
func (c *Client) Publish(message *Publication) (Sent, error) {
	l := c.link.Load()
	later := !message.Now && l != nil && l.raw != nil && (message.Shared || l.busy())
	sent, err := publish(c.handle, message, later)
	if err != nil {
		if l != nil {
			c.drainSoon()
		}
		return sent, err
	}
	switch {
	case l == nil:
	case l.raw != nil:
		switch {
		case sent.Status&Unwritten == 0:
		case message.Shared:
			l.writeShared()
		default:
			l.write()
		}
		if sent.Status&eventsWait != 0 {
			c.drainSoon()
		}
	default:
		if message.QoS == 0 && sent.Status&Written != 0 {
			sent.Status = sent.Status&^Written | Buffered
		}
		for last := l.accepted.Load(); last < sent.Token && !l.accepted.CompareAndSwap(last, sent.Token); last = l.accepted.Load() {
		}
		if message.Shared {
			l.writeShared()
		} else {
			l.write()
		}
	}
	return sent, nil
}

// Cancel takes a publish back that has not been sent.
func (c *Client) Cancel(token uint64) error {
	err := cancel(c.handle, token)
	c.drain()
	return err
}

// Subscribe sends SUBSCRIBE. Suback or Failed follows.
func (c *Client) Subscribe(filters []Filter, properties []byte) (token uint64, err error) {
	var encoded []byte
	for _, filter := range filters {
		if encoded, err = appendFilter(encoded, filter.Topic); err != nil {
			return 0, err
		}
		encoded = append(encoded, filter.Options)
	}
	token, err = subscribe(c.handle, encoded, properties)
	c.check()
	return token, err
}

// Unsubscribe sends UNSUBSCRIBE. Unsuback or Failed follows.
func (c *Client) Unsubscribe(filters []string, properties []byte) (token uint64, err error) {
	var encoded []byte
	for _, filter := range filters {
		if encoded, err = appendFilter(encoded, filter); err != nil {
			return 0, err
		}
	}
	token, err = unsubscribe(c.handle, encoded, properties)
	c.check()
	return token, err
}

func appendFilter(to []byte, filter string) ([]byte, error) {
	if len(filter) > 65535 {
		return nil, ErrArgument
	}
	return append(append(to, byte(len(filter)>>8), byte(len(filter))), filter...), nil
}

// Ack acknowledges messages, and returns how many are of this connection.
func (c *Client) Ack(tokens []uint64, reason byte) (int, error) {
	n, err := ack(c.handle, tokens, reason)
	c.check()
	return n, err
}

// Auth sends AUTH.
func (c *Client) Auth(reason byte, properties []byte) error {
	err := auth(c.handle, reason, properties)
	c.check()
	return err
}

// Disconnect sends DISCONNECT behind what is queued for the connection, after waiting for operations under way for at most the given time.
// Closed follows.
func (c *Client) Disconnect(wait time.Duration, reason byte, properties []byte) error {
	err := disconnect(c.handle, wait, reason, properties)
	c.check()
	c.drain()
	if l := c.link.Load(); l != nil {
		l.arm()
	}
	return err
}

// Abort ends the attempt or the connection now. ConnectFailed or Lost has been handled when it returns.
func (c *Client) Abort() {
	abort(c.handle)
	c.drain()
}

// Room returns a channel that is closed at the next Room event.
func (c *Client) Room() <-chan struct{} { return c.room.wait() }

// InFlight lists the operations that have not ended.
func (c *Client) InFlight() []Operation { return inFlight(c.handle) }

// check has written what a call could not write to a full socket, and handled the events that it has made: that the connection has ended, or that a
// publish of another call has been written. Nobody else may look at them.
func (c *Client) check() {
	l := c.link.Load()
	if l == nil {
		return
	}
	if l.raw == nil {
		l.write()
		return
	}
	want := wants(c.handle)
	if want&wantsWrite != 0 {
		l.write()
	}
	if want&wantsEvents != 0 {
		c.drainSoon()
	}
}

// Bits for drive, and of what wants returns.
const (
	wantsRead  = 1
	wantsWrite = 2
	wantsTick  = 4
	wantsMore  = 8
	// There are events that nobody is about to take: a call has made them, of its own or of what others had queued.
	wantsEvents = 32
)

// batchWords is the size of an event buffer, in words of eight bytes.
const batchWords = 64 << 10 / 8

// batches are event buffers. Clients borrow them, so that an idle one has none.
var batches = sync.Pool{New: func() any { return new([batchWords]uint64) }}

func asBytes(words []uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)
}

// drain handles all events that are queued.
func (c *Client) drain() {
	c.take(func(buffer []byte) int64 { return nextEvents(c.queue, buffer) }, false, 0)
}

// drainSoon has a goroutine handle the events that a call has made: the call's goroutine may hold locks that their handling needs.
func (c *Client) drainSoon() {
	if c.drainer.CompareAndSwap(false, true) {
		go func() {
			c.drainer.Store(false)
			c.drain()
		}()
	}
}

// drive has the engine do what is due, and handles the events. It returns what the engine wants then.
func (c *Client) drive(what uint32) int {
	again := 0
	if what&wantsRead != 0 {
		again = wantsMore
	}
	return c.take(func(buffer []byte) int64 { return driveEvents(c.handle, what, buffer) }, true, again)
}

// take calls next until it brings no events, and handles them. With more it goes on as long as there are events, or the engine wants what again
// has, and returns what the engine wants then.
func (c *Client) take(next func([]byte) int64, more bool, again int) int {
	c.draining.Lock()
	defer c.draining.Unlock()
	batch := batches.Get().(*[batchWords]uint64)
	defer batches.Put(batch)
	buffer := asBytes(batch[:])
	for {
		n := next(buffer)
		switch {
		case n > 0:
			c.events(buffer[:n])
		case n == tooSmall:
			c.large()
		case !more || n < 0:
			return 0
		default:
			if want := max(wants(c.handle), 0); want&(wantsEvents|again) == 0 {
				return want
			}
		}
		if again == 0 || c.busy() { // what there was to do is done; and a server that sends as fast as this reads would have it read for ever
			again, next = 0, func(buffer []byte) int64 { return nextEvents(c.queue, buffer) }
		}
	}
}

// large handles an event that no usual buffer holds.
func (c *Client) large() {
	need := eventSize(c.queue)
	buffer := asBytes(make([]uint64, (need+7)/8))
	if n := nextEvents(c.queue, buffer); n > 0 {
		c.events(buffer[:n])
	}
}

// events handles a batch.
func (c *Client) events(records []byte) {
	var event Event
	for len(records) >= recordHead {
		event, records = decode(records)
		switch event.Kind {
		case Room:
			c.room.wake()
		case Output:
			if l := c.link.Load(); l != nil {
				l.write()
			}
		case Wants:
			if l := c.link.Load(); l != nil {
				l.wanted()
			}
		case ConnectFailed, Lost, ServerDisconnect, Closed:
			if l := c.link.Swap(nil); l != nil {
				event.Err = l.reason(&event)
				l.end()
			}
			c.room.wake()
			c.options.Handle(&event)
		default:
			c.options.Handle(&event)
		}
	}
}
