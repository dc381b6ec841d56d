//go:build !dynamic && !standin

package engine

// The archive in the module: what a program needs of the engine becomes part of the program.

/*
#cgo CFLAGS: -I${SRCDIR}/lib/linux_amd64
#cgo LDFLAGS: ${SRCDIR}/lib/linux_amd64/libpaho-oxide.a -lgcc_s -lutil -lrt -lpthread -lm -ldl
*/
import "C"

import _ "github.com/paho-oxide/paho-oxide/bindings/go/internal/engine/lib/linux_amd64" // has the archive vendored
