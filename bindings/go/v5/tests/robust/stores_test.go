package robust

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session/state"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/store/file"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/store/memory"
)

func files(t *testing.T, directory, prefix string) *file.Store {
	t.Helper()
	store, err := file.New(directory, prefix, ".pkt")
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// stored are a message and a release as the original keeps them, under identifiers that nothing else would choose.
func stored(t *testing.T, store interface {
	Put(uint16, byte, io.WriterTo) error
}) {
	t.Helper()
	message := &packets.Publish{Topic: "t", QoS: 2, PacketID: 700, Payload: []byte("kept"), Properties: &packets.Properties{ContentType: "c"}}
	if err := store.Put(700, packets.PUBLISH, message); err != nil {
		t.Fatal(err)
	}
	if err := store.Put(650, packets.PUBREL, &packets.Pubrel{PacketID: 650, Properties: &packets.Properties{}}); err != nil {
		t.Fatal(err)
	}
}

// TestFilesAreTakenOver: what the original has left in a directory is sent, with its identifiers, and what is not acknowledged has files again.
func TestFilesAreTakenOver(t *testing.T) {
	for _, prefix := range []string{"cli", ""} {
		t.Run(prefix, func(t *testing.T) {
			directory := t.TempDir()
			stored(t, files(t, directory, prefix))
			kept := state.New(files(t, directory, prefix), files(t, t.TempDir(), "srv"))
			c, s := connect(t, paho.ClientConfig{Session: kept}, 60, true, 0)
			for range 2 {
				switch p := s.read(); p.Type {
				case packets.PUBREL:
					if p.PacketID() != 650 {
						t.Errorf("%v is sent", p)
					}
					s.send(&packets.Pubcomp{PacketID: 650, Properties: &packets.Properties{}})
				case packets.PUBLISH:
					message := p.Content.(*packets.Publish)
					if message.PacketID != 700 || !message.Duplicate || string(message.Payload) != "kept" || message.Properties.ContentType != "c" {
						t.Errorf("%v is sent", p)
					}
				}
			}
			first, second := publish(t, c, 1), publish(t, c, 1)
			s.expect(packets.PUBLISH)
			s.puback(s.expect(packets.PUBLISH).PacketID())
			ended := first
			select {
			case err := <-first:
				ended = second
				if err != nil {
					t.Error(err)
				}
			case err := <-second:
				if err != nil {
					t.Error(err)
				}
			case <-within(t).Done():
				t.Fatal("no end of Publish")
			}
			c.Disconnect(&paho.Disconnect{})
			if await(t, ended, "end of Publish") == nil {
				t.Error("Publish returns no error though the session has been given back")
			}
			store := files(t, directory, prefix)
			ids, err := store.List()
			if err != nil || len(ids) != 2 || !slices.Contains(ids, 700) {
				t.Fatalf("the directory has %v, %v", ids, err)
			}
			for _, id := range ids {
				reader, err := store.Get(id)
				if err != nil {
					t.Fatal(err)
				}
				p, err := packets.ReadPacket(reader)
				reader.Close()
				if err != nil || p.PacketID() != id || p.Type != packets.PUBLISH {
					t.Errorf("packet %d is %v, %v", id, p, err)
				}
			}
		})
	}
}

// TestSessionEndsWithFiles: a server without the session makes the client forget.
func TestSessionEndsWithFiles(t *testing.T) {
	directory := t.TempDir()
	stored(t, files(t, directory, "cli"))
	kept := state.New(files(t, directory, "cli"), files(t, directory, "srv"))
	c, s := connect(t, paho.ClientConfig{Session: kept}, 60, false, 0)
	ended := publish(t, c, 1)
	if p := s.expect(packets.PUBLISH).Content.(*packets.Publish); string(p.Payload) != "x" {
		t.Errorf("%v is sent", p)
	}
	c.Disconnect(&paho.Disconnect{Properties: &paho.DisconnectProperties{SessionExpiryInterval: new(uint32)}})
	await(t, ended, "end of Publish")
	kept.Close()
	if ids, err := files(t, directory, "cli").List(); err != nil || len(ids) > 1 || slices.Contains(ids, 700) {
		t.Errorf("the directory has %v, %v", ids, err)
	}
}

// TestDirectoryInUse: two sessions cannot have the same directory.
func TestDirectoryInUse(t *testing.T) {
	directory := t.TempDir()
	kept := state.New(files(t, directory, "a"), memory.New())
	c, _ := connect(t, paho.ClientConfig{Session: kept}, 60, false, 0)
	conn, s := pipe(t)
	other := paho.NewClient(paho.ClientConfig{Conn: conn, Session: state.New(files(t, directory, "b"), memory.New())})
	if _, err := other.Connect(within(t), &paho.Connect{ClientID: "other"}); err == nil {
		t.Error("two sessions use a directory")
	} else if !strings.Contains(err.Error(), directory) {
		t.Errorf("the error does not name the directory: %v", err)
	}
	if n, _ := s.Read(make([]byte, 1)); n != 0 {
		t.Error("CONNECT was sent")
	}
	c.Disconnect(&paho.Disconnect{})
}

// A store of the program's own.
type mapStore struct {
	mu      sync.Mutex
	packets map[uint16][]byte
	log     []string
	refuse  error
	came    chan uint16 // of Put
}

func newMapStore() *mapStore {
	return &mapStore{packets: map[uint16][]byte{}, came: make(chan uint16, 100)}
}

func (m *mapStore) note(what string, id uint16) { m.log = append(m.log, fmt.Sprint(what, " ", id)) }

func (m *mapStore) Put(id uint16, kind byte, w io.WriterTo) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return m.refuse
	}
	var content bytes.Buffer
	if _, err := w.WriteTo(&content); err != nil {
		return err
	}
	m.note("put", id)
	m.packets[id] = content.Bytes()
	m.came <- id
	return nil
}

