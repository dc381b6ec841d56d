//! Each transition of the lifecycle, without threads and sockets.

use std::time::Duration;

use super::*;
use crate::options::{ReconnectOptions, VersionChoice};
use crate::protocol::Version;
use crate::protocol::handshake::Handshake;
use crate::protocol::packet::Connect;
use crate::protocol::property::{PropertiesRef, Property, Value};
use crate::transport::Link;

/// A lifecycle whose operations are numbers.
type Life = Lifecycle<u8>;

const S: Duration = Duration::from_secs(1);

fn options(reconnects: bool) -> Arc<ConnectOptions> {
    let reconnect = reconnects.then_some(ReconnectOptions { min: S, max: S });
    Arc::new(ConnectOptions {
        keep_alive: S,
        clean: true,
        max_inflight: 1,
        will: None,
        username: None,
        password: None,
        connect_timeout: S,
        tls: None,
        server_uris: Vec::new(),
        version: VersionChoice::Default,
        reconnect,
        properties: Properties::new(),
        http_headers: Vec::new(),
        http_proxy: None,
        https_proxy: None,
        network: None,
        extras: None,
    })
}

fn connection() -> Connection {
    let (link, _owner) = Link::stream(64, Arc::new(|_| {}));
    Connection::new(Arc::new(link), Instant::now())
}

fn connecting(reconnects: bool) -> (Life, u64) {
    let mut life = Life::default();
    let epoch = life.connect(options(reconnects), 1).expect("idle");
    (life, epoch)
}

fn up(reconnects: bool) -> Life {
    let (mut life, epoch) = connecting(reconnects);
    assert_eq!(life.established(epoch, connection(), false), Ok(Some(1)));
    life
}

/// The automatic reconnect as the connect has asked for it.
fn retry(life: &mut Life, unheard: Option<Box<u8>>) -> Option<Plan> {
    let asked = life.options().and_then(|options| options.reconnect);
    life.retry(asked, unheard)
}

fn reconnecting() -> (Life, Plan) {
    let mut life = up(true);
    let ended = life.end().expect("a connection");
    let plan = retry(&mut life, ended.unheard).expect("it is wanted");
    (life, plan)
}

fn leave_now(life: &mut Life) -> Disconnect {
    life.disconnect(Instant::now(), 0, Properties::new(), Some(7))
}

#[test]
fn a_connect_leads_to_a_connection_or_fails_once() {
    let (mut life, epoch) = connecting(false);
    assert!(life.is_connecting() && life.is_wanted() && !life.is_up());
    assert_eq!(life.connect(options(false), 2), Err(Refusal::Busy));
    assert_eq!(life.failed(epoch), Some(1));
    assert_eq!(life.failed(epoch), None);
    assert!(retry(&mut life, None).is_none(), "the program wants none");

    let mut life = up(false);
    assert!(life.is_up() && life.is_open());
    assert_eq!(life.connect(options(false), 2), Err(Refusal::Busy));
    assert_eq!(life.failed(life.epoch()), None);
}

#[test]
fn an_attempt_of_an_older_epoch_changes_nothing() {
    let (mut life, epoch) = connecting(false);
    assert_eq!(life.failed(epoch), Some(1));
    let newer = life.connect(options(false), 2).expect("idle");
    assert_eq!(life.failed(epoch), None);
    assert_eq!(life.established(epoch, connection(), false), Err(Unwanted));
    assert!(!life.may_attempt(epoch) && life.may_attempt(newer));
    assert_eq!(life.established(newer, connection(), false), Ok(Some(2)));
}

#[test]
fn a_disconnect_while_connecting_lets_the_attempt_be_the_last() {
    let (mut life, epoch) = connecting(true);
    assert_eq!(leave_now(&mut life), Disconnect::NotConnected);
    assert!(!life.may_attempt(epoch));
    assert_eq!(life.failed(epoch), Some(1), "the program hears of it");
    assert!(retry(&mut life, None).is_none());

    // A CONNACK that comes all the same makes a connection, as with the original; its loss is final.
    let (mut life, epoch) = connecting(true);
    assert_eq!(leave_now(&mut life), Disconnect::NotConnected);
    assert_eq!(life.established(epoch, connection(), false), Ok(Some(1)));
    assert!(life.end().is_some() && retry(&mut life, None).is_none());
}

