package both

import (
	"bufio"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience is how long something may take that must happen.
const patience = time.Minute

// A Process is a program that is told what to do by lines of its input, and says by lines what happens.
type Process struct {
	t       testing.TB
	command *exec.Cmd
	input   io.WriteCloser
	printed chan string
	// Passed has the lines that Line has passed over.
	Passed []string
}

// Start starts a program. It ends with the test.
func Start(t testing.TB, program string, arguments ...string) *Process {
	t.Helper()
	p := &Process{t: t, command: exec.Command(program, arguments...), printed: make(chan string, 1000)}
	out, err := p.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if p.input, err = p.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.printed <- lines.Text()
		}
		close(p.printed)
	}()
	return p
}

// Do writes a line to the program.
func (p *Process) Do(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.input, line+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// Line awaits a line that begins so.
func (p *Process) Line(begin string) string {
	p.t.Helper()
	for deadline := time.After(patience); ; {
		select {
		case line, ok := <-p.printed:
			if !ok {
				p.t.Fatalf("the program ends before it prints %q; it printed %q", begin, p.Passed)
			}
			if strings.HasPrefix(line, begin) {
				return line
			}
			p.Passed = append(p.Passed, line)
		case <-deadline:
			p.t.Fatalf("the program does not print %q; it printed %q", begin, p.Passed)
		}
	}
}

// End awaits the program's own end.
func (p *Process) End() {
	p.t.Helper()
	stop := time.AfterFunc(patience, func() { p.command.Process.Kill() })
	defer stop.Stop()
	if err := p.command.Wait(); err != nil {
		p.t.Errorf("the program ends: %v", err)
	}
}

// Kill ends the program at once, as kill -9 does.
func (p *Process) Kill() {
	p.command.Process.Kill()
	p.command.Wait()
}
