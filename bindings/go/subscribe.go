package mqtt

import (
	"errors"
	"slices"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/engine"
)

var (
	errNotHeld    = errors.New("not currently connected and ResumeSubs not set")
	errHeldInVain = errors.New("reconnecting state and cleansession is true")
)

// held are subscribes and unsubscribes that wait for a connection.
type held struct {
	mu     sync.Mutex
	tokens []tokenCompletor
}

func (h *held) add(token tokenCompletor) {
	h.mu.Lock()
	h.tokens = append(h.tokens, token)
	h.mu.Unlock()
}

func (h *held) take() []tokenCompletor {
	h.mu.Lock()
	defer h.mu.Unlock()
	tokens := h.tokens
	h.tokens = nil
	return tokens
}

// fail ends all that wait.
func (h *held) fail() {
	for _, token := range h.take() {
		lost(token)
	}
}

// subscribed are filters that the server has granted.
type subscribed struct {
	mu      sync.Mutex
	filters []engine.Filter
}

// add notes the filters whose codes are no refusals.
func (s *subscribed) add(filters []engine.Filter, codes []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, filter := range filters {
		if i < len(codes) && codes[i] < 0x80 {
			s.filters = slices.DeleteFunc(s.filters, func(f engine.Filter) bool { return f.Topic == filter.Topic })
			s.filters = append(s.filters, filter)
		}
	}
}

func (s *subscribed) remove(topics []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filters = slices.DeleteFunc(s.filters, func(f engine.Filter) bool { return slices.Contains(topics, f.Topic) })
}

func (s *subscribed) all() []engine.Filter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.filters)
}

// mayAsk returns why a subscribe or unsubscribe cannot be taken now, or nil.
func (c *client) mayAsk() error {
	at := c.status.now()
	switch {
	case at == connected:
		return nil
	case !c.IsConnected():
		return ErrNotConnected
	case !c.options.ResumeSubs:
		return errNotHeld
	case c.options.CleanSession && at == reconnecting:
		return errHeldInVain
	}
	return nil
}

func (c *client) Subscribe(topic string, qos byte, callback MessageHandler) Token {
	token := newSubscribeToken()
	if err := c.mayAsk(); err != nil {
		token.setError(err)
		return token
	}
	if err := checkFilter(topic, qos); err != nil {
		token.setError(err)
		return token
	}
	token.filters = []engine.Filter{{Topic: topic, Options: qos}}
	topic = withoutGroup(topic)
	token.subs = []string{topic}
	if callback != nil {
		c.router.add(topic, callback)
	}
	c.ask(token)
	return token
}

func (c *client) SubscribeMultiple(filters map[string]byte, callback MessageHandler) Token {
	token := newSubscribeToken()
	if err := c.mayAsk(); err != nil {
		token.setError(err)
		return token
	}
	if len(filters) == 0 {
		token.setError(errNoFilters)
		return token
	}
	for topic, qos := range filters {
		if err := checkFilter(topic, qos); err != nil {
			token.setError(err)
			return token
		}
		token.filters = append(token.filters, engine.Filter{Topic: topic, Options: qos})
		token.subs = append(token.subs, topic)
	}
	if callback != nil {
		for topic := range filters {
			c.router.add(topic, callback)
		}
	}
	c.ask(token)
	return token
}

func (c *client) Unsubscribe(topics ...string) Token {
	token := &UnsubscribeToken{}
	if err := c.mayAsk(); err != nil {
		token.setError(err)
		return token
	}
	token.filters = slices.Clone(topics)
	if c.ask(token) {
		for _, topic := range topics {
			c.router.remove(topic)
		}
	}
	return token
}

// ask sends a subscribe or unsubscribe, or holds it until there is a connection. It returns true if it has been sent.
func (c *client) ask(token tokenCompletor) bool {
	if c.status.now() != connected {
		c.held.add(token)
		if c.status.now() == connected { // since this moment; nobody may have seen the token
			c.sendHeld()
		}
		return false
	}
	return c.send(token)
}

// send sends a subscribe or unsubscribe.
func (c *client) send(token tokenCompletor) bool {
	timedOut := errSubscribeTimeout
	if _, isUnsubscribe := token.(*UnsubscribeToken); isUnsubscribe {
		timedOut = errUnsubscribeTimeout
	}
	err := c.withRoom(timedOut, func() error {
		s := c.session.Load()
		if s == nil {
			return ErrNotConnected
		}
		c.pending.Lock()
		defer c.pending.Unlock()
		var turn uint64
		var err error
		switch t := token.(type) {
		case *SubscribeToken:
			turn, err = s.engine.Subscribe(t.filters, nil)
		case *UnsubscribeToken:
			turn, err = s.engine.Unsubscribe(t.filters, nil)
		}
		if err == nil {
			c.pending.add(turn, token)
		}
		return err
	})
	if errors.Is(err, ErrNotConnected) && c.options.ResumeSubs { // lost at this moment
		c.held.add(token)
		return false
	}
	if err != nil {
		token.setError(err)
	}
	return err == nil
}

// sendHeld sends what has waited for this connection.
func (c *client) sendHeld() {
	for _, token := range c.held.take() {
		c.send(token)
	}
}

// asked handles the loss of a connection for a subscribe or unsubscribe that has no answer yet.
func (c *client) asked(token tokenCompletor) {
	if c.options.ResumeSubs {
		c.held.add(token)
		return
	}
	lost(token)
}
