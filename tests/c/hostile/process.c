/* What happens to the process around the library: fork, exit, signals, dlclose's little brother SIGPIPE.
 *
 *   process <broker's URI> <what> [<file with the authority's certificate>]
 *
 * Each happens while messages are on their way in both directions.
 */
#define _GNU_SOURCE
#include "hostile.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "MQTTAsync.h"

static const char *uri, *authority;
static counter connects = COUNTER_INITIALIZER, arrivals = COUNTER_INITIALIZER, losses = COUNTER_INITIALIZER, answers = COUNTER_INITIALIZER;
static void (*on_arrival)(long count);
static atomic_int stop;

static void success(void *context, MQTTAsync_successData *data)
{
	(void)data;
	counter_add(context, 1);
}

static void failure(void *context, MQTTAsync_failureData *data)
{
	(void)context;
	FAIL("failed: %d %s", data ? data->code : 0, data && data->message ? data->message : "");
}

static void lost(void *context, char *cause)
{
	(void)context, (void)cause;
	counter_add(&losses, 1);
}

static int arrived(void *context, char *topic, int length, MQTTAsync_message *message)
{
	(void)context, (void)length;
	MQTTAsync_freeMessage(&message);
	MQTTAsync_free(topic);
	counter_add(&arrivals, 1);
	if (on_arrival)
		on_arrival(counter_get(&arrivals));
	return 1;
}

static void traced(enum MQTTASYNC_TRACE_LEVELS level, char *line)
{
	(void)level, (void)line;
}

static void connect_to(MQTTAsync client)
{
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
	MQTTAsync_SSLOptions ssl = MQTTAsync_SSLOptions_initializer;
	MQTTAsync_responseOptions r = MQTTAsync_responseOptions_initializer;
	long before = counter_get(&connects), asked = counter_get(&answers);

	ssl.trustStore = authority;
	o.ssl = &ssl, o.context = &connects, o.onSuccess = success, o.onFailure = failure, o.maxInflight = 1000;
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_SUCCESS);
	AWAIT(&connects, before + 1);
	r.context = &answers, r.onSuccess = success, r.onFailure = failure;
	CHECK_RC(MQTTAsync_subscribe(client, "hostile/process", 1, &r), MQTTASYNC_SUCCESS);
	AWAIT(&answers, asked + 1);
}

static MQTTAsync new_client(const char *server, int persistence)
{
	MQTTAsync client = NULL;

	CHECK_RC(MQTTAsync_create(&client, server, "hostile-process", persistence, NULL), MQTTASYNC_SUCCESS);
	CHECK_RC(MQTTAsync_setCallbacks(client, NULL, lost, arrived, NULL), MQTTASYNC_SUCCESS);
	return client;
}

/* Publishes without end, never more than a few hundred messages ahead of what has arrived. */
static void *publish(void *client)
{
	char payload[300] = "process";
	long sent, ahead = 200 - counter_get(&arrivals);

	for (sent = 0; !stop; sent++)
	{
		if (MQTTAsync_send(client, "hostile/process", sizeof payload, payload, 1, 0, NULL) != MQTTASYNC_SUCCESS)
			break;
		while (!stop && sent - counter_get(&arrivals) > ahead)
			usleep(100);
	}
	return NULL;
}

static pthread_t start(MQTTAsync client)
{
	pthread_t thread;
	long before = counter_get(&arrivals);

	stop = 0;
	CHECK_RC(pthread_create(&thread, NULL, publish, client), 0);
	AWAIT(&arrivals, before + 20);
	return thread;
}

/* ---- fork ------------------------------------------------------------------------------------------------------------------------ */

