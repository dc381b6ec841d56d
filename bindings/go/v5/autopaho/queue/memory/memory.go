// Package memory has a queue in memory. What is in it is lost when the program ends.
package memory

import (
	"fmt"
	"io"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/queued"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/waiters"
)

// shrinkAt is how many removed entries the slice of entries may begin with before the others are moved to its start.
const shrinkAt = 1024

// Queue is a queue in memory. It grows as long as more is put into it than is taken: the program must limit that.
type Queue struct {
	mu      sync.Mutex
	entries []queued.Entry // those before first were removed
	first   int
	filled  waiters.List // of those who wait until something is in the queue
	emptied waiters.List // of those who wait until nothing is
}

// New returns an empty queue.
func New() *Queue { return &Queue{} }

func (q *Queue) empty() bool { return q.first == len(q.entries) }

// Wait returns a channel that is closed once there is something in the queue.
func (q *Queue) Wait() chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.filled.Wait(!q.empty())
}

// WaitForEmpty returns a channel that is closed once there is nothing in the queue.
func (q *Queue) WaitForEmpty() chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.emptied.Wait(q.empty())
}

// Enqueue puts what p has at the end of the queue.
func (q *Queue) Enqueue(p io.Reader) error {
	entry, err := queued.Read(p)
	if err != nil {
		return fmt.Errorf("cannot read what is to be queued: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.entries = append(q.entries, entry)
	q.filled.Wake()
	return nil
}

// Peek returns the oldest entry, which stays in the queue, or queue.ErrEmpty.
func (q *Queue) Peek() (queue.Entry, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.empty() {
		return nil, queue.ErrEmpty
	}
	return q, nil // the methods of an entry are the queue's, since the entry is always the oldest
}

// Reader returns the content of the oldest entry.
func (q *Queue) Reader() (io.Reader, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.empty() {
		return nil, queue.ErrEmpty
	}
	return q.entries[q.first].Reader(), nil
}

// Leave does nothing: the entry is in the queue.
func (q *Queue) Leave() error { return nil }

// Remove takes the oldest entry out of the queue. If there is none it returns queue.ErrEmpty.
func (q *Queue) Remove() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.empty() {
		return queue.ErrEmpty
	}
	q.entries[q.first] = queued.Entry{}
	q.first++
	switch {
	case q.empty():
		q.entries, q.first = q.entries[:0], 0
		q.emptied.Wake()
	case q.first >= shrinkAt && q.first*2 >= len(q.entries):
		left := copy(q.entries, q.entries[q.first:])
		clear(q.entries[left:])
		q.entries, q.first = q.entries[:left], 0
	}
	return nil
}

// Quarantine does what Remove does: memory has no place where the entry could be looked at later.
func (q *Queue) Quarantine() error { return q.Remove() }
