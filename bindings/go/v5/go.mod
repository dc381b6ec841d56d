module github.com/paho-oxide/paho-oxide/bindings/go/v5

go 1.24

require (
	github.com/gorilla/websocket v1.5.3
	github.com/paho-oxide/paho-oxide/bindings/go v0.0.0
)

replace github.com/paho-oxide/paho-oxide/bindings/go => ../
