module github.com/paho-oxide/paho-oxide/bindings/go/tests

go 1.24

require github.com/eclipse/paho.mqtt.golang v1.5.1

require github.com/paho-oxide/paho-oxide/bindings/go v0.0.0

replace github.com/eclipse/paho.mqtt.golang => ../replace

replace github.com/paho-oxide/paho-oxide/bindings/go => ../
