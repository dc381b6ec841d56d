// Command testdata uses the client of package mqtt as the article does. Added: the wait for the connection, what prints, the publishing to the topic
// itself, and the end. The article says that messages must be published to $share/group/topic. That is a filter and no topic: the server refuses it.
package main

import (
	"context"
	"fmt"

	"github.com/paho-oxide/paho-oxide/bindings/go/v5/tests/mqtt"
)

func main() {
	<-mqtt.Ready
	fmt.Println(mqtt.SubscribeToTopic(context.Background(), "xingcxb_test"))
	for i := 0; i < 100; i++ {
		mqtt.Publish(context.Background(), "xingcxb_test", fmt.Sprintf("%d+%s", 10, i))
	}
	for range 100 {
		fmt.Println(<-mqtt.Messages)
	}
	fmt.Println(mqtt.SubscribeToTopic(context.Background(), "$share/group/test_a"))
	fmt.Println(mqtt.SubscribeToTopic(context.Background(), "$share/group/test/a"))
	for _, topic := range []string{"test_a", "test/a"} {
		fmt.Println(mqtt.Publish(context.Background(), topic, "shared"), <-mqtt.Messages)
	}
	fmt.Println(mqtt.Publish(context.Background(), "$share/group/test_a", "shared"))
}
