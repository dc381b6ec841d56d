module github.com/paho-oxide/paho-oxide/bindings/go

go 1.24
