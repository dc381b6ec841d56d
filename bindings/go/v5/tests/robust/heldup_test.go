package robust

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// TestHeldUpReading: a server that sends messages and takes no acknowledgements holds the reading up. That costs no processor time, and the rest
// comes when the server takes them.
func TestHeldUpReading(t *testing.T) {
	const messages = 300_000 // whose acknowledgements are more than the engine keeps unwritten
	conn, s := carried(t)
	heard := make(chan struct{}, messages)
	connectOn(t, paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(paho.PublishReceived) (bool, error) { heard <- struct{}{}; return true, nil },
	}}, s, 0, false, 0)
	all := publishes(messages)
	write := func(within time.Duration) error {
		_ = s.SetWriteDeadline(time.Now().Add(within))
		n, err := s.Write(all)
		all = all[n:]
		return err
	}
	var err error
	for before := -1; before != len(all); { // until nothing more is taken
		before = len(all)
		if err = write(time.Second); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("the client has taken everything: %v", err)
		}
	}
	const rest = time.Second
	begin := processorTime(t)
	if err = write(rest); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the client goes on by itself: %v", err)
	}
	if used := processorTime(t) - begin; used > rest/4 {
		t.Errorf("%v of processor time in %v without anything to do", used, rest)
	}
	ended := make(chan error, 1)
	go func() {
		_ = s.SetReadDeadline(time.Now().Add(patience))
		_, err := io.CopyN(io.Discard, s, 4*messages)
		ended <- err
	}()
	if err = write(patience); err != nil {
		t.Fatal(err)
	}
	for range messages {
		await(t, heard, "each message")
	}
	if err = await(t, ended, "each acknowledgement"); err != nil {
		t.Fatal(err)
	}
}

// TestReadAfterWriting: the last messages that a server sends are in the engine, which reads them when acknowledgements have been written. No
// further bytes come from the server, and the program makes no call.
func TestReadAfterWriting(t *testing.T) {
	const messages = 165_000 // the engine has them all, and reads the last ones only when it may keep their acknowledgements
	conn, s := carried(t)
	heard := make(chan struct{}, messages)
	connectOn(t, paho.ClientConfig{Conn: conn, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
		func(paho.PublishReceived) (bool, error) { heard <- struct{}{}; return true, nil },
	}}, s, 0, false, 0)
	if _, err := s.Write(publishes(messages)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, s, 4*messages); err != nil {
		t.Fatal(err)
	}
	for range messages {
		await(t, heard, "each message")
	}
}

// publishes returns so many messages of QoS 1.
func publishes(count int) []byte {
	var all []byte
	for i := range count {
		id := i%65_535 + 1
		all = append(all, 0x32, 6, 0, 1, 't', byte(id>>8), byte(id), 0)
	}
	return all
}

// processorTime returns what this process has used.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
