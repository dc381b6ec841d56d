package packets

// reasons holds the names of the reason codes that one kind of packet may have [MQTT5-2.4].
type reasons map[byte]string

// name returns "" for a code that the kind of packet does not have.
func (r reasons) name(code byte) string { return r[code] }

// at returns the name of the code at that index of codes.
func (r reasons) at(codes []byte, index int) string {
	if index >= 0 && index < len(codes) {
		if name, ok := r[codes[index]]; ok {
			return name
		}
	}
	return "Invalid Reason index"
}

var names = reasons{
	0x00: "Success", 0x04: "Disconnect with Will Message", 0x10: "No matching subscribers", 0x11: "No subscription existed",
	0x80: "Unspecified error", 0x81: "Malformed Packet", 0x82: "Protocol Error", 0x83: "Implementation specific error",
	0x84: "Unsupported Protocol Version", 0x85: "Client Identifier not valid", 0x86: "Bad User Name or Password",
	0x87: "Not authorized", 0x88: "Server unavailable", 0x89: "Server busy", 0x8A: "Banned", 0x8B: "Server shutting down",
	0x8C: "Bad authentication method", 0x8D: "Keep Alive timeout", 0x8E: "Session taken over", 0x8F: "Topic Filter invalid",
	0x90: "Topic Name invalid", 0x91: "Packet Identifier in use", 0x92: "Packet Identifier not found",
	0x93: "Receive Maximum exceeded", 0x94: "Topic Alias invalid", 0x95: "Packet too large", 0x96: "Message rate too high",
	0x97: "Quota exceeded", 0x98: "Administrative action", 0x99: "Payload format invalid", 0x9A: "Retain not supported",
	0x9B: "QoS not supported", 0x9C: "Use another server", 0x9D: "Server moved", 0x9E: "Shared Subscriptions not supported",
	0x9F: "Connection rate exceeded", 0xA0: "Maximum connect time", 0xA1: "Subscription Identifiers not supported",
	0xA2: "Wildcard Subscriptions not supported",
}

var (
	connackReasons = named(0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97,
		0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F)
	pubackReasons   = named(0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99) // also PUBREC's
	pubcompReasons  = named(0x00, 0x92)
	unsubackReasons = named(0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91)
	subackReasons   = named(0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2).
			but(0x00, "Granted QoS 0").but(0x01, "Granted QoS 1").but(0x02, "Granted QoS 2")
	disconnectReasons = named(0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95, 0x96,
		0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2).but(0x00, "Normal disconnection")
)

func named(codes ...byte) reasons {
	set := make(reasons, len(codes))
	for _, code := range codes {
		set[code] = names[code]
	}
	return set
}

func (r reasons) but(code byte, name string) reasons {
	r[code] = name
	return r
}
