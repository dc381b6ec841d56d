//! Which topics a filter matches (section 4.7).

use super::wire;

/// Returns the filter of a subscription without what makes it a shared one: servers send nothing of `$share/{name}/`.
#[must_use]
pub fn unshared(filter: &[u8]) -> &[u8] {
    wire::share(filter).map_or(filter, |(_, rest)| rest)
}

/// Returns true if the filter has a wildcard, and so may match several topics.
#[must_use]
pub fn has_wildcard(filter: &[u8]) -> bool {
    wire::has_wildcard(filter)
}

/// Returns true if a valid filter, which is not a shared subscription's, matches the topic.
#[must_use]
pub fn matches(filter: &[u8], topic: &[u8]) -> bool {
    // [MQTT-4.7.2-1]: what servers keep for themselves is asked for by name.
    if topic.first() == Some(&b'$') && filter.first() != Some(&b'$') {
        return false;
    }
    let mut levels = topic.split(|&byte| byte == b'/');
    for wanted in filter.split(|&byte| byte == b'/') {
        if wanted == b"#" {
            // Also of the parent level, where no level is left.
            return true;
        }
        match levels.next() {
            Some(level) if wanted == b"+" || wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_matches_as_section_4_7_has_it() {
        let yes = [
            ("a/b", "a/b"),
            ("a/#", "a"),
            ("a/#", "a/"),
            ("a/#", "a/b/c"),
            ("#", "a/b"),
            ("#", "/"),
            ("+", "a"),
            ("+", ""),
            ("a/+", "a/"),
            ("a/+/c", "a/b/c"),
            ("+/+", "/finance"),
            ("/+", "/finance"),
            ("+/b/#", "a/b"),
            ("$SYS/#", "$SYS/x"),
            ("$SYS/+", "$SYS/x"),
        ];
        for (filter, topic) in yes {
            assert!(
                matches(filter.as_bytes(), topic.as_bytes()),
                "{filter} {topic}"
            );
        }
        let no = [
            ("a/b", "a"),
            ("a/b", "a/b/"),
            ("a/b", "A/b"),
            ("a/+", "a"),
            ("a/+", "a/b/c"),
            ("+", "/finance"),
            ("+", "a/b"),
            ("a/#", "ab"),
            ("#", "$SYS/x"),
            ("+/x", "$SYS/x"),
            ("a/b/#", "a"),
        ];
        for (filter, topic) in no {
            assert!(
                !matches(filter.as_bytes(), topic.as_bytes()),
                "{filter} {topic}"
            );
        }
    }

    #[test]
    fn a_shared_filter_is_cut() {
        assert_eq!(unshared(b"$share/group/a/+"), b"a/+");
        assert_eq!(unshared(b"$shared/a"), b"$shared/a");
        assert_eq!(unshared(b"a/$share/b"), b"a/$share/b");
    }
}
