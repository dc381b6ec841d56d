/* The faults of create_refused.h with MQTTClient. */
#define _GNU_SOURCE
#include "MQTTClient.h"
#define API MQTTClient
#define TRACE_LEVELS MQTTCLIENT_TRACE_LEVELS
#define TRACE_ERROR MQTTCLIENT_TRACE_ERROR
#include "create_refused.h"
