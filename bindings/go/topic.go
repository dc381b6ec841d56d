package mqtt

import (
	"errors"
	"strings"
)

// ErrInvalidQos says that a QoS is not 0, 1 or 2.
var ErrInvalidQos = errors.New("invalid QoS")

// ErrInvalidTopicEmptyString says that a filter has no character [MQTT-4.7.3-1].
var ErrInvalidTopicEmptyString = errors.New("invalid Topic; empty string")

// ErrInvalidTopicMultilevel says that a # is not the last level of a filter [MQTT-4.7.1-2].
var ErrInvalidTopicMultilevel = errors.New("invalid Topic; multi-level wildcard must be last level")

var errNoFilters = errors.New("invalid subscription; subscribe map must not be empty")

// checkFilter returns why a subscription cannot be asked for, or nil.
func checkFilter(filter string, qos byte) error {
	if filter == "" {
		return ErrInvalidTopicEmptyString
	}
	for rest := filter; ; {
		level, after, more := strings.Cut(rest, "/")
		if level == "#" && more {
			return ErrInvalidTopicMultilevel
		}
		if !more {
			break
		}
		rest = after
	}
	if qos > 2 {
		return ErrInvalidQos
	}
	return nil
}

// withoutGroup cuts $share/group/ or $queue/ off: messages of a shared subscription come under their plain topics.
func withoutGroup(filter string) string {
	if rest, shared := strings.CutPrefix(filter, "$share/"); shared {
		_, filter, _ = strings.Cut(rest, "/")
		return filter
	}
	return strings.TrimPrefix(filter, "$queue/")
}

// matches returns true if messages of this topic go to this filter.
func matches(filter, topic string) bool {
	if filter == topic {
		return true
	}
	if strings.HasPrefix(filter, "$share/") {
		filter = withoutGroup(filter)
	}
	if strings.HasPrefix(topic, "$") && (strings.HasPrefix(filter, "#") || strings.HasPrefix(filter, "+")) {
		return false // [MQTT-4.7.2-1]
	}
	for {
		level, filterRest, filterMore := strings.Cut(filter, "/")
		if level == "#" {
			return true
		}
		name, topicRest, topicMore := strings.Cut(topic, "/")
		if level != "+" && level != name {
			return false
		}
		switch {
		case !filterMore && !topicMore:
			return true
		case !topicMore: // a/# receives a as well [MQTT-4.7.1-2]
			return filterRest == "#" || strings.HasPrefix(filterRest, "#/")
		case !filterMore:
			return false
		}
		filter, topic = filterRest, topicRest
	}
}
