package packets

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestLengths(t *testing.T) {
	for length, want := range map[int][]byte{
		0: {0}, 127: {127}, 128: {0x80, 1}, 16383: {0xff, 0x7f}, 16384: {0x80, 0x80, 1}, 268435455: {0xff, 0xff, 0xff, 0x7f},
	} {
		encoded := appendLength(nil, length)
		if !bytes.Equal(encoded, want) {
			t.Errorf("%d is %x", length, encoded)
		}
		if got, err := readLength(bytes.NewReader(encoded)); got != length || err != nil {
			t.Errorf("%x is %d, %v", encoded, got, err)
		}
	}
	if _, err := readLength(bytes.NewReader([]byte{0x80, 0x80, 0x80, 0x80, 1})); !errors.Is(err, errLength) {
		t.Errorf("five bytes of length: %v", err)
	}
}

// endless promises 256 MiB and sends one byte at a time.
type endless struct{ left int }

func (e *endless) Read(p []byte) (int, error) {
	if e.left--; e.left < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	p[0] = 0
	return 1, nil
}

func TestPromisedLengthReservesNothing(t *testing.T) {
	head := bytes.NewReader([]byte{0x30, 0xff, 0xff, 0xff, 0x7f})
	if _, err := ReadPacket(io.MultiReader(head, &endless{1000})); err == nil {
		t.Error("no error")
	}
}

func TestLargePacket(t *testing.T) {
	p := NewControlPacket(Publish).(*PublishPacket)
	p.TopicName, p.Payload = "t", bytes.Repeat([]byte("payload "), 40000)
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPacket(iotest.OneByteReader(&b))
	if err != nil || !bytes.Equal(got.(*PublishPacket).Payload, p.Payload) {
		t.Errorf("%v", err)
	}
}

// FuzzReadPacket: what can be decoded is written as bytes that are decoded to the same, and nothing panics.
func FuzzReadPacket(f *testing.F) {
	for kind := byte(1); kind < 15; kind++ {
		var b bytes.Buffer
		_ = NewControlPacket(kind).Write(&b)
		f.Add(b.Bytes())
	}
	f.Add([]byte{0x32, 7, 0, 1, 't', 0, 1, 'x', 'y'})
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := ReadPacket(bytes.NewReader(in))
		if err != nil {
			return
		}
		_ = p.String()
		var once, twice bytes.Buffer
		if err := p.Write(&once); err != nil {
			t.Fatal(err)
		}
		again, err := ReadPacket(bytes.NewReader(once.Bytes()))
		if err != nil {
			t.Fatalf("%x: %v", once.Bytes(), err)
		}
		if err := again.Write(&twice); err != nil || !bytes.Equal(once.Bytes(), twice.Bytes()) {
			t.Errorf("%x is written as %x, then %x (%v)", in, once.Bytes(), twice.Bytes(), err)
		}
	})
}
