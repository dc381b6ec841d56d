/* A server in a thread of the program that answers each packet with the reason code that its topic names.
 *
 * The topic "puback/87" has its PUBLISH answered by a PUBACK with reason code 0x87; "pubrec/…", "pubcomp/…", "suback/…" and "unsuback/…" are
 * as much for those packets. Below "silent/" there is no answer. The topic "disconnect/8b" has the server send a DISCONNECT with that
 * code, and "close/" has it end the connection. A trailing "/p" gives the acknowledgement a reason string and a user property. What a
 * topic does not name is answered with success. The topic "bytes/40020063" has the server send those bytes, "loop/" the message back. A client id that begins with "session/" is told of a session. A publish to "nul/" is answered with a message whose topic has a NUL. MQTT 3.1.1 has no codes but those of SUBACK. A client id "connack/87" is refused.
 */
#ifndef DIFF_REFUSER_H
#define DIFF_REFUSER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "diff.h"

/* Every PUBCOMP code, by the packet identifier of its PUBLISH: the PUBREL does not name the topic. */
static unsigned char refuser_pubcomp[65536];

/* The version and keep-alive of the last CONNECT, the packet identifier of the last PUBLISH, and the reason code of the last DISCONNECT. */
static volatile int refuser_version, refuser_keep_alive, refuser_identifier, refuser_goodbye = -1;

/* PUBLISHes of QoS 1 and 2 that came. */
static volatile int refuser_published;

/* CONNECTs that came and get no answer. */
static struct log refuser_silent = {.name = "silent"};

static int refuser_read(int fd, unsigned char *packet, size_t size, size_t *length)
{
	size_t remaining = 0;
	int shift = 0;

	if (recv(fd, packet, 1, MSG_WAITALL) != 1)
		return 0;
	do
	{
		if (recv(fd, packet + 1, 1, MSG_WAITALL) != 1)
			return 0;
		remaining |= (size_t)(packet[1] & 0x7f) << shift;
		shift += 7;
	} while (packet[1] & 0x80);
	if (remaining + 1 > size || (remaining > 0 && recv(fd, packet + 1, remaining, MSG_WAITALL) != (ssize_t)remaining))
		return 0;
	*length = remaining + 1; /* the type, then the body */
	return 1;
}

/* The code that `topic` names for an acknowledgement of this name; 0 where it names another. */
static unsigned char refuser_code(const char *topic, const char *name)
{
	const size_t length = strlen(name);

	return strncmp(topic, name, length) == 0 && topic[length] == '/' ? (unsigned char)strtoul(topic + length + 1, NULL, 16) : 0;
}

/* Sends an acknowledgement. SUBACK and UNSUBACK have their codes behind the properties, the others before them. */
static void refuser_answer(int fd, int type, const unsigned char id[2], int version, const unsigned char *codes, size_t count, int told)
{
	static const unsigned char reason[] = {31, 0, 3, 'w', 'h', 'y', 38, 0, 1, 'k', 0, 1, 'v'};
	const int suback = type == 0x90, list = suback || type == 0xb0;
	unsigned char packet[64];
	size_t n = 2;

	packet[0] = (unsigned char)type;
	packet[n++] = id[0];
	packet[n++] = id[1];
	if (version == 5 && !list)
		packet[n++] = codes[0];
	if (version == 5)
	{
		packet[n++] = told ? sizeof(reason) : 0;
		if (told)
			memcpy(packet + n, reason, sizeof(reason)), n += sizeof(reason);
	}
	if (suback || (list && version == 5))
		memcpy(packet + n, codes, count), n += count;
	packet[1] = (unsigned char)(n - 2);
	send(fd, packet, n, MSG_NOSIGNAL);
}

static int refuser_told(const char *topic)
{
	const size_t length = strlen(topic);

	return length > 2 && strcmp(topic + length - 2, "/p") == 0;
}

static void refuser_publish(int fd, const unsigned char *packet, size_t size, int version)
{
	const unsigned char *id;
	char topic[256];
	const size_t length = (size_t)packet[1] << 8 | packet[2];
	const int qos = packet[0] >> 1 & 3;
	unsigned char code;
	int told;

	snprintf(topic, sizeof(topic), "%.*s", (int)length, (const char *)packet + 3);
	id = packet + 3 + length;
	told = refuser_told(topic);
	if (qos > 0)
	{
		refuser_published++;
		refuser_identifier = id[0] << 8 | id[1];
	}
	if (strncmp(topic, "silent/", 7) == 0)
		return;
	if (strncmp(topic, "nul/", 4) == 0)
	{
		const unsigned char v3[] = {0x30, 6, 0, 3, 'a', 0, 'b', 'x'}, v5[] = {0x30, 7, 0, 3, 'a', 0, 'b', 0, 'x'};
		send(fd, version == 5 ? v5 : v3, version == 5 ? sizeof(v5) : sizeof(v3), MSG_NOSIGNAL);
		return;
	}
	if (strncmp(topic, "bytes/", 6) == 0)
	{
		unsigned char bytes[64];
		size_t n = 0;
		unsigned int byte;

		while (n < sizeof(bytes) && sscanf(topic + 6 + 2 * n, "%2x", &byte) == 1)
			bytes[n++] = (unsigned char)byte;
		send(fd, bytes, n, MSG_NOSIGNAL);
	}
	if (strncmp(topic, "loop/", 5) == 0)
	{
		const unsigned char header[] = {packet[0], (unsigned char)(size - 1)};

		send(fd, header, sizeof(header), MSG_NOSIGNAL);
		send(fd, packet + 1, size - 1, MSG_NOSIGNAL);
	}
	if (strncmp(topic, "close/", 6) == 0)
	{
		shutdown(fd, SHUT_RDWR);
		return;
	}
	code = refuser_code(topic, "disconnect");
	if (code)
	{
		const unsigned char bytes[] = {0xe0, 1, code};
		send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
		shutdown(fd, SHUT_RDWR);
		return;
	}
	code = refuser_code(topic, qos == 1 ? "puback" : "pubrec");
	if (qos == 2)
		refuser_pubcomp[id[0] << 8 | id[1]] = refuser_code(topic, "pubcomp");
	if (qos > 0)
		refuser_answer(fd, qos == 1 ? 0x40 : 0x50, id, version, &code, 1, told);
}