func (m *mapStore) Get(id uint16) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	content, ok := m.packets[id]
	if !ok {
		return nil, os.ErrNotExist
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

func (m *mapStore) Delete(id uint16) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.note("delete", id)
	delete(m.packets, id)
	return nil
}

func (m *mapStore) Quarantine(id uint16) error { return m.Delete(id) }

func (m *mapStore) List() ([]uint16, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []uint16
	for id := range m.packets {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}

func (m *mapStore) Reset() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, "reset")
	clear(m.packets)
	return nil
}

func (m *mapStore) lines() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.Join(m.log, ", ")
}

// TestStoreOfTheProgram: a store of the program's own is told of what is under way, and what it holds is sent by another session.
func TestStoreOfTheProgram(t *testing.T) {
	store := newMapStore()
	kept := state.New(store, memory.New())
	c, s := connect(t, paho.ClientConfig{Session: kept}, 60, false, 0)
	ended := publish(t, c, 1)
	s.puback(s.expect(packets.PUBLISH).PacketID())
	if err := await(t, ended, "end of Publish"); err != nil {
		t.Error(err)
	}
	lost := publish(t, c, 2)
	s.expect(packets.PUBLISH)
	s.Close()
	await(t, c.Done(), "Done")
	kept.Close()
	if await(t, lost, "end of Publish") == nil {
		t.Error("Publish returns no error though the session has been closed")
	}
	if got := store.lines(); got != "reset, put 1, delete 1, put 2" {
		t.Errorf("the store is told: %s", got)
	}
	store.packets[9] = []byte("no packet")

	again := state.New(store, memory.New())
	defer again.Close()
	c, s = connect(t, paho.ClientConfig{Session: again}, 60, true, 0)
	message := s.expect(packets.PUBLISH).Content.(*packets.Publish)
	if !message.Duplicate || message.QoS != 2 || string(message.Payload) != "x" {
		t.Errorf("%v is sent", message)
	}
	if ids, _ := store.List(); len(ids) != 1 || ids[0] != message.PacketID {
		t.Errorf("the store has %v, and %d is sent", ids, message.PacketID)
	}
	s.send(&packets.Pubrec{PacketID: message.PacketID, Properties: &packets.Properties{}})
	s.expect(packets.PUBREL)
	s.send(&packets.Pubcomp{PacketID: message.PacketID, Properties: &packets.Properties{}})
	ended = publish(t, c, 1)
	s.puback(s.expect(packets.PUBLISH).PacketID())
	if err := await(t, ended, "end of Publish"); err != nil {
		t.Error(err)
	}
	if ids, _ := store.List(); len(ids) != 0 {
		t.Errorf("the store has %v", ids)
	}
	store.mu.Lock()
	store.refuse = errors.New("full")
	store.mu.Unlock()
	if err := await(t, publish(t, c, 1), "end of Publish"); !errors.Is(err, store.refuse) {
		t.Errorf("Publish returns %v", err)
	}
	c.Disconnect(&paho.Disconnect{})
}

