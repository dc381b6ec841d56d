// Package api compares what the packages of this module export with what the original exports.
package api

import (
	"testing"

	"github.com/paho-oxide/paho-oxide/bindings/go/internal/apitable"
)

// exceptions are the rows of the table that are not as in the original, each with its reason.
var exceptions = map[string]string{}

// directories are the packages by the names that the table has for them.
var directories = map[string]string{
	"paho": "paho", "autopaho": "autopaho", "autopaho/queue": "autopaho/queue", "autopaho/queue/memory": "autopaho/queue/memory",
	"autopaho/queue/file": "autopaho/queue/file", "autopaho/extensions/rpc": "autopaho/extensions/rpc", "paho/session": "paho/session",
	"paho/session/state": "paho/session/state", "paho/store/memory": "paho/store/memory", "paho/store/file": "paho/store/file",
	"paho/extensions/rpc": "paho/extensions/rpc", "paho/extensions/topicaliases": "paho/extensions/topicaliases", "paho/log": "paho/log",
	"packets": "packets",
}

func TestAPI(t *testing.T) {
	under := map[string]string{}
	for name, directory := range directories {
		under[name] = "../../" + directory
	}
	apitable.Compare(t, "testdata/api-paho.tsv", under, exceptions, 700)
}
