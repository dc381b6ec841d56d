package mqtt_test

import (
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/apitable"
)

// apiExceptions are the rows of the table that this package does not have, or has otherwise, each with its reason.
var apiExceptions = map[string]string{
	"mqtt iface method Client.DeleteRoute": "not in the newest release: stand-ins for Client in programs' tests would no longer compile; clients have the method",
}

func TestAPI(t *testing.T) {
	apitable.Compare(t, "testdata/api-mqtt.tsv", map[string]string{"mqtt": ".", "mqtt/packets": "packets"}, apiExceptions, 400)
}
