package engine

const (
	// maxTopics bounds the names that a client remembers. A server that sends ever new ones makes it forget them all.
	maxTopics = 256
	// smallPayload is the longest payload that shares a chunk of memory with others; chunkSize is how much a chunk has.
	smallPayload = 1024
	chunkSize    = 16 << 10
)

// Topics gives the same string for the same name, so that a run of messages needs one.
type Topics struct {
	known map[string]string
	last  string
}

// Of returns the name as a string.
func (t *Topics) Of(name []byte) string {
	if string(name) == t.last {
		return t.last
	}
	topic, ok := t.known[string(name)]
	if !ok {
		if t.known == nil || len(t.known) >= maxTopics {
			t.known = map[string]string{}
		}
		topic = string(name)
		t.known[topic] = topic
	}
	t.last = topic
	return topic
}

// Payloads copies payloads. Small ones are cut from chunks; each has no room behind it, so appending to one never touches another.
type Payloads struct {
	chunk []byte
}

// Copy returns a copy of its own.
func (p *Payloads) Copy(payload []byte) []byte {
	n := len(payload)
	if n > smallPayload {
		own := make([]byte, n)
		copy(own, payload)
		return own
	}
	if n > len(p.chunk) {
		p.chunk = make([]byte, chunkSize)
	}
	own := p.chunk[:n:n]
	p.chunk = p.chunk[n:]
	copy(own, payload)
	return own
}
