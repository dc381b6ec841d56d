//go:build cgo && !dynamic && !(linux && amd64)

package engine

// #error paho-oxide comes with its engine for linux/amd64 (glibc) only. Here, build and install libpaho-oxide (make install) and build with: go build -tags dynamic
import "C"
