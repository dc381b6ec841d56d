/**
 * @file MQTTSubscribeOpts.h
 *
 * Options of MQTT 5 subscriptions.
 */

#if !defined(SUBOPTS_H)
#define SUBOPTS_H

/* Written by `cargo run -p paho-headers` from the Rust sources: make changes there. */

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * The MQTT 5 options of one subscription. Ignored by connections of an earlier version.
 *
 * Start from #MQTTSubscribe_options_initializer, which gives the options that a 3.1.1 subscription has.
 */
typedef struct MQTTSubscribe_options {
  /** Eye catcher: the characters `MQSO`. */
  char struct_id[4];
  /** Version of this structure: 0. */
  int struct_version;
  /**
   * 1: the server does not send this client the messages which it published itself. 0: it does (default).
   * Not allowed to be 1 on a shared subscription.
   */
  unsigned char noLocal;
  /**
   * 1: messages arrive with the retain flag that the publisher set. 0: the flag says only whether the message
   * was a retained one when the subscription was made (default).
   */
  unsigned char retainAsPublished;
  /**
   * When retained messages are sent. 0: on each subscribe (default); 1: only if the subscription is a new one;
   * 2: never.
   */
  unsigned char retainHandling;
} MQTTSubscribe_options;

/** Options with which a subscription is like one of MQTT 3.1.1. */
#define MQTTSubscribe_options_initializer { {'M', 'Q', 'S', 'O'}, 0, 0, 0, 0 }

#if defined(__cplusplus)
}
#endif

#endif
