//! The C programs of `tests/cases`: situations in which the library was once found to do wrong, each an example of its kind.
//!
//! A program's comment tells the situation, what is right, and what the original does. It prints what it saw and then `RIGHT`
//! or `WRONG`. Where it needs a peer, a script beside it is that peer, and starts the program with its URI. All have their own
//! deadlines; the one here is for a program that hangs.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use common::cc::{cc_with_rpath, scratch};
use common::output::{Flavour, include_dir, output_dir};
use common::process::run;
use common::root;

/// No case takes as long as this, on a loaded machine either. Their own limits are shorter, and say more.
const LIMIT: Duration = Duration::from_secs(300);

/// Compiles a case against the library of the API whose header it includes.
fn compile(name: &str, arguments: &[&str]) -> PathBuf {
    let source = format!("tests/cases/{name}.c");
    let text = std::fs::read_to_string(root().join(&source)).expect("the case's source");
    let flavour = if text.contains("\"MQTTClient.h\"") {
        Flavour::Cs
    } else if !text.contains("\"MQTTAsync.h\"") && text.contains("\"paho_oxide.h\"") {
        if text.contains("MQTTOxide_tlsOptions") {
            Flavour::OxideTls
        } else {
            Flavour::Oxide
        }
    } else {
        Flavour::As
    };
    // Several tests may compile the same program at the same time.
    let file = [&[name], arguments].concat().join("-").replace('/', "-");
    let executable = scratch("cases").join(file);
    cc_with_rpath(&source, flavour, &include_dir(), &output_dir(), &executable)
}

/// Runs a case and expects it to say `RIGHT`. `script` is its peer, with that script's own arguments.
fn right(script: &[&str], case: &str, arguments: &[&str]) {
    let executable = compile(case, arguments);
    let mut command = match script {
        [] => Command::new(&executable),
        [file, own @ ..] => {
            let mut python = Command::new("python3");
            python.arg(Path::new("tests/cases").join(file)).args(own);
            python.arg(&executable);
            python
        }
    };
    command.args(arguments).current_dir(root());
    let finished = run(command, LIMIT);
    if finished.status.code() == Some(77) {
        println!("NOT TESTED: {}", finished.stdout.trim());
        return;
    }
    assert!(
        finished.status.success() && finished.stdout.trim_end().ends_with("RIGHT"),
        "{case} {arguments:?}: {}\n{}{}",
        finished.status,
        finished.stdout,
        finished.stderr
    );
}

mod sessions {
    use super::right;

    #[test]
    fn a_slow_round_trip_is_no_dead_peer() {
        right(&["slow_link.py", "idle"], "slow_link", &["idle"]);
    }

    #[test]
    fn a_large_message_gets_through_a_slow_link() {
        right(&["slow_link.py", "up"], "slow_link", &["up"]);
    }

    #[test]
    fn acknowledgements_that_nobody_reads_do_not_fill_the_memory() {
        right(
            &["hostile_memory.py", "pubrel"],
            "hostile_memory",
            &["pubrel"],
        );
    }

    #[test]
    fn messages_that_are_never_released_do_not_fill_the_memory() {
        right(&["hostile_memory.py", "qos2"], "hostile_memory", &["qos2"]);
    }

    #[test]
    fn properties_do_not_fill_the_memory() {
        right(
            &["hostile_memory.py", "props"],
            "hostile_memory",
            &["props"],
        );
    }

    #[test]
    fn messages_beyond_the_limit_are_refused_while_connected() {
        right(&["silent_server.py"], "buffered_while_connected", &[]);
    }

    #[test]
    fn the_oldest_message_beyond_the_limit_is_dropped_while_connected() {
        right(
            &["silent_server.py"],
            "buffered_while_connected",
            &["delete"],
        );
    }
}

mod waiting {
    use super::right;

    #[test]
    fn a_wait_in_which_nothing_comes_takes_no_processor_time() {
        right(&["broker.py"], "idle_wait", &[]);
    }
}

mod processes {
    use super::right;

    #[test]
    fn threads_that_the_system_has_again_hear_of_what_has_come() {
        right(&[], "callbacks_without_threads", &[]);
    }

