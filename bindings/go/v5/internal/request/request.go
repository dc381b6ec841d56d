// Package request matches the responses of the two packages rpc to their requests.
package request

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
)

// start makes the correlation data of one run of a program other than those of the next.
var (
	start = strconv.FormatInt(time.Now().UnixNano(), 36)
	last  atomic.Uint64
)

// Pending are the requests that wait for their response.
type Pending struct {
	lock    sync.Locker
	waiting map[string]chan *paho.Publish
}

// New returns one that is protected by that lock.
func New(lock sync.Locker) *Pending {
	return &Pending{lock: lock, waiting: map[string]chan *paho.Publish{}}
}

// Do publishes a request, which it gives the response topic and correlation data, and waits for the response until ctx ends.
func (p *Pending) Do(ctx context.Context, request *paho.Publish, responseTopic string, publish func(context.Context, *paho.Publish) (*paho.PublishResponse, error)) (*paho.Publish, error) {
	correlation := start + "-" + strconv.FormatUint(last.Add(1), 36)
	response := make(chan *paho.Publish, 1)
	p.lock.Lock()
	p.waiting[correlation] = response
	p.lock.Unlock()
	defer p.take(correlation)
	if request.Properties == nil {
		request.Properties = &paho.PublishProperties{}
	}
	request.Properties.CorrelationData = []byte(correlation)
	request.Properties.ResponseTopic = responseTopic
	request.Retain = false
	if _, err := publish(ctx, request); err != nil {
		return nil, err
	}
	select {
	case message := <-response:
		return message, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Response hands a response to its request. What belongs to no request that waits has no effect.
func (p *Pending) Response(message *paho.Publish) {
	if message.Properties == nil {
		return
	}
	if response := p.take(string(message.Properties.CorrelationData)); response != nil {
		response <- message
	}
}

func (p *Pending) take(correlation string) chan *paho.Publish {
	p.lock.Lock()
	defer p.lock.Unlock()
	response := p.waiting[correlation]
	delete(p.waiting, correlation)
	return response
}
