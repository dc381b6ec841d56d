//! Each transition of the lifecycle, without threads and sockets.

use std::time::Duration;

use super::*;
use crate::options::{ReconnectOptions, VersionChoice};
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
