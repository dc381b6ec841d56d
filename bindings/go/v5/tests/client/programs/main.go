// Command programs runs one of the programs. They are one command since linking takes longer than running.
package main

import (
	"os"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/auth"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/connect"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/ends"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/publish"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/receive"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/resume"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/subscribe"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/client/programs/values"
)

func main() {
	map[string]func(){
		"auth": auth.Run, "connect": connect.Run, "ends": ends.Run, "publish": publish.Run, "receive": receive.Run, "resume": resume.Run,
		"subscribe": subscribe.Run, "values": values.Run,
	}[os.Args[1]]()
}
