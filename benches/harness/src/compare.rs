//! Medians, and how they compare.

use crate::run::{Candidate, Outcome};
use crate::scenario::{Better, Kind, Metric, Scenario, Target};
use crate::server::Values;

/// What a candidate did in a scenario.
pub struct Result {
    pub candidate: Candidate,
    /// Medians of the runs that were right.
    pub medians: Values,
    pub runs: usize,
    /// What went wrong, and in how many runs.
    pub faults: Vec<String>,
}

/// A scenario with all its results, in the candidates' order.
pub struct Row {
    pub scenario: Scenario,
    pub results: Vec<Result>,
}

/// A figure compared with the best peer's.
pub struct Comparison<'a> {
    pub peer: &'a str,
    /// Ours divided by the peer's.
    pub ratio: f64,
}

pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// Takes the figures of the one that took turns with this library out of a run: those whose keys begin with `beside_`.
pub fn take_beside(outcome: &mut Outcome) -> Outcome {
    let Ok(values) = outcome else {
        return outcome.clone();
    };
    let beside = values
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("beside_")?.to_owned(), *value)))
        .collect();
    values.retain(|key, _| !key.starts_with("beside_"));
    Ok(beside)
}

/// Sums up a candidate's runs.
pub fn summarise(candidate: &Candidate, outcomes: Vec<Outcome>) -> Result {
    let runs = outcomes.len();
    let mut good = Vec::new();
    let mut faults: Vec<String> = Vec::new();
    for outcome in outcomes {
        match outcome {
            Ok(values) => good.push(values),
            Err(fault) => faults.push(fault),
        }
    }
    faults.dedup();
    let mut medians = Values::new();
    let keys: std::collections::BTreeSet<&String> = good.iter().flat_map(Values::keys).collect();
    for key in keys {
        let mut values: Vec<f64> = good
            .iter()
            .filter_map(|run| run.get(key))
            .copied()
            .collect();
        if let Some(value) = median(&mut values) {
            medians.insert(key.clone(), value);
        }
    }
    Result {
        candidate: candidate.clone(),
        medians,
        runs,
        faults,
    }
}

impl Row {
    fn ours(&self) -> Option<&Result> {
        self.results
            .iter()
            .find(|result| result.candidate.kind == Kind::Ours)
    }

    /// This library's figure.
    pub fn our(&self, key: &str) -> Option<f64> {
        self.ours()?.medians.get(key).copied()
    }

    /// The bare socket's figure.
    pub fn raw(&self, key: &str) -> Option<f64> {
        self.results
            .iter()
            .find(|result| result.candidate.kind == Kind::Raw)?
            .medians
            .get(key)
            .copied()
    }

    fn best<'a>(
        &'a self,
        key: &str,
        better: Better,
        takes: impl Fn(Kind) -> bool,
    ) -> Option<Comparison<'a>> {
        let ours = self.our(key)?;
        let peers = self.results.iter().filter(|result| {
            let kind = result.candidate.kind;
            kind != Kind::Ours && kind != Kind::Raw && takes(kind)
        });
        let (value, peer) = peers
            .filter_map(|result| Some((*result.medians.get(key)?, result)))
            .reduce(|best, next| {
                let wins = match better {
                    Better::Higher => next.0 > best.0,
                    Better::Lower => next.0 < best.0,
                };
                if wins { next } else { best }
            })?;
        (value > 0.0).then(|| Comparison {
            peer: &peer.candidate.name,
            ratio: ours / value,
        })
    }

    /// Against the best of all peers.
    pub fn against_best(&self, metric: &Metric) -> Option<Comparison<'_>> {
        self.best(metric.key, metric.better, |_| true)
    }

    /// Returns the ratio that the metric is about: to the best peer, or to the bare socket. Where two took turns it is the median of
    /// the neighbouring turns' ratios, which a busy machine moves less than it moves the ratio of two medians.
    pub fn compared(&self, metric: &Metric) -> Option<f64> {
        if self.scenario.paired.is_some() {
            return self.our(&format!("{}_ratio", metric.key));
        }
        if matches!(metric.target, Target::OfRaw(_) | Target::AtMostRaw(_)) {
            return Some(self.our(metric.key)? / self.raw(metric.key)?);
        }
        Some(self.against_best(metric)?.ratio)
    }

    /// Memory against the best library of the same interface.
    pub fn memory(&self) -> Option<Comparison<'_>> {
        // What is queued is what fills the memory here, and not every library queues as much.
        // And two that take turns in one process have one memory.
        if self.scenario.args.starts_with("offline") || self.scenario.paired.is_some() {
            return None;
        }
        self.best("peak_kib", Better::Lower, |kind| kind == Kind::Paho)
    }

    /// Returns whom the ratio of [`compared`](Self::compared) is to.
    pub fn compared_with(&self, metric: &Metric) -> Option<&str> {
        let is_raw = matches!(metric.target, Target::OfRaw(_) | Target::AtMostRaw(_));
        let kind = self.scenario.paired.or(is_raw.then_some(Kind::Raw));
        let Some(kind) = kind else {
            return Some(self.against_best(metric)?.peer);
        };
        let result = self
            .results
            .iter()
            .find(|result| result.candidate.kind == kind)?;
        Some(&result.candidate.name)
    }

    /// Returns the processor time a message, divided by that of the best peer or of the one that took turns.
    pub fn processor(&self) -> Option<f64> {
        if self.scenario.paired.is_some() {
            return self.our("cpu_per_message_ratio");
        }
        let best = self.best("cpu_per_message", Better::Lower, |_| true);
        best.map(|best| best.ratio)
    }

    /// Whether the target is reached; none: there is no target, or nothing to compare with.
    pub fn reached(&self, metric: &Metric) -> Option<bool> {
        match metric.target {
            Target::None => None,
            Target::AtLeast(factor) | Target::OfRaw(factor) => {
                Some(self.compared(metric)? >= factor)
            }
            Target::AtMost(factor) | Target::AtMostRaw(factor) => {
                Some(self.compared(metric)? <= factor)
            }
            Target::Limit(limit) => Some(self.our(metric.key)? <= limit),
        }
    }

    /// What went wrong with this library.
    pub fn our_faults(&self) -> &[String] {
        self.ours().map_or(&[], |result| &result.faults)
    }
}

