package packets

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

const (
	// maxField is the longest string or binary field: its length has two bytes.
	maxField = 65535
	// trustedLength is how much ReadPacket reserves on the word of a length field alone. A peer that promises
	// 256 MiB and sends nothing costs no more.
	trustedLength = 1 << 16
)

var (
	errLength  = errors.New("malformed remaining length")
	errPayload = errors.New("error unpacking publish, payload length < 0")
)

// ReadPacket reads one packet. Exactly one of the results is nil, but for a packet whose body is malformed: what was read
// of it comes with the error.
func ReadPacket(r io.Reader) (ControlPacket, error) {
	var first [1]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return nil, err
	}
	length, err := readLength(r)
	if err != nil {
		return nil, err
	}
	cp, err := NewControlPacketWithHeader(FixedHeader{
		MessageType:     first[0] >> 4,
		Dup:             first[0]&8 != 0,
		Qos:             first[0] >> 1 & 3,
		Retain:          first[0]&1 != 0,
		RemainingLength: length,
	})
	if err != nil {
		return nil, err
	}
	body, err := readBody(r, length)
	if err != nil {
		return nil, err
	}
	return cp, cp.Unpack(bytes.NewReader(body))
}

// readLength decodes the one to four bytes of a remaining length [MQTT-2.2.3].
func readLength(r io.Reader) (int, error) {
	var b [1]byte
	length := 0
	for shift := 0; shift < 28; shift += 7 {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return 0, err
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
		return body, err
	}
	var body bytes.Buffer
	if _, err := io.CopyN(&body, r, int64(length)); err != nil {
		if err == io.EOF && body.Len() > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return body.Bytes(), nil
}

// send writes the header for this body, and the body, in one call: a packet must not be torn by another goroutine's.
func (fh *FixedHeader) send(w io.Writer, body []byte) error {
	fh.RemainingLength = len(body)
	first := fh.MessageType<<4 | fh.Qos<<1
	if fh.Dup {
		first |= 8
	}
	if fh.Retain {
		first |= 1
	}
	packet := make([]byte, 0, 5+len(body))
	packet = append(packet, first)
	packet = appendLength(packet, len(body))
	_, err := w.Write(append(packet, body...))
	return err
}

func appendLength(to []byte, length int) []byte {
	for ; length >= 0x80; length >>= 7 {
		to = append(to, byte(length)|0x80)
	}
	return append(to, byte(length))
}

func appendUint16(to []byte, value uint16) []byte {
	return binary.BigEndian.AppendUint16(to, value)
}

// appendField appends a string or binary field. One that is too long for its two length bytes is cut, for else its end
// would be read as the fields that follow it.
func appendField[T string | []byte](to []byte, field T) []byte {
	if len(field) > maxField {
		field = field[:maxField]
	}
	return append(appendUint16(to, uint16(len(field))), field...)
}

// A decoder reads fields until one fails; the first failure stays in err.
type decoder struct {
	r   io.Reader
	err error
}

// fill reads len(to) bytes. It returns true if they came.
func (d *decoder) fill(to []byte) bool {
	if d.err == nil {
		_, d.err = io.ReadFull(d.r, to)
	}
	return d.err == nil
}

func (d *decoder) byte() byte {
	var b [1]byte
	d.fill(b[:])
	return b[0]
}

func (d *decoder) uint16() uint16 {
	var b [2]byte
	if !d.fill(b[:]) {
		return 0
	}
	return binary.BigEndian.Uint16(b[:])
}

func (d *decoder) bytes() []byte {
	length := d.uint16()
	if d.err != nil {
		return nil
	}
	field := make([]byte, length)
	if !d.fill(field) {
		if d.err == io.EOF {
			d.err = io.ErrUnexpectedEOF
		}
		return nil
	}
	return field
}

func (d *decoder) string() string { return string(d.bytes()) }

// bit returns 1 shifted to position if set.
func bit(set bool, position int) byte {
	if set {
		return 1 << position
	}
	return 0
}
