package mqtt

//go:generate go run ./internal/aliases -from packets -path github.com/paho-oxide/paho-oxide/bindings/go/packets -package packets -to replace/packets/packets.go
//go:generate go run ./internal/aliases -from . -path github.com/paho-oxide/paho-oxide/bindings/go -package mqtt -to replace/mqtt.go -assigned ERROR:Logger,CRITICAL:Logger,WARN:Logger,DEBUG:Logger -register UseLoggers
