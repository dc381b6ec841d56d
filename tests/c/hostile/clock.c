/* The time of day jumps, by days and both ways, all the while: waits take as long as they should, and connections live.
 *
 * The program has the C library's clock functions itself; the shared library calls these.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int honest(clockid_t clock, struct timespec *t)
{
	return (int)syscall(SYS_clock_gettime, clock, t);
}

/* The test's own patience is measured by the real clock. */
#define clock_gettime honest
#include "hostile.h"
#undef clock_gettime

#include "MQTTClient.h"

static atomic_long offset, asked;

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = honest(clock, t);

	if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
	{
		t->tv_sec += offset;
		asked++;
	}
	return rc;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	t->tv_sec = now.tv_sec, t->tv_usec = now.tv_nsec / 1000;
	return 0;
}

time_t time(time_t *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (t)
		*t = now.tv_sec;
	return now.tv_sec;
}

static atomic_int stop;

static void *jump(void *argument)
{
	long days;

	(void)argument;
	for (days = 0; !stop; days++)
	{
		offset = (days % 2 ? 1 : -1) * (days % 400) * 86400;
		usleep(2000);
	}
	return NULL;
}

static void traced(enum MQTTCLIENT_TRACE_LEVELS level, char *line)
{
	(void)level, (void)line;
}

int main(int argc, char **argv)
{
	MQTTClient_connectOptions o = MQTTClient_connectOptions_initializer;
	MQTTClient_message *message;
	MQTTClient_deliveryToken token;
	MQTTClient client;
	char *topic;
	int length, i;
	pthread_t jumping;
	double start;

	CHECK(argc == 2);
	/* Every line of the trace has the time of day in it, so that the library is known to see the jumps. */
	MQTTClient_setTraceCallback(traced);
	MQTTClient_setTraceLevel(MQTTCLIENT_TRACE_PROTOCOL);
	CHECK_RC(pthread_create(&jumping, NULL, jump, NULL), 0);
	CHECK_RC(MQTTClient_create(&client, argv[1], "hostile-clock", MQTTCLIENT_PERSISTENCE_NONE, NULL), 0);
	o.keepAliveInterval = 2;
	CHECK_RC(MQTTClient_connect(client, &o), MQTTCLIENT_SUCCESS);
	CHECK_RC(MQTTClient_subscribe(client, "hostile/clock", 1), MQTTCLIENT_SUCCESS);
	for (i = 0; i < 200; i++)
	{
		CHECK_RC(MQTTClient_publish(client, "hostile/clock", 5, "clock", 1, 0, &token), MQTTCLIENT_SUCCESS);
		CHECK_RC(MQTTClient_waitForCompletion(client, token, 30000), MQTTCLIENT_SUCCESS);
		CHECK_RC(MQTTClient_receive(client, &topic, &length, &message, 30000), MQTTCLIENT_SUCCESS);
		CHECK(message != NULL);
		MQTTClient_freeMessage(&message);
		MQTTClient_free(topic);
	}
	/* Nothing comes: three keep-alives long. */
	start = now_seconds();
	CHECK_RC(MQTTClient_receive(client, &topic, &length, &message, 6000), MQTTCLIENT_SUCCESS);
	CHECK(message == NULL);
	start = now_seconds() - start;
	if (start < 5.9 || start > 60)
		FAIL("waited for %f s instead of 6", start);
	CHECK(MQTTClient_isConnected(client));
	stop = 1;
	pthread_join(jumping, NULL);
	CHECK(asked > 0);
	MQTTClient_destroy(&client);
	printf("time went on\n");
	return 0;
}
