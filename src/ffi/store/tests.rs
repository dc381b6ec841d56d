//! A store as a C program writes one, in Rust.

use std::collections::BTreeMap;

use super::*;
use crate::persistence::RecordKind;
use crate::persistence::hooks::Hooked;

/// What the program keeps, and what it was asked.
#[derive(Default)]
struct Program {
    records: BTreeMap<String, Vec<u8>>,
    calls: Vec<String>,
    /// What every function returns instead of doing its work.
    code: c_int,
    /// Records that it does not remove, whoever asks.
    stuck: Vec<&'static str>,
}

unsafe fn program<'a>(handle: *mut c_void) -> &'a mut Program {
    // SAFETY: the tests pass a `Program` that outlives the store, and use it only between calls.
    unsafe { &mut *handle.cast::<Program>() }
}

unsafe fn text(string: *const c_char) -> String {
    // SAFETY: the store passes strings.
    unsafe { CStr::from_ptr(string) }
        .to_str()
        .expect("ASCII")
        .to_owned()
}

unsafe extern "C" fn open(
    handle: *mut *mut c_void,
    id: *const c_char,
    uri: *const c_char,
    context: *mut c_void,
) -> c_int {
    // SAFETY: called with what the type documents.
    unsafe {
        *handle = context;
        let program = program(context);
        program
            .calls
            .push(format!("open {} {}", text(id), text(uri)));
        program.code
    }
}

unsafe extern "C" fn close(handle: *mut c_void) -> c_int {
    // SAFETY: called with what the type documents.
    unsafe { program(handle) }.calls.push("close".into());
    -2
}

unsafe extern "C" fn put(
    handle: *mut c_void,
    key: *mut c_char,
    count: c_int,
    buffers: *mut *mut c_char,
    lengths: *mut c_int,
) -> c_int {
    // SAFETY: called with what the type documents.
    unsafe {
        let program = program(handle);
        let mut record = Vec::new();
        for at in 0..usize::try_from(count).expect("a count") {
            record.extend_from_slice(memory::bytes((*buffers.add(at)).cast(), *lengths.add(at)));
        }
        program.calls.push(format!("put {} {count}", text(key)));
        if program.code == 0 {
            program.records.insert(text(key), record);
        }
        program.code
    }
}

unsafe extern "C" fn get(
    handle: *mut c_void,
    key: *mut c_char,
    buffer: *mut *mut c_char,
    length: *mut c_int,
) -> c_int {
    // SAFETY: called with what the type documents.
    unsafe {
        let Some(record) = program(handle).records.get(&text(key)) else {
            return -2;
        };
        *buffer = memory::copy_bytes(record);
        *length = c_int::try_from(record.len()).expect("short");
        program(handle).code
    }
}

unsafe extern "C" fn remove(handle: *mut c_void, key: *mut c_char) -> c_int {
    // SAFETY: called with what the type documents.
    unsafe {
        let program = program(handle);
        let name = text(key);
        program.calls.push(format!("remove {name}"));
        if program.stuck.contains(&name.as_str()) {
            7
        } else if program.records.remove(&name).is_some() {
            0
        } else {
            -2
        }
    }
}

unsafe extern "C" fn keys(
    handle: *mut c_void,
    keys: *mut *mut *mut c_char,
    count: *mut c_int,
) -> c_int {
    // SAFETY: called with what the type documents.
    unsafe {
        let program = program(handle);
        let array: *mut *mut c_char = memory::allocate_array(program.records.len());
        for (at, key) in program.records.keys().enumerate() {
            *array.add(at) = memory::copy_bytes(key.as_bytes());
        }
        *keys = array;
        *count = c_int::try_from(program.records.len()).expect("few");
        program.code
    }
}

unsafe extern "C" fn clear(handle: *mut c_void) -> c_int {
    // SAFETY: called with what the type documents.
    unsafe { program(handle) }.records.clear();
    0
}

