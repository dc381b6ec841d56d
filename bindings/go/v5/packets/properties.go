package packets

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// The identifiers of properties.
const (
	PropPayloadFormat          byte = 1
	PropMessageExpiry          byte = 2
	PropContentType            byte = 3
	PropResponseTopic          byte = 8
	PropCorrelationData        byte = 9
	PropSubscriptionIdentifier byte = 11
	PropSessionExpiryInterval  byte = 17
	PropAssignedClientID       byte = 18
	PropServerKeepAlive        byte = 19
	PropAuthMethod             byte = 21
	PropAuthData               byte = 22
	PropRequestProblemInfo     byte = 23
	PropWillDelayInterval      byte = 24
	PropRequestResponseInfo    byte = 25
	PropResponseInfo           byte = 26
	PropServerReference        byte = 28
	PropReasonString           byte = 31
	PropReceiveMaximum         byte = 33
	PropTopicAliasMaximum      byte = 34
	PropTopicAlias             byte = 35
	PropMaximumQOS             byte = 36
	PropRetainAvailable        byte = 37
	PropUser                   byte = 38
	PropMaximumPacketSize      byte = 39
	PropWildcardSubAvailable   byte = 40
	PropSubIDAvailable         byte = 41
	PropSharedSubAvailable     byte = 42
)

// User is one user property. A packet may have several of the same key.
type User struct {
	Key, Value string
}

// Properties holds every property that MQTT 5 knows. A nil pointer, an empty string and an empty slice mean that it is absent.
type Properties struct {
	PayloadFormat          *byte
	MessageExpiry          *uint32
	ContentType            string
	ResponseTopic          string
	CorrelationData        []byte
	SubscriptionIdentifier *int // of several, the last
	SessionExpiryInterval  *uint32
	AssignedClientID       string
	ServerKeepAlive        *uint16
	AuthMethod             string
	AuthData               []byte
	RequestProblemInfo     *byte
	WillDelayInterval      *uint32
	RequestResponseInfo    *byte
	ResponseInfo           string
	ServerReference        string
	ReasonString           string
	ReceiveMaximum         *uint16
	TopicAliasMaximum      *uint16
	TopicAlias             *uint16
	MaximumQOS             *byte
	RetainAvailable        *byte
	User                   []User
	MaximumPacketSize      *uint32
	WildcardSubAvailable   *byte
	SubIDAvailable         *byte
	SharedSubAvailable     *byte
}

// ValidProperties says which packets may have a property. CONNECT stands for its own properties and for its will's.
var ValidProperties = map[byte]map[byte]struct{}{
	PropPayloadFormat:          in(CONNECT, PUBLISH),
	PropMessageExpiry:          in(CONNECT, PUBLISH),
	PropContentType:            in(CONNECT, PUBLISH),
	PropResponseTopic:          in(CONNECT, PUBLISH),
	PropCorrelationData:        in(CONNECT, PUBLISH),
	PropTopicAlias:             in(PUBLISH),
	PropSubscriptionIdentifier: in(PUBLISH, SUBSCRIBE),
	PropSessionExpiryInterval:  in(CONNECT, CONNACK, DISCONNECT),
	PropAssignedClientID:       in(CONNACK),
	PropServerKeepAlive:        in(CONNACK),
	PropWildcardSubAvailable:   in(CONNACK),
	PropSubIDAvailable:         in(CONNACK),
	PropSharedSubAvailable:     in(CONNACK),
	PropRetainAvailable:        in(CONNACK),
	PropResponseInfo:           in(CONNACK),
	PropAuthMethod:             in(CONNECT, CONNACK, AUTH),
	PropAuthData:               in(CONNECT, CONNACK, AUTH),
	PropRequestProblemInfo:     in(CONNECT),
	PropWillDelayInterval:      in(CONNECT),
	PropRequestResponseInfo:    in(CONNECT),
	PropServerReference:        in(CONNACK, DISCONNECT),
	PropReasonString:           in(CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH),
	PropReceiveMaximum:         in(CONNECT, CONNACK),
	PropTopicAliasMaximum:      in(CONNECT, CONNACK),
	PropMaximumQOS:             in(CONNACK),
	PropMaximumPacketSize:      in(CONNECT, CONNACK),
	PropUser: in(CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, UNSUBSCRIBE, SUBACK, UNSUBACK,
		DISCONNECT, AUTH),
}

func in(packets ...byte) map[byte]struct{} {
	set := make(map[byte]struct{}, len(packets))
	for _, packet := range packets {
		set[packet] = struct{}{}
	}
	return set
}

// ValidateID returns true if a packet of type p may have the property i.
func ValidateID(p byte, i byte) bool {
	_, ok := ValidProperties[i][p]
	return ok
}

