// Package file has a queue in a directory, one file for each entry. What is in it outlives the program.
package file

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/directory"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/internal/waiters"
)

// Queue is a queue in a directory. The names of its files begin with a prefix and end with an extension, and the oldest is the first.
//
// The queue reads the directory when it is opened, and again whenever it has removed all that it knows of: then it finds what another process put there.
type Queue struct {
	files *directory.Files

	mu      sync.Mutex
	known   []string // the middles of the names of the entries, the oldest first
	number  int      // of the entries that this queue put there
	start   string   // what their names begin with
	filled  waiters.List
	emptied waiters.List
}

// New returns a queue in the directory path, which it makes if there is none. It returns an error if it cannot write files there and read them.
func New(path string, prefix string, extension string) (*Queue, error) {
	files, err := directory.Open(path, prefix, extension)
	if err != nil {
		return nil, err
	}
	q := &Queue{files: files, start: fmt.Sprintf("%d-%d-", time.Now().UnixNano(), os.Getpid())}
	q.known, err = files.List()
	if err != nil {
		return nil, err
	}
	return q, nil
}

// Wait returns a channel that is closed once there is something in the queue.
func (q *Queue) Wait() chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.filled.Wait(len(q.known) > 0)
}

// WaitForEmpty returns a channel that is closed once there is nothing in the queue.
func (q *Queue) WaitForEmpty() chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.emptied.Wait(len(q.known) == 0)
}

// Enqueue puts what p has into a new file. It does not wait until the file is on the disk: what was put there just before the power failed may be lost.
func (q *Queue) Enqueue(p io.Reader) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.number++
	middle := fmt.Sprintf("%s%d", q.start, q.number)
	err := q.files.Write(middle, false, func(to io.Writer) error {
		_, err := io.Copy(to, p)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot write what is to be queued: %w", err)
	}
	q.known = append(q.known, middle)
	q.filled.Wake()
	return nil
}

// Peek returns the oldest entry, which stays in the queue, or queue.ErrEmpty.
func (q *Queue) Peek() (queue.Entry, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.known) == 0 {
		if err := q.look(); err != nil {
			return nil, err
		}
	}
	for len(q.known) > 0 {
		middle := q.known[0]
		file, err := os.Open(q.files.Name(middle))
		if err == nil {
			return &entry{q, middle, file}, nil
		}
		if !os.IsNotExist(err) {
			return nil, err
		}
		q.forget(middle) // somebody else took it
	}
	return nil, queue.ErrEmpty
}

// look reads the directory.
func (q *Queue) look() (err error) {
	q.known, err = q.files.List()
	if len(q.known) > 0 {
		q.filled.Wake()
	}
	return err
}

// forget drops an entry whose file is gone.
func (q *Queue) forget(middle string) {
	if i := slices.Index(q.known, middle); i == 0 {
		q.known = q.known[1:]
	} else if i > 0 {
		q.known = slices.Delete(q.known, i, i+1)
	}
	if len(q.known) == 0 && q.look() == nil && len(q.known) == 0 {
		q.emptied.Wake()
	}
}

// entry is an open file of the queue.
type entry struct {
	queue  *Queue
	middle string
	file   *os.File
}

// Reader returns the content.
func (e *entry) Reader() (io.Reader, error) { return e.file, nil }

// Leave closes the file, which stays in the queue.
func (e *entry) Leave() error { return e.file.Close() }

// Remove removes the file.
func (e *entry) Remove() error {
	return e.take(func(name string) error { return os.Remove(name) })
}

// Quarantine gives the file a name that ends with .CORRUPT, or removes it if that fails: else the queue would meet it again and again.
func (e *entry) Quarantine() error {
	return e.take(func(name string) error {
		err := os.Rename(name, name+directory.Corrupt)
		if err == nil {
			return nil
		}
		if removeErr := os.Remove(name); removeErr != nil {
			return errors.Join(err, removeErr)
		}
		return fmt.Errorf("removed, since it could not be renamed: %w", err)
	})
}

// take closes the file, lets away remove it, and drops the entry unless the file is still there.
func (e *entry) take(away func(name string) error) error {
	e.queue.mu.Lock()
	defer e.queue.mu.Unlock()
	name := e.file.Name()
	err := errors.Join(away(name), e.file.Close())
	if _, statErr := os.Lstat(name); os.IsNotExist(statErr) {
		e.queue.forget(e.middle)
	}
	return err
}
