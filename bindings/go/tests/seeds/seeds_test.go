// Package seeds runs programs of tutorials, typed as they stand there, on the genuine library and on ours, and compares what they print. What a
// program's text leaves out or what does not compile with either library is changed, and said in its first line.
package seeds

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

// patience is how long a program may take.
const patience = 2 * time.Minute

// A program of the directory testdata, and what is done while it runs: when all lines of until have come, it is interrupted, or killed if it
// handles no signal.
type program struct {
	name    string
	until   []string
	handles bool
	// beside is a program that runs when this line has come.
	beside, after string
}

var programs = []program{
	{name: "connect"},
	{name: "publish"},
	{name: "subscribe", until: []string{"Received message: Hello MQTT from topic: example/topic"}, beside: "publish", after: "Subscribed to topic example/topic"},
	{name: "unsubscribe"},
	{name: "session"},
	{name: "reconnect"},
	{name: "tls"},
	{name: "callbacks"},
	{name: "errors"},
	{name: "complete"},
	{name: "getting", until: []string{"Published message: Hello MQTT from Go! Message 10", "Message: Hello MQTT from Go! Message 10"}, handles: true},
	{name: "pub"},
	{name: "sub", until: []string{"answer to hello <nil> true <nil>"}, handles: true, beside: "pub", after: "subscribed to:  bbb"},
}

// servers are the addresses in the programs.
var servers = regexp.MustCompile(`(tcp|ssl)://(localhost|127\.0\.0\.1):\d+`)

// module returns a directory with the programs, which connect to a broker, as packages of one program: linking each would take long.
func module(t *testing.T, broker *both.Broker) string {
	t.Helper()
	directory := t.TempDir()
	root, err := filepath.Abs("../..")
	must(t, err)
	for _, name := range []string{"go.mod", "go.sum", "oxide.mod", "oxide.sum"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(directory, name), []byte(strings.ReplaceAll(string(text), "=> ../", "=> "+root+"/")), 0o600))
	}
	var imports, calls strings.Builder
	for _, p := range programs {
		fmt.Fprintf(&imports, "import %q\n", "github.com/paho-oxide/paho-oxide/bindings/go/tests/"+p.name)
		fmt.Fprintf(&calls, "\tcase %q:\n\t\t%[1]s.Main()\n", p.name)
		text, err := os.ReadFile(filepath.Join("testdata", p.name, "main.go"))
		must(t, err)
		must(t, os.Mkdir(filepath.Join(directory, p.name), 0o700))
		changed := servers.ReplaceAllFunc(text, func(url []byte) []byte {
			if strings.HasPrefix(string(url), "ssl") {
				return []byte(broker.TLS)
			}
			return []byte(broker.TCP)
		})
		if string(changed) == string(text) {
			t.Fatalf("%s names no server", p.name)
		}
		of := strings.NewReplacer("package main\n", "package "+p.name+"\n", "func main() {", "func Main() {")
		must(t, os.WriteFile(filepath.Join(directory, p.name, "main.go"), []byte(of.Replace(string(changed))), 0o600))
	}
	main := fmt.Sprintf("package main\n\nimport \"os\"\n%s\nfunc main() {\n\tswitch os.Args[1] {\n%s\t}\n}\n", imports.String(), calls.String())
	must(t, os.WriteFile(filepath.Join(directory, "main.go"), []byte(main), 0o600))
	ca, err := os.ReadFile(broker.CA)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(directory, "ca.crt"), ca, 0o600))
	return directory
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a program in a directory, and returns the lines that it prints, and how it ends.
func (p program) run(t *testing.T, file, directory string, beside func()) []string {
	t.Helper()
	reader, writer, err := os.Pipe()
	must(t, err)
	defer reader.Close()
	command := exec.Command(file, p.name)
	command.Dir, command.Stdout, command.Stderr = directory, writer, writer
	must(t, command.Start())
	writer.Close()
	late := time.AfterFunc(patience, func() { command.Process.Kill() })
	defer late.Stop()
	var lines []string
	left := slices.Clone(p.until)
	for scanner := bufio.NewScanner(reader); scanner.Scan(); {
		line := logged.ReplaceAllString(scanner.Text(), "")
		lines = append(lines, line)
		if p.after != "" && strings.HasSuffix(line, p.after) {
			beside()
		}
		before := len(left)
		left = slices.DeleteFunc(left, func(end string) bool { return strings.HasSuffix(line, end) })
		if before > 0 && len(left) == 0 {
			if p.handles {
				must(t, command.Process.Signal(syscall.SIGINT))
			} else {
				must(t, command.Process.Kill())
			}
		}
	}
	err = command.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return append(lines, fmt.Sprint("ends: ", err))
}

// logged is the time that package log writes.
var logged = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d `)

// fromHandlers moves the lines of handlers behind the others: they run beside main, and that of the connection beside those of
// messages.
func fromHandlers(lines []string) []string {
	slices.SortStableFunc(lines, func(a, b string) int {
		handler := func(line string) int {
			switch {
			case strings.Contains(line, "Connected to"):
				return 1
			case strings.Contains(line, "Received message"), strings.Contains(line, "Message: "):
				return 2
			}
			return 0
		}
		return handler(a) - handler(b)
	})
	return lines
}

func TestPrograms(t *testing.T) {
	printed := map[both.Library]map[string][]string{both.Genuine: {}, both.Oxide: {}}
	t.Run("libraries", func(t *testing.T) {
		for library, into := range printed {
			t.Run(string(library), func(t *testing.T) {
				t.Parallel()
				directory := module(t, both.Mosquitto(t))
				file := both.Build(t, library, directory, ".")
				for _, p := range programs {
					into[p.name] = p.run(t, file, directory, func() { both.Run(t, file, p.beside) })
				}
				into["getting"] = fromHandlers(into["getting"])
			})
		}
	})
	for _, p := range programs {
		genuine, ours := printed[both.Genuine][p.name], printed[both.Oxide][p.name]
		if !slices.Equal(genuine, ours) || len(ours) < 2 {
			t.Errorf("%s prints otherwise; the genuine library:\n%s\nours:\n%s", p.name, strings.Join(genuine, "\n"), strings.Join(ours, "\n"))
		}
	}
}
