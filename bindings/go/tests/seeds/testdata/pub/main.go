// A guide's steps for a client that publishes. Added: the constants; t.Error() instead of err, which there is not; the wait for the goroutine.
package main

import (
	"fmt"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

const (
	SERVERADDRESS = "tcp://localhost:1883"
	CLIENTID      = "pub"
	TOPIC         = "aaa"
	QOS           = 1
	msg           = "hello"
)

func main() {
	opts := mqtt.NewClientOptions()
	opts.AddBroker(SERVERADDRESS)
	opts.SetClientID(CLIENTID)
	opts.SetOrderMatters(false)       // 除非是要按有序投递，否则将该值设置为false,以便允许乱序消息.
	opts.ConnectTimeout = time.Second // 设置连接超时时间
	opts.WriteTimeout = time.Second   // 设置写数据超时时间
	opts.KeepAlive = 10               // 设置网络断联检测时间
	opts.PingTimeout = time.Second    // 设置本地心跳
	opts.ConnectRetry = true          // 设置主动重连
	opts.AutoReconnect = true         // 设置自动重连
	// Log events
	opts.OnConnectionLost = func(cl mqtt.Client, err error) {
		fmt.Println("connection lost")
	}
	up := make(chan bool, 1)
	opts.OnConnect = func(mqtt.Client) {
		fmt.Println("connection established")
		up <- true
	}
	opts.OnReconnecting = func(mqtt.Client, *mqtt.ClientOptions) {
		fmt.Println("attempting to reconnect")
	}
	client := mqtt.NewClient(opts)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		panic(token.Error())
	}
	<-up
	t := client.Publish(TOPIC, QOS, false, msg)

	done := make(chan bool)
	go func() {
		_ = t.Wait() // Can also use '<-t.Done()' in releases > 1.2.0
		if t.Error() != nil {
			fmt.Printf("ERROR PUBLISHING: %s\n", t.Error())
		}
		close(done)
	}()
	<-done
	client.Disconnect(1000)
}
