// Package file keeps the packets of a session in a directory, one file for each.
package file

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/directory"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/flow"
)

// Store keeps each packet in the file <prefix><identifier><extension>.
//
// A session made by state.New takes what is in the directory over, and keeps its packets in the engine's own journal there; it gives each its
// file again when it is closed.
type Store struct {
	sync.Mutex
	files *directory.Files
}

func init() {
	flow.Directory = func(store any) (directory, prefix, extension string, ok bool) {
		s, ok := store.(*Store)
		if !ok || s == nil {
			return "", "", "", false
		}
		return s.files.Path, s.files.Prefix, s.files.Extension, true
	}
}

// New returns a store in the directory path, which it makes if there is none. It returns an error if it cannot write files there and read them.
func New(path string, prefix string, extension string) (*Store, error) {
	files, err := directory.Open(path, prefix, extension)
	if err != nil {
		return nil, err
	}
	return &Store{files: files}, nil
}

// Put stores the packet. It is on the disk when Put returns.
func (s *Store) Put(packetID uint16, packetType byte, w io.WriterTo) error {
	s.Lock()
	defer s.Unlock()
	err := s.files.Write(middle(packetID), true, func(to io.Writer) error {
		_, err := w.WriteTo(to)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot store packet %d: %w", packetID, err)
	}
	return nil
}

// Get returns the packet. The caller must close it.
func (s *Store) Get(packetID uint16) (io.ReadCloser, error) {
	s.Lock()
	defer s.Unlock()
	file, err := os.Open(s.name(packetID))
	if err != nil {
		return nil, fmt.Errorf("cannot read packet %d: %w", packetID, err)
	}
	return file, nil
}

// Delete removes the packet. It returns an error if there is none of that identifier.
func (s *Store) Delete(id uint16) error {
	s.Lock()
	defer s.Unlock()
	return s.remove(id)
}

func (s *Store) remove(id uint16) error {
	if err := os.Remove(s.name(id)); err != nil {
		return fmt.Errorf("cannot remove packet %d: %w", id, err)
	}
	return nil
}

// Quarantine gives the packet a name that ends with .CORRUPT, under which it is no longer in the store. If that fails, it removes the packet, for
// else the session would meet it again at each connection.
func (s *Store) Quarantine(id uint16) error {
	s.Lock()
	defer s.Unlock()
	file, err := os.CreateTemp(s.files.Path, s.files.Prefix+middle(id)+"-*"+s.files.Extension+directory.Corrupt)
	if err == nil {
		err = errors.Join(file.Close(), os.Rename(s.name(id), file.Name()))
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}
	if err != nil {
		return fmt.Errorf("cannot put packet %d into quarantine: %w", id, errors.Join(err, s.remove(id)))
	}
	return nil
}

// List returns the identifiers of the packets, in the order in which they were put there.
func (s *Store) List() ([]uint16, error) {
	s.Lock()
	defer s.Unlock()
	return s.list()
}

func (s *Store) list() ([]uint16, error) {
	middles, err := s.files.List()
	if err != nil {
		return nil, err
	}
	ids := make([]uint16, 0, len(middles))
	for _, name := range middles {
		// What has no identifier in its name belongs to somebody else, for instance to a store with a longer prefix.
		if id, err := strconv.ParseUint(name, 10, 16); err == nil && middle(uint16(id)) == name {
			ids = append(ids, uint16(id))
		}
	}
	return ids, nil
}

// Reset removes all packets.
func (s *Store) Reset() error {
	s.Lock()
	defer s.Unlock()
	ids, err := s.list()
	for _, id := range ids {
		err = errors.Join(err, s.remove(id))
	}
	return err
}

// String names the directory and how its files are named.
func (s *Store) String() string {
	return fmt.Sprintf("store path: %s, prefix: %s, extension: %s", s.files.Path, s.files.Prefix, s.files.Extension)
}

func (s *Store) name(id uint16) string { return s.files.Name(middle(id)) }

func middle(id uint16) string { return strconv.Itoa(int(id)) }
