// Command config prints what can be seen of configurations, back-offs and errors without a connection.
package main

//lint:file-ignore SA1019 what is deprecated is part of the interface, too

import (
	"context"
	"errors"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/differential/programs/kit"
)

func main() {
	_, err := autopaho.NewConnection(context.Background(), autopaho.ClientConfig{})
	kit.Print(err)

	cfg := autopaho.ClientConfig{KeepAlive: 20}
	//lint:ignore SA1019 it is part of the interface
	cfg.SetUsernamePassword("user", []byte("password"))
	//lint:ignore SA1019 it is part of the interface
	cfg.SetUsernamePassword("", nil)
	kit.Print(cfg.ConnectUsername, string(cfg.ConnectPassword))
	cfg.ResetUsernamePassword()
	kit.Print(cfg.ConnectUsername == "", cfg.ConnectPassword != nil, len(cfg.ConnectPassword))
	//lint:ignore SA1019 it is part of the interface
	cfg.SetWillMessage("will", []byte("bye"), 1, true)
	kit.Print(*cfg.WillMessage, *cfg.WillProperties.WillDelayInterval)
	//lint:ignore SA1019 it is part of the interface
	kit.Print(cfg.SetConnectPacketConfigurator(func(c *paho.Connect) (*paho.Connect, error) { return c, nil }), cfg.ConnectPacketBuilder != nil)
	//lint:ignore SA1019 it is part of the interface
	cfg.SetDisConnectPacketConfigurator(func() *paho.Disconnect { return nil })
	kit.Print(cfg.DisconnectPacketBuilder() == nil)

	constant := autopaho.NewConstantBackoff(time.Second)
	kit.Print(constant(-1), constant(0), constant(1), constant(100))
	for _, c := range []struct{ min, max, initial time.Duration }{{time.Second, time.Minute, 2 * time.Second}, {time.Millisecond, 2 * time.Millisecond, time.Millisecond}} {
		exponential := autopaho.NewExponentialBackoff(c.min, c.max, c.initial, 2)
		for attempt := range 100 {
			delay := exponential(attempt)
			if longest := min(c.max, c.initial<<max(0, min(attempt-1, 20))); attempt > 0 && (delay < c.min || delay > longest) || attempt == 0 && delay != 0 {
				kit.Print("attempt", attempt, delay)
			}
		}
	}
	for _, bad := range []func(){
		func() { autopaho.NewExponentialBackoff(0, 2, 1, 2) },
		func() { autopaho.NewExponentialBackoff(2, 2, 2, 2) },
		func() { autopaho.NewExponentialBackoff(2, 4, 1, 2) },
		func() { autopaho.NewExponentialBackoff(2, 4, 5, 2) },
		func() { autopaho.NewExponentialBackoff(2, 4, 3, 1) },
	} {
		func() {
			defer func() { kit.Print(recover() != nil) }()
			bad()
		}()
	}
	for range 100 {
		if d := autopaho.DefaultExponentialBackoff()(1); d < 5*time.Second || d > 10*time.Second {
			kit.Print(d)
		}
	}

	cause := errors.New("cause")
	refused := autopaho.NewConnackError(cause, &paho.Connack{ReasonCode: 0x87, Properties: &paho.ConnackProperties{ReasonString: "why"}})
	kit.Print(refused, refused.ReasonCode, refused.Reason, errors.Is(refused, cause), autopaho.NewConnackError(cause, &paho.Connack{}).Reason == "")
	kit.Print(autopaho.ConnectionDownError, paho.ErrInvalidArguments, paho.ErrConnectionLost)
}
