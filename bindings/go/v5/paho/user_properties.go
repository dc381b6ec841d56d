package paho

import "github.com/paho-oxide/paho-oxide/bindings/go/v5/packets"

// A UserProperty is a name and a value that an application gives to a packet.
type UserProperty struct {
	Key, Value string
}

// UserProperties are a packet's user properties, in order. The same name may occur several times.
type UserProperties []UserProperty

// Add appends a property. It returns u, so that calls can be chained.
func (u *UserProperties) Add(key, value string) *UserProperties {
	*u = append(*u, UserProperty{key, value})
	return u
}

// Get returns the value of the first property with this name, or "".
func (u UserProperties) Get(key string) string {
	for _, property := range u {
		if property.Key == key {
			return property.Value
		}
	}
	return ""
}

// GetAll returns the values of all properties with this name, or nil.
func (u UserProperties) GetAll(key string) []string {
	var values []string
	for _, property := range u {
		if property.Key == key {
			values = append(values, property.Value)
		}
	}
	return values
}

// ToPacketProperties returns the properties as package packets has them.
func (u UserProperties) ToPacketProperties() []packets.User {
	users := make([]packets.User, len(u))
	for i, property := range u {
		users[i] = packets.User(property)
	}
	return users
}

// UserPropertiesFromPacketUser returns the properties of package packets as this package has them.
func UserPropertiesFromPacketUser(up []packets.User) UserProperties {
	properties := make(UserProperties, len(up))
	for i, user := range up {
		properties[i] = UserProperty(user)
	}
	return properties
}

// Byte returns a pointer to a variable with this value, for properties that may be absent.
func Byte(b byte) *byte { return &b }

// Uint32 returns a pointer to a variable with this value.
func Uint32(u uint32) *uint32 { return &u }

// Uint16 returns a pointer to a variable with this value.
func Uint16(u uint16) *uint16 { return &u }

// BoolToByte returns a pointer to a 1 for true, and to a 0 for false.
func BoolToByte(b bool) *byte {
	if b {
		return Byte(1)
	}
	return Byte(0)
}

// noProperties stands for the properties of a packet that has none.
var noProperties packets.Properties

// orNone returns p, or properties without any if p is nil, as in packets that a program has made itself.
func orNone(p *packets.Properties) *packets.Properties {
	if p == nil {
		return &noProperties
	}
	return p
}
