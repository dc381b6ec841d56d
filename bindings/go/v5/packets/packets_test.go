package packets_test

import (
	"bytes"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"
)

func ptr[T any](value T) *T { return &value }

// full returns properties of every kind; a packet takes those that it may have.
func full() *packets.Properties {
	return &packets.Properties{
		PayloadFormat: ptr(byte(1)), MessageExpiry: ptr(uint32(7)), ContentType: "text", ResponseTopic: "r/t", CorrelationData: []byte{1, 2},
		SubscriptionIdentifier: ptr(300), SessionExpiryInterval: ptr(uint32(9)), AssignedClientID: "id", ServerKeepAlive: ptr(uint16(5)),
		AuthMethod: "m", AuthData: []byte{3}, RequestProblemInfo: ptr(byte(0)), WillDelayInterval: ptr(uint32(4)),
		RequestResponseInfo: ptr(byte(1)), ResponseInfo: "info", ServerReference: "ref", ReasonString: "why", ReceiveMaximum: ptr(uint16(6)),
		TopicAliasMaximum: ptr(uint16(8)), TopicAlias: ptr(uint16(2)), MaximumQOS: ptr(byte(1)), RetainAvailable: ptr(byte(0)),
		User: []packets.User{{"a", "1"}, {"a", "2"}}, MaximumPacketSize: ptr(uint32(1000)), WildcardSubAvailable: ptr(byte(1)),
		SubIDAvailable: ptr(byte(1)), SharedSubAvailable: ptr(byte(0)),
	}
}

// only returns those of the properties that a packet of that type may have: what is read back.
func only(t *testing.T, packet byte) *packets.Properties {
	t.Helper()
	data, err := full().Pack(packet)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) >= 0x80 {
		data = append([]byte{byte(len(data)) | 0x80, byte(len(data) >> 7)}, data...)
	} else {
		data = append([]byte{byte(len(data))}, data...)
	}
	var properties packets.Properties
	if err := properties.Unpack(bytes.NewBuffer(data), packet); err != nil {
		t.Fatal(err)
	}
	return &properties
}

func samples(t *testing.T) []*packets.ControlPacket {
	all := []*packets.ControlPacket{}
	add := func(packetType, flags byte, content packets.Packet) {
		all = append(all, &packets.ControlPacket{Content: content, FixedHeader: packets.FixedHeader{Type: packetType, Flags: flags}})
	}
	connect := &packets.Properties{ReceiveMaximum: ptr(uint16(6)), SessionExpiryInterval: ptr(uint32(9)), AuthMethod: "m", AuthData: []byte{3}}
	will := &packets.Properties{WillDelayInterval: ptr(uint32(4)), ContentType: "text", PayloadFormat: ptr(byte(1)), User: []packets.User{{"k", "v"}}}
	add(packets.CONNECT, 0, &packets.Connect{ProtocolName: "MQTT", ProtocolVersion: 5, ClientID: "c", KeepAlive: 30, CleanStart: true,
		UsernameFlag: true, Username: "u", PasswordFlag: true, Password: []byte("p"), WillFlag: true, WillQOS: 2, WillRetain: true,
		WillTopic: "w", WillMessage: []byte("bye"), Properties: connect, WillProperties: will})
	add(packets.CONNACK, 0, &packets.Connack{SessionPresent: true, ReasonCode: 0, Properties: only(t, packets.CONNACK)})
	add(packets.PUBLISH, 0xd, &packets.Publish{Topic: "t", QoS: 2, Duplicate: true, Retain: true, PacketID: 513, Payload: []byte("body"),
		Properties: only(t, packets.PUBLISH)})
	add(packets.PUBLISH, 0, &packets.Publish{Topic: "t", Payload: bytes.Repeat([]byte("long"), 50000), Properties: &packets.Properties{}})
	add(packets.PUBLISH, 0, &packets.Publish{Topic: "t", Payload: []byte("p"), Properties: &packets.Properties{
		ContentType: strings.Repeat("c", 126), User: []packets.User{{"k", strings.Repeat("v", 20000)}}}})
	add(packets.PUBLISH, 0, &packets.Publish{Topic: "t", Payload: []byte("p"), Properties: &packets.Properties{ContentType: strings.Repeat("c", 200)}})
	add(packets.PUBACK, 0, &packets.Puback{PacketID: 1, ReasonCode: 0x10, Properties: only(t, packets.PUBACK)})
	add(packets.PUBREC, 0, &packets.Pubrec{PacketID: 2, ReasonCode: 0x80, Properties: only(t, packets.PUBREC)})
	add(packets.PUBREL, 2, &packets.Pubrel{PacketID: 3, Properties: only(t, packets.PUBREL)})
	add(packets.PUBREL, 2, &packets.Pubrel{PacketID: 3, Properties: &packets.Properties{}})
	add(packets.PUBCOMP, 0, &packets.Pubcomp{PacketID: 4, ReasonCode: 0x92, Properties: only(t, packets.PUBCOMP)})
	add(packets.SUBSCRIBE, 2, &packets.Subscribe{PacketID: 5, Properties: only(t, packets.SUBSCRIBE), Subscriptions: []packets.SubOptions{
		{Topic: "a/+", QoS: 1, NoLocal: true}, {Topic: "#", QoS: 2, RetainHandling: packets.RetainDoNotSend, RetainAsPublished: true}}})
	add(packets.SUBACK, 0, &packets.Suback{PacketID: 5, Reasons: []byte{1, 0x87}, Properties: only(t, packets.SUBACK)})
	add(packets.UNSUBSCRIBE, 2, &packets.Unsubscribe{PacketID: 6, Topics: []string{"a", "b/#"}, Properties: only(t, packets.UNSUBSCRIBE)})
	add(packets.UNSUBACK, 0, &packets.Unsuback{PacketID: 6, Reasons: []byte{0, 0x11}, Properties: only(t, packets.UNSUBACK)})
	add(packets.PINGREQ, 0, &packets.Pingreq{})
	add(packets.PINGRESP, 0, &packets.Pingresp{})
	add(packets.DISCONNECT, 0, &packets.Disconnect{ReasonCode: 4, Properties: only(t, packets.DISCONNECT)})
	add(packets.AUTH, 0, &packets.Auth{ReasonCode: 0x18, Properties: only(t, packets.AUTH)})
	return all
}

