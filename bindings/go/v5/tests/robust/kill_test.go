package robust

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/session/state"
	"github.com/paho-oxide/paho-oxide/bindings/go/v5/paho/store/file"
)

// The test's program is also the publisher and the subscriber that are killed. The environment says which one a process shall be.
const (
	roleVariable = "PAHO_OXIDE_KILL_ROLE"
	atAddress    = 0
	atDirectory  = 1
	atQoS        = 2
	atRun        = 3
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "publisher":
		publisher(os.Args[len(os.Args)-4:])
	case "subscriber":
		subscriber(os.Args[len(os.Args)-4:])
	default:
		os.Exit(m.Run())
	}
}

// clients calls use with a connected client, again and again, until it returns false. The session is in files.
func clients(role string, arguments []string, config paho.ClientConfig, use func(*paho.Client) bool) {
	store, err := file.New(filepath.Join(arguments[atDirectory], role), "cli", ".pkt")
	if err != nil {
		panic(err)
	}
	config.Session = state.New(store, store)
	for more := true; more; time.Sleep(5 * time.Millisecond) {
		conn, err := net.Dial("tcp", arguments[atAddress])
		if err != nil {
			continue
		}
		config.Conn = conn
		c := paho.NewClient(config)
		if _, err := c.Connect(context.Background(), &paho.Connect{ClientID: "kill_" + role, KeepAlive: 30, Properties: &paho.ConnectProperties{
			RequestProblemInfo: true, SessionExpiryInterval: paho.Uint32(3600),
		}}); err != nil {
			fmt.Fprintln(os.Stderr, role, err)
			continue
		}
		more = use(c)
		_ = c.Disconnect(&paho.Disconnect{})
	}
}

// log returns a function that appends lines to a file, each with one write, which a kill cannot take back.
func log(arguments []string, name string) func(string) {
	file, err := os.OpenFile(filepath.Join(arguments[atDirectory], name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	return func(line string) { file.WriteString(line + "\n") }
}

// publisher publishes until it is killed, and writes down what the session has accepted.
func publisher(arguments []string) {
	accepted := log(arguments, "accepted")
	qos := arguments[atQoS][0] - '0'
	n := 0
	clients("publisher", arguments, paho.ClientConfig{}, func(c *paho.Client) bool {
		for ; ; n++ {
			payload := arguments[atRun] + "." + fmt.Sprint(n)
			message := &paho.Publish{Topic: "kill", QoS: qos, Payload: []byte(payload)}
			if _, err := c.PublishWithOptions(context.Background(), message, paho.PublishOptions{Method: paho.PublishMethod_AsyncSend}); err != nil {
				n++
				return true
			}
			accepted(payload)
			time.Sleep(200 * time.Microsecond)
		}
	})
}

// subscriber writes down what it receives, until it is killed.
func subscriber(arguments []string) {
	received := log(arguments, "received")
	config := paho.ClientConfig{OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
		mark := ""
		if p.Packet.Duplicate() {
			mark = " again"
		}
		received(string(p.Packet.Payload) + mark)
		return true, nil
	}}}
	clients("subscriber", arguments, config, func(c *paho.Client) bool {
		subscription := paho.SubscribeOptions{Topic: "kill", QoS: arguments[atQoS][0] - '0'}
		if _, err := c.Subscribe(context.Background(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{subscription}}); err == nil {
			log(arguments, "subscribed")("")
			<-c.Done()
		}
		return true
	})
}

func start(t *testing.T, role string, arguments ...string) *exec.Cmd {
	t.Helper()
	process := exec.Command(os.Args[0], arguments...)
	process.Env = append(os.Environ(), roleVariable+"="+role)
	process.Stderr = os.Stderr
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	return process
}

func kill(process *exec.Cmd) {
	process.Process.Kill()
	process.Wait()
}

func lines(t *testing.T, name string) []string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		all = append(all, scanner.Text())
	}
	return all
}

// kills returns how often TestKills kills: a few times, or with PAHO_OXIDE_LONG as often as the requirements say.
func kills() int {
	if os.Getenv("PAHO_OXIDE_LONG") != "" {
		return 100
	}
	return 8
}

// TestKills: publisher and subscriber are killed and the broker is restarted, again and again. What the session has accepted must be received:
// with QoS 2 once, but for messages that were with the handler when the subscriber was killed, and these are marked as duplicates.
func TestKills(t *testing.T) {
	for _, qos := range []string{"1", "2"} {
		t.Run("QoS"+qos, func(t *testing.T) {
			t.Parallel()
			place := t.TempDir()
			if err := os.Mkdir(filepath.Join(place, "broker"), 0o755); err != nil {
				t.Fatal(err)
			}
			broker := both.Mosquitto(t, "persistence true", "persistence_location "+filepath.Join(place, "broker")+"/")
			arguments := []string{strings.TrimPrefix(broker.TCP, "tcp://"), place, qos, "0"}
			sub := start(t, "subscriber", arguments...)
			for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(place, "subscribed")); err == nil {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("no subscription")
				}
			}
			pub := start(t, "publisher", arguments...)
			for i := range kills() {
				time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
				arguments[atRun] = fmt.Sprint(i + 1)
				switch {
				case i%5 == 4:
					broker.Stop()
					broker.Start(t)
				case i%2 == 0:
					kill(pub)
					pub = start(t, "publisher", arguments...)
				default:
					kill(sub)
					sub = start(t, "subscriber", arguments...)
				}
			}
			time.Sleep(300 * time.Millisecond)
			kill(pub)
			defer kill(sub)
			// One more publisher sends what the last one left.
			var missing, twice []string
			clients("publisher", arguments, paho.ClientConfig{}, func(c *paho.Client) bool {
				for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
					if missing, twice = compareLogs(t, place); len(missing) == 0 || time.Now().After(deadline) {
						return false
					}
				}
			})
			accepted := len(lines(t, filepath.Join(place, "accepted")))
			t.Logf("%d kills, %d messages accepted", kills(), accepted)
			if len(missing) > 0 || accepted < kills() {
				t.Errorf("%d of %d missing: %.300s", len(missing), accepted, strings.Join(missing, " "))
			}
			if qos == "2" && len(twice) > 0 {
				t.Errorf("%d twice: %.300s", len(twice), strings.Join(twice, " "))
			}
		})
	}
}

// compareLogs returns what was accepted and not received, and what was received twice without being marked.
func compareLogs(t *testing.T, place string) (missing, twice []string) {
	count := map[string]int{}
	for _, line := range lines(t, filepath.Join(place, "received")) {
		payload, again, _ := strings.Cut(line, " ")
		if count[payload] > 0 && again == "" {
			twice = append(twice, payload)
		}
		count[payload]++
	}
	for _, payload := range lines(t, filepath.Join(place, "accepted")) {
		if count[payload] == 0 {
			missing = append(missing, payload)
		}
	}
	return missing, twice
}
