package store_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/store/file"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/store/memory"
)

// storer is what state.New wants of a store.
type storer interface {
	Put(packetID uint16, packetType byte, w io.WriterTo) error
	Get(packetID uint16) (io.ReadCloser, error)
	Delete(id uint16) error
	Quarantine(id uint16) error
	List() ([]uint16, error)
	Reset() error
	fmt.Stringer
}

func stores(t *testing.T, test func(*testing.T, storer)) {
	t.Run("memory", func(t *testing.T) { test(t, memory.New()) })
	t.Run("file", func(t *testing.T) {
		store, err := file.New(t.TempDir(), "s.", "pkt")
		if err != nil {
			t.Fatal(err)
		}
		test(t, store)
	})
}

func put(t *testing.T, store storer, id uint16, payload string) {
	t.Helper()
	packet := &packets.Publish{Topic: "t", QoS: 1, PacketID: id, Payload: []byte(payload)}
	if err := store.Put(id, packets.PUBLISH, packet); err != nil {
		t.Fatal(err)
	}
}

func payload(t *testing.T, store storer, id uint16) string {
	t.Helper()
	reader, err := store.Get(id)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	packet, err := packets.ReadPacket(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(packet.Content.(*packets.Publish).Payload)
}

func list(t *testing.T, store storer) []uint16 {
	t.Helper()
	ids, err := store.List()
	if err != nil {
		t.Fatal(err)
	}
	return ids
}

// The order is that of the last Put of each, however quickly they follow one another.
func TestOrder(t *testing.T) {
	stores(t, func(t *testing.T, store storer) {
		var want []uint16
		for id := uint16(200); id > 0; id-- {
			put(t, store, id, fmt.Sprint(id))
			want = append(want, id)
		}
		put(t, store, 200, "again")
		want = append(want[1:], 200)
		if got := list(t, store); !slices.Equal(got, want) {
			t.Errorf("%v", got)
		}
		if got := payload(t, store, 200); got != "again" {
			t.Errorf("packet 200 has %q", got)
		}
	})
}

func TestRemoval(t *testing.T) {
	stores(t, func(t *testing.T, store storer) {
		for id := uint16(1); id <= 4; id++ {
			put(t, store, id, "x")
		}
		if err := errors.Join(store.Delete(2), store.Quarantine(3)); err != nil {
			t.Error(err)
		}
		if got := list(t, store); !slices.Equal(got, []uint16{1, 4}) {
			t.Errorf("%v", got)
		}
		if store.Delete(2) == nil || store.Quarantine(3) == nil {
			t.Error("what is not there was removed")
		}
		if _, err := store.Get(2); err == nil {
			t.Error("what is not there was read")
		}
		if store.String() == "" {
			t.Error("no description")
		}
		if err := store.Reset(); err != nil || len(list(t, store)) != 0 {
			t.Errorf("after Reset: %v, %v", list(t, store), err)
		}
	})
}

// A packet that cannot be encoded is an error, and what was there before stays.
func TestPutFails(t *testing.T) {
	stores(t, func(t *testing.T, store storer) {
		put(t, store, 1, "good")
		if store.Put(1, packets.PUBLISH, &packets.Publish{Topic: strings.Repeat("x", 65536)}) == nil {
			t.Error("no error")
		}
		if got := payload(t, store, 1); got != "good" {
			t.Errorf("%q", got)
		}
	})
}

func TestMemoryErrors(t *testing.T) {
	store := memory.New()
	if _, err := store.Get(1); !errors.Is(err, memory.ErrNotInStore) {
		t.Error(err)
	}
	put(t, store, 7, "body")
	if text := store.String(); !strings.HasPrefix(text, "packet 7 is PUBLISH: PacketID:7") {
		t.Errorf("%q", text)
	}
}

// Files outlive the store, have the names of the original's, and those of others in the directory are left alone.
func TestFiles(t *testing.T) {
	directory := t.TempDir()
	store, err := file.New(directory, "a", ".x")
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, 65535, "kept")
	other, err := file.New(directory, "ab", "x")
	if err != nil {
		t.Fatal(err)
	}
	put(t, other, 1, "other's")
	for _, name := range []string{"a007.x", "a70000.x"} {
		if err := os.WriteFile(filepath.Join(directory, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(t, store, 9, "bad")
	if err := store.Quarantine(9); err != nil {
		t.Error(err)
	}
	again, err := file.New(directory, "a", "x")
	if err != nil {
		t.Fatal(err)
	}
	if got := list(t, again); !slices.Equal(got, []uint16{65535}) {
		t.Errorf("%v", got)
	}
	if err := again.Reset(); err != nil {
		t.Error(err)
	}
	var names []string
	entries, _ := os.ReadDir(directory)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if len(names) != 4 || !strings.HasPrefix(names[2], "a9-") || !strings.HasSuffix(names[2], ".x.CORRUPT") || names[3] != "ab1.x" {
		t.Errorf("%q", names)
	}
}

// What cannot be used as a directory is an error at once, not at the first packet.
func TestUnusableDirectory(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{name, filepath.Join(name, "below")} {
		if _, err := file.New(path, "", ""); err == nil {
			t.Errorf("%s was accepted", path)
		}
	}
}
