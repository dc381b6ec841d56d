// Package topicaliases sends numbers in the place of topics that have been sent before.
package topicaliases

import (
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// TAHandler knows which topic each alias stands for. Its PublishHook is for paho.ClientConfig. ResetAll must be called at each connection, since
// aliases end with their connection.
type TAHandler struct {
	sync.Mutex
	topics  []string // by alias; 0 is none
	aliases map[string]uint16
	next    int // the first alias that may be free
}

// NewTAHandler returns a handler that uses the aliases 1 to max. The server says in CONNACK how many it takes.
func NewTAHandler(max uint16) *TAHandler {
	return &TAHandler{topics: make([]string, int(max)+1), aliases: map[string]uint16{}, next: 1}
}

// GetTopic returns the topic of an alias, or "" if it has none.
func (t *TAHandler) GetTopic(a uint16) string {
	t.Lock()
	defer t.Unlock()
	if int(a) >= len(t.topics) {
		return ""
	}
	return t.topics[a]
}

// GetAlias returns the alias of a topic, or 0 if it has none.
func (t *TAHandler) GetAlias(topic string) uint16 {
	t.Lock()
	defer t.Unlock()
	return t.aliases[topic]
}

// SetAlias gives a topic an alias that is free, and returns it, or 0 if none is.
func (t *TAHandler) SetAlias(topic string) uint16 {
	t.Lock()
	defer t.Unlock()
	for ; t.next < len(t.topics); t.next++ {
		if t.topics[t.next] == "" {
			t.set(topic, uint16(t.next))
			return t.aliases[topic]
		}
	}
	return 0
}

// ResetAlias gives an alias another topic. An alias that the handler does not use is not changed.
func (t *TAHandler) ResetAlias(topic string, a uint16) {
	t.Lock()
	defer t.Unlock()
	t.set(topic, a)
}

// set gives an alias a topic; "" frees it. The caller holds the lock.
func (t *TAHandler) set(topic string, a uint16) {
	if a == 0 || int(a) >= len(t.topics) {
		return
	}
	if t.aliases[t.topics[a]] == a {
		delete(t.aliases, t.topics[a])
	}
	t.topics[a] = topic
	if topic != "" {
		t.aliases[topic] = a
	} else {
		t.next = min(t.next, int(a))
	}
}

// ResetAll forgets all topics, as the server does when a connection ends.
func (t *TAHandler) ResetAll() {
	t.Lock()
	defer t.Unlock()
	clear(t.topics)
	clear(t.aliases)
	t.next = 1
}

// PublishHook puts the alias of its topic into a message. Unless the message is the first with that alias, it leaves the topic out. An alias that the
// program has set is noted.
func (t *TAHandler) PublishHook(p *paho.Publish) {
	if p.Properties != nil && p.Properties.TopicAlias != nil {
		t.ResetAlias(p.Topic, *p.Properties.TopicAlias)
		return
	}
	alias, known := t.GetAlias(p.Topic), true
	if alias == 0 {
		alias, known = t.SetAlias(p.Topic), false
	}
	if alias == 0 {
		return
	}
	if p.Properties == nil {
		p.Properties = &paho.PublishProperties{}
	}
	p.Properties.TopicAlias = &alias
	if known {
		p.Topic = ""
	}
}
