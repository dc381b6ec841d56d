// mqtt::client of the Paho C++ library, the one that waits: what it does on one C library it has to do on the other.
//
//   client <uri> <3|5>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>

#include "mqtt/client.h"

using namespace std::chrono_literals;

int main(int argc, char *argv[])
{
	if (argc < 3)
		return 2;
	const std::string uri = argv[1];
	const int version = std::atoi(argv[2]) == 5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;

	std::cout << std::boolalpha;
	try {
		mqtt::create_options create(version);
		mqtt::client cli(uri, "cpp-client", create);
		mqtt::connect_options opts;

		cli.set_timeout(20s);
		opts.set_mqtt_version(version);
		if (version == MQTTVERSION_5)
			opts.set_clean_start(true);
		else
			opts.set_clean_session(true);
		auto connected = cli.connect(opts);
		std::cout << "version " << connected.get_mqtt_version() << ", session present " << connected.is_session_present() << ", "
			<< cli.is_connected() << "\n";
		auto subscribed = cli.subscribe("cpp/client/#", 2);
		std::cout << "granted " << int(subscribed.get_reason_codes()[0]) << "\n";
		for (int qos = 0; qos < 3; ++qos)
			cli.publish(mqtt::message("cpp/client/" + std::to_string(qos), "payload " + std::to_string(qos), qos, false));
		for (int i = 0; i < 3; ++i) {
			auto msg = cli.consume_message();
			std::cout << msg->get_topic() << " = " << msg->to_string() << ", qos " << msg->get_qos() << "\n";
		}
		mqtt::const_message_ptr none;
		std::cout << "another: " << cli.try_consume_message_for(&none, 200ms) << "\n";
		// From several threads at once.
		std::thread threads[4];
		for (auto &thread : threads)
			thread = std::thread([&cli] {
				for (int i = 0; i < 25; ++i)
					cli.publish(mqtt::message("cpp/client/many", "x", i % 3, false));
			});
		for (auto &thread : threads)
			thread.join();
		int many = 0;
		while (many < 100 && cli.consume_message())
			++many;
		std::cout << "many: " << many << "\n";
		cli.unsubscribe("cpp/client/#");
		cli.disconnect();
		std::cout << cli.is_connected() << "\n";
		cli.reconnect();
		std::cout << cli.is_connected() << "\n";
		cli.disconnect();
	}
	catch (const mqtt::exception &e) {
		std::cout << "exception: " << e.what() << "\n";
		return 1;
	}
	return 0;
}
