// Package waiters has what goroutines wait on for the state of a queue.
package waiters

// List is one channel that all who wait share: a list of one for each would grow with each wait that was given up.
type List struct{ shared chan struct{} }

// closed is what those get who need not wait.
var closed = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// Wait returns a channel that is closed now if ready, and else when Wake is called. The caller holds the lock that protects the list.
func (l *List) Wait(ready bool) chan struct{} {
	if ready {
		return closed
	}
	if l.shared == nil {
		l.shared = make(chan struct{})
	}
	return l.shared
}

// Wake closes the channel on which goroutines wait. The caller holds the lock that protects the list.
func (l *List) Wake() {
	if l.shared != nil {
		close(l.shared)
		l.shared = nil
	}
}
