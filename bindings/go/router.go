package mqtt

import (
	"slices"
	"sync"
	"sync/atomic"
)

// A route sends the messages of a filter to a handler.
type route struct {
	filter  string
	handler MessageHandler
}

// A routeTable is never changed, but replaced, so that dispatching reads it without a lock.
type routeTable struct {
	routes   []route
	fallback MessageHandler
}

// A router knows which handlers a message goes to.
type router struct {
	changing sync.Mutex
	table    atomic.Pointer[routeTable]
}

func newRouter(fallback MessageHandler) *router {
	r := &router{}
	r.table.Store(&routeTable{fallback: fallback})
	return r
}

// change replaces the table by what edit makes of a copy of its routes.
func (r *router) change(edit func([]route) []route) {
	r.changing.Lock()
	defer r.changing.Unlock()
	old := r.table.Load()
	r.table.Store(&routeTable{routes: edit(slices.Clone(old.routes)), fallback: old.fallback})
}

// add gives a filter a handler, in place of the one it has.
func (r *router) add(filter string, handler MessageHandler) {
	r.change(func(routes []route) []route {
		for i := range routes {
			if routes[i].filter == filter {
				routes[i].handler = handler
				return routes
			}
		}
		return append(routes, route{filter, handler})
	})
}

// remove takes a filter's handler away.
func (r *router) remove(filter string) {
	r.change(func(routes []route) []route {
		return slices.DeleteFunc(routes, func(r route) bool { return r.filter == filter })
	})
}

// handlers returns the handlers of a topic's messages: all whose filters match, in the order in which they were added, or the
// fallback, or none.
func (t *routeTable) handlers(topic string) []MessageHandler {
	var found []MessageHandler
	for i := range t.routes {
		if matches(t.routes[i].filter, topic) {
			found = append(found, t.routes[i].handler)
		}
	}
	if found == nil && t.fallback != nil {
		found = []MessageHandler{t.fallback}
	}
	return found
}

// A routeCache remembers the last topic's handlers, for messages mostly come in runs. One goroutine uses it.
type routeCache struct {
	table    *routeTable
	topic    string
	handlers []MessageHandler
}

func (c *routeCache) handlersOf(r *router, topic string) []MessageHandler {
	if table := r.table.Load(); table != c.table || topic != c.topic {
		c.table, c.topic, c.handlers = table, topic, table.handlers(topic)
	}
	return c.handlers
}