static void refuser_subscribe(int fd, const unsigned char *packet, size_t length, int version)
{
	const int subscribe = packet[0] >> 4 == 8;
	/* The property length: these programs give no property that takes more than a byte. */
	const unsigned char *filter = packet + 3 + (version == 5 ? 1 + packet[3] : 0);
	unsigned char codes[8];
	size_t count = 0;
	int told = 0;

	while (filter < packet + length && count < sizeof(codes))
	{
		char topic[256];

		snprintf(topic, sizeof(topic), "%.*s", filter[0] << 8 | filter[1], (const char *)filter + 2);
		if (strncmp(topic, "silent/", 7) == 0)
			return;
		told |= refuser_told(topic);
		codes[count++] = refuser_code(topic, subscribe ? "suback" : "unsuback");
		filter += 2 + strlen(topic) + (size_t)subscribe;
	}
	refuser_answer(fd, subscribe ? 0x90 : 0xb0, packet + 1, version, codes, count, told);
}

static int refuser_connect(int fd, const unsigned char *packet)
{
	const int version = packet[7];
	const unsigned char *id = packet + 11 + (version == 5 ? 1 + packet[11] : 0);
	const unsigned char good3[] = {0x20, 2, 0, 0}, good5[] = {0x20, 3, 0, 0, 0};
	char name[64];
	unsigned char code, bad[] = {0x20, 3, 0, 0, 0};

	refuser_version = version;
	refuser_keep_alive = packet[9] << 8 | packet[10];
	snprintf(name, sizeof(name), "%.*s", id[0] << 8 | id[1], (const char *)id + 2);
	code = refuser_code(name, "connack");
	if (strncmp(name, "silent/", 7) == 0)
	{
		log_add(&refuser_silent, "%s", name);
		return version;
	}
	if (code)
	{
		bad[1] = version == 5 ? 3 : 2;
		bad[3] = code;
		send(fd, bad, 2 + (size_t)bad[1], MSG_NOSIGNAL);
	}
	else if (strncmp(name, "session/", 8) == 0)
		send(fd, version == 5 ? "\x20\3\1\0\0" : "\x20\2\1\0", version == 5 ? 5 : 4, MSG_NOSIGNAL);
	else if (version == 5)
		send(fd, good5, sizeof(good5), MSG_NOSIGNAL);
	else
		send(fd, good3, sizeof(good3), MSG_NOSIGNAL);
	return version;
}

static void *refuser_serve(void *argument)
{
	const int fd = (int)(long)argument;
	unsigned char packet[4096];
	size_t length;
	int version = 4;

	while (refuser_read(fd, packet, sizeof(packet), &length))
	{
		const unsigned char id[] = {packet[1], packet[2]};

		switch (packet[0] >> 4)
		{
		case 1:
			version = refuser_connect(fd, packet);
			break;
		case 3:
			refuser_publish(fd, packet, length, version);
			break;
		case 6:
			refuser_answer(fd, 0x70, id, version, &refuser_pubcomp[id[0] << 8 | id[1]], 1, 0);
			break;
		case 8:
		case 10:
			refuser_subscribe(fd, packet, length, version);
			break;
		case 12:
			send(fd, "\xd0\0", 2, MSG_NOSIGNAL);
			break;
		case 14:
			refuser_goodbye = length > 1 ? packet[1] : 0;
			shutdown(fd, SHUT_RDWR);
			break;
		default:
			break;
		}
	}
	close(fd);
	return NULL;
}

static void *refuser_accept(void *argument)
{
	const int listener = (int)(long)argument;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) >= 0)
	{
		pthread_t thread;
		pthread_create(&thread, NULL, refuser_serve, (void *)(long)fd);
		pthread_detach(thread);
	}
	return NULL;
}

/* Starts the server on a free port; its URI. */
static UNUSED const char *refuser_start(void)
{
	static char uri[64];
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	const int listener = socket(AF_INET, SOCK_STREAM, 0);
	pthread_t thread;

	if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 16) != 0)
		exit(2);
	getsockname(listener, (struct sockaddr *)&address, &length);
	snprintf(uri, sizeof(uri), "tcp://127.0.0.1:%d", ntohs(address.sin_port));
	pthread_create(&thread, NULL, refuser_accept, (void *)(long)listener);
	pthread_detach(thread);
	return uri;
}

#endif
