/* A server that says too little: it accepts connections and, if wanted, sends CONNACK; after that it only reads. */
#ifndef SILENT_H
#define SILENT_H

#include "stress.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

typedef enum
{
	SAYS_NOTHING,
	SAYS_CONNACK,  /* MQTT 3.x */
	SAYS_CONNACK5, /* MQTT 5, no properties */
	SAYS_GOODBYE5, /* MQTT 5: DISCONNECT in answer to the second packet */
	HANGS_UP,      /* MQTT 3.x: closes in answer to the second packet */
	HANGS_UP5,     /* the same for MQTT 5 */
	READS_LATE     /* CONNACK of 3.x; further reading only from when `gate` is opened: until then what is sent piles up */
} silence;

typedef struct
{
	int listener;
	_Atomic silence what; /* for the connections that come from now on */
	char uri[40];
	counter connections, bytes, gate;
	pthread_t thread;
} silent_server;

typedef struct
{
	int socket;
	silence what;
	silent_server *server;
} silent_connection;

static void *silent_connection_run(void *argument)
{
	static const char connack[] = { 0x20, 2, 0, 0 }, connack5[] = { 0x20, 3, 0, 0, 0 }, goodbye5[] = { (char)0xe0, 1, (char)0x8e };
	silent_connection connection = *(silent_connection *)argument;
	char buffer[65536];
	int first = 1;
	ssize_t n;

	free(argument);
	while ((n = recv(connection.socket, buffer, sizeof buffer, 0)) > 0)
	{
		counter_add(&connection.server->bytes, n);
		if (!first && (connection.what == HANGS_UP || connection.what == HANGS_UP5))
			break;
		if (first && (connection.what == SAYS_CONNACK5 || connection.what == SAYS_GOODBYE5 || connection.what == HANGS_UP5))
			n = send(connection.socket, connack5, sizeof connack5, MSG_NOSIGNAL);
		else if (first && connection.what != SAYS_NOTHING)
			n = send(connection.socket, connack, sizeof connack, MSG_NOSIGNAL);
		else if (connection.what == SAYS_GOODBYE5)
			n = send(connection.socket, goodbye5, sizeof goodbye5, MSG_NOSIGNAL);
		first = 0;
		if (connection.what == READS_LATE)
			AWAIT(&connection.server->gate, 1);
	}
	close(connection.socket);
	return NULL;
}

static void *silent_run(void *argument)
{
	silent_server *server = argument;
	int socket;

	while ((socket = accept(server->listener, NULL, NULL)) >= 0)
	{
		silent_connection *connection = malloc(sizeof *connection);
		pthread_attr_t attributes;
		pthread_t thread;

		CHECK(connection != NULL);
		connection->socket = socket;
		connection->server = server;
		connection->what = server->what;
		counter_add(&server->connections, 1);
		pthread_attr_init(&attributes);
		pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
		CHECK_RC(pthread_create(&thread, &attributes, silent_connection_run, connection), 0);
		pthread_attr_destroy(&attributes);
	}
	return NULL;
}

static UNUSED void silent_start(silent_server *server, silence what)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof address;

	server->what = what;
	counter_init(&server->connections);
	counter_init(&server->bytes);
	counter_init(&server->gate);
	server->listener = socket(AF_INET, SOCK_STREAM, 0);
	CHECK_RC(bind(server->listener, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_RC(listen(server->listener, 64), 0);
	CHECK_RC(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
	snprintf(server->uri, sizeof server->uri, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
	CHECK_RC(pthread_create(&server->thread, NULL, silent_run, server), 0);
}

/* Connections may still be open: their threads use the server's counters, so a server is a static object. */
static UNUSED void silent_stop(silent_server *server)
{
	shutdown(server->listener, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->listener);
}

/* A port of 127.0.0.1 at which nobody listens: bound, so that nobody else gets it either. */
static UNUSED int closed_port(char *uri, size_t size)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof address;
	int bound = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_RC(bind(bound, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_RC(getsockname(bound, (struct sockaddr *)&address, &length), 0);
	snprintf(uri, size, "tcp://127.0.0.1:%d", ntohs(address.sin_port));
	return bound;
}

#endif
