package both

import (
	"net"
	"strings"
	"testing"
)

func TestABrokersPortsStayItsOwn(t *testing.T) {
	broker := Mosquitto(t)
	broker.Kill()
	for _, url := range []string{broker.TCP, broker.WS} {
		address := strings.TrimSuffix(url[strings.Index(url, "//")+2:], "/mqtt")
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			t.Error(url, "does not refuse connections")
		}
	}
	taken := map[string]bool{broker.TCP: true, broker.WS: true}
	for range 2000 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if address := l.Addr().String(); taken["tcp://"+address] || taken["ws://"+address+"/mqtt"] {
			t.Fatal(address, "was given to somebody else")
		}
	}
	broker.Start(t)
}
