/*
 * Situation: MQTTClient with setPublished and without setCallbacks. A publish at QoS 1 is acknowledged, then a message comes, and
 * the program calls MQTTClient_receive.
 *
 * Right: receive returns the message. The end of the publish is nothing that receive could return, and does not block what is
 * behind it.
 *
 * Original: returns it
 */
#include "case.h"
#include "MQTTClient.h"

static void on_published(void *context, int dt, int type, MQTTProperties *properties, enum MQTTReasonCodes reason) {
    say("published %d", dt);
}

/* Answers MQTT 5's CONNECT; a publish at QoS 1 is acknowledged, and a message follows in the same piece. */
static void *serve(void *argument) {
    int fd = accept((int)(long)argument, NULL, NULL), length;
    unsigned char packet[130];
    while ((length = read_small_packet(fd, packet)) > 0) {
        if (packet[0] >> 4 == 1)
            send(fd, "\x20\x03\0\0\0", 5, MSG_NOSIGNAL);
        else if (packet[0] >> 4 == 3) {
            unsigned char *id = packet + 4 + packet[3];
            unsigned char both[] = {0x40, 2, id[0], id[1], 0x30, 6, 0, 1, 't', 0, 'h', 'i'};
            send(fd, both, sizeof both, MSG_NOSIGNAL);
        }
    }
    close(fd);
    return NULL;
}

int main(void) {
    char uri[64];
    int received = 0;
    pthread_t server;
    MQTTClient client;
    MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
    create.MQTTVersion = MQTTVERSION_5;
    pthread_create(&server, NULL, serve, (void *)(long)listen_anywhere(uri));
    MQTTClient_createWithOptions(&client, uri, "published", MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
    say("setPublished: %d", MQTTClient_setPublished(client, NULL, on_published));
    MQTTResponse response = MQTTClient_connect5(client, &options, NULL, NULL);
    say("connect: %d", response.reasonCode);
    MQTTResponse_free(response);
    for (int i = 0; i < 3; i++) {
        char *topic = NULL;
        int length, rc;
        MQTTClient_message *message = NULL;
        response = MQTTClient_publish5(client, "t", 1, "x", 1, 0, NULL, NULL);
        MQTTResponse_free(response);
        rc = MQTTClient_receive(client, &topic, &length, &message, PATIENCE_MS);
        say("receive: %d, %s", rc, message ? "a message" : "nothing");
        if (message) {
            received += message->payloadlen == 2;
            MQTTClient_freeMessage(&message);
            MQTTClient_free(topic);
        }
    }
    MQTTClient_disconnect5(client, 0, MQTTREASONCODE_SUCCESS, NULL);
    MQTTClient_destroy(&client);
    pthread_join(server, NULL);
    return verdict(received == 3);
}
