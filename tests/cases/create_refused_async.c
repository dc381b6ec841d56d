/* The faults of create_refused.h with MQTTAsync. */
#define _GNU_SOURCE
#include "MQTTAsync.h"
#define API MQTTAsync
#define TRACE_LEVELS MQTTASYNC_TRACE_LEVELS
#define TRACE_ERROR MQTTASYNC_TRACE_ERROR
#include "create_refused.h"
