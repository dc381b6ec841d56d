// Package memory keeps the packets of a session in memory.
package memory

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/flow"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

// ErrNotInStore is what Get and Delete return if there is no packet of that identifier.
var ErrNotInStore = errors.New("the requested ID was not found in the store")

// A record is a packet and its place in the order in which packets came.
type record struct {
	number int
	data   []byte
}

// Store keeps packets until the program ends. The engine keeps a session of its own, for which this store stands: it stays empty.
type Store struct {
	sync.Mutex
	records map[uint16]record
	next    int
}

func init() {
	flow.InMemory = func(store any) bool {
		_, ok := store.(*Store)
		return ok
	}
}

// New returns an empty store.
func New() *Store { return &Store{records: map[uint16]record{}} }

// Put stores the packet.
func (m *Store) Put(packetID uint16, packetType byte, w io.WriterTo) error {
	var data bytes.Buffer
	if _, err := w.WriteTo(&data); err != nil {
		return fmt.Errorf("cannot store packet %d: %w", packetID, err)
	}
	m.Lock()
	defer m.Unlock()
	m.records[packetID] = record{m.next, data.Bytes()}
	m.next++
	return nil
}

// Get returns the packet.
func (m *Store) Get(packetID uint16) (io.ReadCloser, error) {
	m.Lock()
	defer m.Unlock()
	found, ok := m.records[packetID]
	if !ok {
		return nil, ErrNotInStore
	}
	return io.NopCloser(bytes.NewReader(found.data)), nil
}

// Delete removes the packet. It returns an error if there is none of that identifier.
func (m *Store) Delete(id uint16) error {
	m.Lock()
	defer m.Unlock()
	if _, ok := m.records[id]; !ok {
		return fmt.Errorf("cannot remove packet %d: %w", id, ErrNotInStore)
	}
	delete(m.records, id)
	return nil
}

// Quarantine removes the packet: memory has no place where it could be looked at later.
func (m *Store) Quarantine(id uint16) error { return m.Delete(id) }

// List returns the identifiers of the packets, in the order in which they were put there.
func (m *Store) List() ([]uint16, error) {
	m.Lock()
	defer m.Unlock()
	return m.list(), nil
}

func (m *Store) list() []uint16 {
	return slices.SortedFunc(maps.Keys(m.records), func(a, b uint16) int {
		return cmp.Compare(m.records[a].number, m.records[b].number)
	})
}

// Reset removes all packets.
func (m *Store) Reset() error {
	m.Lock()
	defer m.Unlock()
	clear(m.records)
	return nil
}

// String describes each packet.
func (m *Store) String() string {
	m.Lock()
	defer m.Unlock()
	var out strings.Builder
	for _, id := range m.list() {
		if packet, err := packets.ReadPacket(bytes.NewReader(m.records[id].data)); err != nil {
			fmt.Fprintf(&out, "packet %d could not be read: %s\n", id, err)
		} else {
			fmt.Fprintf(&out, "packet %d is %s\n", id, packet)
		}
	}
	return out.String()
}
