// Package dapr depends on Dapr's MQTT 3 components.
package dapr

import (
	_ "github.com/dapr/components-contrib/bindings/mqtt3" // their tests are run
	_ "github.com/dapr/components-contrib/pubsub/mqtt3"
)