    #[test]
    fn what_has_the_numbers_of_closed_descriptors_is_left_alone() {
        right(&["broker.py"], "closed_descriptors", &[]);
    }

    #[test]
    fn the_librarys_threads_have_names_and_block_signals() {
        right(&[], "own_threads", &[]);
    }

    #[test]
    fn a_client_made_before_the_first_thread_works_in_a_forked_child() {
        right(&["broker.py"], "fork_after_use", &["A"]);
    }

    #[test]
    fn a_forked_child_makes_clients_of_its_own() {
        right(&["broker.py"], "fork_after_use", &["B"]);
    }

    #[test]
    fn a_forked_child_cannot_use_its_parents_client_nor_harm_it() {
        right(&["broker.py"], "fork_after_use", &["C"]);
    }

    #[test]
    fn a_forked_child_that_exits_leaves_its_parents_connection_alone() {
        right(&["broker.py"], "fork_after_use", &["D"]);
    }

    #[test]
    fn two_hundred_forked_children_beside_busy_threads_work_with_clients_of_their_own() {
        right(&["broker.py"], "fork_many", &[]);
    }

    #[test]
    fn forked_children_beside_busy_threads_have_an_mqttclient_of_their_own() {
        right(&["broker.py"], "fork_many_client", &["200"]);
        right(&["tls_broker.py"], "fork_many_client", &["20"]);
    }

    #[test]
    fn a_forked_child_has_clients_of_the_event_api_of_its_own() {
        right(&[], "fork_oxide", &[]);
    }

    #[test]
    fn signals_and_forks_leave_a_tls_client_of_the_event_api_alone() {
        right(&["tls_broker.py"], "fork_oxide_tls", &[]);
    }

    #[test]
    fn forked_children_leave_a_tls_connection_in_use_alone() {
        right(&["tls_broker.py"], "fork_tls", &[]);
    }

    #[test]
    fn cancelling_a_thread_inside_a_call_ends_no_process() {
        right(&[], "cancelled_thread", &[]);
    }

    #[test]
    fn no_call_is_a_cancellation_point() {
        for case in ["cancelled_calls_client", "cancelled_calls_async"] {
            right(&["broker.py"], case, &[]);
        }
    }

    #[test]
    fn a_setuid_program_uses_no_proxy_of_its_users() {
        right(&[], "setuid_proxy", &[]);
    }

    #[test]
    fn a_setuid_program_writes_no_trace_that_its_user_asked_for() {
        right(&[], "setuid_trace", &[]);
    }
}

mod stores {
    use super::right;

    #[test]
    fn records_of_the_other_version_are_sent_once() {
        right(&["broker.py"], "other_version", &[]);
    }

    #[test]
    fn messages_in_flight_of_the_other_version_are_sent_once() {
        for version in ["3", "5"] {
            right(&["broker.py"], "other_version_in_flight", &[version]);
        }
    }

    #[test]
    fn records_that_cannot_be_read_wait_for_a_process_that_can() {
        right(&["broker.py"], "unreadable_record", &[]);
    }

    #[test]
    fn records_that_cannot_be_read_wait_in_a_programs_own_store() {
        right(&["broker.py"], "unreadable_record", &["user"]);
    }

    #[test]
    fn a_store_that_refuses_once_does_not_stop_the_messages_that_wait() {
        right(&["broker.py"], "store_fails_once", &[]);
    }

    #[test]
    fn a_fifo_where_a_file_will_be_made_makes_no_call_hang() {
        for name in [
            ".paho-oxide/new",
            ".paho-oxide/journal-1",
            ".paho-oxide/lock",
            "c-1.msg",
            "s-1.msg",
        ] {
            right(&[], "store_fifo", &[name]);
        }
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        right(&[], "store_foreign_directory", &[]);
    }

    #[test]
    fn a_create_that_fails_with_minus_2_says_why() {
        for case in ["create_refused_client", "create_refused_async"] {
            for fault in ["too-long", "held", "forbidden", "no-space", "no-folder"] {
                right(&[], case, &[fault]);
            }
        }
    }

    #[test]
    fn a_daemon_goes_on_with_its_parents_store() {
        right(&[], "daemon_keeps_store", &[]);
    }

