package flow

import "io"

// A Store keeps packets by their identifiers, as the stores of package state's New do.
type Store interface {
	Put(packetID uint16, packetType byte, w io.WriterTo) error
	Get(packetID uint16) (io.ReadCloser, error)
	Delete(id uint16) error
	Quarantine(id uint16) error
	List() ([]uint16, error)
	Reset() error
}

// Directory and InMemory are set by the packages of stores. They are variables, so that public types need no functions for this.
var (
	// Directory returns where a store of package file has its files and how they are named. ok is false for other stores.
	Directory = func(store any) (directory, prefix, extension string, ok bool) { return "", "", "", false }
	// InMemory returns true for stores of package memory.
	InMemory = func(store any) bool { return false }
)
