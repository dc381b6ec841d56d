package engine

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A link carries the bytes of one connection. With raw the engine reads and writes the socket itself, when told; without it the link does, for
// TLS, WebSocket, and connections of the program's own making.
type link struct {
	client       *Client
	conn         net.Conn
	raw          syscall.RawConn
	writeTimeout time.Duration
	over         atomic.Bool
	// readError is why reading ended, for connections that the link reads.
	readError atomic.Pointer[error]
	// begin is when the connection began, and lastPublish how long after it the last publish was made.
	begin       time.Time
	lastPublish atomic.Int64
	timing      sync.Mutex
	timer       *time.Timer
	// output says that there may be something to write, writing that a goroutine is at it; writeLock is held for each write.
	output, writing atomic.Bool
	writeLock       sync.Mutex
	// writeError is why a write failed, after which there is none any more: what the engine gave for it is lost. Under writeLock.
	writeError error
	// moved gets a value when something has changed for which the engine may have taken no bytes. For connections that the link reads.
	moved chan struct{}
	// accepted is the last publish in the engine's output; those up to told have been written. For connections that the link writes.
	accepted atomic.Uint64
	told     uint64
}

// closedByServer ends the text of an attempt that the server has ended without an answer.
const closedByServer = "the server closed the connection"

// errNoPingresp has the original's text.
var errNoPingresp = errors.New("pingresp not received, disconnecting")

// start has the connection's bytes carried.
func (l *link) start() {
	l.wanted()
	if l.raw != nil {
		go l.readRaw()
	} else {
		l.write()
		go l.readStream()
	}
}

// readRaw waits for input in Go's poller and has the engine read it.
func (l *link) readRaw() {
	defer l.conn.Close()
	for !l.over.Load() {
		err := l.raw.Read(func(uintptr) bool {
			want := l.client.drive(wantsRead)
			if want&wantsWrite != 0 { // what was read has answers
				l.write()
			}
			return want&wantsMore != 0 || l.over.Load() || l.client.busy()
		})
		if err != nil {
			if !l.over.Load() { // the program closed a connection of its own making
				l.fail(asPlain(err))
			}
			return
		}
		l.client.await()
	}
}

// busy returns true if Await would wait. The poller's callback must not: a socket cannot be closed while it runs.
func (c *Client) busy() bool { return c.options.Busy != nil && c.options.Busy() }

func (c *Client) await() {
	if c.options.Await != nil {
		c.options.Await()
	}
}

const (
	firstBuffer = 4 << 10
	fullBuffer  = 64 << 10
)

// readStream reads the connection and feeds the engine.
func (l *link) readStream() {
	defer l.conn.Close()
	buffer := make([]byte, firstBuffer)
	for !l.over.Load() {
		n, err := l.conn.Read(buffer)
		if n > 0 {
			l.feed(buffer[:n])
		}
		if err != nil {
			if !l.over.Load() {
				l.fail(err)
			}
			return
		}
		if n == len(buffer) && n < fullBuffer {
			buffer = make([]byte, fullBuffer)
		}
		l.client.await()
	}
}

// feed gives bytes to the engine until it has taken them all. The engine takes none while the program or the network has to take something first:
// messages, their acknowledgements.
func (l *link) feed(bytes []byte) {
	c := l.client
	for held := false; len(bytes) > 0 && !l.over.Load(); {
		took := 0
		c.take(func(buffer []byte) int64 {
			taken, n := feedEvents(c.handle, bytes, buffer)
			took += taken
			bytes = bytes[taken:]
			return n
		}, false, 0)
		if took > 0 || len(bytes) == 0 || l.over.Load() {
			held = false
			continue
		}
		c.drain()
		l.write()
		if held { // with no event left in the queue
			l.await()
		}
		held = true
	}
	l.write()
}

// stir has feed look again.
func (l *link) stir() {
	select {
	case l.moved <- struct{}{}:
	default:
	}
}

// lookAgain is how long feed waits at most, whatever holds it up.
const lookAgain = 100 * time.Millisecond

// await waits until something has moved.
func (l *link) await() {
	timer := time.NewTimer(lookAgain)
	defer timer.Stop()
	select {
	case <-l.moved:
	case <-timer.C:
	}
}