// A propertyField is a property's place in Properties: field returns a pointer to it.
type propertyField struct {
	id    byte
	name  string
	field func(*Properties) any
}

// propertyFields has all but the user properties, in the order in which String names them.
var propertyFields = []propertyField{
	{PropPayloadFormat, "PayloadFormat", func(p *Properties) any { return &p.PayloadFormat }},
	{PropMessageExpiry, "MessageExpiry", func(p *Properties) any { return &p.MessageExpiry }},
	{PropContentType, "ContentType", func(p *Properties) any { return &p.ContentType }},
	{PropResponseTopic, "ResponseTopic", func(p *Properties) any { return &p.ResponseTopic }},
	{PropCorrelationData, "CorrelationData", func(p *Properties) any { return &p.CorrelationData }},
	{PropSubscriptionIdentifier, "SubscriptionIdentifier", func(p *Properties) any { return &p.SubscriptionIdentifier }},
	{PropSessionExpiryInterval, "SessionExpiryInterval", func(p *Properties) any { return &p.SessionExpiryInterval }},
	{PropAssignedClientID, "AssignedClientID", func(p *Properties) any { return &p.AssignedClientID }},
	{PropServerKeepAlive, "ServerKeepAlive", func(p *Properties) any { return &p.ServerKeepAlive }},
	{PropAuthMethod, "AuthMethod", func(p *Properties) any { return &p.AuthMethod }},
	{PropAuthData, "AuthData", func(p *Properties) any { return &p.AuthData }},
	{PropRequestProblemInfo, "RequestProblemInfo", func(p *Properties) any { return &p.RequestProblemInfo }},
	{PropWillDelayInterval, "WillDelayInterval", func(p *Properties) any { return &p.WillDelayInterval }},
	{PropRequestResponseInfo, "RequestResponseInfo", func(p *Properties) any { return &p.RequestResponseInfo }},
	{PropResponseInfo, "ResponseInfo", func(p *Properties) any { return &p.ResponseInfo }},
	{PropServerReference, "ServerReference", func(p *Properties) any { return &p.ServerReference }},
	{PropReasonString, "ReasonString", func(p *Properties) any { return &p.ReasonString }},
	{PropReceiveMaximum, "ReceiveMaximum", func(p *Properties) any { return &p.ReceiveMaximum }},
	{PropTopicAliasMaximum, "TopicAliasMaximum", func(p *Properties) any { return &p.TopicAliasMaximum }},
	{PropTopicAlias, "TopicAlias", func(p *Properties) any { return &p.TopicAlias }},
	{PropMaximumQOS, "MaximumQOS", func(p *Properties) any { return &p.MaximumQOS }},
	{PropRetainAvailable, "RetainAvailable", func(p *Properties) any { return &p.RetainAvailable }},
	{PropMaximumPacketSize, "MaximumPacketSize", func(p *Properties) any { return &p.MaximumPacketSize }},
	{PropWildcardSubAvailable, "WildcardSubAvailable", func(p *Properties) any { return &p.WildcardSubAvailable }},
	{PropSubIDAvailable, "SubIDAvailable", func(p *Properties) any { return &p.SubIDAvailable }},
	{PropSharedSubAvailable, "SharedSubAvailable", func(p *Properties) any { return &p.SharedSubAvailable }},
}

// A packing lists the properties that are written into one kind of packet.
type packing []propertyField

var (
	packings       [16]packing
	willPacking    packing
	connectPacking packing
	fieldsByID     [PropSharedSubAvailable + 1]*propertyField
)

var (
	willProperties    = []byte{PropWillDelayInterval, PropPayloadFormat, PropMessageExpiry, PropContentType, PropResponseTopic, PropCorrelationData}
	connectProperties = []byte{
		PropReceiveMaximum, PropTopicAliasMaximum, PropMaximumPacketSize, PropRequestProblemInfo, PropWillDelayInterval,
		PropRequestResponseInfo, PropSessionExpiryInterval, PropAuthMethod, PropAuthData,
	}
)

func init() {
	for i := range propertyFields {
		field := &propertyFields[i]
		fieldsByID[field.id] = field
		for packet := range packings {
			if ValidateID(byte(packet), field.id) {
				packings[packet] = append(packings[packet], *field)
			}
		}
	}
	for _, id := range willProperties {
		willPacking = append(willPacking, *fieldsByID[id])
	}
	for _, id := range connectProperties {
		connectPacking = append(connectPacking, *fieldsByID[id])
	}
}

