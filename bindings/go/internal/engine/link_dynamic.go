//go:build dynamic

package engine

// The shared library, where it is installed: for any platform that it has been built for.

// #cgo pkg-config: paho-oxide
import "C"