/* What a child can do with its parent's client: nothing, at once. With the library: all, with clients of its own. */
static void child(MQTTAsync client)
{
	MQTTAsync_connectOptions o = MQTTAsync_connectOptions_initializer;
	MQTTAsync_token *tokens = NULL;
	MQTTAsync own = NULL, parents = client;

	alarm(100); /* a hang ends as a death by signal, which the parent sees */
	CHECK_RC(MQTTAsync_isConnected(client), 0);
	CHECK_RC(MQTTAsync_send(client, "hostile/process", 1, "x", 1, 0, NULL), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_subscribe(client, "a", 0, NULL), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_waitForCompletion(client, 1, ULONG_MAX), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_getPendingTokens(client, &tokens), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_disconnect(client, NULL), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_reconnect(client), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_connect(client, &o), MQTTASYNC_FAILURE);
	CHECK_RC(MQTTAsync_create(&own, uri, "own", MQTTCLIENT_PERSISTENCE_DEFAULT, NULL), MQTTASYNC_SUCCESS);
	CHECK_RC(MQTTAsync_isConnected(client), 0);
	MQTTAsync_destroy(&own);
	MQTTAsync_setTraceCallback(NULL);
	MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_MAXIMUM);
	CHECK(MQTTAsync_getVersionInfo() != NULL);
	MQTTAsync_free(MQTTAsync_malloc(10));
	MQTTAsync_destroy(&parents);
	CHECK(parents == NULL);
	exit(42);
}

static void forks(int times)
{
	MQTTAsync client;
	pthread_t publisher;
	int i;

	MQTTAsync_setTraceCallback(traced);
	MQTTAsync_setTraceLevel(MQTTASYNC_TRACE_PROTOCOL);
	client = new_client(uri, MQTTCLIENT_PERSISTENCE_DEFAULT);
	connect_to(client);
	publisher = start(client);
	for (i = 0; i < times; i++)
	{
		long before = counter_get(&arrivals);
		pid_t pid = fork();
		int status;

		if (pid == 0)
			child(client);
		CHECK(pid > 0);
		CHECK(waitpid(pid, &status, 0) == pid);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 42)
			FAIL("child %d: status %#x", i, status);
		AWAIT(&arrivals, before + 5);
	}
	stop = 1;
	pthread_join(publisher, NULL);
	CHECK(counter_get(&losses) == 0 && MQTTAsync_isConnected(client));
	MQTTAsync_destroy(&client);
}

/* ---- exit ------------------------------------------------------------------------------------------------------------------------ */

static void exit_in_callback(long count)
{
	if (count >= 100)
		exit(7);
}

/* What a program does that uses OpenSSL itself, and so has OpenSSL's cleanup at its exit. */
static void use_openssl(void)
{
	int (*init)(uint64_t, const void *) = (int (*)(uint64_t, const void *))dlsym(RTLD_DEFAULT, "OPENSSL_init_ssl");

	CHECK(init != NULL);
	CHECK_RC(init(0, NULL), 1);
}

static void exits(const char *how)
{
	MQTTAsync client;

	if (strcmp(how, "exit-openssl") == 0)
		use_openssl();
	client = new_client(uri, MQTTCLIENT_PERSISTENCE_DEFAULT);
	connect_to(client);
	if (strcmp(how, "exit-in-callback") == 0)
		on_arrival = exit_in_callback;
	start(client);
	if (strcmp(how, "exit-in-callback") == 0)
		for (;;)
			pause();
	if (strcmp(how, "_exit") == 0)
		_exit(7);
	exit(7);
}

/* ---- signals --------------------------------------------------------------------------------------------------------------------- */

static atomic_long caught, strayed;

static void handler(int number)
{
	char name[16] = "";

	(void)number;
	/* The library's own threads block all signals. */
	if (prctl(PR_GET_NAME, name) == 0 && strncmp(name, "paho-", 5) == 0)
		strayed++;
	caught++;
}

/* A signal for every thread of the process, again and again; no system call of theirs is restarted. */
static void *hammer(void *argument)
{
	pid_t self = (pid_t)syscall(SYS_gettid);

	(void)argument;
	while (!stop)
	{
		DIR *tasks = opendir("/proc/self/task");
		struct dirent *task;

		CHECK(tasks != NULL);
		while ((task = readdir(tasks)) != NULL)
		{
			pid_t id = (pid_t)strtol(task->d_name, NULL, 10);

			if (id > 0 && id != self)
				syscall(SYS_tgkill, getpid(), id, SIGUSR1);
		}
		closedir(tasks);
		usleep(200);
	}
	return NULL;
}

