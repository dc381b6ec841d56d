// Dapr's MQTT 3 components with the genuine library replaced by ours. This module is for ../thirdparty_test.go only.
module github.com/paho-oxide/paho-oxide/bindings/go/tests/thirdparty/dapr

go 1.24

require github.com/dapr/components-contrib v1.15.0

require (
	github.com/cenkalti/backoff/v4 v4.2.1 // indirect
	github.com/cloudevents/sdk-go/binding/format/protobuf/v2 v2.14.0 // indirect
	github.com/cloudevents/sdk-go/v2 v2.15.2 // indirect
	github.com/dapr/kit v0.13.1-0.20240909215017-3823663aa4bb // indirect
	github.com/eclipse/paho.mqtt.golang v1.4.3 // indirect
	github.com/gogo/protobuf v1.3.2 // indirect
	github.com/golang/protobuf v1.5.4 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/json-iterator/go v1.1.12 // indirect
	github.com/mitchellh/mapstructure v1.5.1-0.20220423185008-bf980b35cac4 // indirect
	github.com/modern-go/concurrent v0.0.0-20180306012644-bacd9c7ef1dd // indirect
	github.com/modern-go/reflect2 v1.0.2 // indirect
	github.com/paho-oxide/paho-oxide/bindings/go v0.0.0 // indirect
	github.com/sirupsen/logrus v1.9.3 // indirect
	github.com/spf13/cast v1.5.1 // indirect
	golang.org/x/exp v0.0.0-20240119083558-1b970713d09a // indirect
	golang.org/x/sys v0.23.0 // indirect
	google.golang.org/protobuf v1.34.1 // indirect
	gopkg.in/inf.v0 v0.9.1 // indirect
	k8s.io/apimachinery v0.26.10 // indirect
)

replace github.com/eclipse/paho.mqtt.golang => ../../../replace

replace github.com/paho-oxide/paho-oxide/bindings/go => ../../../
