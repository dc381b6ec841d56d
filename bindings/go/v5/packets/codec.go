package packets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// maxField is the longest string or binary field: its length has two bytes.
	maxField = 65535
	// maxLength is the largest number that four bytes of seven bits hold [MQTT5-1.5.5].
	maxLength = 1<<28 - 1
	// trustedLength is how much ReadPacket reserves on the word of a length field alone. A peer that promises
	// 256 MiB and sends nothing costs no more.
	trustedLength = 1 << 16
	// joinedLength is the largest packet that is copied into one buffer to be written in one piece.
	joinedLength = 1 << 14
)

var (
	errLength       = errors.New("malformed packet: a length of more than four bytes")
	errShort        = fmt.Errorf("malformed packet: a field is cut off: %w", io.ErrUnexpectedEOF)
	errQoS          = errors.New("malformed packet: PUBLISH with a QoS above 2")
	errFieldTooLong = errors.New("a string or binary field is longer than 65535 bytes")
	errTooLarge     = errors.New("packet is larger than 268435455 bytes")
)

// ReadPacket reads one packet. At the end of the stream it returns io.EOF, and inside a packet another error.
func ReadPacket(r io.Reader) (*ControlPacket, error) {
	var first [1]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return nil, err
	}
	packet := NewControlPacket(first[0] >> 4)
	if packet == nil {
		return nil, fmt.Errorf("malformed packet: no packet has type %d", first[0]>>4)
	}
	packet.Flags = first[0] & 0xf
	if publish, ok := packet.Content.(*Publish); ok {
		publish.QoS = packet.Flags >> 1 & 3
		publish.Duplicate = packet.Flags&8 != 0
		publish.Retain = packet.Flags&1 != 0
		if publish.QoS == 3 {
			return nil, errQoS // [MQTT5-3.3.1-4]
		}
	}
	length, err := readLength(r)
	if err != nil {
		return nil, err
	}
	packet.remainingLength = length
	body, err := readBody(r, length)
	if err != nil {
		return nil, err
	}
	d := decoder{data: body}
	packet.Content.(content).unpack(&d)
	if d.err != nil {
		return nil, d.err
	}
	return packet, nil
}

func readLength(r io.Reader) (int, error) {
	var b [1]byte
	length := 0
	for shift := 0; shift < 28; shift += 7 {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, unexpected(err)
		}
		length |= int(b[0]&0x7f) << shift
		if b[0]&0x80 == 0 {
			return length, nil
		}
	}
	return 0, errLength
}

func readBody(r io.Reader, length int) ([]byte, error) {
	if length <= trustedLength {
		body := make([]byte, length)
		_, err := io.ReadFull(r, body)
		return body, unexpected(err)
	}
	var body bytes.Buffer
	_, err := io.CopyN(&body, r, int64(length))
	return body.Bytes(), unexpected(err)
}

// unexpected returns the error for a stream that ends inside a packet.
func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

func appendLength(to []byte, length int) []byte {
	for ; length >= 0x80; length >>= 7 {
		to = append(to, byte(length)|0x80)
	}
	return append(to, byte(length))
}

// An encoder appends fields until one is too long; the first error stays in err.
type encoder struct {
	data []byte
	err  error
}

func (e *encoder) byte(value byte)     { e.data = append(e.data, value) }
func (e *encoder) uint16(value uint16) { e.data = binary.BigEndian.AppendUint16(e.data, value) }
func (e *encoder) uint32(value uint32) { e.data = binary.BigEndian.AppendUint32(e.data, value) }

func (e *encoder) length(value int) {
	if value < 0 || value > maxLength {
		e.fail(errTooLarge)
		return
	}
	e.data = appendLength(e.data, value)
}

func (e *encoder) fail(err error) {
	if e.err == nil {
		e.err = err
	}
}

func appendField[T string | []byte](e *encoder, field T) {
	if len(field) > maxField {
		e.fail(errFieldTooLong)
		return
	}
	e.uint16(uint16(len(field)))
	e.data = append(e.data, field...)
}

func (e *encoder) string(field string) { appendField(e, field) }
func (e *encoder) bytes(field []byte)  { appendField(e, field) }

// A decoder takes fields from data until one is cut off; the first error stays in err. Slices that it returns are parts of data.
type decoder struct {
	data []byte
	err  error
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.data = nil
}

// next takes n bytes. It returns nil if there are fewer.
func (d *decoder) next(n int) []byte {
	if d.err != nil || len(d.data) < n {
		d.fail(errShort)
		return nil
	}
	field := d.data[:n:n]
	d.data = d.data[n:]
	return field
}

func (d *decoder) byte() byte {
	if b := d.next(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint16() uint16 {
	if b := d.next(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (d *decoder) uint32() uint32 {
	if b := d.next(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (d *decoder) length() int {
	value := 0
	for shift := 0; shift < 28; shift += 7 {
		b := d.byte()
		if d.err != nil {
			return 0
		}
		value |= int(b&0x7f) << shift
		if b&0x80 == 0 {
			return value
		}
	}
	d.fail(errLength)
	return 0
}

func (d *decoder) bytes() []byte  { return d.next(int(d.uint16())) }
func (d *decoder) string() string { return string(d.bytes()) }

// rest takes all that is left.
func (d *decoder) rest() []byte { return d.next(len(d.data)) }

// decode runs unpack on a copy of what is in r: the caller may use the buffer again while the packet lives.
func decode(r *bytes.Buffer, unpack func(*decoder)) error {
	d := decoder{data: bytes.Clone(r.Bytes())}
	unpack(&d)
	r.Next(r.Len() - len(d.data))
	return d.err
}

// bit returns 1 shifted to position if set.
func bit(set bool, position int) byte {
	if set {
		return 1 << position
	}
	return 0
}