unsafe extern "C" fn contains(handle: *mut c_void, key: *mut c_char) -> c_int {
    // SAFETY: called with what the type documents.
    unsafe {
        if program(handle).records.contains_key(&text(key)) {
            0
        } else {
            -2
        }
    }
}

fn functions(program: *mut Program) -> MQTTClient_persistence {
    MQTTClient_persistence {
        context: program.cast(),
        popen: Some(open),
        pclose: Some(close),
        pput: Some(put),
        pget: Some(get),
        premove: Some(remove),
        pkeys: Some(keys),
        pclear: Some(clear),
        pcontainskey: Some(contains),
    }
}

const SENT: RecordKey = RecordKey::new(RecordKind::PublishSent, false, 1);
const QUEUED: RecordKey = RecordKey::new(RecordKind::Message, true, 9);

#[test]
fn every_function_is_called_and_its_code_honoured() {
    let mut program = Program::default();
    let raw = &raw mut program;
    // SAFETY: the program outlives the store; `raw` is used between calls only, here and below.
    let mut store =
        unsafe { UserStore::open(&raw const *Box::new(functions(raw)), "id", "tcp://h:1") }
            .expect("opens");
    store.put(SENT, &[b"ab", b"", b"c"]).expect("puts");
    store.put(QUEUED, &[]).expect("puts");
    assert_eq!(store.get(SENT).expect("there"), b"abc");
    assert_eq!(store.get(QUEUED).expect("there"), b"");
    assert!(store.contains(SENT));
    // SAFETY: as above; nobody else uses the program's records at the moment.
    let records = unsafe { &mut (*raw).records };
    records.insert("foreign".into(), Vec::new());
    assert_eq!(store.keys().expect("lists"), [QUEUED, SENT]);
    assert_eq!(store.notices(), [Notice::Foreign("foreign".into())]);
    store.remove(SENT).expect("removes");
    assert!(matches!(store.remove(SENT), Err(StoreError::Program(-2))));
    assert!(matches!(store.get(SENT), Err(StoreError::Program(-2))));
    assert!(!store.contains(SENT));
    store.put(SENT, &[b"x"]).expect("puts");
    // SAFETY: as above.
    unsafe { (*raw).code = 7 };
    assert!(matches!(
        store.put(SENT, &[b"y"]),
        Err(StoreError::Program(7))
    ));
    // SAFETY: as above.
    unsafe { (*raw).code = 0 };
    assert_eq!(store.get(SENT).expect("there"), b"x");
    drop(store);
    let calls = [
        "open id h:1",
        "put s-1 3",
        "put q5-9 0",
        "remove s-1",
        "remove s-1",
        "put s-1 1",
        "put s-1 1",
        "close",
    ];
    assert_eq!(program.calls, calls);
}

