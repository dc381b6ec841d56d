//! Publishing and receiving as fast as it goes.

use super::{Better, Metric, Program, Scenario, Target, count, lower, of_raw, rate, scenario};

pub fn publishing() -> Vec<Scenario> {
    use Program::Async;
    let publish = |name, title, args, n, target| {
        scenario(Async, name, title, args, n, target)
            .mosquitto()
            .raw()
    };
    vec![
        publish(
            "publish-0-16",
            "publish QoS 0, 16 B",
            "publish qos=0 size=16",
            count(1_000_000, 100_000, 100_000, 3_000_000),
            5.0,
        ),
        publish(
            "publish-0-256",
            "publish QoS 0, 256 B",
            "publish qos=0",
            count(1_000_000, 100_000, 100_000, 2_000_000),
            5.0,
        ),
        publish(
            "publish-0-1k",
            "publish QoS 0, 1 KiB",
            "publish qos=0 size=1024",
            count(400_000, 60_000, 100_000, 800_000),
            5.0,
        )
        .full(),
        publish(
            "publish-0-4k",
            "publish QoS 0, 4 KiB",
            "publish qos=0 size=4096",
            count(200_000, 30_000, 60_000, 300_000),
            3.0,
        ),
        publish(
            "publish-0-64k",
            "publish QoS 0, 64 KiB",
            "publish qos=0 size=65536",
            count(20_000, 300, 10_000, 30_000),
            1.3,
        )
        .metrics(vec![rate(1.3), of_raw(0.85)]),
        publish(
            "publish-0-1m",
            "publish QoS 0, 1 MiB",
            "publish qos=0 size=1048576",
            count(1_000, 50, 400, 1_500),
            0.0,
        )
        .full(),
        publish(
            "publish-0-callbacks",
            "publish QoS 0, a callback for each, 1,000 under way",
            "publish qos=0 window=1000",
            count(500_000, 60_000, 100_000, 1_000_000),
            5.0,
        ),
        publish(
            "publish-1",
            "publish QoS 1",
            "publish qos=1",
            count(30_000, 30_000, 30_000, 500_000),
            10.0,
        ),
        publish(
            "publish-1-100",
            "publish QoS 1, 100 under way",
            "publish qos=1 window=100 inflight=100",
            count(300_000, 50_000, 60_000, 500_000),
            10.0,
        ),
        publish(
            "publish-2",
            "publish QoS 2",
            "publish qos=2",
            count(8_000, 8_000, 8_000, 300_000),
            10.0,
        ),
        publish(
            "publish-2-100",
            "publish QoS 2, 100 under way",
            "publish qos=2 window=100 inflight=100",
            count(150_000, 10_000, 30_000, 300_000),
            10.0,
        )
        .full(),
        scenario(
            Async,
            "publish-1-store",
            "publish QoS 1, default file store",
            "publish qos=1 window=1000",
            count(20_000, 4_000, 0, 0),
            10.0,
        )
        .store(),
        publish(
            "publish-1-v5",
            "publish QoS 1, MQTT 5 with properties",
            "publish qos=1 version=5 properties=1 window=1000",
            count(200_000, 30_000, 40_000, 0),
            10.0,
        )
        .without_raw(),
        publish(
            "threads-0",
            "publish QoS 0 from 4 threads on one client",
            "publish qos=0 threads=4",
            count(200_000, 25_000, 25_000, 0),
            5.0,
        )
        .without_raw(),
        publish(
            "threads-1",
            "publish QoS 1 from 4 threads on one client",
            "publish qos=1 threads=4",
            count(7_500, 7_500, 7_500, 0),
            5.0,
        )
        .without_raw(),
        scenario(
            Async,
            "offline",
            "200,000 QoS 1 messages of 100 B queued offline",
            "offline qos=1 size=100",
            count(200_000, 60_000, 0, 0),
            0.0,
        )
        .metrics(offline()),
        scenario(
            Async,
            "offline-1m",
            "1,000,000 QoS 1 messages of 100 B queued offline",
            "offline qos=1 size=100",
            count(1_000_000, 60_000, 0, 0),
            0.0,
        )
        .metrics(offline())
        .full(),
    ]
}

