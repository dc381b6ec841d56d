// Package examples runs the examples on the genuine library, with the import line changed, and on ours, and compares what they print.
package examples

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

const (
	source  = "../../examples"
	ours    = `"github.com/paho-oxide/paho-oxide/bindings/go"`
	genuine = `"github.com/eclipse/paho.mqtt.golang"`
)

// module copies the examples into a module whose import line is the genuine one, with the .mod and .sum files for both libraries.
func module(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	err := filepath.WalkDir(source, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".go") {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), ours) && !strings.Contains(string(text), "examples/") {
			t.Errorf("%s does not import the library", name)
		}
		changed := strings.ReplaceAll(string(text), ours, genuine)
		changed = strings.ReplaceAll(changed, `"github.com/paho-oxide/paho-oxide/bindings/go/examples/`, `"github.com/paho-oxide/paho-oxide/bindings/go/tests/`)
		relative, _ := filepath.Rel(source, name)
		to := filepath.Join(directory, relative)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(changed), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum", "oxide.mod", "oxide.sum"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		text = []byte(strings.ReplaceAll(string(text), "=> ../", "=> "+root+"/"))
		if err := os.WriteFile(filepath.Join(directory, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

func TestExamples(t *testing.T) {
	directory := module(t)
	broker := both.Mosquitto(t)
	entries, err := os.ReadDir(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		arguments := []string{broker.TCP}
		switch name {
		case "adaptor": // a package; adaptoruse is its program
			continue
		case "subscribe", "gettingstarted": // end by a signal
			continue
		case "tls":
			arguments = []string{broker.TLS, broker.CA}
		}
		t.Run(name, func(t *testing.T) { both.Same(t, directory, "./"+name, nil, arguments...) })
	}
}

// interrupted runs a program until it has printed what is awaited, interrupts it, and returns all that it has printed.
func interrupted(t *testing.T, program string, after map[string]func(), until string, arguments ...string) string {
	t.Helper()
	run := exec.Command(program, arguments...)
	run.Stderr = os.Stderr
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(time.Minute, func() { run.Process.Kill() })
	defer stop.Stop()
	var printed strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		printed.WriteString(lines.Text() + "\n")
		for mark, then := range after {
			if strings.Contains(lines.Text(), mark) {
				then()
			}
		}
		if strings.Contains(lines.Text(), until) {
			run.Process.Signal(syscall.SIGINT)
		}
	}
	if err := run.Wait(); err != nil {
		t.Errorf("%s: %v", program, err)
	}
	return printed.String()
}

func TestSubscribe(t *testing.T) {
	directory := module(t)
	broker := both.Mosquitto(t)
	var printed []string
	for _, library := range []both.Library{both.Genuine, both.Oxide} {
		subscribe, publish := both.Build(t, library, directory, "./subscribe"), both.Build(t, library, directory, "./publish")
		printed = append(printed, interrupted(t, subscribe, map[string]func(){
			"Subscribed to": func() { both.Run(t, publish, broker.TCP) },
		}, "Received message", broker.TCP))
	}
	if printed[0] != printed[1] || !strings.Contains(printed[1], "Hello MQTT") || !strings.Contains(printed[1], "Unsubscribed") {
		t.Errorf("the genuine library:\n%s\nours:\n%s", printed[0], printed[1])
	}
}

func TestGettingStarted(t *testing.T) {
	directory := module(t)
	broker := both.Mosquitto(t)
	var printed []string
	for _, library := range []both.Library{both.Genuine, both.Oxide} {
		program := both.Build(t, library, directory, "./gettingstarted")
		printed = append(printed, interrupted(t, program, nil, "Message 10", broker.TCP, "1ms"))
	}
	if printed[0] != printed[1] || !strings.Contains(printed[1], "Disconnected from") {
		t.Errorf("the genuine library:\n%s\nours:\n%s", printed[0], printed[1])
	}
}

// TestDynamic builds an example with the shared library, as on platforms without an archive, and runs it.
func TestDynamic(t *testing.T) {
	root, err := filepath.Abs("../../../..")
	if err != nil {
		t.Fatal(err)
	}
	output := os.Getenv("PAHO_OXIDE_OUTPUT")
	if output == "" {
		output = filepath.Join(root, "build", "output")
	}
	// What "make install" writes, for the directory where the library is now. Go keeps the flags: they must be the same in the next run.
	config := "Name: paho-oxide\nDescription: for the test\nVersion: 0\nLibs: -L" + output + " -lpaho-oxide\nCflags: -I" + filepath.Join(root, "include") + "\n"
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "paho-oxide.pc"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PKG_CONFIG_PATH", directory)
	t.Setenv("LD_LIBRARY_PATH", output)
	program := both.Build(t, both.Oxide, module(t), "./complete", "-tags", "dynamic")
	needed, err := exec.Command("ldd", program).Output()
	if err != nil || !strings.Contains(string(needed), "libpaho-oxide.so") {
		t.Errorf("the program needs %s (%v)", needed, err)
	}
	if out := both.Run(t, program, both.Mosquitto(t).TCP); !strings.Contains(out, "message 4") {
		t.Errorf("it prints %q", out)
	}
}

// TestReadme runs the Go program of the project's README.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var program string
	for _, block := range strings.Split(string(text), "```go\n")[1:] {
		if block, _, _ := strings.Cut(block, "```"); strings.Contains(block, ours) {
			program = block
		}
	}
	directory := module(t)
	os.Mkdir(filepath.Join(directory, "readme"), 0o755)
	if err := os.WriteFile(filepath.Join(directory, "readme", "main.go"), []byte(strings.ReplaceAll(program, ours, genuine)), 0o644); err != nil {
		t.Fatal(err)
	}
	broker := both.Mosquitto(t)
	both.Same(t, directory, "./readme", nil, broker.TCP)
	if out := both.Run(t, both.Build(t, both.Oxide, directory, "./readme"), broker.TCP); out != "greeting/go hello\n" {
		t.Errorf("it prints %q", out)
	}
}