func encode(t *testing.T, packet *packets.ControlPacket) []byte {
	t.Helper()
	var out bytes.Buffer
	n, err := packet.WriteTo(&out)
	if err != nil || n != int64(out.Len()) {
		t.Fatalf("%s: %d of %d bytes written, %v", packet.PacketType(), n, out.Len(), err)
	}
	return out.Bytes()
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	for _, packet := range samples(t) {
		wire := encode(t, packet)
		var direct bytes.Buffer
		if _, err := packet.Content.WriteTo(&direct); err != nil || !bytes.Equal(direct.Bytes(), wire) {
			t.Errorf("%s: its content alone is written as %x, %v", packet.PacketType(), direct.Bytes(), err)
		}
		read, err := packets.ReadPacket(bytes.NewReader(wire))
		if err != nil {
			t.Errorf("%s: %v", packet.PacketType(), err)
			continue
		}
		if !reflect.DeepEqual(read, packet) {
			t.Errorf("written %+v\nread    %+v", packet.Content, read.Content)
		}
		if read.String() != packet.String() || !strings.HasPrefix(read.String(), packet.PacketType()) {
			t.Errorf("described as %q", read)
		}
	}
}

// A packet that ends too early is an error at every length, and never a panic.
func TestCutPackets(t *testing.T) {
	for _, packet := range samples(t) {
		wire := encode(t, packet)
		if len(wire) > 1000 {
			continue
		}
		for n := range wire {
			_, err := packets.ReadPacket(bytes.NewReader(wire[:n]))
			if err == nil || (err == io.EOF) != (n == 0) {
				t.Errorf("%s cut to %d bytes: %v", packet.PacketType(), n, err)
			}
		}
		for n := range wire[2:] { // the fixed header tells of a shorter body
			body := wire[2 : 2+n]
			if wire[1] >= 0x80 {
				continue
			}
			_, _ = packets.ReadPacket(bytes.NewReader(append([]byte{wire[0], byte(n)}, body...)))
		}
	}
}

func TestMalformed(t *testing.T) {
	for name, wire := range map[string][]byte{
		"no such type":                      {0x00, 0},
		"length of five bytes":              {0xc0, 0x80, 0x80, 0x80, 0x80, 1},
		"PUBLISH with QoS 3":                {0x36, 4, 0, 0, 0, 0},
		"properties longer than the packet": {0x30, 4, 0, 1, 'a', 9},
		"property of another packet":        {0x30, 6, 0, 1, 'a', 2, packets.PropMaximumQOS, 1},
		"unknown property":                  {0x30, 6, 0, 1, 'a', 2, 99, 1},
		"subscription identifier 0":         {0x30, 6, 0, 1, 'a', 2, packets.PropSubscriptionIdentifier, 0},
		"a promise of 256 MiB":              {0x30, 0xff, 0xff, 0xff, 0x7f, 0, 1, 'a'},
	} {
		if packet, err := packets.ReadPacket(bytes.NewReader(wire)); err == nil || err == io.EOF {
			t.Errorf("%s: %v, %v", name, packet, err)
		}
	}
}

