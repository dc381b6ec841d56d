package engine

import (
	"errors"
	"fmt"
)

// The engine's errors that callers tell apart.
var (
	ErrClosed       = errors.New("the client has been closed")
	ErrArgument     = errors.New("a value that no packet can carry")
	ErrState        = errors.New("not in this state")
	ErrDisconnected = errors.New("there is no connection")
	ErrRoom         = errors.New("too much waits to be written")
	ErrNoID         = errors.New("all packet identifiers are in use")
	ErrNotAllowed   = errors.New("the server does not allow it")
	ErrNotStored    = errors.New("the store refused")
	ErrNotFound     = errors.New("no such operation")
)

// tooSmall is the number of MQTTOxide_E_TOO_SMALL.
const tooSmall = -11

// failure returns the error for a function's negative result, or nil.
func failure(code int64) error {
	switch code {
	case -1:
		return ErrClosed
	case -4:
		return ErrArgument
	case -5:
		return ErrState
	case -6:
		return ErrDisconnected
	case -7:
		return ErrRoom
	case -8:
		return ErrNoID
	case -9:
		return ErrNotAllowed
	case -10:
		return ErrNotStored
	case -13:
		return ErrNotFound
	}
	if code < 0 {
		return fmt.Errorf("paho-oxide: %s", errorName(code))
	}
	return nil
}
