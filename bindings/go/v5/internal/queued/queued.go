// Package queued has the form in which autopaho gives messages to its queues: one that encodes itself only if the queue wants bytes.
package queued

import (
	"bytes"
	"io"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

// A Message is a PUBLISH packet that nobody changes any more. To who reads it, it is the packet's bytes.
type Message struct {
	Packet  packets.Publish
	encoded io.Reader
}

// Read encodes the message when it is first called.
func (m *Message) Read(p []byte) (int, error) {
	if m.encoded == nil {
		var packet bytes.Buffer
		if _, err := m.Packet.WriteTo(&packet); err != nil {
			return 0, err
		}
		m.encoded = &packet
	}
	return m.encoded.Read(p)
}

// An Entry is what a queue in memory keeps: a message or bytes.
type Entry struct {
	message *Message
	data    []byte
}

// Read returns an entry with what p has.
func Read(p io.Reader) (Entry, error) {
	if message, ok := p.(*Message); ok {
		return Entry{message: message}, nil
	}
	var data bytes.Buffer
	_, err := data.ReadFrom(p)
	return Entry{data: data.Bytes()}, err
}

// Reader returns a reader of the entry from its beginning.
func (e *Entry) Reader() io.Reader {
	if e.message != nil {
		return &Message{Packet: e.message.Packet}
	}
	return bytes.NewReader(e.data)
}
