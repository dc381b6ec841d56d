//go:build cgo && !standin

package engine

/*
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__) && defined(__x86_64__) && !__has_include("paho_oxide.h")
#error paho-oxide: the engine is missing. In a working copy run "make go-archive" first, or install libpaho-oxide and build with: go build -tags dynamic
#endif
#include "paho_oxide.h"

#cgo noescape MQTTOxide_driveEvents
#cgo nocallback MQTTOxide_driveEvents
#cgo noescape MQTTOxide_feedEvents
#cgo nocallback MQTTOxide_feedEvents
#cgo noescape MQTTOxide_nextEvents
#cgo nocallback MQTTOxide_nextEvents
#cgo noescape MQTTOxide_take
#cgo nocallback MQTTOxide_take
#cgo noescape MQTTOxide_ack
#cgo nocallback MQTTOxide_ack
#cgo nocallback MQTTOxide_wants
#cgo nocallback MQTTOxide_deadlineMs

static int32_t oxide_publish(uint64_t client, const char *topic, uint32_t topic_len, const void *payload, uint32_t payload_len,
                             const void *props, uint32_t props_len, uint32_t flags, uint64_t *token, uint32_t *id_and_status) {
	struct MQTTOxide_published result;
	memset(&result, 0, sizeof result);
	result.size = sizeof result;
	int32_t code = MQTTOxide_publish(client, topic, topic_len, payload, payload_len, props, props_len, flags, &result);
	*token = result.token;
	*id_and_status = (uint32_t)result.packet_id << 16 | result.status;
	return code;
}
#cgo noescape oxide_publish
#cgo nocallback oxide_publish

static int32_t oxide_writable(int32_t fd) {
	struct pollfd socket = {.fd = fd, .events = POLLOUT};
	return poll(&socket, 1, 0) > 0;
}
#cgo nocallback oxide_writable
*/
import "C"

import (
	"runtime"
	"time"
	"unsafe"
)

// adopt says that plain sockets are handed to the engine.
const adopt = true

// This file is the only one that calls C. Memory of Go's is lent to C for the length of a call. Where a struct holds pointers, the memory
// behind them is pinned for that time.

func chars(s string) *C.char          { return (*C.char)(unsafe.Pointer(unsafe.StringData(s))) }
func pointer(b []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(b)) }

func errorName(code int64) string { return C.GoString(C.MQTTOxide_errorName(C.int32_t(code))) }

func createQueue() (uint64, error) {
	var queue C.uint64_t
	code := C.MQTTOxide_createQueue(&queue)
	return uint64(queue), failure(int64(code))
}

func destroyQueue(queue uint64) { C.MQTTOxide_destroyQueue(C.uint64_t(queue)) }

func create(queue uint64, o *Options) (uint64, error) {
	var pins runtime.Pinner
	defer pins.Unpin()
	var options C.struct_MQTTOxide_createOptions
	options.size = C.uint32_t(unsafe.Sizeof(options))
	options.flags = C.uint32_t(o.Flags)
	options.client_id, options.client_id_len = pinned(&pins, o.ClientID)
	options.version = C.uint32_t(o.Version)
	options.max_buffered = C.uint32_t(o.MaxBuffered)
	options.driver = wantsRead | wantsWrite | wantsTick
	if o.Store.Directory != "" {
		options.store = C.MQTTOxide_STORE_GO
		options.store_name, options.store_name_len = pinned(&pins, o.Store.Directory)
		name := pinned
		if o.Store.Exact {
			name = given
		}
		options.store_prefix, options.store_prefix_len = name(&pins, o.Store.Prefix)
		options.store_extension, options.store_extension_len = name(&pins, o.Store.Extension)
	}
	var handle C.uint64_t
	code := C.MQTTOxide_create(&handle, C.uint64_t(queue), &options)
	return uint64(handle), failure(int64(code))
}

// pinned returns a string's bytes, which stay where they are until the pins are taken off. An empty string has no bytes.
func pinned(pins *runtime.Pinner, s string) (*C.char, C.uint32_t) {
	if s == "" {
		return nil, 0
	}
	pins.Pin(unsafe.StringData(s))
	return chars(s), C.uint32_t(len(s))
}

func pinnedBytes(pins *runtime.Pinner, b []byte) (unsafe.Pointer, C.uint32_t) {
	if len(b) == 0 {
		return nil, 0
	}
	pins.Pin(unsafe.SliceData(b))
	return pointer(b), C.uint32_t(len(b))
}

