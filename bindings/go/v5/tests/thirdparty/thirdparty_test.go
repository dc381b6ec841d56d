// Package thirdparty builds the genuine module's own tests and sample programs on our library, by replace directives alone, and runs them.
package thirdparty

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
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

const genuine = "github.com/eclipse/paho.golang"

// relative is a directory in a replace directive.
var relative = regexp.MustCompile(`=> \.\./\S*`)

// source returns the directory of the genuine module.
func source(t *testing.T) string {
	t.Helper()
	list := exec.Command("go", "list", "-m", "-modfile=go.mod", "-f", "{{.Dir}}", genuine)
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// module makes a module for both libraries in a directory.
func module(t *testing.T) string {
	t.Helper()
	directory := t.TempDir()
	here, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum", "oxide.mod", "oxide.sum"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		text = relative.ReplaceAllFunc(text, func(found []byte) []byte {
			return []byte("=> " + filepath.Join(here, strings.TrimPrefix(string(found), "=> ")))
		})
		write(t, filepath.Join(directory, name), text)
	}
	return directory
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The genuine module's tests that use next to nothing but what it exports. Its other tests look into its structs.
// TestAuthenticate authenticates anew on a connection whose CONNECT names no method, which [MQTT5-4.12.0-6] forbids: ours refuses it.
var suites = []struct {
	pkg  string
	drop []string // tests of what is not exported
	want int      // tests that are left
	also string   // what the tests use of what is not exported
}{
	{"autopaho", []string{"TestClientConfig_buildConnectPacket", "ExampleClientConfig_ConnectPacketBuilder", "TestAuthenticate"}, 11, `import "math/rand"

		func randRange(from, to int64) int64 { return from + rand.Int63n(to-from+1) }`},
	{"autopaho/queue/memory", nil, 2, ""},
	{"autopaho/queue/file", nil, 2, `const corruptExtension = ".CORRUPT"`},
	{"paho/store/memory", nil, 2, ""},
	{"paho/store/file", nil, 2, `const corruptExtension = ".CORRUPT"`},
}

