// Package linux_amd64 is where `make go-archive` puts libpaho-oxide.a and its header for 64-bit Linux with glibc. It is a package so that
// `go mod vendor`, which leaves directories without one behind, takes the archive along.
package linux_amd64
