// Package both builds programs with the genuine library and with ours, and gives tests servers to run them on.
package both

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/steps"
)

// A Library is one of the two that are compared.
type Library string

// The libraries. A file of that name and .mod in the module's directory says where the import comes from.
const (
	Genuine Library = "go"
	Oxide   Library = "oxide"
)

// Build builds a package of this module (a directory, as ./x) with a library, and returns the program's file.
func Build(t testing.TB, library Library, directory, pkg string, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), filepath.Base(pkg)+"-"+string(library))
	arguments := []string{"build", "-modfile=" + string(library) + ".mod", "-o", program}
	arguments = append(append(arguments, strings.Fields(os.Getenv("PAHO_OXIDE_GO_FLAGS"))...), flags...)
	build := exec.Command("go", append(arguments, pkg)...)
	build.Dir = directory
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build.Args, err, out)
	}
	return program
}

// Run runs a program and returns what it prints.
func Run(t testing.TB, program string, arguments ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, program, arguments...)
	var stderr bytes.Buffer
	run.Stderr = &stderr
	out, err := run.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s\n%s", filepath.Base(program), err, out, stderr.Bytes())
	}
	return string(out)
}

// A Broker is a mosquitto on loopback.
type Broker struct {
	process *exec.Cmd
	config  string
	// TCP, TLS, WS and Unix are URLs; CA is the file of the certificate that signed TLS's.
	TCP, TLS, WS, Unix, CA string
}

// Port returns a port of loopback for a server that the caller starts, and starts again. Nobody else is given it before the test ends.
func Port(t testing.TB) int {
	t.Helper()
	port, held, err := steps.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	return port
}

// Mosquitto starts one, with these lines added to its configuration. It ends with the test.
func Mosquitto(t testing.TB, lines ...string) *Broker {
	t.Helper()
	directory, err := os.MkdirTemp("", "mosquitto")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(directory) })
	certificates(t, directory)
	plain, secure, web := Port(t), Port(t), Port(t)
	socket := filepath.Join(directory, "socket")
	config := fmt.Sprintf(`allow_anonymous true
user root
max_queued_messages 0
max_queued_bytes 0
listener %d 127.0.0.1
listener %d 127.0.0.1
cafile %[4]s/ca.pem
certfile %[4]s/server.pem
keyfile %[4]s/server.key
listener %[3]d 127.0.0.1
protocol websockets
listener 0 %[5]s
%[6]s
`, plain, secure, web, directory, socket, strings.Join(lines, "\n"))
	b := &Broker{
		config: filepath.Join(directory, "mosquitto.conf"),
		TCP:    fmt.Sprintf("tcp://127.0.0.1:%d", plain),
		TLS:    fmt.Sprintf("ssl://localhost:%d", secure),
		WS:     fmt.Sprintf("ws://127.0.0.1:%d/mqtt", web),
		Unix:   "unix://" + socket,
		CA:     filepath.Join(directory, "ca.pem"),
	}
	if err := os.WriteFile(b.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	b.Start(t)
	t.Cleanup(b.Kill)
	return b
}

// Start starts the broker, again after Kill, and waits until it listens.
func (b *Broker) Start(t testing.TB) {
	t.Helper()
	program := "/usr/sbin/mosquitto"
	if _, err := os.Stat(program); err != nil {
		program = "mosquitto"
	}
	b.process = exec.Command(program, "-c", b.config)
	if err := b.process.Start(); err != nil {
		t.Fatalf("mosquitto: %v (it is in the package mosquitto)", err)
	}
	address := strings.TrimPrefix(b.TCP, "tcp://")
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("mosquitto does not listen: %v", err)
		}
	}
}

// Kill ends the broker at once.
func (b *Broker) Kill() {
	b.process.Process.Kill()
	b.process.Wait()
}

// Stop ends the broker as its service manager does: it writes down what it keeps.
func (b *Broker) Stop() {
	b.process.Process.Signal(syscall.SIGTERM)
	b.process.Wait()
}

// Same builds a program with both libraries, runs both, and compares what they print. A line that contains a key of meant may differ.
func Same(t *testing.T, directory, pkg string, meant map[string]string, arguments ...string) {
	t.Helper()
	genuine := Run(t, Build(t, Genuine, directory, pkg), arguments...)
	oxide := Run(t, Build(t, Oxide, directory, pkg), arguments...)
	if diff := differences(genuine, oxide, meant); diff != "" {
		t.Errorf("%s prints otherwise (- the genuine library, + ours):\n%s", pkg, diff)
	}
	if len(genuine) < 10 {
		t.Errorf("%s prints next to nothing: %q", pkg, genuine)
	}
}

func differences(genuine, oxide string, meant map[string]string) string {
	a, b := strings.Split(genuine, "\n"), strings.Split(oxide, "\n")
	var out strings.Builder
	for i := range max(len(a), len(b)) {
		var x, y string
		if i < len(a) {
			x = a[i]
		}
		if i < len(b) {
			y = b[i]
		}
		if x != y && meant[x] != y {
			fmt.Fprintf(&out, "%d\n- %s\n+ %s\n", i+1, x, y)
		}
	}
	return out.String()
}
