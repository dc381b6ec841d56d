package mqtt

import "time"

// firstPause is the first pause between two attempts to reconnect.
const firstPause = time.Second

// A backoff gives the pauses of one repeated trouble: none or firstPause at first, then twice as long each time.
type backoff struct {
	// startsAtOnce says that the first time has no pause.
	startsAtOnce bool
	last         time.Duration
	at           time.Time
}

// next returns how long to wait now. A trouble that comes again later than twice usual after its pause counts as a new one.
func (b *backoff) next(now time.Time, longest, usual time.Duration) time.Duration {
	first := min(firstPause, longest)
	switch again := !b.at.IsZero() && now.Sub(b.at) <= 2*usual+b.last; {
	case !again && b.startsAtOnce:
		b.last = 0
	case !again, b.last == 0:
		b.last = first
	default:
		b.last = min(2*b.last, longest)
	}
	b.at = now
	return b.last
}
