package mqtt

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

const (
	recordExtension  = ".msg"
	partialExtension = ".tmp"
	corruptExtension = ".CORRUPT"
	directoryMode    = 0o770
)

// FileStore keeps packets as files of a directory: key and ".msg" is the name, the packet's bytes are the content. The original writes and reads
// the same files.
//
// While a client uses the store, the engine does its work, with a journal in the directory that makes it many times faster. When the client
// disconnects, each packet has its file. Meanwhile All tells what is under way, Get reads those packets that have a file, and changes are
// refused.
type FileStore struct {
	sync.RWMutex
	log       lineLog
	directory string
	opened    bool
	// inUse, if set, lists the keys that the engine has.
	inUse func() []string
}

// NewFileStore returns a store in this directory, which Open makes if need be. "" is the working directory.
func NewFileStore(directory string) *FileStore { return &FileStore{directory: directory} }

// NewFileStoreEx returns a store in this directory that logs to logger.
func NewFileStoreEx(directory string, logger *slog.Logger) *FileStore {
	return &FileStore{directory: directory, log: lineLog{logger}}
}

// must panics on an error, as the original does: a store that cannot write must not look as if it had.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Open makes the store ready for use. It panics if the directory cannot be made.
func (store *FileStore) Open() {
	store.Lock()
	defer store.Unlock()
	if store.directory == "" {
		directory, err := os.Getwd()
		must(err)
		store.directory = directory
	}
	must(os.MkdirAll(store.directory, directoryMode))
	store.opened = true
	store.log.debug(STR, "store is opened at", store.directory)
}

// Close makes the store refuse calls until the next Open. The files stay.
func (store *FileStore) Close() {
	store.Lock()
	defer store.Unlock()
	store.opened = false
	store.log.debug(STR, "store is closed")
}

// lend says that the engine has the store (keys lists what it holds), or with nil that it has given it back.
func (store *FileStore) lend(keys func() []string) {
	store.Lock()
	store.inUse = keys
	store.Unlock()
}

func (store *FileStore) usable() bool {
	if !store.opened {
		store.log.error(STR, "Trying to use file store, but not open")
	}
	return store.opened
}

// changeable returns true if the program may change the store.
func (store *FileStore) changeable() bool {
	if store.inUse != nil {
		store.log.error(STR, "a client uses the file store: it cannot be changed")
		return false
	}
	return store.usable()
}

func (store *FileStore) path(key, extension string) string {
	return filepath.Join(store.directory, key+extension)
}

// Put writes a packet's file. It panics if that fails.
func (store *FileStore) Put(key string, m packets.ControlPacket) {
	store.Lock()
	defer store.Unlock()
	if !store.changeable() {
		return
	}
	var content bytes.Buffer
	must(m.Write(&content))
	partial := store.path(key, partialExtension)
	must(os.WriteFile(partial, content.Bytes(), 0o666))
	must(os.Rename(partial, store.path(key, recordExtension)))
}

// Get reads the packet that has the key. It returns nil if there is none; one that cannot be decoded is renamed to .CORRUPT.
func (store *FileStore) Get(key string) packets.ControlPacket {
	store.RLock()
	defer store.RUnlock()
	if !store.usable() {
		return nil
	}
	name := store.path(key, recordExtension)
	content, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	must(err)
	packet, err := packets.ReadPacket(bytes.NewReader(content))
	if err != nil {
		aside := store.path(key, corruptExtension)
		store.log.warn(STR, "corrupted file detected:", err, "archived at:", aside)
		if err := os.Rename(name, aside); err != nil {
			store.log.error(STR, err)
		}
		return nil
	}
	return packet
}

// All returns all keys, the one that was written first at the front.
func (store *FileStore) All() []string {
	store.RLock()
	defer store.RUnlock()
	if !store.usable() {
		return nil
	}
	if store.inUse != nil {
		return store.inUse()
	}
	return store.keys()
}

func (store *FileStore) keys() []string {
	entries, err := os.ReadDir(store.directory)
	must(err)
	var files []fs.FileInfo
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), recordExtension) {
			continue
		}
		if info, err := entry.Info(); err == nil { // else it has just been removed
			files = append(files, info)
		}
	}
	slices.SortStableFunc(files, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	var keys []string
	for _, file := range files {
		keys = append(keys, strings.TrimSuffix(file.Name(), recordExtension))
	}
	return keys
}

// Del removes a packet's file.
func (store *FileStore) Del(key string) {
	store.Lock()
	defer store.Unlock()
	if store.changeable() {
		store.remove(key)
	}
}

func (store *FileStore) remove(key string) {
	err := os.Remove(store.path(key, recordExtension))
	if errors.Is(err, fs.ErrNotExist) {
		store.log.warn(STR, "store could not delete key:", key)
		return
	}
	must(err)
}

// Reset removes all packets' files.
func (store *FileStore) Reset() {
	store.Lock()
	defer store.Unlock()
	if !store.changeable() {
		return
	}
	store.log.warn(STR, "FileStore Reset")
	for _, key := range store.keys() {
		store.remove(key)
	}
}