#[test]
fn a_lost_connection_is_followed_by_the_automatic_reconnect() {
    let (mut life, plan) = reconnecting();
    assert!(!life.is_up() && life.may_attempt(plan.epoch));
    assert_eq!(life.attempt_failed(plan.epoch), None, "it has heard");
    assert_eq!(
        life.established(plan.epoch, connection(), false),
        Ok(None),
        "no connect of the program's"
    );
}

#[test]
fn a_connect_takes_the_place_of_the_automatic_reconnect() {
    let (mut life, plan) = reconnecting();
    let epoch = life.connect(options(true), 2).expect("not busy");
    assert_eq!(
        life.established(plan.epoch, connection(), false),
        Err(Unwanted)
    );
    assert_eq!(life.established(epoch, connection(), false), Ok(Some(2)));
}

#[test]
fn a_disconnect_ends_the_automatic_reconnect() {
    let (mut life, plan) = reconnecting();
    assert_eq!(leave_now(&mut life), Disconnect::NotConnected);
    assert!(!life.may_attempt(plan.epoch) && !life.is_wanted());
    assert_eq!(
        life.established(plan.epoch, connection(), false),
        Err(Unwanted)
    );
    assert!(retry(&mut life, None).is_none());
}

#[test]
fn a_success_of_which_the_program_did_not_hear_leaves_it_one_failure() {
    let mut life = up(true);
    life.keep_unheard(5);
    let ended = life.end().expect("a connection");
    let plan = retry(&mut life, ended.unheard).expect("it is wanted");
    assert_eq!(life.attempt_failed(plan.epoch + 1), None);
    assert_eq!(life.attempt_failed(plan.epoch), Some(5));
    assert_eq!(life.attempt_failed(plan.epoch), None);

    // The next success keeps it, too, if no failure came between.
    let mut life = up(true);
    life.keep_unheard(5);
    let ended = life.end().expect("a connection");
    let plan = retry(&mut life, ended.unheard).expect("it is wanted");
    assert_eq!(life.established(plan.epoch, connection(), false), Ok(None));
    assert_eq!(
        life.end().expect("a connection").unheard.as_deref(),
        Some(&5)
    );
}

#[test]
fn the_programs_signal_belongs_to_one_reconnect() {
    let (mut life, plan) = reconnecting();
    assert!(matches!(life.reconnect(), Ok(Reconnect::Signalled)));
    assert!(plan.signal.take_anew() && !plan.signal.take_anew());
    assert!(matches!(life.reconnect(), Ok(Reconnect::Signalled)));
    assert_eq!(life.established(plan.epoch, connection(), false), Ok(None));
    assert_eq!(life.reconnect().err(), Some(Refusal::Busy));
    let ended = life.end().expect("a connection");
    let next = retry(&mut life, ended.unheard).expect("it is wanted");
    assert!(!next.signal.take_anew(), "that was for the one before");
}

#[test]
fn reconnect_begins_with_the_last_options_and_not_without() {
    let mut life = Life::default();
    assert_eq!(life.reconnect().err(), Some(Refusal::NoOptions));
    let epoch = life.connect(options(false), 1).expect("idle");
    assert_eq!(life.reconnect().err(), Some(Refusal::Busy));
    assert_eq!(life.failed(epoch), Some(1));
    assert!(matches!(life.reconnect(), Ok(Reconnect::Connect(_))));
}

#[test]
fn a_reconnect_whose_task_is_gone_may_begin_again() {
    let (mut life, plan) = reconnecting();
    assert!(!life.abandoned(plan.epoch + 1));
    assert!(life.abandoned(plan.epoch));
    assert!(!life.abandoned(plan.epoch), "once");
    assert!(retry(&mut life, None).is_some());
}