// TestTheirTests runs them on our library. They are in packages beside those that they test, whose names they see by a dot in the import.
func TestTheirTests(t *testing.T) {
	from, directory := source(t), module(t)
	for _, name := range []string{"testserver/testserver.go"} {
		write(t, filepath.Join(directory, filepath.FromSlash(name)), []byte(read(t, filepath.Join(from, "internal", name))))
	}
	for _, suite := range suites {
		t.Run(suite.pkg, func(t *testing.T) {
			place := filepath.Join(directory, "tests", suite.pkg)
			names, _ := filepath.Glob(filepath.Join(from, suite.pkg, "*_test.go"))
			count := 0
			for _, name := range names {
				text, tests := outside(t, read(t, name), suite.pkg, suite.drop)
				count += tests
				write(t, filepath.Join(place, filepath.Base(name)), text)
			}
			if suite.also != "" {
				write(t, filepath.Join(place, "also_test.go"), []byte("package "+filepath.Base(suite.pkg)+"_test\n\n"+suite.also))
			}
			if count != suite.want {
				t.Errorf("%d tests, not %d", count, suite.want)
			}
			test := exec.Command("go", append([]string{"test", "-count=1", "-modfile=" + filepath.Join(directory, "oxide.mod")}, append(strings.Fields(os.Getenv("PAHO_OXIDE_GO_FLAGS")), ".")...)...)
			test.Dir = place
			out, err := test.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// patient makes the time-outs of the tests longer, which a machine with more to do would miss, and has a test look at the queue that it made itself.
var patient = strings.NewReplacer("cm.queue.Peek()", "q.Peek()",
	"time.Sleep(shortDelay)", "time.Sleep(500 * time.Millisecond)", "NewConstantBackoff(shortDelay)", "NewConstantBackoff(500 * time.Millisecond)",
	"\nconst shortDelay = 500 * time.Millisecond", "\nconst shortDelay = time.Minute", "\nconst longerDelay = time.Second", "\nconst longerDelay = time.Minute",
	"time.After(time.Second)", "time.After(time.Minute)",
	"case <-time.After(shortDelay):\n\t}", "case <-time.After(500 * time.Millisecond):\n\t}") // nothing shall happen meanwhile

// outside makes a test file of a package one of another package. It returns the number of tests in it.
func outside(t *testing.T, text, pkg string, drop []string) ([]byte, int) {
	t.Helper()
	files := token.NewFileSet()
	text = patient.Replace(text)
	text = strings.ReplaceAll(text, genuine+"/internal/", "github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/")
	file, err := parser.ParseFile(files, "", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	file.Decls = slices.DeleteFunc(file.Decls, func(d ast.Decl) bool {
		function, ok := d.(*ast.FuncDecl)
		if ok && slices.Contains(drop, function.Name.Name) {
			return true
		}
		if ok && strings.HasPrefix(function.Name.Name, "Test") && function.Name.Name != "TestMain" {
			count++
		}
		return false
	})
	unused(file)
	var out bytes.Buffer
	if err := format.Node(&out, files, file); err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(out.String(), "package "+file.Name.Name+"\n", "package "+file.Name.Name+"_test\n\nimport . \""+genuine+"/"+pkg+"\"\n", 1)
	return []byte(changed), count
}

// unused removes the imports that nothing uses any more.
func unused(file *ast.File) {
	used := map[string]bool{}
	for _, declaration := range file.Decls {
		ast.Inspect(declaration, func(node ast.Node) bool {
			if selector, ok := node.(*ast.SelectorExpr); ok {
				if name, ok := selector.X.(*ast.Ident); ok {
					used[name.Name] = true
				}
			}
			return true
		})
	}
	for _, declaration := range file.Decls {
		if imports, ok := declaration.(*ast.GenDecl); ok && imports.Tok == token.IMPORT {
			imports.Specs = slices.DeleteFunc(imports.Specs, func(spec ast.Spec) bool {
				of := spec.(*ast.ImportSpec)
				name := strings.Trim(of.Path.Value[strings.LastIndex(of.Path.Value, "/")+1:], `"`)
				if of.Name != nil {
					name = of.Name.Name
				}
				return !used[name]
			})
		}
	}
}

// samples copies the genuine module's sample programs. Their servers' addresses and pauses of seconds are in their sources: those are changed.
func samples(t *testing.T, broker *both.Broker) string {
	t.Helper()
	from, directory := source(t), module(t)
	server := strings.Replace(broker.TCP, "tcp", "mqtt", 1)
	change := strings.NewReplacer("mqtt://mqtt.eclipseprojects.io:1883", server, "mqtt://127.0.0.1:1883", server,
		"time.NewTicker(time.Second)", "time.NewTicker(20 * time.Millisecond)")
	for _, pattern := range []string{"autopaho/examples/*/*.go", "paho/cmd/*/*.go"} {
		names, _ := filepath.Glob(filepath.Join(from, pattern))
		for _, name := range names {
			place, _ := filepath.Rel(from, name)
			write(t, filepath.Join(directory, place), []byte(change.Replace(read(t, name))))
		}
	}
	return directory
}

// until runs a program, interrupts it once it has printed so many lines that contain mark, and returns its lines up to there, in alphabetical order.
// It returns false if the program has not printed them within a minute.
func until(t *testing.T, program, mark string, times int, arguments ...string) (string, bool) {
	t.Helper()
	run := exec.Command(program, arguments...)
	out, err := run.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	run.Stderr = run.Stdout
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(time.Minute, func() { run.Process.Kill() })
	defer stop.Stop()
	var lines []string
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if times == 0 {
			continue
		}
		lines = append(lines, changing.ReplaceAllString(scanner.Text(), ""))
		if strings.Contains(scanner.Text(), mark) {
			if times--; times == 0 {
				run.Process.Signal(syscall.SIGINT)
			}
		}
	}
	run.Wait()
	slices.Sort(lines)
	return strings.Join(lines, "\n"), times == 0
}

// changing is what differs from one run to the next: times, and the identifiers of requests and clients.
var changing = regexp.MustCompile(`^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d |correl id \S+|127.0.0.1:\d+|auto-[0-9A-F-]+`)

// TestSamples compares what the sample programs print. Each library has a server of its own, since the server keeps what a program has not acknowledged.
func TestSamples(t *testing.T) {
	printed := map[both.Library]map[string]string{both.Genuine: {}, both.Oxide: {}}
	for library, outputs := range printed {
		broker := both.Mosquitto(t)
		directory := samples(t, broker)
		server := strings.Replace(broker.TCP, "tcp", "mqtt", 1)
		for _, sample := range []struct {
			name, mark string
			times      int
			arguments  []string
		}{
			{"autopaho/examples/basics", "TestMessage: 3", 1, nil},
			{"autopaho/examples/router", "topic: test/test/foo", 2, nil},
			{"autopaho/examples/rpc", `{"value":12}`, 1, []string{"-server", server}},
			{"paho/cmd/rpc", `{"value":50}`, 1, []string{"-server", strings.TrimPrefix(broker.TCP, "tcp://")}},
		} {
			output, complete := until(t, both.Build(t, library, directory, "./"+sample.name), sample.mark, sample.times, sample.arguments...)
			switch {
			case complete:
				outputs[sample.name] = output
			case library == both.Oxide:
				t.Errorf("%s does not print %q:\n%s", sample.name, sample.mark, output)
			default: // on a loaded machine, the genuine library has been seen to lose a request of these samples
				t.Logf("%s with the genuine library does not print %q:\n%s", sample.name, sample.mark, output)
			}
		}
	}
	if len(printed[both.Genuine]) < 2 {
		t.Error("next to nothing to compare with")
	}
	for name, genuine := range printed[both.Genuine] {
		if oxide, complete := printed[both.Oxide][name]; complete && genuine != oxide {
			t.Errorf("%s with the genuine library:\n%s\nwith ours:\n%s", name, genuine, oxide)
		}
	}
}
