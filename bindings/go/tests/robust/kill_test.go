package robust

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mqtt "github.com/paho-oxide/paho-oxide/bindings/go"
	"github.com/paho-oxide/paho-oxide/bindings/go/tests/both"
)

// The test's program is also the publisher and the subscriber that are killed. The environment says which one a process shall be.
const (
	roleVariable = "PAHO_OXIDE_KILL_ROLE"
	atURL        = 0
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

func child(role, id string, arguments []string, change func(*mqtt.ClientOptions)) mqtt.Client {
	o := options(arguments[atURL], id).SetCleanSession(false).SetStore(mqtt.NewFileStore(filepath.Join(arguments[atDirectory], role))).
		SetConnectRetry(true).SetConnectRetryInterval(20 * time.Millisecond)
	change(o)
	c := mqtt.NewClient(o)
	if token := c.Connect(); token.Wait() && token.Error() != nil {
		fmt.Fprintln(os.Stderr, role, token.Error())
		os.Exit(1)
	}
	return c
}

// log returns a function that appends lines to a file, each with one write, which a kill cannot take back.
func log(arguments []string, name string) func(string) {
	file, err := os.OpenFile(filepath.Join(arguments[atDirectory], name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	return func(line string) { file.WriteString(line + "\n") }
}

// publisher publishes until it is killed, and writes down what Publish has accepted.
func publisher(arguments []string) {
	accepted := log(arguments, "accepted")
	c := child("publisher", "kill_publisher", arguments, func(*mqtt.ClientOptions) {})
	qos := arguments[atQoS][0] - '0'
	var under atomic.Int32
	for n := 0; ; n++ {
		payload := arguments[atRun] + "." + fmt.Sprint(n)
		token := c.Publish("kill", qos, false, payload)
		select {
		case <-token.Done():
			if token.Error() != nil {
				continue // it was not accepted
			}
		default:
		}
		accepted(payload)
		if under.Add(1) > 50 {
			token.WaitTimeout(100 * time.Millisecond)
			under.Store(0)
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// subscriber writes down what it receives, until it is killed.
func subscriber(arguments []string) {
	received := log(arguments, "received")
	c := child("subscriber", "kill_subscriber", arguments, func(o *mqtt.ClientOptions) {
		o.SetDefaultPublishHandler(func(_ mqtt.Client, m mqtt.Message) {
			mark := ""
			if m.Duplicate() {
				mark = " again"
			}
			received(string(m.Payload()) + mark)
		})
	})
	c.Subscribe("kill", arguments[atQoS][0]-'0', nil).Wait()
	log(arguments, "subscribed")("")
	select {}
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

func read(t *testing.T, name string) []string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var lines []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	return lines
}

// TestKills: publisher and subscriber are killed and the broker is restarted, again and again. What Publish has accepted must be received: with
// QoS 2 once, but for messages that were with the handler when the subscriber was killed, and these are marked as duplicates.
func TestKills(t *testing.T) {
	for _, qos := range []string{"1", "2"} {
		t.Run("QoS"+qos, func(t *testing.T) {
			place := t.TempDir()
			os.Mkdir(filepath.Join(place, "broker"), 0o755)
			// With a limit, mosquitto 2.0.11 refuses what goes beyond it with a reason code in PUBREC that MQTT 3.1.1 has no room for, and
			// closes the connection: the client that gets this PUBREC takes the message for accepted, and it is lost.
			broker := both.Mosquitto(t, "max_inflight_messages 0", "persistence true", "persistence_location "+filepath.Join(place, "broker")+"/")
			arguments := []string{broker.TCP, place, qos, "0"}
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
			kills := times(10, 100)
			for i := range kills {
				time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
				arguments[atRun] = fmt.Sprint(i + 1)
				switch {
				case i%5 == 4:
					broker.Stop()
					broker.Start(t)
				case i%2 == 0:
					pub.Process.Kill()
					pub.Wait()
					pub = start(t, "publisher", arguments...)
				default:
					sub.Process.Kill()
					sub.Wait()
					sub = start(t, "subscriber", arguments...)
				}
			}
			time.Sleep(300 * time.Millisecond)
			pub.Process.Kill()
			pub.Wait()
			// One more publisher sends what the last one left; it ends when nothing is under way.
			last := child("publisher", "kill_publisher", arguments, func(*mqtt.ClientOptions) {})
			var missing, twice []string
			for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
				missing, twice = compareLogs(t, place)
				if len(missing) == 0 || time.Now().After(deadline) {
					break
				}
			}
			last.Disconnect(1000)
			sub.Process.Kill()
			sub.Wait()
			accepted := len(read(t, filepath.Join(place, "accepted")))
			t.Logf("%d kills, %d messages accepted", kills, accepted)
			if len(missing) > 0 || accepted < kills {
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
	for _, line := range read(t, filepath.Join(place, "received")) {
		payload, again, _ := strings.Cut(line, " ")
		if count[payload] > 0 && again == "" {
			twice = append(twice, payload)
		}
		count[payload]++
	}
	for _, payload := range read(t, filepath.Join(place, "accepted")) {
		if count[payload] == 0 {
			missing = append(missing, payload)
		}
	}
	return missing, twice
}
