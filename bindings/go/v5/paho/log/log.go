// Package log has the interface to which the clients of MQTT 5 write their lines.
package log

import (
	"fmt"
	"sync"
	"time"
)

// Logger is what a program gives the clients to see their lines. *log.Logger is one.
type Logger interface {
	Println(v ...interface{})
	Printf(format string, v ...interface{})
}

// NOOPLogger drops each line.
type NOOPLogger struct{}

// Println does nothing.
func (NOOPLogger) Println(v ...interface{}) {}

// Printf does nothing.
func (NOOPLogger) Printf(format string, v ...interface{}) {}

// testLogger is what TestLog needs of *testing.T.
type testLogger interface {
	Log(args ...interface{})
	Logf(format string, args ...interface{})
}

// TestLog writes each line to a test's log, with the time and a prefix.
type TestLog struct {
	sync.Mutex
	to     testLogger
	prefix string
}

// NewTestLogger returns a logger that writes to l, which may be a *testing.T or nil.
func NewTestLogger(l testLogger, prefix string) *TestLog { return &TestLog{to: l, prefix: prefix} }

// Println writes its arguments with blanks between them.
func (t *TestLog) Println(v ...interface{}) {
	t.Lock()
	defer t.Unlock()
	if t.to != nil {
		t.to.Log(append([]interface{}{now(), t.prefix}, v...)...)
	}
}

// Printf writes its arguments as the format says.
func (t *TestLog) Printf(format string, v ...interface{}) {
	t.Lock()
	defer t.Unlock()
	if t.to != nil {
		t.to.Log(now() + " " + t.prefix + fmt.Sprintf(format, v...))
	}
}

func now() string { return time.Now().Format(time.RFC3339Nano) }
