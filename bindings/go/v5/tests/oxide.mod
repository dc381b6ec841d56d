module github.com/paho-oxide/paho-oxide/bindings/go/v5/tests

go 1.24.0

require (
	github.com/eclipse/paho.golang v0.23.0
	github.com/gorilla/websocket v1.5.3
	github.com/paho-oxide/paho-oxide/bindings/go v0.0.0
	github.com/paho-oxide/paho-oxide/bindings/go/tests v0.0.0
	github.com/paho-oxide/paho-oxide/bindings/go/v5 v5.0.0
	go.uber.org/goleak v1.3.0
)

replace github.com/eclipse/paho.golang => ../replace

replace github.com/paho-oxide/paho-oxide/bindings/go => ../../

replace github.com/paho-oxide/paho-oxide/bindings/go/tests => ../../tests

replace github.com/paho-oxide/paho-oxide/bindings/go/v5 => ../
