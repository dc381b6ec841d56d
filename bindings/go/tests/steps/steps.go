// Package steps is what the programs that run on both libraries share, of both modules: output that is the same each time, and waiting for
// what must come.
package steps

import (
	"fmt"
	"os"
	"regexp"
	"syscall"
	"time"
)

// Patience is how long a program waits for what must come.
const Patience = time.Minute

var changing = regexp.MustCompile(`(127\.0\.0\.1|\[::1\]|localhost):\d+`)

// Print prints a line without the port numbers, which differ between runs.
func Print(v ...any) { fmt.Print(changing.ReplaceAllString(fmt.Sprintln(v...), "$1:PORT")) }

// Fatal prints a line and ends the program.
func Fatal(v ...any) {
	Print(append([]any{"FATAL"}, v...)...)
	os.Exit(1)
}

// Must ends the program on an error.
func Must(err error) {
	if err != nil {
		Fatal(err)
	}
}

// Recv receives from a channel, or ends the program.
func Recv[T any](from <-chan T, what string) T {
	select {
	case v := <-from:
		return v
	case <-time.After(Patience):
		Fatal("no", what)
		panic("unreachable")
	}
}

// Until waits until something is true that no event tells of, or ends the program.
func Until(reached func() bool) {
	for start := time.Now(); !reached(); time.Sleep(time.Millisecond) {
		if time.Since(start) > Patience {
			Fatal("never came true")
		}
	}
}

// Tick returns when the clock of the file system, which has large steps, has moved on. The order in which files were written shows then.
func Tick() {
	file, err := os.CreateTemp("", "tick")
	Must(err)
	defer os.Remove(file.Name())
	defer file.Close()
	stamp := func() time.Time {
		_, err := file.WriteAt([]byte("x"), 0)
		Must(err)
		info, err := file.Stat()
		Must(err)
		return info.ModTime()
	}
	start := stamp()
	Until(func() bool { return stamp().After(start) })
}

// Reserve returns a port of loopback that refuses connections and stays taken until the file is closed: nobody else is given it, while a server that
// the caller starts with SO_REUSEADDR may listen on it.
func Reserve() (port int, held *os.File, err error) {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, err
	}
	held = os.NewFile(uintptr(s), "reserved port")
	if err = syscall.SetsockoptInt(s, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err == nil {
		err = syscall.Bind(s, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	var address syscall.Sockaddr
	if err == nil {
		address, err = syscall.Getsockname(s)
	}
	if err != nil {
		held.Close()
		return 0, nil, err
	}
	return address.(*syscall.SockaddrInet4).Port, held, nil
}

// refusing keeps the ports of Refusing taken.
var refusing []*os.File

// Refusing returns an address that refuses connections until the program ends.
func Refusing() string {
	port, held, err := Reserve()
	Must(err)
	refusing = append(refusing, held)
	return fmt.Sprint("127.0.0.1:", port)
}
