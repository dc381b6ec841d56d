module github.com/paho-oxide/paho-oxide/bindings/go/v5/tests

go 1.24.0

require (
	github.com/eclipse/paho.golang v0.23.0
	github.com/gorilla/websocket v1.5.3
	github.com/paho-oxide/paho-oxide/bindings/go v0.0.0
	github.com/paho-oxide/paho-oxide/bindings/go/tests v0.0.0
	github.com/paho-oxide/paho-oxide/bindings/go/v5 v5.0.0-00010101000000-000000000000
	go.uber.org/goleak v1.3.0
)

require golang.org/x/net v0.44.0 // indirect

replace github.com/paho-oxide/paho-oxide/bindings/go => ../../

replace github.com/paho-oxide/paho-oxide/bindings/go/tests => ../../tests

replace github.com/paho-oxide/paho-oxide/bindings/go/v5 => ../