// String has a line for each property.
func (p *Properties) String() string {
	if p == nil {
		return "<nil>"
	}
	var b strings.Builder
	for _, f := range propertyFields {
		switch value := f.field(p).(type) {
		case *string:
			if *value != "" {
				fmt.Fprintf(&b, "\t%s:%s\n", f.name, *value)
			}
		case *[]byte:
			if len(*value) > 0 {
				fmt.Fprintf(&b, "\t%s:%X\n", f.name, *value)
			}
		case **byte:
			line(&b, f.name, *value)
		case **uint16:
			line(&b, f.name, *value)
		case **uint32:
			line(&b, f.name, *value)
		case **int:
			line(&b, f.name, *value)
		}
	}
	if len(p.User) > 0 {
		b.WriteString("\tUser Properties:\n")
		for _, user := range p.User {
			fmt.Fprintf(&b, "\t\t%s:%s\n", user.Key, user.Value)
		}
	}
	return b.String()
}

func line[T byte | uint16 | uint32 | int](b *strings.Builder, name string, value *T) {
	if value != nil {
		fmt.Fprintf(b, "\t%s:%d\n", name, *value)
	}
}

// Pack encodes those properties that a packet of type p may have, without their length. It returns an error for one that is too long.
func (i *Properties) Pack(p byte) ([]byte, error) {
	var e encoder
	e.fields(i, packings[p&0xf])
	return e.data, e.err
}

// PackBuf does what Pack does, into a buffer. For no properties it returns nil.
func (i *Properties) PackBuf(p byte) (*bytes.Buffer, error) {
	if i == nil {
		return nil, nil
	}
	data, err := i.Pack(p)
	return bytes.NewBuffer(data), err
}

// properties appends the length of the properties and the properties.
func (e *encoder) properties(p *Properties, packet byte) { e.packed(p, packings[packet]) }

func (e *encoder) packed(p *Properties, fields packing) {
	start := len(e.data)
	e.byte(0)
	e.fields(p, fields)
	length := len(e.data) - start - 1
	if length < 0x80 {
		e.data[start] = byte(length)
		return
	}
	packed := bytes.Clone(e.data[start+1:])
	e.data = e.data[:start]
	e.length(length)
	e.data = append(e.data, packed...)
}

func (e *encoder) fields(p *Properties, fields packing) {
	if p == nil {
		return
	}
	for _, f := range fields {
		switch value := f.field(p).(type) {
		case *string:
			if *value != "" {
				e.byte(f.id)
				e.string(*value)
			}
		case *[]byte:
			if len(*value) > 0 {
				e.byte(f.id)
				e.bytes(*value)
			}
		case **byte:
			if *value != nil {
				e.byte(f.id)
				e.byte(**value)
			}
		case **uint16:
			if *value != nil {
				e.byte(f.id)
				e.uint16(**value)
			}
		case **uint32:
			if *value != nil {
				e.byte(f.id)
				e.uint32(**value)
			}
		case **int:
			if *value != nil {
				e.byte(f.id)
				e.length(**value)
			}
		}
	}
	for _, user := range p.User {
		e.byte(PropUser)
		e.string(user.Key)
		e.string(user.Value)
	}
}

// Unpack decodes the length of the properties of a packet of type p, and the properties.
func (i *Properties) Unpack(r *bytes.Buffer, p byte) error {
	return decode(r, func(d *decoder) { d.properties(&i, p) })
}

// properties decodes into *to, for which it makes the struct if there is none.
func (d *decoder) properties(to **Properties, packet byte) {
	size := d.length()
	if d.err != nil {
		return
	}
	if *to == nil {
		*to = &Properties{}
	}
	inner := decoder{data: d.next(size)}
	if d.err != nil {
		return
	}
	for len(inner.data) > 0 && inner.err == nil {
		inner.property(*to, packet)
	}
	if inner.err != nil {
		d.fail(inner.err)
	}
}

// property decodes one of them.
func (d *decoder) property(p *Properties, packet byte) {
	id := d.byte()
	if !ValidateID(packet, id) {
		d.fail(fmt.Errorf("malformed packet: property %d in %s", id, typeNames[packet&0xf]))
		return
	}
	if id == PropUser {
		key := d.string()
		p.User = append(p.User, User{key, d.string()})
		return
	}
	switch field := fieldsByID[id].field(p).(type) {
	case *string:
		*field = d.string()
	case *[]byte:
		*field = d.bytes()
	case **byte:
		set(field, d.byte())
	case **uint16:
		set(field, d.uint16())
	case **uint32:
		set(field, d.uint32())
	case **int:
		set(field, d.length())
		if **field == 0 {
			d.fail(errors.New("malformed packet: subscription identifier 0")) // [MQTT5-3.3.2.3.8]
		}
	}
}

func set[T any](field **T, value T) { *field = &value }
