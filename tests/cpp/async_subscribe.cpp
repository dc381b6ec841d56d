// The pattern of the Paho C++ library's async_subscribe sample: a callback object that is the connect's listener too and connects
// again when a connect fails, a main that connects, waits for a q, and takes leave. Everything lives in main, and ends with it.
//
//   async_subscribe <uri> <tries> [client-first]
//
// With client-first the client ends before what its callbacks use, as it has to where one may be running: disconnect says that
// there is no connection without waiting for a callback, with the original too.
//
// Prints "connecting" once the first connect is under way, and what the end was.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include "mqtt/async_client.h"

class listener : public virtual mqtt::iaction_listener {
	void on_failure(const mqtt::token &) override { std::cout << "subscribe failed" << std::endl; }
	void on_success(const mqtt::token &) override { std::cout << "subscribed" << std::endl; }
};

class callback : public virtual mqtt::callback, public virtual mqtt::iaction_listener {
	int tries, failures = 0;
	mqtt::async_client &client;
	mqtt::connect_options &options;
	listener subscribing;

	void connect_again()
	{
		try {
			client.connect(options, nullptr, *this);
		}
		catch (const mqtt::exception &e) {
			std::cout << "connect again: " << e.get_return_code() << std::endl;
		}
	}

	void on_failure(const mqtt::token &) override
	{
		if (++failures <= tries)
			connect_again();
	}
	void on_success(const mqtt::token &) override {}
	void connected(const std::string &) override { client.subscribe("pattern", 1, nullptr, subscribing); }
	void connection_lost(const std::string &) override
	{
		failures = 0;
		connect_again();
	}
	void message_arrived(mqtt::const_message_ptr message) override { std::cout << message->to_string() << std::endl; }
	void delivery_complete(mqtt::delivery_token_ptr) override {}

public:
	callback(mqtt::async_client &client, mqtt::connect_options &options, int tries) : tries(tries), client(client), options(options) {}
};

static int take_part(mqtt::async_client &client, mqtt::connect_options &options, callback &cb)
{
	client.set_callback(cb);
	try {
		client.connect(options, nullptr, cb);
		std::cout << "connecting" << std::endl;
	}
	catch (const mqtt::exception &e) {
		std::cout << "connect: " << e.get_return_code() << std::endl;
		return 1;
	}
	while (std::tolower(std::cin.get()) != 'q')
		;
	try {
		client.disconnect()->wait();
		std::cout << "disconnected" << std::endl;
	}
	catch (const mqtt::exception &e) {
		std::cout << "disconnect: " << e.get_return_code() << std::endl;
		return 1;
	}
	return 0;
}

int main(int argc, char *argv[])
{
	if (argc < 3)
		return 2;
	auto client = std::make_unique<mqtt::async_client>(argv[1], "cpp-async-subscribe");
	mqtt::connect_options options;
	options.set_clean_session(false);
	callback cb(*client, options, std::atoi(argv[2]));
	int end = take_part(*client, options, cb);
	if (argc > 3)
		client.reset();
	return end;
}