// TestStoreOfTheProgramIsReset: a server without the session makes the client forget, and the store with it.
func TestStoreOfTheProgramIsReset(t *testing.T) {
	store := newMapStore()
	stored(t, store)
	<-store.came
	<-store.came
	kept := state.New(store, memory.New())
	defer kept.Close()
	c, s := connect(t, paho.ClientConfig{Session: kept}, 60, false, 0)
	ended := publish(t, c, 1)
	if p := s.expect(packets.PUBLISH).Content.(*packets.Publish); string(p.Payload) != "x" {
		t.Errorf("%v is sent", p)
	}
	await(t, store.came, "Put")
	ids, _ := store.List()
	if len(ids) != 1 || !strings.Contains(store.lines(), "reset") {
		t.Errorf("the store has %v and was told: %s", ids, store.lines())
	}
	s.Close()
	await(t, c.Done(), "Done")
	_, s = connect(t, paho.ClientConfig{Session: kept}, 60, true, 0)
	s.puback(s.expect(packets.PUBLISH).PacketID())
	if err := await(t, ended, "end of Publish"); err != nil {
		t.Error(err)
	}
	if ids, _ := store.List(); len(ids) != 0 {
		t.Errorf("the store has %v", ids)
	}
}

// TestStateClosedInUse: a session that is closed while a client uses it ends the client, and can be used again.
func TestStateClosedInUse(t *testing.T) {
	kept := state.NewInMemory()
	lost := make(chan error, 1)
	c, s := connect(t, paho.ClientConfig{Session: kept, OnClientError: func(err error) { lost <- err }}, 60, false, 0)
	ended := publish(t, c, 1)
	s.expect(packets.PUBLISH)
	kept.Close()
	if await(t, ended, "end of Publish") == nil {
		t.Error("Publish returns no error")
	}
	await(t, c.Done(), "Done")
	if await(t, lost, "call of OnClientError") == nil {
		t.Error("OnClientError is told no error")
	}
	conn, s := pipe(t)
	c = paho.NewClient(paho.ClientConfig{Conn: conn, Session: kept})
	failed := make(chan error, 1)
	go func() {
		_, err := c.Connect(within(t), &paho.Connect{ClientID: "client"})
		failed <- err
	}()
	s.expect(packets.CONNECT)
	kept.Close()
	if await(t, failed, "end of Connect") == nil {
		t.Error("Connect returns no error")
	}
	c, s = connect(t, paho.ClientConfig{Session: kept}, 60, false, 0)
	ended = publish(t, c, 1)
	s.puback(s.expect(packets.PUBLISH).PacketID())
	if err := await(t, ended, "end of Publish"); err != nil {
		t.Error(err)
	}
	c.Disconnect(&paho.Disconnect{})
	kept.Close()
}

// TestStateAlone: the functions of a session that only clients' engines have the work of say so.
func TestStateAlone(t *testing.T) {
	s := state.NewInMemory()
	for name, err := range map[string]error{
		"ConAckReceived": s.ConAckReceived(io.Discard, &packets.Connect{}, &packets.Connack{}),
		"Ack":            s.Ack(&packets.Publish{QoS: 1}),
		"PacketReceived": s.PacketReceived(packets.NewControlPacket(packets.PUBLISH), nil),
	} {
		if !errors.Is(err, session.ErrOnlyByClient) {
			t.Errorf("%s returns %v", name, err)
		}
	}
	if err := s.AddToSession(within(t), &packets.Publish{QoS: 1}, nil); !errors.Is(err, session.ErrNoConnection) {
		t.Errorf("AddToSession returns %v", err)
	}
	if err := errors.Join(s.ConnectionLost(nil), s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}
