package flow

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

// Messages with QoS 2 whose PUBREC has been sent are in the server store, as the original has them. The engine has names of its own for them, in
// the client store's directory: the files are moved there before it opens the directory, and back when it has closed it.

// receivedFiles are the names that the engine gives them.
type receivedFiles struct {
	directory, prefix, extension string
}

func (f receivedFiles) name(id uint16) string {
	return filepath.Join(f.directory, f.prefix+"i."+strconv.Itoa(int(id))+f.extension)
}

// list returns the identifiers of the files that there are.
func (f receivedFiles) list() ([]uint16, error) {
	entries, err := os.ReadDir(f.directory)
	if err != nil {
		return nil, err
	}
	var ids []uint16
	for _, entry := range entries {
		digits, begins := strings.CutPrefix(entry.Name(), f.prefix+"i.")
		digits, ends := strings.CutSuffix(digits, f.extension)
		id, err := strconv.ParseUint(digits, 10, 16)
		if begins && ends && err == nil && id != 0 {
			ids = append(ids, uint16(id))
		}
	}
	return ids, nil
}

// lend makes the engine's files of what the server store holds. It returns a function that removes what was lent from the store.
func (f receivedFiles) lend(server Store) (lent func() error, err error) {
	ids, err := server.List()
	if err != nil {
		return nil, fmt.Errorf("the session's server store cannot be listed: %w", err)
	}
	var released []uint16
	for _, id := range ids {
		if id == 0 || !isPubrec(server, id) {
			continue // a file of somebody else's
		}
		pubrec := []byte{packets.PUBREC << 4, 2, byte(id >> 8), byte(id)}
		if err := os.WriteFile(f.name(id), pubrec, 0o600); err != nil {
			return nil, err
		}
		released = append(released, id)
	}
	return func() error {
		for _, id := range released {
			if err := server.Delete(id); err != nil {
				return fmt.Errorf("the session's server store cannot delete packet %d: %w", id, err)
			}
		}
		return nil
	}, nil
}

func isPubrec(store Store, id uint16) bool {
	reader, err := store.Get(id)
	if err != nil {
		return false
	}
	defer reader.Close()
	first := make([]byte, 1)
	_, err = io.ReadFull(reader, first)
	return err == nil && first[0]>>4 == packets.PUBREC
}

// giveBack makes the server store's packets of the engine's files.
func (f receivedFiles) giveBack(server Store) error {
	ids, err := f.list()
	if err != nil {
		return err
	}
	for _, id := range ids {
		content, err := os.ReadFile(f.name(id))
		if err == nil {
			err = server.Put(id, packets.PUBREC, bytes.NewBuffer(content))
		}
		if err == nil {
			err = os.Remove(f.name(id))
		}
		if err != nil {
			return fmt.Errorf("packet %d cannot be put into the session's server store: %w", id, err)
		}
	}
	return nil
}
