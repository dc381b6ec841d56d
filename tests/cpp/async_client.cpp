// mqtt::async_client of the Paho C++ library: what it does on one C library it has to do on the other.
//
//   async_client <uri> <3|5>
//
// Prints nothing that depends on time or on how threads interleave.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "mqtt/async_client.h"

using namespace std::chrono_literals;

static constexpr auto patience = 20s;

// What callbacks saw, printed in one piece when as much has come as is due.
class journal {
	std::mutex m;
	std::condition_variable changed;
	std::vector<std::string> lines;

public:
	void add(const std::string &line)
	{
		std::lock_guard<std::mutex> lock{m};
		lines.push_back(line);
		changed.notify_all();
	}
	void show(const std::string &title, size_t due)
	{
		std::unique_lock<std::mutex> lock{m};
		if (!changed.wait_for(lock, patience, [&] { return lines.size() >= due; }))
			std::cout << "waited in vain for " << due << " lines\n";
		std::cout << title << ":\n";
		for (auto &line : lines)
			std::cout << "  " << line << "\n";
		lines.clear();
	}
};

static std::string describe(const mqtt::const_message_ptr &msg)
{
	std::string text = msg->get_topic() + " = " + msg->to_string() + ", qos " + std::to_string(msg->get_qos())
		+ (msg->is_retained() ? ", retained" : "");
	const auto &props = msg->get_properties();
	if (props.contains(mqtt::property::USER_PROPERTY)) {
		for (size_t i = 0; i < props.count(mqtt::property::USER_PROPERTY); ++i) {
			auto pair = mqtt::get<mqtt::string_pair>(props, mqtt::property::USER_PROPERTY, i);
			text += ", " + std::get<0>(pair) + ": " + std::get<1>(pair);
		}
	}
	if (props.contains(mqtt::property::CONTENT_TYPE))
		text += ", content type " + mqtt::get<std::string>(props, mqtt::property::CONTENT_TYPE);
	if (props.contains(mqtt::property::CORRELATION_DATA))
		text += ", correlation " + mqtt::get<std::string>(props, mqtt::property::CORRELATION_DATA);
	if (props.contains(mqtt::property::RESPONSE_TOPIC))
		text += ", response to " + mqtt::get<std::string>(props, mqtt::property::RESPONSE_TOPIC);
	if (props.contains(mqtt::property::SUBSCRIPTION_IDENTIFIER))
		text += ", subscription " + std::to_string(mqtt::get<uint32_t>(props, mqtt::property::SUBSCRIPTION_IDENTIFIER));
	return text;
}

class callbacks : public virtual mqtt::callback {
public:
	journal messages, deliveries, connections;

	void connected(const std::string &) override { connections.add("connected"); }
	void connection_lost(const std::string &) override { connections.add("connection lost"); }
	void message_arrived(mqtt::const_message_ptr msg) override { messages.add(describe(msg)); }
	void delivery_complete(mqtt::delivery_token_ptr token) override
	{
		deliveries.add(token ? token->get_message()->to_string() : "no token");
	}
};

class listener : public virtual mqtt::iaction_listener {
public:
	journal events;

	void on_failure(const mqtt::token &token) override
	{
		events.add("failure of type " + std::to_string(token.get_type()) + ", code " + std::to_string(token.get_return_code()));
	}
	void on_success(const mqtt::token &token) override { events.add("success of type " + std::to_string(token.get_type())); }
};

