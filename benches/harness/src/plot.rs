//! The bars for the README: messages a second, on a logarithmic scale.

use std::fmt::Write;

use crate::compare::{Row, number};
use crate::run::Candidate;
use crate::scenario::Kind;

const SHOWN: [&str; 9] = [
    "publish-0-256",
    "publish-1",
    "publish-2",
    "receive-0",
    "receive-1",
    "receive-2",
    "blocking-publish-1",
    "tls-publish-1",
    "threads-0",
];

/// For the longest title, left of the bars.
const MARGIN: f64 = 60.0;
const LEFT: f64 = 270.0;
const WIDTH: f64 = 860.0;
const BAR: f64 = 11.0;
const GAP: f64 = 12.0;
const TOP: f64 = 40.0;

fn colour(index: usize, kind: Kind) -> &'static str {
    match kind {
        Kind::Ours => "#c2410c",
        Kind::Mosquitto => "#6b8fb5",
        _ => ["#8a8f98", "#b3a27a", "#7aa38a"][index % 3],
    }
}

/// None: none of the scenarios that it shows was run.
pub fn svg(rows: &[Row], candidates: &[Candidate]) -> Option<String> {
    let rows: Vec<&Row> = rows
        .iter()
        .filter(|row| SHOWN.contains(&row.scenario.name))
        .collect();
    let rates: Vec<f64> = rows
        .iter()
        .flat_map(|row| &row.results)
        .filter(|result| result.candidate.kind != Kind::Raw)
        .filter_map(|result| result.medians.get("rate"))
        .copied()
        .filter(|rate| *rate > 0.0)
        .collect();
    let largest = rates.iter().copied().reduce(f64::max)?;
    let smallest = rates.iter().copied().reduce(f64::min)?;
    let low = smallest.log10().floor();
    let high = largest.log10().ceil().max(low + 1.0);
    let x = |rate: f64| LEFT + (rate.log10() - low) / (high - low) * (WIDTH - LEFT - 70.0);

    let mut body = String::new();
    let mut y = TOP;
    for row in &rows {
        let start = y;
        for (index, candidate) in candidates.iter().enumerate() {
            let rate = row
                .results
                .iter()
                .find(|result| {
                    result.candidate.name == candidate.name && candidate.kind != Kind::Raw
                })
                .and_then(|result| result.medians.get("rate"));
            if let Some(rate) = rate {
                let _ = writeln!(
                    body,
                    r#"<rect x="{LEFT}" y="{y:.0}" width="{:.1}" height="{BAR}" rx="1.5" fill="{}"/><text class="v" x="{:.1}" y="{:.1}">{}</text>"#,
                    (x(*rate) - LEFT).max(1.0),
                    colour(index, candidate.kind),
                    x(*rate).max(LEFT) + 5.0,
                    y + BAR - 2.0,
                    number(*rate),
                );
                y += BAR + 1.0;
            }
        }
        let _ = writeln!(
            body,
            r#"<text x="{}" y="{:.1}" text-anchor="end">{}</text>"#,
            LEFT - 10.0,
            f64::midpoint(start, y) + 4.0,
            row.scenario.title,
        );
        y += GAP;
    }

    let mut legend = String::new();
    let mut at = LEFT;
    for (index, candidate) in candidates.iter().enumerate() {
        if candidate.kind == Kind::Raw {
            continue;
        }
        let _ = write!(
            legend,
            r#"<rect x="{at:.0}" y="14" width="11" height="11" rx="1.5" fill="{}"/><text x="{:.0}" y="24">{}</text>"#,
            colour(index, candidate.kind),
            at + 16.0,
            candidate.name,
        );
        #[allow(clippy::cast_precision_loss, reason = "a name is short")]
        let length = candidate.name.len() as f64;
        at += 16.0 + length * 7.0 + 24.0;
    }
    // One grey that reads on white and on black.
    Some(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="-{MARGIN} 0 {full} {height:.0}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="Messages a second by library, logarithmic scale">
<style>text {{ fill: #7a7f87 }} .v {{ font-size: 11px }}</style>
{legend}
{body}<text class="v" x="{LEFT}" y="{foot:.0}">messages a second, logarithmic scale</text>
</svg>
"#,
        full = MARGIN + WIDTH,
        height = y + 20.0,
        foot = y + 6.0,
    ))
}
