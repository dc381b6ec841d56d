package autopaho

import (
	"math"
	"math/rand/v2"
	"time"
)

// Backoff returns how long to wait before an attempt to connect. The first attempt is 0.
type Backoff func(attempt int) time.Duration

// NewConstantBackoff waits the same time before each attempt but the first, before which it does not wait.
func NewConstantBackoff(delay time.Duration) Backoff {
	return func(attempt int) time.Duration {
		if attempt <= 0 {
			return 0
		}
		return delay
	}
}

// NewExponentialBackoff waits a random time, at least minDelay. The longest time is initialMaxDelay before the second attempt, and grows by factor
// with each further one, up to maxDelay. Before the first attempt it does not wait. It panics unless
// 0 < minDelay <= initialMaxDelay <= maxDelay, minDelay < maxDelay and factor > 1.
func NewExponentialBackoff(
	minDelay time.Duration,
	maxDelay time.Duration,
	initialMaxDelay time.Duration,
	factor float32,
) Backoff {
	switch {
	case minDelay <= 0:
		panic("autopaho: the shortest delay must be positive")
	case maxDelay <= minDelay:
		panic("autopaho: the longest delay must be longer than the shortest")
	case initialMaxDelay < minDelay || maxDelay < initialMaxDelay:
		panic("autopaho: the initial longest delay must be between the shortest and the longest")
	case !(factor > 1):
		panic("autopaho: the factor must be greater than 1")
	}
	return func(attempt int) time.Duration {
		if attempt <= 0 {
			return 0
		}
		longest := maxDelay
		if grown := float64(initialMaxDelay) * math.Pow(float64(factor), float64(attempt-1)); grown < float64(maxDelay) {
			longest = time.Duration(grown)
		}
		return minDelay + rand.N(longest-minDelay+1)
	}
}

// DefaultExponentialBackoff waits between 5 and 10 seconds at first, then half as long again each time, up to 10 minutes.
func DefaultExponentialBackoff() Backoff {
	return NewExponentialBackoff(5*time.Second, 10*time.Minute, 10*time.Second, 1.5)
}