#[test]
fn a_disconnect_waits_for_what_is_in_flight_says_it_and_closes() {
    let (mut life, now) = (up(true), Instant::now());
    let disconnect = life.disconnect(now + S, 4, Properties::new(), Some(7));
    assert_eq!(disconnect, Disconnect::Begun);
    assert!(life.is_up() && !life.is_open() && life.is_leaving() && !life.has_said_goodbye());
    assert_eq!(life.deadline(), Some(now + S));
    let grace = now + 10 * S;
    assert_eq!(life.leave(now, grace, false, true), Leave::Wait);
    assert_eq!(
        life.leave(now, grace, true, true),
        Leave::Say(4, Properties::new())
    );
    assert!(life.has_said_goodbye());
    assert_eq!(life.deadline(), Some(grace), "the socket has that long");
    assert_eq!(life.leave(now, grace, true, false), Leave::Wait);
    assert_eq!(life.leave(now, grace, true, true), Leave::Close);
    let ended = life.end().expect("a connection");
    assert_eq!(ended.leaving, Some(vec![7]));
    assert!(retry(&mut life, ended.unheard).is_none() && !life.is_wanted());
}

#[test]
fn a_disconnect_does_not_wait_for_ever() {
    let (mut life, now) = (up(true), Instant::now());
    assert_eq!(leave_now(&mut life), Disconnect::Begun);
    assert!(matches!(
        life.leave(now + S, now + 2 * S, false, false),
        Leave::Say(..)
    ));
    assert_eq!(life.leave(now + S, now + 3 * S, true, false), Leave::Wait);
    assert_eq!(
        life.leave(now + 2 * S, now + 3 * S, true, false),
        Leave::Close
    );
}

#[test]
fn a_second_disconnect_joins_the_first() {
    let (mut life, now) = (up(true), Instant::now());
    assert_eq!(leave_now(&mut life), Disconnect::Begun);
    let second = life.disconnect(now + 9 * S, 9, Properties::new(), Some(8));
    assert_eq!(second, Disconnect::Begun);
    assert!(life.deadline() < Some(now + 9 * S), "the first one's");
    assert_eq!(life.end().expect("a connection").leaving, Some(vec![7, 8]));
}

#[test]
fn nothing_follows_destroy() {
    let (mut life, epoch) = connecting(true);
    assert!(life.destroy() && life.is_destroyed());
    assert_eq!(
        life.failed(epoch),
        None,
        "a pending connect ends without a word"
    );
    assert_eq!(life.established(epoch, connection(), false), Err(Unwanted));
    assert_eq!(life.connect(options(true), 2), Err(Refusal::Destroyed));
    assert_eq!(life.reconnect().err(), Some(Refusal::Destroyed));
    assert_eq!(leave_now(&mut life), Disconnect::NotConnected);
    assert!(life.end().is_none() && retry(&mut life, None).is_none());
    assert!(!life.destroy(), "once");
}

#[test]
fn each_connection_and_each_attempt_has_an_epoch_of_its_own() {
    let mut life = up(true);
    let mut epochs = vec![life.epoch()];
    for _ in 0..3 {
        let ended = life.end().expect("a connection");
        epochs.push(life.epoch());
        let plan = retry(&mut life, ended.unheard).expect("it is wanted");
        epochs.push(plan.epoch);
        assert_eq!(life.established(plan.epoch, connection(), false), Ok(None));
    }
    assert!(
        epochs.windows(2).all(|pair| pair[0] < pair[1]),
        "{epochs:?}"
    );
}

fn handshake() -> Handshake {
    let connect = Connect {
        version: Version::V311,
        clean_start: true,
        keep_alive: 0,
        client_id: b"id",
        will: None,
        username: None,
        password: None,
        properties: PropertiesRef::EMPTY,
    };
    Handshake::new(&connect, &mut bytes::BytesMut::new()).expect("a valid CONNECT")
}

fn attaching() -> Life {
    let (mut life, now) = (Life::default(), Instant::now());
    let attached = life.attach(
        options(true),
        1,
        connection(),
        handshake(),
        now,
        Some(now + S),
    );
    assert_eq!(attached, Ok(()));
    life
}

