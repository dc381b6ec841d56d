package engine

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// platforms are some of those that the archive is not made for.
var platforms = [][]string{{"GOOS=linux", "GOARCH=arm64"}, {"GOOS=darwin", "GOARCH=arm64"}, {"GOOS=darwin", "GOARCH=amd64"}, {"GOOS=windows", "GOARCH=amd64"}}

func goCommand(environment []string, arguments ...string) (string, error) {
	command := exec.Command("go", arguments...)
	command.Env = append(append(os.Environ(), "CGO_ENABLED=1"), environment...)
	out, err := command.CombinedOutput()
	return string(out), err
}

// TestOtherPlatforms: on a platform without an archive the C compiler's first word is which two ways there are. It needs no compiler for that
// platform: cgo's own preprocessing stops at the #error.
func TestOtherPlatforms(t *testing.T) {
	for _, platform := range platforms {
		t.Run(strings.Join(platform, " "), func(t *testing.T) {
			files, err := goCommand(platform, "list", "-f", "{{.CgoFiles}}", ".")
			if err != nil || !strings.Contains(files, "link_other.go") {
				t.Errorf("built of %s: %v", files, err)
			}
			files, err = goCommand(platform, "list", "-tags", "dynamic", "-f", "{{.CgoFiles}}", ".")
			if err != nil || strings.Contains(files, "link_other.go") || !strings.Contains(files, "link_dynamic.go") {
				t.Errorf("with -tags dynamic built of %s: %v", files, err)
			}
			// The machine's compiler stands in for the platform's, and Linux for its system: for others cgo would want their headers.
			environment := append(slices.Clone(platform), "GOOS=linux", "GOARCH=arm64")
			out, err := goCommand(environment, "tool", "cgo", "-objdir", t.TempDir(), "link_other.go")
			if err == nil {
				t.Fatal("it compiles")
			}
			for _, way := range []string{"linux/amd64", "make install", "-tags dynamic"} {
				if !strings.Contains(out, way) {
					t.Errorf("the error does not name %s: %s", way, out)
				}
			}
		})
	}
}

// TestWithoutCgo: and without cgo that is the first error.
func TestWithoutCgo(t *testing.T) {
	out, err := goCommand([]string{"CGO_ENABLED=0"}, "build", ".")
	_, first, _ := strings.Cut(out, "\n")
	first, _, _ = strings.Cut(first, "\n")
	if err == nil || !strings.Contains(first, "paho_oxide_needs_cgo_set_CGO_ENABLED_1") {
		t.Errorf("the first error is %q", first)
	}
}
