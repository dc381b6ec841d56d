// Package mqtt is an article's client of MQTT 5, as it stands there. Changed: log instead of glog, which is the article's own. Added: Ready, the handler,
// and the two functions that the article calls and does not show.
package mqtt

import (
	"context"
	"fmt"
	"log"
	"net/url"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

var (
	Client *autopaho.ConnectionManager
	err    error
)

const (
	// MQTT broker 地址
	brokerURL = "mqtt://192.168.10.50:1883"
	username  = "admin"
	password  = "admin"
)

func init() {
	go NewMqttClient(context.Background())
}

// NewMqttClient 实例化一个mqtt客户端
/**
 * @params  ctx       上下文
 * @params  topic     主题
 */
func NewMqttClient(ctx context.Context) {
	// 客户端 ID
	clientID := "1235264" // 注意，客户端id必须唯一
	var serverUrls []*url.URL
	serverUrls = append(serverUrls, mustParseURL(ctx, brokerURL))
	// 创建连接配置
	cliCfg := autopaho.ClientConfig{
		ServerUrls:      serverUrls,
		ConnectUsername: username,
		ConnectPassword: []byte(password),
		ClientConfig: paho.ClientConfig{
			ClientID:          fmt.Sprintf("%s-%s", "service", clientID),
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){received},
		},
	}
	// 创建客户端连接
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	Client, err = autopaho.NewConnection(ctx, cliCfg)
	if err != nil {
		fmt.Sprintf("连接错误: %v", err)
	}
	// 等待连接建立
	if err = Client.AwaitConnection(ctx); err != nil {
		fmt.Sprintf("连接等待错误: %v", err)
	}
	fmt.Println("mqtt连接成功")
	close(Ready)
	select {}
}

func mustParseURL(ctx context.Context, s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		log.Printf("failed to parse url: %s", s)
		return nil
	}
	return u
}

// Ready is closed when there is a connection. Messages has what comes.
var (
	Ready    = make(chan struct{})
	Messages = make(chan string, 1000)
)

func received(p paho.PublishReceived) (bool, error) {
	Messages <- p.Packet.Topic + " " + string(p.Packet.Payload)
	return true, nil
}

// Publish publishes a message.
func Publish(ctx context.Context, topic, text string) error {
	_, err := Client.Publish(ctx, &paho.Publish{Topic: topic, QoS: 1, Payload: []byte(text)})
	return err
}

// SubscribeToTopic subscribes to a topic.
func SubscribeToTopic(ctx context.Context, topic string) error {
	_, err := Client.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topic, QoS: 1}}})
	return err
}
