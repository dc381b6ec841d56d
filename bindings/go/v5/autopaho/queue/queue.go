// Package queue has the interface of the queues from which autopaho publishes.
package queue

import (
	"errors"
	"io"
)

// ErrEmpty is what Peek returns if there is nothing in the queue.
var ErrEmpty = errors.New("empty queue")

// Entry is one entry of a queue. Who has got it must call Leave, Remove or Quarantine, and after that no more method of it, before the next Peek.
type Entry interface {
	Reader() (io.Reader, error) // returns the content; may return the same reader each time
	Leave() error               // leaves the entry where it is: the next Peek returns it again
	Remove() error              // takes the entry out of the queue
	Quarantine() error          // takes the entry out of the queue because it is no packet; may keep it to be looked at
}

// Queue is a queue of packets. One goroutine takes from it, any number put into it.
type Queue interface {
	// Wait returns a channel that is closed once there is something in the queue.
	Wait() chan struct{}
	// Enqueue puts what p has at the end of the queue.
	Enqueue(p io.Reader) error
	// Peek returns the oldest entry, which stays in the queue, or ErrEmpty.
	Peek() (Entry, error)
}
