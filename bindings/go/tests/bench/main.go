// Command bench runs the same program on the genuine library and on ours, in turns, and prints a table: bench -sink PROGRAM [-v5].
package main

import (
	"bufio"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A row of the table: what the program measures, how often, and how the two compare.
type row struct {
	scenario, title string
	count           int
	value           string // of the program's output
	unit            string
	more            bool // more is better
	target          float64
}

var rows = []row{
	{"publish0", "publish QoS 0", 200000, "rate", "/s", true, 6},
	{"publish0", "publish QoS 0, CPU a message", 200000, "cpu_us", "µs", false, 1. / 3},
	{"publish1", "publish QoS 1, 1,000 under way", 100000, "rate", "/s", true, 4},
	{"publish1", "publish QoS 1, CPU a message", 100000, "cpu_us", "µs", false, 1. / 3},
	{"publish1many", "publish QoS 1, 100 goroutines", 100000, "rate", "/s", true, 3},
	{"publish1many", "publish QoS 1, 100 goroutines, CPU a message", 100000, "cpu_us", "µs", false, 1. / 3},
	{"publish1store", "publish QoS 1 with FileStore", 30000, "rate", "/s", true, 8},
	{"receive0", "receive QoS 0", 300000, "rate", "/s", true, 6},
	{"receive0", "receive QoS 0, CPU a message", 300000, "cpu_us", "µs", false, 1. / 5},
	{"receive1", "receive QoS 1", 150000, "rate", "/s", true, 10},
	{"receive1", "receive QoS 1, CPU a message", 150000, "cpu_us", "µs", false, 1. / 5},
	{"receive0unordered", "receive QoS 0, OrderMatters(false)", 200000, "rate", "/s", true, 3},
	{"receive1unordered", "receive QoS 1, OrderMatters(false)", 100000, "rate", "/s", true, 3},
	{"receive1tls", "receive QoS 1 over TLS", 100000, "rate", "/s", true, 3},
	{"roundtrip0", "round trip QoS 0, p50", 10000, "p50_us", "µs", false, 1},
	{"roundtrip0", "round trip QoS 0, p99", 10000, "p99_us", "µs", false, 1.2},
	{"roundtrip1", "round trip QoS 1, p50", 10000, "p50_us", "µs", false, 1},
	{"roundtrip1", "round trip QoS 1, p99", 10000, "p99_us", "µs", false, 1.2},
	{"idle", "idle client, memory", 1000, "kib", "KiB", false, 0},
	{"idle", "idle client, goroutines", 1000, "goroutines", "", false, 0},
	{"idle", "OS threads with so many", 1000, "threads", "", false, 0},
}

// rowsV5 are those of MQTT 5, which the programs measure through autopaho.
var rowsV5 = []row{
	{"publish0", "publish QoS 0, one goroutine", 100000, "rate", "/s", true, 0},
	{"publish1", "publish QoS 1, one goroutine", 20000, "rate", "/s", true, 0},
	{"publish1many", "publish QoS 1, 100 goroutines", 100000, "rate", "/s", true, 3},
	{"publish1many", "publish QoS 1, 100 goroutines, CPU a message", 100000, "cpu_us", "µs", false, 1. / 3},
	{"queue", "publish via queue, QoS 1", 150000, "rate", "/s", true, 5},
	{"queue", "publish via queue, QoS 1, CPU a message", 150000, "cpu_us", "µs", false, 1. / 3},
	{"receive0", "receive QoS 0", 300000, "rate", "/s", true, 0},
	{"receive0", "receive QoS 0, CPU a message", 300000, "cpu_us", "µs", false, 1. / 5},
	{"receive1", "receive QoS 1", 100000, "rate", "/s", true, 0},
	{"receive1", "receive QoS 1, CPU a message", 100000, "cpu_us", "µs", false, 1. / 5},
	{"roundtrip0", "round trip QoS 0, p50", 10000, "p50_us", "µs", false, 1},
	{"roundtrip1", "round trip QoS 1, p50", 10000, "p50_us", "µs", false, 1},
	{"roundtrip1", "round trip QoS 1, p99", 10000, "p99_us", "µs", false, 1.2},
}

func main() {
	v5 := flag.Bool("v5", false, "measure the module of MQTT 5")
	sink := flag.String("sink", "", "the benchmarks' server")
	runs := flag.Int("runs", 5, "how often each program runs")
	only := flag.String("only", "", "scenarios, with commas between; all if empty")
	scale := flag.Float64("scale", 1, "of the numbers of messages")
	flag.Parse()
	genuineName, module := "paho.mqtt.golang v1.5.1", "."
	if *v5 {
		rows, genuineName, module = rowsV5, "paho.golang v0.23.0", "../v5/tests"
	}
	directory, err := os.MkdirTemp("", "bench-go")
	check(err)
	defer os.RemoveAll(directory)
	programs := map[string]string{}
	for _, library := range []string{"go", "oxide"} {
		programs[library] = filepath.Join(directory, library)
		arguments := append([]string{"build", "-modfile=" + library + ".mod"}, strings.Fields(os.Getenv("PAHO_OXIDE_GO_FLAGS"))...)
		build := exec.Command("go", append(arguments, "-o", programs[library], "./bench/program")...)
		build.Dir, build.Stderr = module, os.Stderr
		check(build.Run())
	}
	ca := filepath.Join(directory, "ca.pem")
	server := exec.Command(*sink, ca)
	input, err := server.StdinPipe()
	check(err)
	output, err := server.StdoutPipe()
	check(err)
	check(server.Start())
	ports := map[string]string{}
	scanner := bufio.NewScanner(output)
	for len(ports) < 4 && scanner.Scan() {
		name, port, _ := strings.Cut(scanner.Text(), "=")
		ports[name] = port
	}
	go func() {
		for scanner.Scan() {
		}
	}()
	defer server.Wait()
	defer input.Close()

	// values[scenario][library][value] has a figure of each run.
	values := map[string]map[string]map[string][]float64{}
	for range *runs {
		for _, r := range rows {
			if *only != "" && !slices.Contains(strings.Split(*only, ","), r.scenario) {
				continue
			}
			if values[r.scenario] == nil {
				values[r.scenario] = map[string]map[string][]float64{"go": {}, "oxide": {}}
			} else if r.value != firstValue(r.scenario) {
				continue // one run gives all values
			}
			for _, library := range []string{"go", "oxide"} {
				arguments := []string{r.scenario, "tcp://127.0.0.1:" + ports["tcp"], strconv.Itoa(int(float64(r.count) * *scale))}
				if strings.HasSuffix(r.scenario, "tls") {
					arguments[1] = "ssl://127.0.0.1:" + ports["tls"]
					arguments = append(arguments, ca)
				}
				run := exec.Command(programs[library], arguments...)
				run.Stderr = os.Stderr
				out, err := run.Output()
				check(err)
				for _, pair := range strings.Fields(string(out)) {
					name, text, _ := strings.Cut(pair, "=")
					value, err := strconv.ParseFloat(text, 64)
					check(err)
					values[r.scenario][library][name] = append(values[r.scenario][library][name], value)
				}
			}
		}
	}
	fmt.Printf("| Go, 256 B | %s | paho-oxide | ratio | target |\n", genuineName)
	fmt.Println("|---|--:|--:|--:|--:|")
	for _, r := range rows {
		if values[r.scenario] == nil {
			continue
		}
		genuine, oxide := median(values[r.scenario]["go"][r.value]), median(values[r.scenario]["oxide"][r.value])
		target := ""
		if r.target != 0 {
			target = map[bool]string{true: "≥ ", false: "≤ "}[r.more] + strconv.FormatFloat(r.target, 'g', 2, 64) + "×"
		}
		fmt.Printf("| %s | %s %s | %s %s | %.2f× | %s |\n", r.title, figure(genuine), r.unit, figure(oxide), r.unit, oxide/genuine, target)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// firstValue is the value of a scenario's first row.
func firstValue(scenario string) string {
	return rows[slices.IndexFunc(rows, func(r row) bool { return r.scenario == scenario })].value
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func figure(value float64) string {
	if value < 1000 {
		return strconv.FormatFloat(value, 'f', 1, 64)
	}
	digits := strconv.Itoa(int(value))
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
