/**
 * @file MQTTExportDeclarations.h
 *
 * How the functions of the library are declared: the macro LIBMQTT_API stands before each declaration.
 *
 * It matters on Windows, where a program that uses the DLL is compiled with PAHO_MQTT_IMPORTS defined.
 */

#if !defined(EXPORTDECLARATIONS_H)
#define EXPORTDECLARATIONS_H

/* Written by `cargo run -p paho-headers` from the Rust sources: make changes there. */

#if defined(_WIN32)
  #if defined(PAHO_MQTT_EXPORTS)
    #define LIBMQTT_API __declspec(dllexport)
  #elif defined(PAHO_MQTT_IMPORTS)
    #define LIBMQTT_API __declspec(dllimport)
  #else
    #define LIBMQTT_API
  #endif
#elif defined(PAHO_MQTT_EXPORTS)
  #define LIBMQTT_API __attribute__((visibility("default")))
#else
  /** Stands before the declaration of each function that the libraries export. */
  #define LIBMQTT_API extern
#endif

#endif