/// The target in words.
pub fn target(metric: &Metric) -> String {
    match metric.target {
        Target::None => String::new(),
        Target::AtLeast(factor) => format!("≥ {factor}×"),
        Target::AtMost(factor) => format!("≤ {factor}×"),
        Target::OfRaw(share) => format!("≥ {:.0} % of it", share * 100.0),
        Target::AtMostRaw(factor) => format!("≤ {factor}× it"),
        Target::Limit(limit) => format!("≤ {}", number(limit)),
    }
}

/// Three digits that count, in a form that is read at a glance.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 9_999_500.0 {
        format!("{:.1}M", value / 1e6)
    } else if size >= 999_500.0 {
        format!("{:.2}M", value / 1e6)
    } else if size >= 99_950.0 {
        format!("{:.0}k", value / 1e3)
    } else if size >= 9_995.0 {
        format!("{:.1}k", value / 1e3)
    } else if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidate, Kind, Outcome, Row, median, number, summarise, take_beside};
    use crate::scenario;
    use crate::server::Values;

    #[test]
    fn medians() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn numbers_at_a_glance() {
        assert_eq!(number(5_237_869.0), "5.24M");
        assert_eq!(number(12_345.0), "12.3k");
        assert_eq!(number(18.74), "18.7");
    }

    fn result(name: &str, kind: Kind, rate: f64) -> super::Result {
        let candidate = Candidate {
            name: name.into(),
            kind,
            libraries: None,
        };
        let values: Values = [("rate".to_owned(), rate)].into();
        summarise(&candidate, vec![Ok(values), Err("broken".into())])
    }

    /// The program has compared the turns: the ratio is the median of its ratios, whatever the medians of the figures are.
    #[test]
    fn those_that_take_turns_are_compared_turn_by_turn() {
        let scenario = scenario::all()
            .into_iter()
            .find(|one| one.paired == Some(Kind::Raw))
            .expect("the round trip");
        let metric = scenario.metrics[0].clone();
        let mut run: Outcome = Ok([
            ("rtt_p50", 60.0),
            ("rtt_p50_ratio", 1.2),
            ("beside_rtt_p50", 57.0),
            ("cpu_per_message_ratio", 1.1),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into());
        let beside = take_beside(&mut run);
        let of = |kind, outcome| {
            let candidate = Candidate {
                name: format!("{kind:?}"),
                kind,
                libraries: None,
            };
            summarise(&candidate, vec![outcome])
        };
        let row = Row {
            scenario,
            results: vec![of(Kind::Ours, run), of(Kind::Raw, beside)],
        };
        assert_eq!(row.raw("rtt_p50"), Some(57.0));
        assert_eq!(row.compared(&metric), Some(1.2));
        assert_eq!(row.compared_with(&metric), Some("Raw"));
        assert_eq!(row.processor(), Some(1.1));
        assert_eq!(row.reached(&metric), Some(false), "at most 1.1");
    }

    #[test]
    fn the_best_peer_counts_and_a_bare_socket_is_none() {
        let scenario = scenario::all().remove(0);
        let metric = scenario.metrics[0].clone();
        let row = Row {
            scenario,
            results: vec![
                result("ours", Kind::Ours, 50.0),
                result("one", Kind::Paho, 5.0),
                result("two", Kind::Mosquitto, 10.0),
                result("raw", Kind::Raw, 100.0),
            ],
        };
        let best = row.against_best(&metric).unwrap();
        assert_eq!(best.peer, "two");
        assert!((best.ratio - 5.0).abs() < 1e-9);
        assert_eq!(row.reached(&metric), Some(true));
        assert_eq!(row.our_faults(), ["broken"]);
    }
}