/// A lifecycle in each state.
fn all_states() -> Vec<(&'static str, Life)> {
    let mut wanted = reconnecting();
    assert!(wanted.0.abandoned(wanted.1.epoch));
    let mut leaving = up(true);
    assert_eq!(leave_now(&mut leaving), Disconnect::Begun);
    let mut destroyed = Life::default();
    assert!(destroyed.destroy());
    vec![
        ("idle", Life::default()),
        ("idle, wanted", wanted.0),
        ("connecting", connecting(true).0),
        ("reconnecting", reconnecting().0),
        ("attaching", attaching()),
        ("up", up(true)),
        ("leaving", leaving),
        ("destroyed", destroyed),
    ]
}

/// All that can be seen of a lifecycle.
fn seen(life: &Life) -> String {
    let all = (
        (
            life.epoch(),
            life.deadline(),
            life.is_wanted(),
            life.is_destroyed(),
        ),
        (life.is_connecting(), life.is_attaching(), life.is_up()),
        (
            life.is_open(),
            life.is_leaving(),
            life.options().is_some(),
            life.connection().is_some(),
        ),
    );
    format!("{all:?}")
}

#[test]
fn each_state_says_whether_a_connection_is_wanted() {
    let wanted: Vec<_> = all_states()
        .into_iter()
        .filter_map(|(name, life)| life.is_wanted().then_some(name))
        .collect();
    let expected = [
        "idle, wanted",
        "connecting",
        "reconnecting",
        "attaching",
        "up",
    ];
    assert_eq!(wanted, expected);
}

#[test]
fn a_step_that_does_not_belong_to_a_state_changes_nothing() {
    for (name, mut life) in all_states() {
        let before = seen(&life);
        let (epoch, now) = (life.epoch(), Instant::now());
        if name != "attaching" {
            assert!(life.accepted(false).is_none(), "{name}");
        }
        if name != "connecting" {
            assert!(life.abandon().is_none(), "{name}");
            assert!(life.failed(epoch).is_none(), "{name}");
            let given_back = life.attach_prepared(epoch, connection(), handshake(), now, None);
            assert!(given_back.is_err(), "{name}");
        }
        if !matches!(name, "connecting" | "reconnecting") {
            let unwanted = life.established(epoch, connection(), false);
            assert_eq!(unwanted, Err(Unwanted), "{name}");
        }
        if !matches!(name, "attaching" | "up" | "leaving") {
            assert!(life.end().is_none(), "{name}");
        }
        if name != "reconnecting" {
            assert!(!life.abandoned(epoch) && life.attempt_failed(epoch).is_none());
        }
        assert_eq!(seen(&life), before, "{name}");
    }
}

#[test]
fn what_belongs_to_an_older_epoch_changes_nothing() {
    for (name, mut life) in all_states() {
        let before = seen(&life);
        let old = life.epoch().wrapping_sub(1);
        assert!(life.failed(old).is_none() && life.attempt_failed(old).is_none());
        assert!(!life.abandoned(old) && !life.may_attempt(old), "{name}");
        let unwanted = life.established(old, connection(), false);
        assert_eq!(unwanted, Err(Unwanted), "{name}");
        let link = life.attach_prepared(old, connection(), handshake(), Instant::now(), None);
        assert!(link.is_err(), "{name}");
        let (others, own) = (options(false), life.options().cloned());
        life.refresh(old, &others);
        let same = match (life.options(), &own) {
            (Some(now), Some(before)) => Arc::ptr_eq(now, before),
            (now, before) => now.is_none() && before.is_none(),
        };
        assert!(same && seen(&life) == before, "{name}");
        life.refresh(life.epoch(), &others);
        let now = life.options().expect("new options");
        assert!(Arc::ptr_eq(now, &others), "{name}");
    }
}

#[test]
fn whatever_ends_leaves_its_epoch_behind() {
    type Step = fn(&mut Life);
    let steps: [(&str, Step); 6] = [
        ("connecting", |life| assert_eq!(life.abandon(), Some(1))),
        ("reconnecting", |life| {
            assert_eq!(leave_now(life), Disconnect::NotConnected);
        }),
        ("reconnecting", |life| assert!(life.destroy())),
        ("connecting", |life| assert!(life.destroy())),
        ("attaching", |life| drop(life.end())),
        ("up", |life| drop(life.end())),
    ];
    for (name, step) in steps {
        let mut all = all_states().into_iter();
        let (_, mut life) = all.find(|(state, _)| *state == name).expect("a state");
        let before = life.epoch();
        step(&mut life);
        assert!(life.epoch() > before, "{name}");
        assert!(!life.may_attempt(before), "{name}");
    }
}