    #[test]
    fn a_forked_helper_does_not_keep_the_stores_lock() {
        right(&[], "fork_keeps_lock", &[]);
    }
}

mod texts {
    use super::right;

    #[test]
    fn an_mqttasync_says_what_went_wrong() {
        right(&["texts.py"], "texts_async", &[]);
    }

    #[test]
    fn an_mqttclient_says_what_went_wrong() {
        right(&["texts.py"], "texts_client", &[]);
    }

    #[test]
    fn last_error_names_what_a_refused_call_was_given() {
        for case in ["last_error_async", "last_error_client"] {
            right(&[], case, &[]);
        }
    }
}

mod secrets {
    use super::right;

    #[test]
    fn no_secret_of_an_mqttclient_is_in_memory_when_it_is_destroyed() {
        right(&["secrets.py"], "secrets_client", &[]);
    }

    #[test]
    fn no_secret_of_an_mqttasync_is_in_memory_when_it_is_destroyed() {
        right(&["secrets.py"], "secrets_async", &[]);
    }

    #[test]
    fn destroy_in_the_middle_of_an_attempt_leaves_no_secret_either() {
        for api in ["async", "client", "oxide"] {
            let case = format!("secrets_connecting_{api}");
            right(&["secrets.py"], &case, &[]);
        }
    }
}

mod messages {
    use super::right;

    #[test]
    fn restored_messages_do_not_block_those_behind_them() {
        for qos in ["1", "2"] {
            right(&["broker.py"], "receive_after_restart", &[qos]);
        }
    }

    #[test]
    fn what_receive_cannot_return_blocks_no_message() {
        right(&[], "published_then_receive", &[]);
    }

    #[test]
    fn messages_behind_connack_in_one_record_or_frame_arrive() {
        for road in ["tls", "ws"] {
            right(
                &["connack_and_messages.py", road],
                "connack_and_messages",
                &[],
            );
        }
    }

    #[test]
    fn callbacks_that_are_set_while_a_thread_waits_get_all_messages() {
        right(
            &["receive_then_callbacks.py"],
            "receive_then_callbacks",
            &[],
        );
    }
}

mod connections {
    use super::right;

    #[test]
    fn destroying_while_a_connect_is_pending_runs_no_callback() {
        right(&[], "connect_pending", &["destroy"]);
    }

    #[test]
    fn a_disconnect_while_a_connect_is_pending_is_the_last_word() {
        right(&[], "connect_pending", &["disconnect"]);
    }

    #[test]
    fn calls_that_follow_on_success_return_after_connected_has_run() {
        right(&[], "connected_order", &[]);
    }

    #[test]
    fn who_sets_callbacks_waits_for_the_one_that_runs() {
        for mode in ["failure", "message", "inside", "mutual"] {
            right(&[], "callbacks_replaced", &[mode]);
        }
    }

    #[test]
    fn a_failed_reconnect_is_told_once_where_the_success_was_not() {
        right(&[], "reconnect_onfailure", &[]);
        right(&[], "reconnect_onfailure", &["with-success"]);
    }

    #[test]
    fn reconnect_begins_the_pauses_anew() {
        right(&[], "reconnect_backoff", &[]);
    }

    #[test]
    fn a_server_that_does_not_close_holds_nobody_up() {
        right(&[], "after_disconnect", &[]);
    }
}

mod floods {
    use super::right;

    #[test]
    fn tls_messages_without_end_leave_the_others_their_turn() {
        for clients in ["1", "2"] {
            right(&["hostile_tls.py"], "hostile_tls", &[clients]);
        }
    }

    #[test]
    fn websocket_frames_without_payload_leave_the_others_their_turn() {
        for kind in ["pong", "ping", "empty"] {
            right(&["hostile_websocket.py", kind], "hostile_websocket", &[]);
        }
        right(
            &["hostile_websocket.py", "pong"],
            "hostile_websocket",
            &["2"],
        );
    }

    #[test]
    fn packets_without_end_leave_the_others_their_turn() {
        for clients in ["2", "4"] {
            right(&["hostile_pubrel.py"], "hostile_pubrel", &[clients]);
        }
    }
}
