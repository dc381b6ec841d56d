package mqtt

import "sync"

// errors of calls whose connection ended; the texts are the original's.
type lostError string

func (e lostError) Error() string { return string(e) }

const (
	errPublishLost     = lostError("connection lost before Publish completed")
	errSubscribeLost   = lostError("connection lost before Subscribe completed")
	errUnsubscribeLost = lostError("connection lost before Unsubscribe completed")
)

// pending holds the tokens of calls that have not ended. Its lock is held across the call into the engine that starts an operation: the
// operation may end, on another goroutine, before the call returns.
type pending struct {
	sync.Mutex
	// calls are by the engine's token. An idle client has no map.
	calls map[uint64]tokenCompletor
	// unwritten are publishes with QoS 0 in the output of a connection that Go writes to, in their order.
	unwritten []unwritten
}

type unwritten struct {
	turn  uint64
	token *PublishToken
}

// add notes the token of an operation. The caller holds the lock.
func (p *pending) add(turn uint64, token tokenCompletor) {
	if p.calls == nil {
		p.calls = map[uint64]tokenCompletor{}
	}
	p.calls[turn] = token
}

// take removes and returns the tokens of count operations from the first one on. Those of an earlier process have none.
func (p *pending) take(first, count uint64, to []tokenCompletor) []tokenCompletor {
	p.Lock()
	defer p.Unlock()
	for turn := first; turn < first+count && len(p.calls) > 0; turn++ {
		if token, ok := p.calls[turn]; ok {
			delete(p.calls, turn)
			to = append(to, token)
		}
	}
	if len(p.calls) == 0 {
		p.calls = nil // a map keeps the room that a burst has taken
	}
	return to
}

// written ends the publishes with QoS 0 up to this turn.
func (p *pending) written(upTo uint64) {
	p.Lock()
	n := 0
	for n < len(p.unwritten) && p.unwritten[n].turn <= upTo {
		n++
	}
	ended := p.unwritten[:n]
	if p.unwritten = p.unwritten[n:]; len(p.unwritten) == 0 {
		p.unwritten = nil
	}
	p.Unlock()
	for i := range ended {
		ended[i].token.flowComplete()
		ended[i].token = nil
	}
}

// takeIf removes and returns the tokens that want returns true for.
func (p *pending) takeIf(want func(tokenCompletor) bool) []tokenCompletor {
	p.Lock()
	defer p.Unlock()
	var taken []tokenCompletor
	for turn, token := range p.calls {
		if want(token) {
			taken = append(taken, token)
			delete(p.calls, turn)
		}
	}
	return taken
}

// failUnwritten ends the publishes with QoS 0 that a connection took with it.
func (p *pending) failUnwritten(err error) {
	p.Lock()
	lost := p.unwritten
	p.unwritten = nil
	p.Unlock()
	for i := range lost {
		lost[i].token.setError(err)
	}
}

// lost ends a call with the error of its kind.
func lost(token tokenCompletor) {
	switch token.(type) {
	case *SubscribeToken:
		token.setError(errSubscribeLost)
	case *UnsubscribeToken:
		token.setError(errUnsubscribeLost)
	default:
		token.setError(errPublishLost)
	}
}
