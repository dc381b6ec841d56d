package flow

import (
	"bytes"
	"io"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

// A mirror keeps the publishes that are under way in a store of the program's own. Its functions need the session's lock.
type mirror struct {
	session *Session
	store   Store
	// ids are the packet identifiers by the engine's tokens.
	ids map[uint64]uint16
	// restored is true once the engine has what was in the store.
	restored bool
}

// connected does what a store is for when a connection begins, before anything is published on it: where the server has the session, the engine
// gets what the store holds; else the store forgets it.
func (m *mirror) connected(client *engine.Client, present bool) {
	if !present {
		m.clear()
	} else if !m.restored {
		m.session.mu.Lock()
		if err := m.restore(client); err != nil {
			m.session.logError("what the session's store holds cannot be sent: %s", err)
		}
		m.session.mu.Unlock()
	}
	m.restored = true
}

// restore gives the engine what the store holds.
func (m *mirror) restore(client *engine.Client) error {
	ids, err := m.store.List()
	if err != nil {
		return err
	}
	for _, id := range ids {
		packet, err := m.read(id)
		if err != nil {
			m.session.logError("packet %d of the session's store cannot be used: %s", id, err)
			m.complain("quarantine", id, m.store.Quarantine(id))
			continue
		}
		publish, isPublish := packet.Content.(*packets.Publish)
		if !isPublish { // a PUBREL: the server has the message
			m.complain("delete", id, m.store.Delete(id))
			continue
		}
		properties, err := publish.Properties.Pack(packets.PUBLISH)
		if err != nil {
			return err
		}
		sent, err := client.Publish(&engine.Publication{
			Topic: publish.Topic, Payload: publish.Payload, Properties: properties, QoS: publish.QoS, Retain: publish.Retain, Duplicate: true,
		})
		if err != nil {
			return err
		}
		if sent.ID != id {
			publish.PacketID = sent.ID
			if err := m.store.Put(sent.ID, packets.PUBLISH, publish); err != nil {
				return err
			}
			m.complain("delete", id, m.store.Delete(id))
		}
		m.ids[sent.Token] = sent.ID
	}
	return nil
}

// read returns a packet of the store.
func (m *mirror) read(id uint16) (*packets.ControlPacket, error) {
	reader, err := m.store.Get(id)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(reader)
	if closing := reader.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return nil, err
	}
	return packets.ReadPacket(bytes.NewReader(content))
}

// put keeps a publish.
func (m *mirror) put(sent engine.Sent, message *engine.Publication) error {
	publish := &packets.Publish{
		PacketID: sent.ID, Topic: message.Topic, Payload: bytes.Clone(message.Payload), QoS: message.QoS, Retain: message.Retain,
		Properties: &packets.Properties{},
	}
	if len(message.Properties) > 0 {
		if err := Unpack(publish.Properties, message.Properties, packets.PUBLISH); err != nil {
			return err
		}
	}
	if err := m.store.Put(sent.ID, packets.PUBLISH, publish); err != nil {
		return err
	}
	m.ids[sent.Token] = sent.ID
	return nil
}

// remove forgets a publish that has ended.
func (m *mirror) remove(token uint64) {
	if id, ok := m.ids[token]; ok {
		delete(m.ids, token)
		m.complain("delete", id, m.store.Delete(id))
	}
}

// clear forgets all publishes.
func (m *mirror) clear() {
	m.session.mu.Lock()
	defer m.session.mu.Unlock()
	clear(m.ids)
	if err := m.store.Reset(); err != nil {
		m.session.logError("the session's store cannot be reset: %s", err)
	}
}

func (m *mirror) complain(what string, id uint16, err error) {
	if err != nil {
		m.session.logError("the session's store cannot %s packet %d: %s", what, id, err)
	}
}

// Unpack sets properties from bytes as they stand in a packet of a type, without their length in front.
func Unpack(to *packets.Properties, from []byte, packetType byte) error {
	return to.Unpack(bytes.NewBuffer(append(length(len(from)), from...)), packetType)
}

// length returns a number as MQTT's variable byte integer.
func length(n int) []byte {
	var encoded []byte
	for {
		b := byte(n & 0x7f)
		if n >>= 7; n == 0 {
			return append(encoded, b)
		}
		encoded = append(encoded, b|0x80)
	}
}
