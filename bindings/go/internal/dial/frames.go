package dial

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Frame types and bits of RFC 6455.
const (
	opContinuation = 0
	opText         = 1
	opBinary       = 2
	opClose        = 8
	opPing         = 9
	opPong         = 10
	bitFinal       = 0x80
	bitMasked      = 0x80
	bitsReserved   = 0x70
	maxControl     = 125
	length16       = 126
	length64       = 127
)

// frames is a WebSocket connection as a stream of bytes: the payloads of binary frames, one after the other, however the server cuts them
// [MQTT-6.0.0-2].
type frames struct {
	net.Conn
	reading sync.Mutex
	from    *bufio.Reader
	left    uint64 // unread bytes of the present data frame
	inside  bool   // the present message has more frames
	writing sync.Mutex
	out     []byte
}

func newFrames(conn net.Conn, from *bufio.Reader) *frames { return &frames{Conn: conn, from: from} }

// Read reads payload bytes. It answers pings, and returns io.EOF when the server closes.
func (f *frames) Read(p []byte) (int, error) {
	f.reading.Lock()
	defer f.reading.Unlock()
	for f.left == 0 {
		if len(p) == 0 {
			return 0, nil
		}
		if err := f.nextData(); err != nil {
			return 0, err
		}
	}
	if uint64(len(p)) > f.left {
		p = p[:f.left]
	}
	n, err := f.from.Read(p)
	f.left -= uint64(n)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// nextData reads frame heads, and serves control frames, up to the head of a data frame.
func (f *frames) nextData() error {
	for {
		var head [2]byte
		if _, err := io.ReadFull(f.from, head[:]); err != nil {
			return err
		}
		length := uint64(head[1] &^ bitMasked)
		switch length {
		case length16:
			var b [2]byte
			if _, err := io.ReadFull(f.from, b[:]); err != nil {
				return err
			}
			length = uint64(binary.BigEndian.Uint16(b[:]))
		case length64:
			var b [8]byte
			if _, err := io.ReadFull(f.from, b[:]); err != nil {
				return err
			}
			length = binary.BigEndian.Uint64(b[:])
		}
		final, op := head[0]&bitFinal != 0, head[0]&0x0f
		switch {
		case head[0]&bitsReserved != 0:
			return errors.New("websocket: reserved bits set")
		case head[1]&bitMasked != 0:
			return errors.New("websocket: masked frame from the server")
		case op == opBinary && !f.inside, op == opContinuation && f.inside:
			f.inside, f.left = !final, length
			return nil
		case op == opText: // [MQTT-6.0.0-1]
			return errors.New("websocket: text frame")
		case op < opClose:
			return fmt.Errorf("websocket: frame type %d out of place", op)
		case !final || length > maxControl:
			return errors.New("websocket: malformed control frame")
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(f.from, payload); err != nil {
			return err
		}
		switch op {
		case opClose:
			_ = f.send(opClose, payload[:min(len(payload), 2)])
			return io.EOF
		case opPing:
			if err := f.send(opPong, payload); err != nil {
				return err
			}
		case opPong:
		default:
			return fmt.Errorf("websocket: unknown frame type %d", op)
		}
	}
}

// Write sends p as one binary frame.
func (f *frames) Write(p []byte) (int, error) {
	if err := f.send(opBinary, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// send writes one frame, masked as RFC 6455 demands of clients.
func (f *frames) send(op byte, payload []byte) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	out := append(f.out[:0], bitFinal|op)
	switch n := len(payload); {
	case n <= maxControl:
		out = append(out, bitMasked|byte(n))
	case n < 1<<16:
		out = binary.BigEndian.AppendUint16(append(out, bitMasked|length16), uint16(n))
	default:
		out = binary.BigEndian.AppendUint64(append(out, bitMasked|length64), uint64(n))
	}
	var mask [8]byte
	rand.Read(mask[:4])
	copy(mask[4:], mask[:4])
	out = append(out, mask[:4]...)
	start := len(out)
	out = append(out, payload...)
	applyMask(out[start:], mask)
	if cap(out) <= maxHandshake {
		f.out = out
	}
	_, err := f.Conn.Write(out)
	return err
}

// applyMask masks data, eight bytes at a time.
func applyMask(data []byte, mask [8]byte) {
	word := binary.NativeEndian.Uint64(mask[:])
	for ; len(data) >= 8; data = data[8:] {
		binary.NativeEndian.PutUint64(data, binary.NativeEndian.Uint64(data)^word)
	}
	for i := range data {
		data[i] ^= mask[i]
	}
}