#[test]
fn a_disconnect_ends_the_wish_for_a_connection_in_every_state() {
    for (name, mut life) in all_states() {
        if name != "attaching" {
            let _begun = leave_now(&mut life);
            assert!(!life.is_wanted(), "{name}");
        }
    }
}

#[test]
fn a_disconnect_says_whether_the_session_ends() {
    for (expiry, ends) in [(None, false), (Some(0), true), (Some(9), false)] {
        // What the connect has asked for counts unless DISCONNECT says something else.
        for before in [false, true] {
            let (mut life, epoch) = connecting(false);
            assert_eq!(life.established(epoch, connection(), before), Ok(Some(1)));
            let mut properties = Properties::new();
            if let Some(seconds) = expiry {
                let property = Property {
                    id: PropertyId::SessionExpiryInterval,
                    value: Value::Four(seconds),
                };
                properties.push(property).expect("a property");
            }
            let now = Instant::now();
            let begun = life.disconnect(now, 0, properties, None);
            assert_eq!(begun, Disconnect::Begun);
            assert!(matches!(life.leave(now, now, true, true), Leave::Say(..)));
            let expected = if expiry.is_some() { ends } else { before };
            let ended = life.end().expect("a connection");
            assert_eq!(ended.session_ends, expected, "{expiry:?}");
        }
    }
}

#[test]
fn an_attached_link_that_ends_in_its_handshake_is_the_programs_to_replace() {
    let mut life = attaching();
    assert!(life.deadline().is_some() && life.handshake_mut().is_some());
    let ended = life.end().expect("a connection");
    assert_eq!((ended.attaching, ended.session_ends), (Some(1), false));
    assert!(ended.leaving.is_none() && ended.unheard.is_none());
    assert!(!life.is_wanted() && retry(&mut life, None).is_none());

    let mut life = attaching();
    let (op, rest, _since) = life.accepted(true).expect("a link");
    assert_eq!((op, rest), (1, Vec::new()));
    assert!(life.is_open() && life.is_wanted());
    assert!(life.end().expect("a connection").session_ends);
}

/// The task of a connect that has failed has nothing to do with the link that comes after it.
#[test]
fn an_attached_link_has_an_epoch_of_its_own() {
    let (mut life, epoch) = connecting(false);
    assert_eq!(life.failed(epoch), Some(1));
    let attached = life.attach(
        options(false),
        2,
        connection(),
        handshake(),
        Instant::now(),
        None,
    );
    assert_eq!(attached, Ok(()));
    assert!(life.epoch() > epoch && !life.may_attempt(epoch));
}

#[test]
fn a_link_that_was_prepared_takes_the_place_of_its_attempt() {
    let (mut life, epoch) = connecting(true);
    let attached = life.attach_prepared(epoch, connection(), handshake(), Instant::now(), None);
    assert!(attached.is_ok() && life.is_attaching() && life.epoch() == epoch);
    assert_eq!(life.end().expect("a link").attaching, Some(1));
}

#[test]
fn the_passwords_go_with_the_client() {
    for (name, mut life) in all_states() {
        let _connection = life.end();
        let _first = life.destroy();
        assert!(life.options().is_none(), "{name}");
    }
}

#[test]
fn the_task_goes_with_what_it_was_for_and_the_signal_reaches_it() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    for reconnects in [false, true] {
        let (mut life, signal) = if reconnects {
            let (life, plan) = reconnecting();
            (life, Some(plan.signal))
        } else {
            (connecting(false).0, None)
        };
        let task = runtime.spawn(std::future::pending::<()>());
        life.set_task(task.abort_handle());
        if let Some(signal) = signal {
            assert!(matches!(life.reconnect(), Ok(Reconnect::Signalled)));
            // What was said before the task listened is not lost.
            runtime.block_on(signal.now.notified());
        }
        assert!(life.destroy());
        let ended = runtime.block_on(task).expect_err("no result");
        assert!(ended.is_cancelled());
    }
}
