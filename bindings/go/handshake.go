package mqtt

import (
	"errors"
	"io"
	"log/slog"
	"net"

	"github.com/paho-oxide/paho-oxide/bindings/go/packets"
)

// ConnectMQTT sends a CONNECT for this protocol version on a connection, and reads the answer. It returns CONNACK's code, or packets.ErrNetworkError if there
// was none, and whether the server had a session. It is for programs that speak MQTT with package packets; clients do not use it.
func ConnectMQTT(conn net.Conn, cm *packets.ConnectPacket, protocolVersion uint) (byte, bool) {
	return ConnectMQTTEx(conn, cm, protocolVersion, nil)
}

// ConnectMQTTEx is ConnectMQTT that logs to logger.
func ConnectMQTTEx(conn net.Conn, cm *packets.ConnectPacket, protocolVersion uint, logger *slog.Logger) (byte, bool) {
	log := lineLog{logger}
	cm.ProtocolName, cm.ProtocolVersion = "MQTT", 4
	switch protocolVersion {
	case 3, 0x83:
		cm.ProtocolName, cm.ProtocolVersion = "MQIsdp", byte(protocolVersion)
	case 0x84:
		cm.ProtocolVersion = 0x84
	}
	answer, err := exchange(conn, cm)
	if err != nil {
		log.error(CLI, err)
		return packets.ErrNetworkError, false
	}
	return answer.ReturnCode, answer.SessionPresent
}

func exchange(conn io.ReadWriter, cm *packets.ConnectPacket) (*packets.ConnackPacket, error) {
	if err := cm.Write(conn); err != nil {
		return nil, err
	}
	packet, err := packets.ReadPacket(conn)
	if err != nil {
		return nil, err
	}
	answer, ok := packet.(*packets.ConnackPacket)
	if !ok {
		return nil, errors.New("non-CONNACK first packet received")
	}
	return answer, nil
}
