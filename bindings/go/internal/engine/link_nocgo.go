//go:build !cgo

package engine

// The name is the message: the engine is a C library.
var _ = paho_oxide_needs_cgo_set_CGO_ENABLED_1_and_install_a_C_compiler
