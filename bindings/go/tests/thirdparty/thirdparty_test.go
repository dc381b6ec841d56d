// Package thirdparty builds other people's programs on our library, by replace directives alone, and runs them.
package thirdparty

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

// samples copies the genuine module's sample programs into a module for both libraries. Their servers' addresses are in their sources: those,
// and pauses of seconds, are changed, and nothing else.
func samples(t *testing.T, broker *both.Broker) string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-modfile=go.mod", "-f", "{{.Dir}}", "github.com/eclipse/paho.mqtt.golang")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	directory := t.TempDir()
	names, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "cmd", "*", "*.go"))
	if len(names) < 8 {
		t.Fatalf("only %d sample sources", len(names))
	}
	change := strings.NewReplacer("tcp://iot.eclipse.org:1883", broker.TCP, "ssl://iot.eclipse.org:8883", broker.TLS,
		"samplecerts/", directory+"/samplecerts/", "6 * time.Second", "100 * time.Millisecond", "1 * time.Second)", "50 * time.Millisecond)",
		"time.Duration(1) * time.Second", "time.Duration(50) * time.Millisecond")
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(directory, filepath.Base(filepath.Dir(name)), filepath.Base(name))
		os.MkdirAll(filepath.Dir(to), 0o755)
		if err := os.WriteFile(to, []byte(change.Replace(string(text))), 0o644); err != nil {
			t.Fatal(err)
		}
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

// lines returns a program's lines in alphabetical order, without those of the debug log.
func lines(out string) string {
	var kept []string
	for _, line := range strings.Split(out, "\n") {
		if line != "" && (!strings.HasPrefix(line, "[") || strings.HasPrefix(line, "[NOTIFICATION]")) && !strings.HasPrefix(line, "Connection lost") {
			kept = append(kept, line)
		}
	}
	sort.Strings(kept)
	return strings.Join(kept, "\n")
}

func compare(t *testing.T, outputs map[both.Library]string, mark string) {
	t.Helper()
	genuine, oxide := lines(outputs[both.Genuine]), lines(outputs[both.Oxide])
	if genuine != oxide || !strings.Contains(oxide, mark) {
		t.Errorf("the genuine library:\n%s\nours:\n%s", genuine, oxide)
	}
}

var libraries = []both.Library{both.Genuine, both.Oxide}

func TestSamplesThatTalkToThemselves(t *testing.T) {
	broker := both.Mosquitto(t)
	directory := samples(t, broker)
	for _, name := range []string{"simple", "custom_store"} {
		t.Run(name, func(t *testing.T) {
			outputs := map[both.Library]string{}
			for _, library := range libraries {
				outputs[library] = both.Run(t, both.Build(t, library, directory, "./"+name))
			}
			compare(t, outputs, "this is msg #4!")
		})
	}
	t.Run("routing", func(t *testing.T) {
		// The broker publishes its load each second: a hundred lines take a while.
		program := both.Build(t, both.Oxide, directory, "./routing")
		if out := both.Run(t, program); !strings.Contains(out, "BrokerLoadHandler") || !strings.Contains(out, "Broker Load messages") {
			t.Error(out)
		}
	})
}

// subscriber starts a program and returns the lines that it prints.
func subscriber(t *testing.T, program string, arguments ...string) (<-chan string, func()) {
	t.Helper()
	run := exec.Command(program, arguments...)
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	printed := make(chan string, 100)
	go func() {
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			printed <- scanner.Text()
		}
		close(printed)
	}()
	return printed, func() {
		run.Process.Kill()
		run.Wait()
	}
}

func next(t *testing.T, from <-chan string) string {
	t.Helper()
	select {
	case line := <-from:
		return line
	case <-time.After(time.Minute):
		t.Fatal("nothing came")
		return ""
	}
}

func TestSamplesThatTalkToEachOther(t *testing.T) {
	broker := both.Mosquitto(t)
	directory := samples(t, broker)
	outputs := map[both.Library]string{}
	for _, library := range libraries {
		subscribe, publish := both.Build(t, library, directory, "./stdoutsub"), both.Build(t, library, directory, "./stdinpub")
		printed, stop := subscriber(t, subscribe, "-server", broker.TCP, "-topic", "pair", "-qos", "1", "-clientid", "stdoutsub")
		outputs[library] += next(t, printed) + "\n" // Connected
		run := exec.Command(publish, "-server", broker.TCP, "-topic", "pair", "-qos", "1", "-retained", "-clientid", "stdinpub")
		// The sample publishes without waiting and exits at the end of its input: its input stays open until the message has come.
		input, err := run.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := run.Start(); err != nil {
			t.Fatal(err)
		}
		io.WriteString(input, "hello from stdin\n")
		for {
			line := next(t, printed)
			outputs[library] += line + "\n"
			if strings.Contains(line, "hello from stdin") {
				break
			}
		}
		input.Close()
		if err := run.Wait(); err != nil {
			t.Errorf("stdinpub ends with %v", err)
		}
		stop()
	}
	compare(t, outputs, "hello from stdin")

	outputs = map[both.Library]string{}
	store := t.TempDir()
	for _, library := range libraries {
		sample := both.Build(t, library, directory, "./sample")
		out := both.Run(t, sample, "-broker", broker.TCP, "-action", "pub", "-topic", "sample", "-message", "kept", "-num", "3", "-qos", "1", "-id", "samplepub", "-store", store)
		outputs[library] = out
	}
	compare(t, outputs, "doing publish")
}

// TestDapr runs the tests that dapr has of its MQTT component, on our library.
func TestDapr(t *testing.T) {
	test := exec.Command("go", append([]string{"test", "-count=1", "-mod=mod"}, append(strings.Fields(os.Getenv("PAHO_OXIDE_GO_FLAGS")),
		"github.com/dapr/components-contrib/pubsub/mqtt3", "github.com/dapr/components-contrib/bindings/mqtt3")...)...)
	test.Dir = "dapr"
	if out, err := test.CombinedOutput(); err != nil || strings.Count(string(out), "ok ") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}
