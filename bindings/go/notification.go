package mqtt

import "net/url"

// ConnectionNotificationType tells the kinds of ConnectionNotification apart.
type ConnectionNotificationType int64

// The kinds of ConnectionNotification.
const (
	ConnectionNotificationTypeConnected ConnectionNotificationType = iota
	ConnectionNotificationTypeConnecting
	ConnectionNotificationTypeFailed
	ConnectionNotificationTypeLost
	ConnectionNotificationTypeBroker
	ConnectionNotificationTypeBrokerFailed
)

// A ConnectionNotification is one step of connecting, or the loss of a connection.
type ConnectionNotification interface {
	Type() ConnectionNotificationType
}

// ConnectionNotificationConnected says that the client is connected.
type ConnectionNotificationConnected struct{}

// ConnectionNotificationConnecting says that the client goes through its servers, for the Attempt-th time, counted from 0.
type ConnectionNotificationConnecting struct {
	IsReconnect bool
	Attempt     int
}

// ConnectionNotificationFailed says that no server could be connected to.
type ConnectionNotificationFailed struct {
	Reason error
}

// ConnectionNotificationLost says that the connection was lost.
type ConnectionNotificationLost struct {
	Reason error
}

// ConnectionNotificationBroker says which server is tried next.
type ConnectionNotificationBroker struct {
	Broker *url.URL
}

// ConnectionNotificationBrokerFailed says that dialing this server failed.
type ConnectionNotificationBrokerFailed struct {
	Broker *url.URL
	Reason error
}

// Type returns ConnectionNotificationTypeConnected.
func (n ConnectionNotificationConnected) Type() ConnectionNotificationType {
	return ConnectionNotificationTypeConnected
}

// Type returns ConnectionNotificationTypeConnecting.
func (n ConnectionNotificationConnecting) Type() ConnectionNotificationType {
	return ConnectionNotificationTypeConnecting
}

// Type returns ConnectionNotificationTypeFailed.
func (n ConnectionNotificationFailed) Type() ConnectionNotificationType {
	return ConnectionNotificationTypeFailed
}

// Type returns ConnectionNotificationTypeLost.
func (n ConnectionNotificationLost) Type() ConnectionNotificationType {
	return ConnectionNotificationTypeLost
}

// Type returns ConnectionNotificationTypeBroker.
func (n ConnectionNotificationBroker) Type() ConnectionNotificationType {
	return ConnectionNotificationTypeBroker
}

// Type returns ConnectionNotificationTypeBrokerFailed.
func (n ConnectionNotificationBrokerFailed) Type() ConnectionNotificationType {
	return ConnectionNotificationTypeBrokerFailed
}
