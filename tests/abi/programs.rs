//! Sources written for the original compile unchanged.

use std::fmt::Write;
use std::path::Path;

use crate::compiler::{Language, compile, must_compile};
use crate::tables::{read, root};

#[test]
fn debians_samples_compile_unchanged() {
    let samples = Path::new("/usr/src/paho.mqtt.c-examples");
    let Ok(directory) = std::fs::read_dir(samples) else {
        panic!(
            "{} is missing: apt-get install paho.mqtt.c-examples",
            samples.display()
        );
    };
    let own = root().join("tests/abi");
    let mut failures = String::new();
    let mut compiled = 0;
    for path in directory.map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|e| e == "c") {
            // From standard input, the text is searched for headers in the directories given and nowhere else.
            let options = [
                "-fsyntax-only",
                "-Werror=implicit-function-declaration",
                "-Werror=incompatible-pointer-types",
                "-I",
                own.to_str().unwrap(),
            ];
            compiled += 1;
            if let Err(errors) = compile(Language::C, &read(&path), &options) {
                writeln!(failures, "{}: {errors}", path.display()).unwrap();
            }
        }
    }
    assert_eq!(failures, "");
    assert!(compiled >= 11, "only {compiled} samples there");
}

/// What programs do with the parts that a plain translation of the Rust types would lack.
#[test]
fn idioms_of_programs_compile() {
    must_compile(
        r#"
#include "MQTTAsync.h"
#include "MQTTClient.h"

static MQTTAsync_messageArrived arrived; /* declared by its function type */
static int arrived(void* context, char* topicName, int topicLen, MQTTAsync_message* message)
{
  (void)context; (void)topicLen;
  MQTTAsync_freeMessage(&message);
  MQTTAsync_free(topicName);
  return 1;
}

static void sent(void* context, MQTTAsync_successData5* response)
{
  enum MQTTReasonCodes code = response->reasonCode;
  MQTTAsync_message* message = &response->alt.pub.message;
  (void)context; (void)message;
  if (code == MQTTREASONCODE_SUCCESS && response->alt.connect.sessionPresent)
    response->alt.unsub.reasonCodes[0] = response->alt.sub.reasonCodes[0];
}

void idioms(MQTTAsync client);
void idioms(MQTTAsync client)
{
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  struct MQTTAsync_responseOptions* same = &response;
  MQTTAsync_callOptions call = MQTTAsync_callOptions_initializer;
  MQTTAsync_messageArrived* callback = arrived;
  MQTTClient_connectOptions connect = MQTTClient_connectOptions_initializer;
  MQTTClient_willOptions will = MQTTClient_willOptions_initializer;
  MQTTProperties properties = MQTTProperties_initializer;
  MQTTProperty property;
  Persistence_open open = NULL;
  MQTTClient_persistence store = { NULL, open, NULL, NULL, NULL, NULL, NULL, NULL, NULL };

  (void)store;
  call = *same;
  property.identifier = MQTTPROPERTY_CODE_USER_PROPERTY;
  property.value.data.data = "name";
  property.value.data.len = 4;
  property.value.value = property.value.data;
  MQTTProperties_add(&properties, &property);
  will.payload.data = "gone";
  will.payload.len = 4;
  connect.will = &will;
  connect.binarypwd.len = 0;
  connect.returned.sessionPresent = 0;
  call.onSuccess5 = sent;
  call.onSuccess5 = &sent;
  MQTTClient_connect(NULL, &connect);
  MQTTAsync_unsubscribe(client, "topic", &call);
  MQTTAsync_setCallbacks(client, NULL, NULL, callback, NULL);
  MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_PROTOCOL);
}
"#,
    );
}
