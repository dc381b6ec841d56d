package paho

import (
	"strings"
	"sync"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/log"
)

// A MessageHandler is called with messages that a Router has sent to it.
type MessageHandler func(*Publish)

// A Router sends messages to handlers by their topics.
type Router interface {
	// RegisterHandler adds a handler for a topic filter.
	RegisterHandler(string, MessageHandler)
	// UnregisterHandler removes all handlers of a topic filter.
	UnregisterHandler(string)
	// Route calls the handlers of a message.
	Route(*packets.Publish)
	// SetDebugLogger sets where lines for debugging go.
	SetDebugLogger(log.Logger)
}

// A StandardRouter is a Router that calls every handler whose filter matches, in the order in which filters were first registered, and
// resolves topic aliases. Handlers may register and unregister handlers.
type StandardRouter struct {
	sync.RWMutex
	defaultHandler MessageHandler
	routes         []route
	aliases        map[uint16]string
	debug          log.Logger
}

type route struct {
	filter   string
	handlers []MessageHandler
}

// NewStandardRouter returns a router without handlers.
func NewStandardRouter() *StandardRouter {
	return &StandardRouter{aliases: map[uint16]string{}, debug: log.NOOPLogger{}}
}

// NewStandardRouterWithDefault returns a router that calls h with messages that no other handler is called with.
func NewStandardRouterWithDefault(h MessageHandler) *StandardRouter {
	r := NewStandardRouter()
	r.DefaultHandler(h)
	return r
}

// NewSingleHandlerRouter is NewStandardRouterWithDefault.
//
// Deprecated: it has this name since the original has it.
func NewSingleHandlerRouter(h MessageHandler) *StandardRouter {
	return NewStandardRouterWithDefault(h)
}

// RegisterHandler adds a handler for a topic filter.
func (r *StandardRouter) RegisterHandler(topic string, h MessageHandler) {
	r.Lock()
	defer r.Unlock()
	r.debug.Println("registering handler for:", topic)
	// Route reads the lists without the lock: they are replaced, never changed.
	routes := append([]route(nil), r.routes...)
	for i := range routes {
		if routes[i].filter == topic {
			routes[i].handlers = append(routes[i].handlers[:len(routes[i].handlers):len(routes[i].handlers)], h)
			r.routes = routes
			return
		}
	}
	r.routes = append(routes, route{topic, []MessageHandler{h}})
}

// UnregisterHandler removes all handlers of a topic filter.
func (r *StandardRouter) UnregisterHandler(topic string) {
	r.Lock()
	defer r.Unlock()
	r.debug.Println("unregistering handler for:", topic)
	var routes []route
	for _, route := range r.routes {
		if route.filter != topic {
			routes = append(routes, route)
		}
	}
	r.routes = routes
}

// DefaultHandler sets the handler that is called with messages that no other handler is called with; nil means none.
func (r *StandardRouter) DefaultHandler(h MessageHandler) {
	r.Lock()
	defer r.Unlock()
	r.debug.Println("registering default handler")
	r.defaultHandler = h
}

// SetDebugLogger sets where lines for debugging go.
func (r *StandardRouter) SetDebugLogger(l log.Logger) {
	r.Lock()
	defer r.Unlock()
	r.debug = l
}

// Route calls the handlers of a message.
func (r *StandardRouter) Route(pb *packets.Publish) {
	message := PublishFromPacketPublish(pb)
	r.Lock()
	r.debug.Println("routing message for:", pb.Topic)
	topic := r.resolve(message)
	routes, handler := r.routes, r.defaultHandler
	r.Unlock()

	handled := false
	for _, route := range routes {
		if matches(route.filter, topic) {
			for _, handler := range route.handlers {
				handler(message)
				handled = true
			}
		}
	}
	if !handled && handler != nil {
		handler(message)
	}
}

// resolve returns the topic to route a message by, and notes the topic that an alias stands for. The caller holds the lock.
func (r *StandardRouter) resolve(message *Publish) string {
	alias := message.Properties.TopicAlias
	if alias == nil {
		return message.Topic
	}
	if message.Topic != "" {
		r.debug.Printf("topic alias %d stands for '%s'", *alias, message.Topic)
		r.aliases[*alias] = message.Topic
	}
	return r.aliases[*alias]
}

// matches returns true if messages of the topic belong to the topic filter, which may be one of a shared subscription.
func matches(filter, topic string) bool {
	if filter == topic {
		return true
	}
	if strings.HasPrefix(filter, "$share") {
		parts := strings.SplitN(filter, "/", 3)
		if len(parts) < 3 {
			return false
		}
		filter = parts[2]
	}
	if filter == "" || topic == "" {
		return filter == topic || filter == "#"
	}
	for {
		level, restOfFilter, moreFilter := strings.Cut(filter, "/")
		if level == "#" {
			return true
		}
		name, restOfTopic, moreTopic := strings.Cut(topic, "/")
		if level != "+" && level != name {
			return false
		}
		switch {
		case !moreFilter:
			return !moreTopic
		case !moreTopic:
			return restOfFilter == "#" || strings.HasPrefix(restOfFilter, "#/")
		}
		filter, topic = restOfFilter, restOfTopic
	}
}
