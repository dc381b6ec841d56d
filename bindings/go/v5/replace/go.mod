// This module stands in for the genuine one by a replace directive, for programs whose sources cannot be changed: see ../../README.md.
module github.com/eclipse/paho.golang

go 1.24

require github.com/paho-oxide/paho-oxide/bindings/go/v5 v5.0.0

require (
	github.com/gorilla/websocket v1.5.3 // indirect
	github.com/paho-oxide/paho-oxide/bindings/go v0.0.0 // indirect
)

replace github.com/paho-oxide/paho-oxide/bindings/go => ../../

replace github.com/paho-oxide/paho-oxide/bindings/go/v5 => ../