func TestShortForms(t *testing.T) {
	for _, wire := range [][]byte{{0x40, 2, 0, 1}, {0x40, 3, 0, 1, 0x10}, {0xe0, 0}, {0xe0, 1, 4}, {0xf0, 0}, {0xf0, 1, 0x18}, {0x62, 2, 0, 1}} {
		if _, err := packets.ReadPacket(bytes.NewReader(wire)); err != nil {
			t.Errorf("%x: %v", wire, err)
		}
	}
}

// What does not fit its length is an error: cut off, its end would be lost, and written whole, read as the fields that follow it.
func TestTooLong(t *testing.T) {
	long := strings.Repeat("x", 65536)
	for _, content := range []packets.Packet{
		&packets.Publish{Topic: long},
		&packets.Publish{Topic: "t", Properties: &packets.Properties{ResponseTopic: long}},
		&packets.Publish{Topic: "t", Properties: &packets.Properties{SubscriptionIdentifier: ptr(1 << 28)}},
		&packets.Publish{Topic: "t", QoS: 4},
		&packets.Subscribe{Subscriptions: []packets.SubOptions{{Topic: long}}},
		&packets.Unsubscribe{Topics: []string{long}},
		&packets.Connect{ClientID: long},
		&packets.Connect{WillFlag: true, WillMessage: []byte(long)},
		&packets.Disconnect{Properties: &packets.Properties{User: []packets.User{{"k", long}}}},
	} {
		var out bytes.Buffer
		if n, err := content.WriteTo(&out); err == nil || n != 0 || out.Len() != 0 {
			t.Errorf("%T: %d bytes written, %v", content, n, err)
		}
	}
}

func TestUnpackLeavesTheCallersBuffer(t *testing.T) {
	wire := encode(t, (&packets.Publish{Topic: "t", Payload: []byte("payload")}).ToControlPacket())
	buffer := bytes.NewBuffer(wire[2:])
	var read packets.Publish
	if err := read.Unpack(buffer); err != nil || buffer.Len() != 0 {
		t.Fatal(err, buffer.Len())
	}
	buffer.Reset()
	buffer.WriteString("something else altogether")
	if string(read.Payload) != "payload" {
		t.Errorf("the payload became %q", read.Payload)
	}
}

func TestReasons(t *testing.T) {
	for got, want := range map[string]string{
		(&packets.Connack{ReasonCode: packets.ConnackNotAuthorized}).Reason():            "Not authorized",
		(&packets.Disconnect{}).Reason():                                                 "Normal disconnection",
		(&packets.Suback{Reasons: []byte{1}}).Reason(0):                                  "Granted QoS 1",
		(&packets.Suback{}).Reason(0):                                                    "Invalid Reason index",
		(&packets.Unsuback{Reasons: []byte{packets.UnsubackSuccess}}).Reason(0):          "Success",
		(&packets.Puback{ReasonCode: packets.PubackQuotaExceeded}).Reason():              "Quota exceeded",
		(&packets.Pubcomp{ReasonCode: packets.PubcompPacketIdentifierNotFound}).Reason(): "Packet Identifier not found",
		(&packets.Pubrec{ReasonCode: 1}).Reason():                                        "",
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// A connection whose writes must happen under its lock: packets of several goroutines would be mixed else.
type lockChecker struct {
	net.Conn
	t      *testing.T
	locker sync.Locker
	writes int
}

func (c *lockChecker) Write(p []byte) (int, error) {
	c.writes++
	if c.locker.(interface{ TryLock() bool }).TryLock() {
		c.t.Error("a write without the lock")
		c.locker.Unlock()
	}
	return len(p), nil
}

func TestThreadSafeConn(t *testing.T) {
	checker := &lockChecker{t: t}
	conn := packets.NewThreadSafeConn(checker)
	checker.locker = conn.(sync.Locker)
	for _, size := range []int{1, 100000} { // joined with its header, and too long for that
		if _, err := (&packets.Publish{Topic: "t", Payload: make([]byte, size)}).WriteTo(conn); err != nil {
			t.Error(err)
		}
	}
	if checker.writes != 4 {
		t.Errorf("%d writes", checker.writes)
	}
	if !checker.locker.(interface{ TryLock() bool }).TryLock() {
		t.Error("the lock was not given back")
	}
	if conn.(interface{ Unsynchronized() net.Conn }).Unsynchronized() != net.Conn(checker) {
		t.Error("the connection itself is another")
	}
}
