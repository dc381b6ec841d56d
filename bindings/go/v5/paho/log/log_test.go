package log

import (
	"fmt"
	"strings"
	"testing"
)

// A prefix with a percent sign is text, not part of the format.
func TestTestLog(t *testing.T) {
	lines := &collector{}
	logger := NewTestLogger(lines, "100% ")
	logger.Println("a", 1)
	logger.Printf("b %d", 2)
	if len(lines.all) != 2 || !strings.HasSuffix(lines.all[0], "100%  a 1") || !strings.HasSuffix(lines.all[1], " 100% b 2") {
		t.Errorf("%q", lines.all)
	}
	var _ Logger = logger
	NewTestLogger(nil, "").Println("dropped")
	NOOPLogger{}.Printf("dropped")
}

type collector struct{ all []string }

func (c *collector) Log(v ...interface{}) {
	c.all = append(c.all, strings.TrimSuffix(fmt.Sprintln(v...), "\n"))
}
func (c *collector) Logf(format string, v ...interface{}) {
	c.all = append(c.all, fmt.Sprintf(format, v...))
}
