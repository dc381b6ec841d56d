// This module stands in for the genuine one by a replace directive, for programs whose sources cannot be changed: see ../README.md.
module github.com/eclipse/paho.mqtt.golang

go 1.24

require github.com/paho-oxide/paho-oxide/bindings/go v0.0.0

replace github.com/paho-oxide/paho-oxide/bindings/go => ../