// fail tells the engine that the connection has ended.
func (l *link) fail(err error) {
	l.readError.Store(&err)
	if l.raw == nil {
		eof(l.client.handle, err.Error())
	} else {
		abort(l.client.handle)
	}
	l.client.drain()
}

// write has output written by a goroutine, unless one is at it.
func (l *link) write() {
	if l.begins() {
		go l.untilWritten()
	}
}

// writeShared is write after the goroutines that can run now: they are about to publish, too, and one write is enough for all.
func (l *link) writeShared() {
	if l.begins() {
		go func() {
			runtime.Gosched()
			l.untilWritten()
		}()
	}
}

// begins says that there is output. It returns true if the caller must have a goroutine write it.
func (l *link) begins() bool {
	l.output.Store(true)
	return !l.over.Load() && l.writing.CompareAndSwap(false, true)
}

// burst is the time between two publishes below which they count as following each other closely: about what a write takes.
const burst = 10 * time.Microsecond

// busy returns true if a publish should be left to the writing goroutine: one is at it, or publishes follow each other so closely that many
// should share a write. A single publish is written by the call itself, which is quickest for the one that waits for its answer.
func (l *link) busy() bool {
	if l.writing.Load() {
		return true
	}
	now := int64(time.Since(l.begin))
	return now-l.lastPublish.Swap(now) < int64(burst)
}

// untilWritten writes as long as there is output. Whoever makes output first says so and then looks for a writer; this one first stops
// being the writer and then looks for output: one of them sees the other.
func (l *link) untilWritten() {
	write := l.writeStream
	if l.raw != nil {
		write = l.writeRaw
	}
	for {
		var err error
		for err == nil && l.output.Swap(false) {
			err = write()
		}
		l.writing.Store(false)
		if err != nil && !l.over.Load() {
			l.fail(err)
		}
		if l.over.Load() || !l.output.Load() || !l.writing.CompareAndSwap(false, true) {
			return
		}
	}
}

// writeRaw has the engine write on each time the socket has room, until nothing is left.
//
// Go's poller tells of room once, when a full socket gets some. What is left after a write may have come from a publish just after it, with the
// socket never full: only a socket that is full now can be waited for. The wait ends with the write timeout, which begins anew when the
// socket has taken something.
func (l *link) writeRaw() error {
	limited := false
	err := l.raw.Write(func(fd uintptr) bool {
		for {
			if l.client.drive(wantsWrite)&wantsWrite == 0 || l.over.Load() {
				return true
			}
			if !writable(fd) {
				if l.writeTimeout > 0 {
					limited = true
					_ = l.conn.SetWriteDeadline(time.Now().Add(l.writeTimeout)) // fails only on a closed connection
				}
				return l.over.Load() // end may have set a deadline just before this one
			}
		}
	})
	if limited && err == nil {
		err = l.conn.SetWriteDeadline(time.Time{})
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = l.netError("write", os.ErrDeadlineExceeded)
	}
	return asPlain(err)
}

// asPlain returns an error of a RawConn as that of the connection's own Read or Write.
func asPlain(err error) error {
	raw, ok := err.(*net.OpError)
	if !ok {
		return err
	}
	plain := *raw
	plain.Op = strings.TrimPrefix(raw.Op, "raw-")
	return &plain
}

// writeStream takes output and writes it, until there is none.
func (l *link) writeStream() error {
	batch := batches.Get().(*[batchWords]uint64)
	defer batches.Put(batch)
	buffer := asBytes(batch[:])
	for {
		upTo := l.accepted.Load()
		more, err := l.writeOnce(buffer)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		l.client.draining.Lock()
		if upTo > l.told {
			l.told = upTo
			l.client.options.Handle(&Event{Kind: WrittenUpTo, Token: upTo})
		}
		l.client.draining.Unlock()
		l.client.drain()
		return nil
	}
}

// writeOnce takes and writes one buffer of output. It returns false if there was none. Once a write has failed it returns that error, also to
// another goroutine, to which there being no output must not mean that all of it has been written.
func (l *link) writeOnce(buffer []byte) (bool, error) {
	l.writeLock.Lock()
	defer l.writeLock.Unlock()
	if l.writeError != nil {
		return false, l.writeError
	}
	n := take(l.client.handle, buffer)
	if n <= 0 {
		return false, nil
	}
	if l.writeTimeout > 0 {
		l.writeError = l.conn.SetWriteDeadline(time.Now().Add(l.writeTimeout))
	}
	if l.writeError == nil {
		_, l.writeError = l.conn.Write(buffer[:n])
		l.stir()
	}
	return l.writeError == nil, l.writeError
}

