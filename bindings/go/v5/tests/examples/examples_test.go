// Package examples runs the examples on the genuine library, with the import lines changed, and on ours, and compares what they print.
package examples

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

const (
	source  = "../../examples"
	ours    = `"github.com/paho-oxide/paho-oxide/bindings/go/v5/`
	genuine = `"github.com/eclipse/paho.golang/`
)

// relative is a directory in a replace directive.
var relative = regexp.MustCompile(`=> \.\./\S*`)

// module copies the examples into a module whose import lines are the genuine ones, with the .mod and .sum files for both libraries.
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
		if !strings.Contains(string(text), ours) {
			t.Errorf("%s does not import the library", name)
		}
		// The examples' own packages are in the copy.
		changed := strings.ReplaceAll(string(text), ours+"examples/", `"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/`)
		changed = strings.NewReplacer(ours+"autopaho", genuine+"autopaho", ours+`paho"`, genuine+`paho"`).Replace(changed)
		place, _ := filepath.Rel(source, name)
		to := filepath.Join(directory, place)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, []byte(changed), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
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
	if len(entries) < 4 {
		t.Errorf("only %d examples", len(entries))
	}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) { both.Same(t, directory, "./"+entry.Name(), nil, broker.TCP) })
	}
}
