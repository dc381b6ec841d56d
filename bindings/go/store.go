package mqtt

import (
	"strconv"
	"strings"

	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

// A Store keeps what must outlive a connection or the process: messages with QoS 1 and 2, and with ResumeSubs subscribes and
// unsubscribes, until they are acknowledged. The client calls it from several goroutines, one call at a time for each client. A Store must not
// call the client that uses it.
//
// Keys are "o." and the identifier for packets on their way out, "i." and the identifier for incoming ones.
type Store interface {
	// Open is called before every other function, each time Connect is called.
	Open()
	// Put stores a packet in place of the one that has the key.
	Put(key string, message packets.ControlPacket)
	// Get returns the packet that has the key, or nil.
	Get(key string) packets.ControlPacket
	// All returns all keys. The client sends the packets again in their order.
	All() []string
	// Del removes the packet that has the key, if there is one.
	Del(key string)
	// Close is called when the client has disconnected.
	Close()
	// Reset removes all packets.
	Reset()
}

const (
	inboundPrefix  = "i."
	outboundPrefix = "o."
)

func outboundKey(id uint16) string { return outboundPrefix + strconv.Itoa(int(id)) }

// idOfKey returns the identifier in a key; false if the key is none of this package's.
func idOfKey(key string) (uint16, bool) {
	digits, found := strings.CutPrefix(key, outboundPrefix)
	if !found {
		digits, found = strings.CutPrefix(key, inboundPrefix)
	}
	id, err := strconv.ParseUint(digits, 10, 16)
	return uint16(id), found && err == nil
}
