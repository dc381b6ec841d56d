package mqtt

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
)

// A Logger takes the client's log lines. *log.Logger is one.
type Logger interface {
	Println(v ...interface{})
	Printf(format string, v ...interface{})
}

// NOOPLogger is a Logger that drops its lines.
type NOOPLogger struct{}

// Println does nothing.
func (NOOPLogger) Println(v ...interface{}) {}

// Printf does nothing.
func (NOOPLogger) Printf(format string, v ...interface{}) {}

// Where log lines of each level go. Programs assign these before they make clients; they are read without a lock.
var (
	ERROR    Logger = NOOPLogger{}
	CRITICAL Logger = NOOPLogger{}
	WARN     Logger = NOOPLogger{}
	DEBUG    Logger = NOOPLogger{}
)

// loggers are the four variables above, or those of a package that stands in for this one under another import path.
var loggers = [...]*Logger{levelDebug: &DEBUG, levelWarn: &WARN, levelError: &ERROR, levelCritical: &CRITICAL}

// UseLoggers has the package read other variables than its own ERROR, CRITICAL, WARN and DEBUG. It is for packages that give this one's
// interface under another import path: a variable, unlike a type, cannot have an alias.
func UseLoggers(errors, critical, warn, debug *Logger) {
	loggers = [...]*Logger{levelDebug: debug, levelWarn: warn, levelError: errors, levelCritical: critical}
}

type component string

// Which part of the client a log line is about.
const (
	NET component = "[net]     "
	PNG component = "[pinger]  "
	CLI component = "[client]  "
	DEC component = "[decode]  "
	MES component = "[message] "
	STR component = "[store]   "
	MID component = "[msgids]  "
	TST component = "[test]    "
	STA component = "[state]   "
	ERR component = "[error]   "
	ROU component = "[router]  "
)

type level int

const (
	levelDebug level = iota
	levelWarn
	levelError
	levelCritical
)

// slogLevels are the levels of the lines in a *slog.Logger.
var slogLevels = [...]slog.Level{slog.LevelDebug, slog.LevelWarn, slog.LevelError, slog.LevelError + 4}

// A lineLog sends lines to a *slog.Logger if there is one, else to the package's loggers.
type lineLog struct {
	to *slog.Logger
}

// packageLog is for lines that no client or store is the source of.
var packageLog lineLog

func (l lineLog) line(at level, from component, v []any) {
	if l.to == nil {
		(*loggers[at]).Println(append([]any{from}, v...)...)
		return
	}
	if l.to.Enabled(context.Background(), slogLevels[at]) {
		text := strings.TrimSuffix(fmt.Sprintln(v...), "\n")
		l.to.Log(context.Background(), slogLevels[at], text, slog.String("component", strings.TrimSpace(string(from))))
	}
}

func (l lineLog) debug(from component, v ...any)    { l.line(levelDebug, from, v) }
func (l lineLog) warn(from component, v ...any)     { l.line(levelWarn, from, v) }
func (l lineLog) error(from component, v ...any)    { l.line(levelError, from, v) }
func (l lineLog) critical(from component, v ...any) { l.line(levelCritical, from, v) }

// LogWrapper is a slog.Handler that has a handler of its own for each of this package's four levels. A nil one drops its records.
type LogWrapper struct {
	CRITICAL slog.Handler
	ERROR    slog.Handler
	WARN     slog.Handler
	DEBUG    slog.Handler
}

// NewLogWrapper returns a LogWrapper that sends all levels to one handler.
func NewLogWrapper(handler slog.Handler) *LogWrapper {
	return &LogWrapper{CRITICAL: handler, ERROR: handler, WARN: handler, DEBUG: handler}
}

// at returns the handler for a level.
func (w *LogWrapper) at(level slog.Level) slog.Handler {
	switch {
	case level > slog.LevelError:
		return w.CRITICAL
	case level == slog.LevelError:
		return w.ERROR
	case level >= slog.LevelWarn:
		return w.WARN
	}
	return w.DEBUG
}

// Enabled returns true if the level's handler takes records of that level.
func (w *LogWrapper) Enabled(ctx context.Context, level slog.Level) bool {
	handler := w.at(level)
	return handler != nil && handler.Enabled(ctx, level)
}

// Handle gives the record to its level's handler.
func (w *LogWrapper) Handle(ctx context.Context, record slog.Record) error {
	if handler := w.at(record.Level); handler != nil {
		return handler.Handle(ctx, record)
	}
	return nil
}

// each returns a LogWrapper whose handlers are what change makes of this one's.
func (w *LogWrapper) each(change func(slog.Handler) slog.Handler) *LogWrapper {
	changed := *w
	for _, handler := range []*slog.Handler{&changed.CRITICAL, &changed.ERROR, &changed.WARN, &changed.DEBUG} {
		if *handler != nil {
			*handler = change(*handler)
		}
	}
	return &changed
}

// WithAttrs returns a LogWrapper whose handlers add these attributes.
func (w *LogWrapper) WithAttrs(attrs []slog.Attr) slog.Handler {
	return w.each(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup returns a LogWrapper whose handlers put later attributes into a group.
func (w *LogWrapper) WithGroup(name string) slog.Handler {
	return w.each(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}
