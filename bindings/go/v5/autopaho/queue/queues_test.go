package queue_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue/file"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue/memory"
)

type waitable interface {
	queue.Queue
	WaitForEmpty() chan struct{}
}

func queues(t *testing.T, test func(*testing.T, waitable)) {
	t.Run("memory", func(t *testing.T) { test(t, memory.New()) })
	t.Run("file", func(t *testing.T) { test(t, open(t, t.TempDir())) })
}

func open(t *testing.T, directory string) *file.Queue {
	t.Helper()
	q, err := file.New(directory, "q", "msg")
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func put(t *testing.T, q queue.Queue, text string) {
	t.Helper()
	if err := q.Enqueue(strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
}

// take returns the oldest entry's content, and does with the entry what is said.
func take(t *testing.T, q queue.Queue, then func(queue.Entry) error) string {
	t.Helper()
	entry, err := q.Peek()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := entry.Reader()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := then(entry); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestFirstInFirstOut(t *testing.T) {
	queues(t, func(t *testing.T, q waitable) {
		n := 300
		if _, ok := q.(*memory.Queue); ok {
			n = 3000 // so many that it moves its entries
		}
		for i := range n {
			put(t, q, fmt.Sprint(i))
		}
		if got := take(t, q, queue.Entry.Leave); got != "0" {
			t.Errorf("%q is first", got)
		}
		for i := range n {
			if got := take(t, q, queue.Entry.Remove); got != fmt.Sprint(i) {
				t.Fatalf("%q instead of %d", got, i)
			}
			if i%3 == 0 {
				put(t, q, fmt.Sprint(n+i/3))
			}
		}
		for i := range n / 3 {
			if got := take(t, q, queue.Entry.Quarantine); got != fmt.Sprint(n+i) {
				t.Fatalf("%q instead of %d", got, n+i)
			}
		}
		if _, err := q.Peek(); !errors.Is(err, queue.ErrEmpty) {
			t.Error(err)
		}
	})
}

func TestWaiting(t *testing.T) {
	queues(t, func(t *testing.T, q waitable) {
		for range 3 {
			filled := q.Wait()
			if isClosed(filled) || !isClosed(q.WaitForEmpty()) {
				t.Error("an empty queue is not")
			}
			put(t, q, "x")
			emptied := q.WaitForEmpty()
			if !isClosed(filled) || !isClosed(q.Wait()) || isClosed(emptied) {
				t.Error("a queue with an entry has none")
			}
			take(t, q, queue.Entry.Leave)
			if isClosed(emptied) {
				t.Error("an entry that was left is gone")
			}
			take(t, q, queue.Entry.Remove)
			if !isClosed(emptied) {
				t.Error("an entry that was removed is there")
			}
		}
	})
}

func TestManyProducers(t *testing.T) {
	queues(t, func(t *testing.T, q waitable) {
		const producers, each = 8, 50
		var done sync.WaitGroup
		for p := range producers {
			done.Add(1)
			go func() {
				defer done.Done()
				for i := range each {
					put(t, q, fmt.Sprintf("%d %d", p, i))
				}
			}()
		}
		next := make([]int, producers)
		for range producers * each {
			<-q.Wait()
			var p, i int
			fmt.Sscan(take(t, q, queue.Entry.Remove), &p, &i)
			if i != next[p] {
				t.Errorf("entry %d of producer %d instead of %d", i, p, next[p])
			}
			next[p]++
		}
		done.Wait()
		<-q.WaitForEmpty()
	})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("torn") }

func TestWhatCannotBeReadIsNotQueued(t *testing.T) {
	queues(t, func(t *testing.T, q waitable) {
		if err := q.Enqueue(io.MultiReader(strings.NewReader("half"), failing{})); err == nil {
			t.Error("no error")
		}
		if _, err := q.Peek(); !errors.Is(err, queue.ErrEmpty) || isClosed(q.Wait()) {
			t.Error("half an entry is in the queue")
		}
	})
}

func TestMemoryRemoveFromEmpty(t *testing.T) {
	q := memory.New()
	_, readerErr := q.Reader()
	for _, err := range []error{q.Remove(), q.Quarantine(), readerErr} {
		if !errors.Is(err, queue.ErrEmpty) {
			t.Error(err)
		}
	}
}

// Files outlive the queue, those of others are left alone, and entries that were no packets stay to be looked at.
func TestFiles(t *testing.T) {
	directory := t.TempDir()
	first := open(t, directory)
	for i := range 20 {
		put(t, first, fmt.Sprint(i))
	}
	if err := os.WriteFile(filepath.Join(directory, "other"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	second := open(t, directory)
	if !isClosed(second.Wait()) {
		t.Error("empty after it was opened again")
	}
	for i := range 19 {
		if got := take(t, second, queue.Entry.Remove); got != fmt.Sprint(i) {
			t.Fatalf("%q instead of %d", got, i)
		}
	}
	take(t, second, queue.Entry.Quarantine)
	put(t, first, "found when nothing else is left") // by another process, as it were
	if got := take(t, second, queue.Entry.Remove); !strings.HasPrefix(got, "found") {
		t.Errorf("%q", got)
	}
	put(t, first, "last")
	if got := take(t, first, queue.Entry.Remove); got != "last" { // the other took all that was before it
		t.Errorf("%q", got)
	}
	if _, err := first.Peek(); !errors.Is(err, queue.ErrEmpty) {
		t.Error(err)
	}
	var names []string
	entries, _ := os.ReadDir(directory)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	if len(names) != 2 || names[0] != "other" || !strings.HasSuffix(names[1], ".msg.CORRUPT") {
		t.Errorf("%q", names)
	}
}