// nothing is what the pointers of empty strings point at that are given, but empty: NULL would mean that they are not given.
var nothing = C.CString("")

// given is pinned for a string that is given even if it is empty.
func given(pins *runtime.Pinner, s string) (*C.char, C.uint32_t) {
	if s == "" {
		return nothing, 0
	}
	return pinned(pins, s)
}

func destroy(handle uint64) { C.MQTTOxide_destroy(C.uint64_t(handle)) }

// withOptions calls attach with C's form of a CONNECT.
func withOptions(c *Connect, attach func(*C.struct_MQTTOxide_connectOptions) C.int32_t) error {
	var pins runtime.Pinner
	defer pins.Unpin()
	var options C.struct_MQTTOxide_connectOptions
	options.size = C.uint32_t(unsafe.Sizeof(options))
	options.version = C.uint8_t(c.Version)
	options.session = C.uint8_t(c.Session)
	if c.Clean {
		options.clean = 1
	}
	options.keep_alive_s = C.uint32_t(c.KeepAlive)
	options.ping_timeout_ms = milliseconds(c.PingTimeout)
	if !c.Deadline.IsZero() {
		options.deadline_ms = max(milliseconds(time.Until(c.Deadline)), 1)
	}
	options.max_inflight = C.uint32_t(c.MaxInFlight)
	options.max_resume_inflight = C.uint32_t(c.MaxResumeInFlight)
	if c.ClientID != nil {
		options.client_id, options.client_id_len = given(&pins, *c.ClientID)
	}
	if c.Username != nil {
		options.username, options.username_len = given(&pins, *c.Username)
	}
	if c.Password != nil {
		options.password = unsafe.Pointer(nothing)
		if len(c.Password) > 0 {
			options.password, options.password_len = pinnedBytes(&pins, c.Password)
		}
	}
	options.props, options.props_len = pinnedBytes(&pins, c.Properties)
	if will := c.Will; will != nil {
		options.will_topic, options.will_topic_len = given(&pins, will.Topic)
		options.will_payload, options.will_payload_len = pinnedBytes(&pins, will.Payload)
		options.will_props, options.will_props_len = pinnedBytes(&pins, will.Properties)
		options.will_qos = C.uint8_t(will.QoS)
		if will.Retain {
			options.will_retain = 1
		}
	}
	return failure(int64(attach(&options)))
}

// milliseconds rounds up, so that a time of less than one is not taken for none.
func milliseconds(d time.Duration) C.uint32_t {
	if d <= 0 {
		return 0
	}
	return C.uint32_t(min((d+time.Millisecond-1)/time.Millisecond, 1<<31))
}

func attachFd(handle uint64, fd uintptr, connect *Connect) error {
	return withOptions(connect, func(options *C.struct_MQTTOxide_connectOptions) C.int32_t {
		return C.MQTTOxide_attachFd(C.uint64_t(handle), C.int32_t(fd), options)
	})
}

func attachStream(handle uint64, connect *Connect) error {
	return withOptions(connect, func(options *C.struct_MQTTOxide_connectOptions) C.int32_t {
		return C.MQTTOxide_attachStream(C.uint64_t(handle), options)
	})
}

func abort(handle uint64) { C.MQTTOxide_abort(C.uint64_t(handle)) }

func disconnect(handle uint64, wait time.Duration, reason byte, props []byte) error {
	return failure(int64(C.MQTTOxide_disconnect(C.uint64_t(handle), milliseconds(wait), C.uint8_t(reason), pointer(props), C.uint32_t(len(props)))))
}

func auth(handle uint64, reason byte, props []byte) error {
	return failure(int64(C.MQTTOxide_auth(C.uint64_t(handle), C.uint8_t(reason), pointer(props), C.uint32_t(len(props)))))
}

func eof(handle uint64, why string) {
	C.MQTTOxide_eof(C.uint64_t(handle), chars(why), C.uint32_t(len(why)))
}

func take(handle uint64, buffer []byte) int {
	return int(C.MQTTOxide_take(C.uint64_t(handle), pointer(buffer), C.uint32_t(len(buffer))))
}

func nextEvents(queue uint64, buffer []byte) int64 {
	return int64(C.MQTTOxide_nextEvents(C.uint64_t(queue), pointer(buffer), C.uint32_t(len(buffer)), 0, nil))
}

