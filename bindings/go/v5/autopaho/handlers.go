package autopaho

import (
	"errors"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// PublishReceived is what a handler is told about a message.
type PublishReceived struct {
	paho.PublishReceived
	ConnectionManager *ConnectionManager
}

// handlers are those that AddOnPublishReceived added. They stay over connections: each client has all of them as the last of its own handlers.
type handlers struct {
	manager *ConnectionManager
	mu      sync.Mutex // for those who change the list
	list    atomic.Pointer[[]*handler]
	// goesUp is true while OnConnectionUp runs.
	goesUp atomic.Bool
}

type handler struct {
	call func(PublishReceived) (bool, error)
	// once is set for those that OnConnectionUp has added. They are of that connection, for OnConnectionUp adds them again on the next one.
	once bool
}

// install makes the handlers, and the router before them, part of what each client calls.
func (h *handlers) install(cfg *ClientConfig) {
	h.list.Store(&[]*handler{})
	calls := slices.Clone(cfg.OnPublishReceived)
	if router := cfg.Router; router != nil {
		calls = append(calls, func(received paho.PublishReceived) (bool, error) {
			router.Route(received.Packet.Packet())
			return false, nil
		})
		cfg.Router = nil
	}
	cfg.OnPublishReceived = append(calls, h.call)
}

// call hands a message to each handler, with what those before it returned.
func (h *handlers) call(received paho.PublishReceived) (bool, error) {
	list := *h.list.Load()
	if len(list) == 0 {
		return false, nil
	}
	before := len(received.Errs)
	handled := false
	for _, handler := range list {
		now, err := handler.call(PublishReceived{PublishReceived: received, ConnectionManager: h.manager})
		handled = handled || now
		received.AlreadyHandled = received.AlreadyHandled || now
		received.Errs = append(received.Errs[:len(received.Errs):len(received.Errs)], err)
	}
	return handled, errors.Join(received.Errs[before:]...)
}

// connectionUp calls the program's OnConnectionUp.
func (m *ConnectionManager) connectionUp(connack *paho.Connack) {
	m.handlers.remove(func(h *handler) bool { return h.once })
	m.handlers.goesUp.Store(true)
	defer m.handlers.goesUp.Store(false)
	m.cfg.OnConnectionUp(m, connack)
}

// callsUp is the name that the runtime gives connectionUp.
var callsUp = runtime.FuncForPC(reflect.ValueOf((*ConnectionManager).connectionUp).Pointer()).Name()

// isWithinUp returns true if OnConnectionUp calls, on its goroutine. Others may call at the same time.
func (h *handlers) isWithinUp() bool {
	if !h.goesUp.Load() {
		return false
	}
	callers := make([]uintptr, 1024)
	for frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)]); ; {
		frame, more := frames.Next()
		if frame.Function == callsUp {
			return true
		}
		if !more {
			return false
		}
	}
}

// remove removes handlers.
func (h *handlers) remove(which func(*handler) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(*h.list.Load()), which)
	h.list.Store(&list)
}

// AddOnPublishReceived adds a handler of messages, which is called after those that are there already, on this connection and on all that follow.
// A handler that OnConnectionUp adds is called on this connection only: OnConnectionUp is called again on the next one. AddOnPublishReceived
// returns a function that removes the handler.
func (m *ConnectionManager) AddOnPublishReceived(f func(PublishReceived) (bool, error)) func() {
	h := &m.handlers
	added := &handler{f, h.isWithinUp()}
	h.mu.Lock()
	defer h.mu.Unlock()
	list := append(slices.Clone(*h.list.Load()), added)
	h.list.Store(&list)
	return func() { h.remove(func(other *handler) bool { return other == added }) }
}
