"""Runs each scenario on paho-mqtt (or aiomqtt) and on this package, in turns, and prints a table of medians.

compare.py SINK [RUNS [SCENARIO...]]
"""

from __future__ import annotations

import pathlib
import statistics
import subprocess
import sys
import tempfile

PROGRAM = str(pathlib.Path(__file__).with_name("program.py"))
# Scenario, on the original, on ours: what it is called there, and how many messages on each.
SCENARIOS = {
    "publish-0": ("publish-0", "publish-0", 30_000, 200_000),
    "publish-1": ("publish-1", "publish-1", 15_000, 100_000),
    "receive-0": ("receive-0", "receive-0", 30_000, 500_000),
    "receive-1": ("receive-1", "receive-1", 20_000, 400_000),
    "round-trip-0": ("round-trip-0", "round-trip-0", 3_000, 3_000),
    # No client, but a bare socket, in the place of ours: the bound of what a client can reach.
    "bare-round-trip-0": ("round-trip-0", "bare-round-trip-0", 3_000, 3_000),
    "round-trip-1": ("round-trip-1", "round-trip-1", 3_000, 3_000),
    "tls-receive-1": ("tls-receive-1", "tls-receive-1", 20_000, 200_000),
    "aiomqtt-receive-0": ("aiomqtt-receive-0", "aiomqtt-receive-0", 15_000, 50_000),
    "aio-receive-0": ("aiomqtt-receive-0", "aionative-receive-0", 15_000, 300_000),
    "aio-receive-1": ("aiomqtt-receive-1", "aionative-receive-1", 5_000, 200_000),
    "aio-publish-0": ("aiomqtt-publish-0", "aionative-publish-0", 10_000, 100_000),
    "aio-publish-1": ("aiomqtt-publish-1", "aionative-publish-1", 8_000, 20_000),
    "bare-aio-publish-1": ("aiomqtt-publish-1", "bare-publish-1", 8_000, 20_000),
    "aio-gather-1": ("aiomqtt-gather-1", "aionative-gather-1", 8_000, 60_000),
}


def run(sink: str, ours: bool, scenario: str, count: int) -> list[float]:
    with tempfile.TemporaryDirectory() as directory:
        ca = directory + "/ca.pem"
        server = subprocess.Popen([sink, ca], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert server.stdout and server.stdin
        ports: dict[str, str] = {}
        while len(ports) < 4:
            ports.update(word.split("=") for word in server.stdout.readline().split())  # type: ignore[misc]
        command = [sys.executable, *(["-m", "paho_oxide"] if ours else []), PROGRAM]
        command += [scenario, ports["tcp"], ports["tls"], str(count), ca]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600)
        finally:
            server.stdin.close()
            server.wait()
        assert done.returncode == 0, done.stderr
        return [float(word) for word in done.stdout.split()]


def main() -> None:
    sink, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print("| scenario | original | ours | ratio | CPU, original | CPU, ours | ratio |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name in sys.argv[3:] or SCENARIOS:
        theirs, ours, few, many = SCENARIOS[name]
        pairs = [(run(sink, False, theirs, few), run(sink, True, ours, many)) for _ in range(runs)]
        rate = [statistics.median(pair[side][0] for pair in pairs) for side in (0, 1)]
        cpu = [statistics.median(pair[side][1] for pair in pairs) for side in (0, 1)]
        trip = [statistics.median(pair[side][2] for pair in pairs) for side in (0, 1)]
        shown = [f"{us:.0f} us" for us in trip] if trip[0] else [f"{one / 1000:.1f}k/s" for one in rate]
        ratio = trip[1] / trip[0] if trip[0] else rate[1] / rate[0]
        cells = [name, *shown, f"{ratio:.2f}x", *(f"{us:.1f} us" for us in cpu), f"1/{cpu[0] / cpu[1]:.1f}"]
        print("|", " | ".join(cells), "|", flush=True)


main()