// eventSize returns the size of the first event in the queue.
func eventSize(queue uint64) int {
	var word [1]uint64
	var size C.uint32_t
	C.MQTTOxide_nextEvents(C.uint64_t(queue), unsafe.Pointer(&word), 8, 0, &size)
	return int(size)
}

func driveEvents(handle uint64, what uint32, buffer []byte) int64 {
	return int64(C.MQTTOxide_driveEvents(C.uint64_t(handle), C.uint32_t(what), pointer(buffer), C.uint32_t(len(buffer)), nil))
}

func feedEvents(handle uint64, bytes, buffer []byte) (int, int64) {
	var taken C.uint64_t
	n := C.MQTTOxide_feedEvents(C.uint64_t(handle), pointer(bytes), C.uint64_t(len(bytes)), &taken, pointer(buffer), C.uint32_t(len(buffer)), nil)
	return int(taken), int64(n)
}

func wants(handle uint64) int { return int(C.MQTTOxide_wants(C.uint64_t(handle))) }

func deadline(handle uint64) int64 { return int64(C.MQTTOxide_deadlineMs(C.uint64_t(handle))) }

// Bits of publish's flags above the QoS.
const (
	flagRetain    = 4
	flagDuplicate = 8
	flagNoWait    = 16
	flagLater     = 32
)

func publish(handle uint64, p *Publication, later bool) (Sent, error) {
	flags := C.uint32_t(p.QoS)
	if p.Retain {
		flags |= flagRetain
	}
	if p.Duplicate {
		flags |= flagDuplicate
	}
	if later {
		flags |= flagLater
	}
	if p.NoWait {
		flags |= flagNoWait
	}
	payload, length := pointer(p.Payload), len(p.Payload)
	if p.Payload == nil {
		payload, length = unsafe.Pointer(unsafe.StringData(p.Text)), len(p.Text)
	}
	var token C.uint64_t
	var idAndStatus C.uint32_t
	code := C.oxide_publish(C.uint64_t(handle), chars(p.Topic), C.uint32_t(len(p.Topic)), payload, C.uint32_t(length),
		pointer(p.Properties), C.uint32_t(len(p.Properties)), flags, &token, &idAndStatus)
	return Sent{Token: uint64(token), ID: uint16(idAndStatus >> 16), Status: uint16(idAndStatus)}, failure(int64(code))
}

func cancel(handle, token uint64) error {
	return failure(int64(C.MQTTOxide_cancel(C.uint64_t(handle), C.uint64_t(token))))
}

func subscribe(handle uint64, filters, props []byte) (uint64, error) {
	var token C.uint64_t
	code := C.MQTTOxide_subscribe(C.uint64_t(handle), pointer(filters), C.uint32_t(len(filters)), pointer(props), C.uint32_t(len(props)), &token)
	return uint64(token), failure(int64(code))
}

func unsubscribe(handle uint64, filters, props []byte) (uint64, error) {
	var token C.uint64_t
	code := C.MQTTOxide_unsubscribe(C.uint64_t(handle), pointer(filters), C.uint32_t(len(filters)), pointer(props), C.uint32_t(len(props)), &token)
	return uint64(token), failure(int64(code))
}

func ack(handle uint64, tokens []uint64, reason byte) (int, error) {
	n := C.MQTTOxide_ack(C.uint64_t(handle), (*C.uint64_t)(unsafe.SliceData(tokens)), C.uint32_t(len(tokens)), C.uint8_t(reason))
	if n < 0 {
		return 0, failure(int64(n))
	}
	return int(n), nil
}

func inFlight(handle uint64) []Operation {
	for capacity := 64; ; {
		list := make([]C.struct_MQTTOxide_operation, capacity)
		n := int(C.MQTTOxide_inFlight(C.uint64_t(handle), unsafe.SliceData(list), C.uint32_t(capacity)))
		if n > capacity {
			capacity = n
			continue
		}
		operations := make([]Operation, 0, max(n, 0))
		for i := range max(n, 0) {
			operations = append(operations, Operation{
				Token: uint64(list[i].token), ID: uint16(list[i].packet_id), QoS: byte(list[i].qos), State: byte(list[i].state),
			})
		}
		return operations
	}
}

// writable returns true if a write to the socket would not wait, be it because it would fail.
func writable(fd uintptr) bool { return C.oxide_writable(C.int32_t(fd)) != 0 }
