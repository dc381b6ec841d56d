package mqtt

import "testing"

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true}, {"a/b", "a/c", false}, {"a/+", "a/b", true}, {"a/+", "a", false}, {"a/+", "a/", true}, {"a/+", "a/b/c", false},
		{"a/#", "a", true}, {"a/#", "a/b/c", true}, {"a/#", "ab", false}, {"#", "a", true}, {"#", "a/b", true}, {"#", "/", true}, {"+", "a", true},
		{"+", "/a", false}, {"/+", "/a", true}, {"+/+", "/a", true}, {"+/b", "a/b", true}, {"a/+/c", "a/b/c", true}, {"a/+/c", "a//c", true},
		{"#", "$SYS/x", false}, {"+/x", "$SYS/x", false}, {"$SYS/#", "$SYS/x", true}, {"$SYS/+", "$SYS/x", true},
		{"$share/g/a/+", "a/b", true}, {"$share/g/#", "a/b", true}, {"$share/g/a", "b", false}, {"$share", "x", false}, {"$share/g", "x", false},
		{"a/+", "a/+", true}, {"", "", true}, {"a", "", false}, {"", "a", false},
	} {
		if got := matches(c.filter, c.topic); got != c.want {
			t.Errorf("%q matches %q: %v", c.filter, c.topic, got)
		}
	}
}

func TestWithoutGroup(t *testing.T) {
	for filter, want := range map[string]string{
		"$share/g/a/b": "a/b", "$share/g/": "", "$share/g": "", "$queue/a": "a", "a/$share/b": "a/$share/b", "$shared/a": "$shared/a",
	} {
		if got := withoutGroup(filter); got != want {
			t.Errorf("%q without its group is %q", filter, got)
		}
	}
}

func FuzzMatches(f *testing.F) {
	f.Add("a/#", "a/b")
	f.Fuzz(func(t *testing.T, filter, topic string) { matches(filter, topic) })
}