/// A store whose program has records under these names, and does not remove some of them.
fn holding(program: *mut Program, names: &[&str], stuck: &[&'static str]) -> UserStore {
    // SAFETY: the tests' programs outlive their stores and are used between calls only.
    let store = unsafe {
        for &name in names {
            (*program).records.insert(name.into(), Vec::new());
        }
        (*program).stuck = stuck.to_vec();
        UserStore::open(&raw const *Box::new(functions(program)), "id", "h")
    };
    store.expect("opens")
}

/// Returns what the program was asked since the last time.
fn calls(program: *mut Program) -> Vec<String> {
    // SAFETY: used between calls only.
    unsafe { std::mem::take(&mut (*program).calls) }
}

const RELEASED: RecordKey = RecordKey::new(RecordKind::PubrelSent, false, 1);

#[test]
fn what_could_not_be_removed_is_tried_again_until_it_is_gone() {
    let mut program = Program::default();
    let raw = &raw mut program;
    let mut store = holding(raw, &["s-1", "q5-9"], &["s-1", "q5-9"]);
    assert!(store.is_tidy());
    assert!(store.remove(SENT).is_err() && store.remove(QUEUED).is_err());
    assert!(!store.is_tidy());
    calls(raw);
    store.tidy();
    assert_eq!(calls(raw), ["remove s-1"], "the first refusal is enough");
    // SAFETY: used between calls only, here and below.
    unsafe { (*raw).stuck.clear() };
    store.tidy();
    assert_eq!(calls(raw), ["remove s-1", "remove q5-9"]);
    assert!(store.is_tidy());

    // A record that is not there is none that is left.
    assert!(store.remove(SENT).is_err());
    assert!(store.is_tidy());

    // One that is written anew is another message's.
    store.put(SENT, &[b"x"]).expect("puts");
    // SAFETY: as above.
    unsafe { (*raw).stuck = vec!["s-1"] };
    assert!(store.remove(SENT).is_err());
    store.put(SENT, &[b"y"]).expect("puts");
    assert!(store.is_tidy());

    // The last time is the store's end.
    assert!(store.remove(SENT).is_err());
    // SAFETY: as above.
    unsafe { (*raw).stuck.clear() };
    calls(raw);
    drop(store);
    assert_eq!(calls(raw), ["remove s-1", "close"]);
}

#[test]
fn the_record_of_a_pubrel_stays_while_that_of_its_publish_does() {
    let mut program = Program::default();
    let raw = &raw mut program;
    let mut store = holding(raw, &["s-1", "sc-1"], &["s-1"]);
    assert!(store.remove(SENT).is_err() && store.remove(RELEASED).is_err());
    assert!(store.contains(RELEASED) && !store.is_tidy());
    // SAFETY: used between calls only.
    unsafe { (*raw).stuck.clear() };
    calls(raw);
    store.tidy();
    assert_eq!(calls(raw), ["remove s-1", "remove sc-1"]);
    assert!(store.is_tidy());
}

#[test]
fn an_earlier_pubrel_does_not_end_a_later_message() {
    for pubrel in ["sc-1", "sc5-1"] {
        let mut program = Program::default();
        let raw = &raw mut program;
        let mut store = holding(raw, &[pubrel], &[pubrel]);
        let key = RecordKey::parse(pubrel).expect("a key");
        assert!(store.remove(key).is_err());
        let refused = store.put(SENT, &[b"x"]);
        assert!(matches!(refused, Err(StoreError::Program(7))));
        assert!(!store.contains(SENT));
        // SAFETY: used between calls only.
        unsafe { (*raw).stuck.clear() };
        store.put(SENT, &[b"x"]).expect("puts");
        assert!(!store.contains(key) && store.is_tidy());
    }
}

#[test]
fn a_store_that_does_not_open_is_not_closed() {
    let mut program = Program {
        code: 7,
        ..Program::default()
    };
    let given = functions(&raw mut program);
    // SAFETY: the program outlives the call.
    let refused = unsafe { UserStore::open(&raw const given, "id", "h") };
    assert!(matches!(refused, Err(StoreError::Program(7))));
    assert_eq!(program.calls, ["open id h"]);
}

#[test]
fn every_member_must_be_there() {
    let mut program = Program::default();
    let whole = functions(&raw mut program);
    let without: [fn(&mut MQTTClient_persistence); 9] = [
        |given| given.context = ptr::null_mut(),
        |given| given.popen = None,
        |given| given.pclose = None,
        |given| given.pput = None,
        |given| given.pget = None,
        |given| given.premove = None,
        |given| given.pkeys = None,
        |given| given.pclear = None,
        |given| given.pcontainskey = None,
    ];
    for take_away in without {
        let mut given = whole;
        take_away(&mut given);
        // SAFETY: what is there is as documented.
        let refused = unsafe { UserStore::open(&raw const given, "id", "h") };
        assert!(matches!(refused, Err(StoreError::BadProgram(_))));
    }
    // SAFETY: NULL may be passed.
    let refused = unsafe { UserStore::open(ptr::null(), "id", "h") };
    assert!(matches!(refused, Err(StoreError::BadProgram(_))));
    assert_eq!(
        program.calls, [""; 0],
        "nothing is called before all is there"
    );
}

/// Adds one to every byte in place, and to the first buffer a byte, in memory of its own.
unsafe extern "C" fn disguise(
    context: *mut c_void,
    count: c_int,
    buffers: *mut *mut c_char,
    lengths: *mut c_int,
) -> c_int {
    // SAFETY: called with what the type documents; the context is a buffer of four bytes, or NULL.
    unsafe {
        if context.is_null() {
            return 3;
        }
        for at in 0..usize::try_from(count).expect("a count") {
            for byte in 0..usize::try_from(*lengths.add(at)).expect("a length") {
                let byte = (*buffers.add(at)).add(byte);
                *byte = (*byte).wrapping_add(1);
            }
        }
        let own = context.cast::<c_char>();
        let length = usize::try_from(*lengths).expect("a length");
        ptr::copy_nonoverlapping(*buffers, own, length);
        *own.add(length) = 0x77;
        *buffers = own;
        *lengths += 1;
        0
    }
}

/// Takes one from every byte, into a new buffer that takes the old one's place.
unsafe extern "C" fn reveal(
    context: *mut c_void,
    buffer: *mut *mut c_char,
    length: *mut c_int,
) -> c_int {
    // SAFETY: called with what the type documents.
    unsafe {
        if context.is_null() {
            return 4;
        }
        let bytes: Vec<u8> = memory::bytes((*buffer).cast(), *length)
            .iter()
            .map(|byte| byte.wrapping_sub(1))
            .collect();
        memory::free((*buffer).cast());
        *buffer = memory::copy_bytes(&bytes[..bytes.len() - 1]);
        *length -= 1;
        0
    }
}

#[test]
fn transformations_see_every_record_and_change_nothing_else() {
    let mut program = Program::default();
    let raw = &raw mut program;
    let given = functions(raw);
    let mut own: [c_char; 4] = [0; 4];
    let context = (&raw mut own).cast::<c_void>();
    // SAFETY: program and buffer outlive the store; `raw` is used between calls only, here and below.
    let (store, before, after) = unsafe {
        let store = UserStore::open(&raw const given, "id", "h").expect("opens");
        (
            store,
            before_write(Some(disguise), context),
            after_read(Some(reveal), context),
        )
    };
    let mut store = Hooked::new(Box::new(store));
    store.put(SENT, &[b"plain"]).expect("puts");
    store.set_before_write(before);
    let part = *b"ab";
    store.put(SENT, &[&part, b"c"]).expect("puts");
    assert_eq!(part, *b"ab", "what is sent is not what is stored");
    // SAFETY: as above.
    assert_eq!(unsafe { (&(*raw).records)["s-1"].clone() }, b"bc\x77d");
    store.set_after_read(after);
    store.replace(SENT, QUEUED, &[b"xyz"]).expect("replaces");
    // SAFETY: as above.
    assert_eq!(unsafe { (&(*raw).records)["q5-9"].clone() }, b"yz{\x77");
    assert_eq!(store.get(QUEUED).expect("there"), b"xyz");
    assert!(!store.contains(SENT));

    // SAFETY: a NULL context makes them refuse.
    let (before, after) = unsafe {
        (
            before_write(Some(disguise), ptr::null_mut()),
            after_read(Some(reveal), ptr::null_mut()),
        )
    };
    store.set_before_write(before);
    store.set_after_read(after);
    assert!(matches!(
        store.put(SENT, &[b"x"]),
        Err(StoreError::Program(3))
    ));
    assert!(!store.contains(SENT), "a refused record is not written");
    assert!(matches!(store.get(QUEUED), Err(StoreError::Program(4))));
    // SAFETY: NULL may be passed.
    store.set_after_read(unsafe { after_read(None, ptr::null_mut()) });
    assert_eq!(store.get(QUEUED).expect("there"), b"yz{\x77");
}