// lastWrite is how long the end of a connection waits for a write that is under way, the DISCONNECT at its end.
const lastWrite = time.Second

// finishWriting writes what is left, the DISCONNECT at its end: the writing goroutine may not have begun. It returns why not all of that has been
// written. Of an adopted socket the engine knows it.
func (l *link) finishWriting(e *Event) error {
	if l.raw != nil {
		if e.Flags&closedSaid == 0 {
			return l.netError("write", os.ErrDeadlineExceeded)
		}
		return nil
	}
	written := make(chan error, 1)
	go func() {
		batch := batches.Get().(*[batchWords]uint64)
		defer batches.Put(batch)
		more, err := true, error(nil)
		for more && err == nil {
			more, err = l.writeOnce(asBytes(batch[:]))
		}
		written <- err
	}()
	timer := time.NewTimer(lastWrite)
	defer timer.Stop()
	select {
	case err := <-written:
		return err
	case <-timer.C:
		return l.netError("write", os.ErrDeadlineExceeded)
	}
}

// wanted does what the engine wants now, and sets the timer for what it will want later.
func (l *link) wanted() {
	l.stir()
	if l.raw != nil && wants(l.client.handle)&wantsWrite != 0 {
		l.write()
	}
	l.arm()
}

// arm sets the timer to the engine's deadline.
func (l *link) arm() {
	due := deadline(l.client.handle)
	l.timing.Lock()
	defer l.timing.Unlock()
	if l.over.Load() || due < 0 {
		return
	}
	after := time.Duration(due) * time.Millisecond
	if l.timer == nil {
		l.timer = time.AfterFunc(after, l.tick)
	} else {
		l.timer.Reset(after)
	}
}

// tick does what is due.
func (l *link) tick() {
	if l.over.Load() {
		return
	}
	if l.client.drive(wantsTick)&wantsWrite != 0 || l.raw == nil {
		l.write()
	}
	l.arm()
}

// end has the goroutines of the link return. It does not wait for them: they may be the ones that call it.
func (l *link) end() {
	if l.over.Swap(true) {
		return
	}
	l.stir()
	l.timing.Lock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.timing.Unlock()
	if l.raw != nil {
		_ = l.conn.SetDeadline(time.Unix(1, 0)) // closing would wait for the reader, which closes on its way out
	} else {
		go l.conn.Close() // may wait for the peer, as TLS does, or be of the program's making
	}
}

// reason returns why a connection ended, in the words of Go's net package where the cause is the network. After Disconnect it first writes what is
// left, and returns why the server does not get it.
func (l *link) reason(e *Event) error {
	text := string(e.Topic)
	switch {
	case e.Kind == Closed:
		return l.finishWriting(e)
	case e.Kind == ServerDisconnect:
		return errors.New("the server has disconnected")
	case e.Kind == Lost && e.Flags == LostNoPingresp:
		return errNoPingresp
	case e.Kind == ConnectFailed && e.Flags == StageDeadline:
		return l.netError("read", os.ErrDeadlineExceeded)
	case e.Kind == ConnectFailed && e.Reason != 0:
		return errors.New(text)
	}
	if err := l.readError.Load(); err != nil {
		return *err
	}
	if e.Kind == ConnectFailed && strings.HasSuffix(text, closedByServer) {
		return io.EOF
	}
	if e.Value != 0 {
		return l.netError("read", os.NewSyscallError("read", syscall.Errno(e.Value)))
	}
	if e.Kind == Lost && e.Flags == LostServerClosed {
		return io.EOF
	}
	return errors.New(text)
}

func (l *link) netError(op string, err error) error {
	local, remote := l.conn.LocalAddr(), l.conn.RemoteAddr()
	network := ""
	if remote != nil {
		network = remote.Network()
	}
	return &net.OpError{Op: op, Net: network, Source: local, Addr: remote, Err: err}
}
