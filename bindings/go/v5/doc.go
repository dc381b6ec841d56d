// Package v5 has no code. It is the root of the module whose packages speak MQTT 5: autopaho keeps a connection, paho speaks on one that the program
// made, and packets encodes and decodes.
package v5

//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from packets -path github.com/paho-oxide/paho-oxide/bindings/go/v5/packets -package packets -to replace/packets/packets.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from paho -path github.com/paho-oxide/paho-oxide/bindings/go/v5/paho -package paho -to replace/paho/paho.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from paho/log -path github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/log -package log -to replace/paho/log/log.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from paho/session -path github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session -package session -to replace/paho/session/session.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from paho/session/state -path github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session/state -package state -to replace/paho/session/state/state.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from paho/store/memory -path github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/store/memory -package memory -to replace/paho/store/memory/memory.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from paho/store/file -path github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/store/file -package file -to replace/paho/store/file/file.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from paho/extensions/rpc -path github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/extensions/rpc -package rpc -to replace/paho/extensions/rpc/rpc.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from paho/extensions/topicaliases -path github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/extensions/topicaliases -package topicaliases -to replace/paho/extensions/topicaliases/topicaliases.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from autopaho -path github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho -package autopaho -to replace/autopaho/autopaho.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from autopaho/queue -path github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue -package queue -to replace/autopaho/queue/queue.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from autopaho/queue/memory -path github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue/memory -package memory -to replace/autopaho/queue/memory/memory.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from autopaho/queue/file -path github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/queue/file -package file -to replace/autopaho/queue/file/file.go
//go:generate go run github.com/paho-oxide/paho-oxide/bindings/go/internal/aliases -from autopaho/extensions/rpc -path github.com/paho-oxide/paho-oxide/bindings/go/v5/autopaho/extensions/rpc -package rpc -to replace/autopaho/extensions/rpc/rpc.go