fn offline() -> Vec<Metric> {
    vec![
        Metric {
            key: "sent",
            title: "accepted and delivered",
            unit: "",
            better: Better::Higher,
            target: Target::None,
        },
        rate(0.0),
        lower(
            "peak_kib",
            "peak memory",
            "KiB",
            Target::Limit(300e6 / 1024.0),
        ),
        lower("bytes_per_message", "memory for each", "B", Target::None),
    ]
}

pub fn receiving() -> Vec<Scenario> {
    use Program::Async;
    let receive = |name, title, args, n, target| {
        scenario(Async, name, title, args, n, target)
            .mosquitto()
            .raw()
    };
    vec![
        receive(
            "receive-0",
            "receive QoS 0",
            "receive qos=0",
            count(500_000, 100_000, 150_000, 1_000_000),
            5.0,
        ),
        receive(
            "receive-1",
            "receive QoS 1",
            "receive qos=1",
            count(400_000, 60_000, 60_000, 600_000),
            4.0,
        ),
        receive(
            "receive-2",
            "receive QoS 2",
            "receive qos=2",
            count(60_000, 60_000, 60_000, 300_000),
            4.0,
        ),
        receive(
            "receive-0-16",
            "receive QoS 0, 16 B",
            "receive qos=0 size=16",
            count(800_000, 100_000, 150_000, 2_000_000),
            5.0,
        )
        .full(),
        receive(
            "receive-0-4k",
            "receive QoS 0, 4 KiB",
            "receive qos=0 size=4096",
            count(200_000, 60_000, 100_000, 300_000),
            0.0,
        )
        .full(),
        receive(
            "receive-0-64k",
            "receive QoS 0, 64 KiB",
            "receive qos=0 size=65536",
            count(20_000, 10_000, 10_000, 30_000),
            0.0,
        ),
        receive(
            "receive-1-v5",
            "receive QoS 1, MQTT 5 with properties",
            "receive qos=1 version=5",
            count(300_000, 40_000, 60_000, 0),
            4.0,
        )
        .without_raw(),
    ]
}

pub fn blocking() -> Vec<Scenario> {
    use Program::Blocking;
    let blocking = |name, title, args, n, target| scenario(Blocking, name, title, args, n, target);
    vec![
        blocking(
            "blocking-publish-0",
            "blocking API: publish QoS 0",
            "publish qos=0",
            count(1_000_000, 200_000, 0, 2_000_000),
            2.0,
        )
        .raw(),
        blocking(
            "blocking-publish-1",
            "blocking API: publish QoS 1, one at a time",
            "publish qos=1 window=1 callbacks=1",
            count(20_000, 30, 0, 20_000),
            100.0,
        )
        .raw(),
        blocking(
            "blocking-publish-2",
            "blocking API: publish QoS 2, one at a time",
            "publish qos=2 window=1 callbacks=1",
            count(10_000, 30, 0, 10_000),
            100.0,
        )
        .raw(),
        blocking(
            "blocking-publish-1-wait",
            "blocking API without callbacks: publish QoS 1, waitForCompletion for each",
            "publish qos=1 wait=1",
            count(20_000, 20, 0, 0),
            100.0,
        ),
        blocking(
            "blocking-receive-0",
            "blocking API: receive QoS 0",
            "receive qos=0",
            count(500_000, 100_000, 0, 1_000_000),
            5.0,
        )
        .raw(),
        blocking(
            "blocking-receive-1",
            "blocking API: receive QoS 1",
            "receive qos=1",
            count(400_000, 60_000, 0, 600_000),
            4.0,
        )
        .raw(),
        blocking(
            "blocking-receive-2",
            "blocking API: receive QoS 2",
            "receive qos=2",
            count(60_000, 60_000, 0, 300_000),
            4.0,
        )
        .raw(),
        blocking(
            "blocking-callbacks-1",
            "blocking API with callbacks: receive QoS 1",
            "callbacks qos=1",
            count(400_000, 60_000, 0, 600_000),
            4.0,
        )
        .full(),
    ]
}