static mqtt::connect_options options(int version)
{
	mqtt::connect_options opts;

	opts.set_mqtt_version(version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
	if (version == 5)
		opts.set_clean_start(true);
	else
		opts.set_clean_session(true);
	opts.set_keep_alive_interval(20);
	opts.set_user_name("somebody");
	opts.set_password("secret");
	return opts;
}

static mqtt::message_ptr message(int version, const std::string &topic, const std::string &payload, int qos, bool retained = false)
{
	auto msg = mqtt::make_message(topic, payload, qos, retained);
	if (version == 5) {
		mqtt::properties props{
			{mqtt::property::USER_PROPERTY, "first", "1"},
			{mqtt::property::USER_PROPERTY, "second", "2"},
			{mqtt::property::CONTENT_TYPE, "text/plain"},
			{mqtt::property::CORRELATION_DATA, "abc"},
			{mqtt::property::RESPONSE_TOPIC, "answers/here"},
		};
		msg->set_properties(props);
	}
	return msg;
}

static void print(const char *what, const mqtt::connect_response &rsp)
{
	std::cout << what << ": version " << rsp.get_mqtt_version() << ", session present " << rsp.is_session_present() << "\n";
}

// connect, publish with tokens, subscribe with callbacks, unsubscribe, disconnect
static void with_callbacks(const std::string &uri, int version)
{
	mqtt::create_options create(version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
	mqtt::async_client cli(uri, "cpp-callbacks", create);
	callbacks cb;
	listener actions;

	cli.set_callback(cb);
	std::cout << cli.get_client_id() << " " << cli.is_connected() << "\n";

	auto opts = options(version);
	opts.set_will(mqtt::will_options(mqtt::message("cpp/will", "gone", 1, false)));
	auto connecting = cli.connect(opts, nullptr, actions);
	print("connect", connecting->get_connect_response());
	cb.connections.show("connections", 1);
	actions.events.show("actions", 1);
	std::cout << cli.is_connected() << "\n";

	if (version == 5) {
		mqtt::properties props{{mqtt::property::SUBSCRIPTION_IDENTIFIER, 7}};
		auto sub = cli.subscribe("cpp/+/x", 2, mqtt::subscribe_options(), props);
		std::cout << "subscribe: " << sub->get_subscribe_response().get_reason_codes().size() << " code(s), "
			<< int(sub->get_subscribe_response().get_reason_codes()[0]) << "\n";
	}
	else {
		auto sub = cli.subscribe("cpp/+/x", 2);
		std::cout << "subscribe: " << int(sub->get_subscribe_response().get_reason_codes()[0]) << "\n";
	}
	auto many = cli.subscribe(mqtt::string_collection::create({"cpp/many/1", "cpp/many/2"}), {0, 1});
	auto codes = many->get_subscribe_response().get_reason_codes();
	std::cout << "subscribe many:";
	for (auto code : codes)
		std::cout << " " << int(code);
	std::cout << "\n";

	for (int qos = 0; qos < 3; ++qos) {
		auto token = cli.publish(message(version, "cpp/a/x", "message " + std::to_string(qos), qos));
		std::cout << "published: " << token->wait_for(patience) << ", complete " << token->is_complete() << ", "
			<< token->get_message()->to_string() << "\n";
	}
	auto token = cli.publish(mqtt::make_message("cpp/b/x", "with a listener", 1, false), nullptr, actions);
	token->wait();
	actions.events.show("actions", 1);
	mqtt::topic topic(cli, "cpp/c/x", 1);
	topic.publish("through a topic")->wait();
	cli.publish("cpp/many/1", std::string("many"), 1, false)->wait();
	cb.messages.show("messages", 6);
	cb.deliveries.show("deliveries", version == 5 ? 5 : 5);
	std::cout << "pending: " << cli.get_pending_delivery_tokens().size() << "\n";

	auto gone = cli.unsubscribe("cpp/+/x");
	gone->wait();
	std::cout << "unsubscribe: " << gone->get_return_code() << "\n";
	cli.unsubscribe(mqtt::string_collection::create({"cpp/many/1", "cpp/many/2"}))->wait();

	std::string large(300000, 'y');
	cli.subscribe("cpp/large", 1)->wait();
	cli.publish(mqtt::make_message("cpp/large", large, 1, false))->wait();

	auto leaving = cli.disconnect(mqtt::disconnect_options(std::chrono::milliseconds(1000)));
	leaving->wait();
	std::cout << "disconnected, " << cli.is_connected() << "\n";
	try {
		cli.publish("cpp/a/x", std::string("too late"), 1, false)->wait();
		std::cout << "published without a connection\n";
	}
	catch (const mqtt::exception &e) {
		std::cout << "publish: " << e.get_return_code() << "\n";
	}
	// Again, on the same object.
	cli.connect(options(version))->wait();
	std::cout << "again " << cli.is_connected() << "\n";
	cli.disconnect()->wait();
	// Message handlers and not a callback object.
	std::mutex m;
	std::condition_variable arrived;
	bool has = false;
	cli.set_message_callback([&](mqtt::const_message_ptr msg) {
		std::lock_guard<std::mutex> lock{m};
		has = msg->get_payload_str().size() == 300000;
		arrived.notify_all();
	});
	cli.connect(options(version))->wait();
	cli.subscribe("cpp/large", 1)->wait();
	cli.publish(mqtt::make_message("cpp/large", large, 2, false))->wait();
	{
		std::unique_lock<std::mutex> lock{m};
		std::cout << "large: " << arrived.wait_for(lock, patience, [&] { return has; }) << "\n";
	}
	cli.disconnect()->wait();
}

// the consumer, retained messages, and a will
static void with_consumer(const std::string &uri, int version)
{
	mqtt::create_options create(version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
	mqtt::async_client cli(uri, "cpp-consumer", create);

	cli.start_consuming();
	print("connect", cli.connect(options(version))->get_connect_response());
	cli.publish(message(version, "cpp/kept", "retained", 1, true))->wait();
	cli.subscribe("cpp/kept", 1)->wait();
	mqtt::const_message_ptr msg;
	if (cli.try_consume_message_for(&msg, patience))
		std::cout << "consumed " << describe(msg) << "\n";
	cli.publish(mqtt::make_message("cpp/kept", "", 1, true))->wait();
	msg = cli.consume_message();
	std::cout << "consumed " << describe(msg) << "\n";

	// A second client with a will, thrown out by a third of its name: the server publishes the will.
	{
		cli.subscribe("cpp/will", 1)->wait();
		mqtt::async_client doomed(uri, "cpp-doomed", create), thief(uri, "cpp-doomed", create);
		callbacks cb;
		doomed.set_callback(cb);
		auto opts = options(version);
		auto will = mqtt::message("cpp/will", "was here", 1, false);
		opts.set_will(mqtt::will_options(will));
		doomed.connect(opts)->wait();
		cb.connections.show("connections", 1);
		thief.connect(options(version))->wait();
		cb.connections.show("connections", 1);
		msg = cli.consume_message();
		std::cout << "consumed " << describe(msg) << "\n";
		std::cout << doomed.is_connected() << thief.is_connected() << "\n";
		thief.disconnect()->wait();
	}
	std::cout << "left over: " << cli.try_consume_message(&msg) << "\n";
	cli.unsubscribe("cpp/kept")->wait();
	cli.stop_consuming();
	cli.disconnect()->wait();
}

// the automatic reconnect: the connection is taken away by another client of the same name, which then leaves
static void reconnecting(const std::string &uri, int version)
{
	mqtt::create_options create(version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
	mqtt::async_client cli(uri, "cpp-reconnect", create);
	callbacks cb;

	cli.set_callback(cb);
	auto opts = options(version);
	opts.set_automatic_reconnect(1s, 2s);
	cli.connect(opts)->wait();
	cb.connections.show("connections", 1);
	{
		mqtt::async_client thief(uri, "cpp-reconnect", create);
		thief.connect(options(version))->wait();
		cb.connections.show("connections", 1);
		thief.disconnect()->wait();
	}
	cb.connections.show("connections", 1);
	cli.subscribe("cpp/back", 1)->wait();
	cli.publish(message(version, "cpp/back", "again", 1))->wait();
	cb.messages.show("messages", 1);
	cli.disconnect()->wait();
}

// what fails
static void failing(const std::string &uri, int version)
{
	mqtt::create_options create(version == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1);
	listener actions;

	(void)uri;
	mqtt::async_client nobody("tcp://127.0.0.1:1", "cpp-nobody", create);
	try {
		nobody.connect(options(version), nullptr, actions)->wait();
		std::cout << "connected to nobody\n";
	}
	catch (const mqtt::exception &e) {
		std::cout << "connect: " << e.get_return_code() << "\n";
	}
	actions.events.show("actions", 1);
	try {
		nobody.subscribe("a", 1);
		std::cout << "subscribed at nobody\n";
	}
	catch (const mqtt::exception &e) {
		std::cout << "subscribe: " << e.get_return_code() << "\n";
	}
	try {
		mqtt::async_client bad("rubbish://127.0.0.1:1", "cpp-bad", create);
		std::cout << "rubbish\n";
	}
	catch (const mqtt::exception &e) {
		std::cout << "create: " << e.get_return_code() << "\n";
	}
}

int main(int argc, char *argv[])
{
	if (argc < 3)
		return 2;
	std::string uri = argv[1];
	int version = std::atoi(argv[2]);

	std::cout << std::boolalpha;
	try {
		with_callbacks(uri, version);
		with_consumer(uri, version);
		reconnecting(uri, version);
		failing(uri, version);
	}
	catch (const mqtt::exception &e) {
		std::cout << "exception: " << e.what() << "\n";
		return 1;
	}
	return 0;
}
