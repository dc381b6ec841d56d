// Package documents holds the pages of the Go packages against the sources.
package documents

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shown is a path in the last column of a table, with a test in it or not.
var shown = regexp.MustCompile("`([^`:]+)(?::(Test\\w+))?`")

// TestBehaviour: each row names tests, which exist, and programs, which a test runs.
func TestBehaviour(t *testing.T) {
	rows := 0
	for _, line := range strings.Split(read(t, filepath.Join(root, "BEHAVIOUR.md")), "\n") {
		cells := strings.Split(strings.Trim(line, "|"), "|")
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.TrimSpace(cells[len(cells)-1]) == "shown by" {
			continue
		}
		rows++
		found := shown.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(found) == 0 {
			t.Errorf("no test: %s", line)
		}
		for _, place := range found {
			path, test := place[1], place[2]
			files, _ := filepath.Glob(filepath.Join(root, path, "*.go"))
			if len(files) == 0 {
				t.Errorf("%s has no Go files", path)
			}
			if test != "" && !contains(t, filepath.Join(root, path, "*_test.go"), "func "+test+"(") {
				t.Errorf("%s has no %s", path, test)
			}
			if parent, name := filepath.Split(path); test == "" {
				// The test is in the directory above programs, or in tests/examples, which runs all.
				runners := filepath.Join(root, parent, "..", "*_test.go")
				if strings.HasSuffix(parent, "examples/") {
					runners, name = filepath.Join(root, parent, "..", "tests", "examples", "*_test.go"), "examples"
				}
				if !contains(t, runners, name) {
					t.Errorf("no test runs %s", path)
				}
			}
		}
	}
	if rows < 60 {
		t.Errorf("only %d rows", rows)
	}
}

func contains(t *testing.T, pattern, text string) bool {
	t.Helper()
	files, _ := filepath.Glob(pattern)
	for _, file := range files {
		if strings.Contains(read(t, file), text) {
			return true
		}
	}
	return false
}