static void signals(int times)
{
	struct sigaction action = { .sa_handler = handler };
	MQTTAsync client;
	pthread_t hammering, publisher;
	int i;

	CHECK_RC(sigaction(SIGUSR1, &action, NULL), 0);
	client = new_client(uri, MQTTCLIENT_PERSISTENCE_NONE);
	CHECK_RC(pthread_create(&hammering, NULL, hammer, NULL), 0);
	for (i = 0; i < times; i++)
	{
		MQTTAsync_disconnectOptions end = MQTTAsync_disconnectOptions_initializer;
		long before = counter_get(&arrivals), answered = counter_get(&answers);

		connect_to(client);
		publisher = start(client);
		AWAIT(&arrivals, before + 500);
		stop = 1;
		pthread_join(publisher, NULL);
		pthread_join(hammering, NULL);
		stop = 0;
		CHECK_RC(pthread_create(&hammering, NULL, hammer, NULL), 0);
		end.timeout = 10000, end.context = &answers, end.onSuccess = success, end.onFailure = failure;
		CHECK_RC(MQTTAsync_disconnect(client, &end), MQTTASYNC_SUCCESS);
		AWAIT(&answers, answered + 2);
	}
	stop = 1;
	pthread_join(hammering, NULL);
	CHECK(counter_get(&losses) == 0 && caught > 0 && strayed == 0);
	MQTTAsync_destroy(&client);
}

/* ---- SIGPIPE --------------------------------------------------------------------------------------------------------------------- */

static int relay_listener, broker_port;
static atomic_int cut;

/* Takes one connection after the other to the broker; cut, it resets both ends, so that whoever writes next gets EPIPE. */
static void *relay(void *argument)
{
	int near;

	(void)argument;
	while ((near = accept(relay_listener, NULL, NULL)) >= 0)
	{
		struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)broker_port),
					       .sin_addr = { htonl(INADDR_LOOPBACK) } };
		struct linger reset = { 1, 0 };
		int far = socket(AF_INET, SOCK_STREAM, 0), open = 1;

		CHECK_RC(connect(far, (struct sockaddr *)&address, sizeof address), 0);
		while (open && !cut)
		{
			struct pollfd ends[2] = { { near, POLLIN, 0 }, { far, POLLIN, 0 } };
			char buffer[4096];
			int i;

			CHECK(poll(ends, 2, 10) >= 0);
			for (i = 0; i < 2; i++)
				if (ends[i].revents)
				{
					ssize_t n = recv(ends[i].fd, buffer, sizeof buffer, 0);

					if (n <= 0 || send(ends[1 - i].fd, buffer, (size_t)n, MSG_NOSIGNAL) < 0)
						open = 0;
				}
		}
		setsockopt(near, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
		close(near);
		close(far);
	}
	return NULL;
}

static void sigpipe(int times)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof address;
	struct sigaction now;
	pthread_t relaying;
	MQTTAsync client;
	char near[64];
	int i;

	CHECK_RC(sigaction(SIGPIPE, NULL, &now), 0);
	CHECK(now.sa_handler == SIG_DFL);
	broker_port = number(strrchr(uri, ':') + 1);
	relay_listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_RC(bind(relay_listener, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_RC(listen(relay_listener, 8), 0);
	CHECK_RC(getsockname(relay_listener, (struct sockaddr *)&address, &length), 0);
	snprintf(near, sizeof near, "%.*s127.0.0.1:%d", (int)(strstr(uri, "://") + 3 - uri), uri, ntohs(address.sin_port));
	CHECK_RC(pthread_create(&relaying, NULL, relay, NULL), 0);
	client = new_client(near, MQTTCLIENT_PERSISTENCE_NONE);
	for (i = 0; i < times; i++)
	{
		long before = counter_get(&losses);
		pthread_t publisher;

		cut = 0;
		connect_to(client);
		publisher = start(client);
		cut = 1;
		AWAIT(&losses, before + 1);
		stop = 1;
		pthread_join(publisher, NULL);
	}
	CHECK_RC(sigaction(SIGPIPE, NULL, &now), 0);
	CHECK(now.sa_handler == SIG_DFL);
	MQTTAsync_destroy(&client);
}

int main(int argc, char **argv)
{
	int times;

	CHECK(argc >= 4);
	uri = argv[1];
	times = number(argv[3]);
	authority = argc > 4 ? argv[4] : NULL;
	if (strcmp(argv[2], "fork") == 0)
		forks(times);
	else if (strcmp(argv[2], "signals") == 0)
		signals(times);
	else if (strcmp(argv[2], "sigpipe") == 0)
		sigpipe(times);
	else
		exits(argv[2]);
	printf("the process went on\n");
	return 0;
}
