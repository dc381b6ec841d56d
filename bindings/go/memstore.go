package mqtt

import (
	"cmp"
	"log/slog"
	"slices"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

// A stored packet with its place in the order of Puts.
type stored struct {
	packet packets.ControlPacket
	turn   uint64
}

// memory is what MemoryStore and OrderedMemoryStore have in common. Each guards it with its own lock, which is part of their interface.
type memory struct {
	log     lineLog
	packets map[string]stored
	turns   uint64
	opened  bool
}

// usable returns true if the store is open; else it says so in the log.
func (m *memory) usable() bool {
	if !m.opened {
		m.log.error(STR, "Trying to use memory store, but not open")
	}
	return m.opened
}

func (m *memory) open() {
	m.opened = true
	if m.packets == nil {
		m.packets = map[string]stored{}
	}
	m.log.debug(STR, "memorystore initialized")
}

func (m *memory) put(key string, packet packets.ControlPacket) {
	if m.usable() {
		m.turns++
		m.packets[key] = stored{packet, m.turns}
	}
}

func (m *memory) get(key string) packets.ControlPacket {
	if !m.usable() {
		return nil
	}
	found, ok := m.packets[key]
	if !ok {
		m.log.critical(STR, "memorystore get:", key, "not found")
		return nil
	}
	return found.packet
}

func (m *memory) keys() []string {
	if !m.usable() {
		return nil
	}
	var keys []string
	for key := range m.packets {
		keys = append(keys, key)
	}
	return keys
}

func (m *memory) del(key string) {
	if !m.usable() {
		return
	}
	if _, ok := m.packets[key]; !ok {
		m.log.warn(STR, "memorystore del:", key, "not found")
		return
	}
	delete(m.packets, key)
}

func (m *memory) close() {
	if m.usable() {
		m.opened = false
		m.log.debug(STR, "memorystore closed")
	}
}

func (m *memory) reset() {
	if m.usable() {
		clear(m.packets)
		m.log.warn(STR, "memorystore wiped")
	}
}

// MemoryStore keeps packets in memory, in no order.
type MemoryStore struct {
	sync.RWMutex
	memory memory
}

// NewMemoryStore returns an empty MemoryStore.
func NewMemoryStore() *MemoryStore { return &MemoryStore{} }

// NewMemoryStoreEx returns an empty MemoryStore that logs to logger.
func NewMemoryStoreEx(logger *slog.Logger) *MemoryStore {
	return &MemoryStore{memory: memory{log: lineLog{logger}}}
}

// All returns all keys.
func (store *MemoryStore) All() []string {
	store.RLock()
	defer store.RUnlock()
	return store.memory.keys()
}

// OrderedMemoryStore keeps packets in memory, in the order in which they were put.
type OrderedMemoryStore struct {
	sync.RWMutex
	memory memory
}

// NewOrderedMemoryStore returns an empty OrderedMemoryStore.
func NewOrderedMemoryStore() *OrderedMemoryStore { return &OrderedMemoryStore{} }

// NewOrderedMemoryStoreEx returns an empty OrderedMemoryStore that logs to logger.
func NewOrderedMemoryStoreEx(logger *slog.Logger) *OrderedMemoryStore {
	return &OrderedMemoryStore{memory: memory{log: lineLog{logger}}}
}

// All returns all keys, the one that was put first at the front.
func (store *OrderedMemoryStore) All() []string {
	store.RLock()
	defer store.RUnlock()
	keys := store.memory.keys()
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Compare(store.memory.packets[a].turn, store.memory.packets[b].turn)
	})
	return keys
}

// Open makes the store ready for use.
func (store *MemoryStore) Open() {
	store.Lock()
	defer store.Unlock()
	store.memory.open()
}

// Put stores a packet.
func (store *MemoryStore) Put(key string, message packets.ControlPacket) {
	store.Lock()
	defer store.Unlock()
	store.memory.put(key, message)
}

// Get returns the packet that has the key, or nil.
func (store *MemoryStore) Get(key string) packets.ControlPacket {
	store.RLock()
	defer store.RUnlock()
	return store.memory.get(key)
}

// Del removes a packet.
func (store *MemoryStore) Del(key string) {
	store.Lock()
	defer store.Unlock()
	store.memory.del(key)
}

// Close makes the store refuse calls until the next Open. It keeps what it holds.
func (store *MemoryStore) Close() {
	store.Lock()
	defer store.Unlock()
	store.memory.close()
}

// Reset removes all packets.
func (store *MemoryStore) Reset() {
	store.Lock()
	defer store.Unlock()
	store.memory.reset()
}

// Open makes the store ready for use.
func (store *OrderedMemoryStore) Open() {
	store.Lock()
	defer store.Unlock()
	store.memory.open()
}

// Put stores a packet.
func (store *OrderedMemoryStore) Put(key string, message packets.ControlPacket) {
	store.Lock()
	defer store.Unlock()
	store.memory.put(key, message)
}

// Get returns the packet that has the key, or nil.
func (store *OrderedMemoryStore) Get(key string) packets.ControlPacket {
	store.RLock()
	defer store.RUnlock()
	return store.memory.get(key)
}

// Del removes a packet.
func (store *OrderedMemoryStore) Del(key string) {
	store.Lock()
	defer store.Unlock()
	store.memory.del(key)
}

// Close makes the store refuse calls until the next Open. It keeps what it holds.
func (store *OrderedMemoryStore) Close() {
	store.Lock()
	defer store.Unlock()
	store.memory.close()
}

// Reset removes all packets.
func (store *OrderedMemoryStore) Reset() {
	store.Lock()
	defer store.Unlock()
	store.memory.reset()
}
