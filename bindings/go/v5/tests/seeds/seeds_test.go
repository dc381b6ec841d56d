// Package seeds runs an article's client of MQTT 5, typed as it stands there, on the genuine library and on ours, and compares what it prints.
package seeds

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

var (
	// relative is a directory in a replace directive.
	relative = regexp.MustCompile(`=> \.\./\S*`)
	// server is the address in the program.
	server = regexp.MustCompile(`mqtt://[0-9.:]+`)
)

func TestArticle(t *testing.T) {
	broker := both.Mosquitto(t)
	directory := t.TempDir()
	here, err := filepath.Abs("..")
	must(t, err)
	for _, name := range []string{"go.mod", "go.sum", "oxide.mod", "oxide.sum"} {
		copied(t, filepath.Join("..", name), filepath.Join(directory, name), func(text string) string {
			return relative.ReplaceAllStringFunc(text, func(found string) string { return "=> " + filepath.Join(here, strings.TrimPrefix(found, "=> ")) })
		})
	}
	must(t, os.Mkdir(filepath.Join(directory, "mqtt"), 0o700))
	for _, name := range []string{"main.go", "mqtt/mqtt.go"} {
		copied(t, filepath.Join("testdata", name), filepath.Join(directory, name), func(text string) string {
			return server.ReplaceAllString(text, broker.TCP)
		})
	}
	both.Same(t, directory, ".", map[string]string{
		"error publishing: The PUBLISH is not authorized.": "error publishing: Not authorized", // reasons have the specification's names
	})
}

func copied(t *testing.T, from, to string, change func(string) string) {
	t.Helper()
	text, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, []byte(change(string(text))), 0o600))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
