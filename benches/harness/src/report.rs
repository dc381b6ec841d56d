//! The results as a table for the terminal, as Markdown and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::compare::{Row, number, target};
use crate::run::Candidate;
use crate::scenario::Metric;

/// Where and how it was measured.
pub struct Setting {
    pub date: String,
    pub machine: String,
    pub command: String,
    pub runs: usize,
}

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), number)
}

fn ratio(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}×")
    } else if value >= 10.0 {
        format!("{value:.1}×")
    } else {
        format!("{value:.2}×")
    }
}

fn verdict(row: &Row, metric: &Metric) -> &'static str {
    if !row.our_faults().is_empty() {
        return "wrong";
    }
    match row.reached(metric) {
        Some(true) => "reached",
        Some(false) => "missed",
        None => "",
    }
}

fn cells(row: &Row, metric: &Metric, candidates: &[Candidate]) -> Vec<String> {
    let title = if row.scenario.metrics.len() > 1 || metric.key != "rate" {
        format!("{}: {}", row.scenario.title, metric.title)
    } else {
        row.scenario.title.to_owned()
    };
    let unit = if metric.unit.is_empty() || metric.unit == "/s" {
        String::new()
    } else {
        format!(" ({})", metric.unit)
    };
    let mut cells = vec![format!("{title}{unit}")];
    for candidate in candidates {
        let result = row
            .results
            .iter()
            .find(|result| result.candidate.name == candidate.name);
        cells.push(match result {
            None => "–".to_owned(),
            Some(result) => match result.medians.get(metric.key) {
                Some(value) if result.faults.is_empty() => number(*value),
                // Right in some of the runs only.
                Some(value) => format!("{} (!)", number(*value)),
                None if result.faults.is_empty() => "–".to_owned(),
                None => "failed".to_owned(),
            },
        });
    }
    let first = std::ptr::eq(metric, &raw const row.scenario.metrics[0]);
    cells.push(row.compared(metric).map_or_else(|| "–".to_owned(), ratio));
    cells.push(target(metric));
    cells.push(verdict(row, metric).to_owned());
    let side = |comparison: Option<f64>| {
        if first {
            comparison.map_or_else(|| "–".to_owned(), ratio)
        } else {
            String::new()
        }
    };
    cells.push(side(row.processor()));
    cells.push(side(row.memory().map(|best| best.ratio)));
    cells
}

fn heads(candidates: &[Candidate]) -> Vec<String> {
    let mut heads = vec!["work".to_owned()];
    heads.extend(candidates.iter().map(|candidate| candidate.name.clone()));
    for head in ["to the best peer", "target", "", "CPU/message", "memory"] {
        heads.push(head.to_owned());
    }
    heads
}

fn lines(rows: &[Row], candidates: &[Candidate]) -> Vec<Vec<String>> {
    rows.iter()
        .flat_map(|row| {
            row.scenario
                .metrics
                .iter()
                .map(move |metric| cells(row, metric, candidates))
        })
        .collect()
}

/// For the terminal.
pub fn table(rows: &[Row], candidates: &[Candidate]) -> String {
    let mut all = vec![heads(candidates)];
    all.extend(lines(rows, candidates));
    let columns = all[0].len();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            all.iter()
                .map(|line| line[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for line in &all {
        for (column, cell) in line.iter().enumerate() {
            let pad = widths[column] - cell.chars().count();
            let gap = if column == 0 { "" } else { "  " };
            let _ = if column == 0 {
                write!(text, "{cell}{:pad$}", "")
            } else {
                write!(text, "{gap}{:pad$}{cell}", "")
            };
        }
        text.push('\n');
    }
    text + &faults(rows)
}

/// What went wrong, whoever's fault it was.
fn faults(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        for result in &row.results {
            for fault in &result.faults {
                let _ = writeln!(
                    text,
                    "! {}, {}: {fault}",
                    row.scenario.name, result.candidate.name
                );
            }
        }
    }
    text
}

/// For `docs/performance.md`.
pub fn markdown(rows: &[Row], candidates: &[Candidate], setting: &Setting) -> String {
    let heads = heads(candidates);
    let mut text = format!(
        "Measured {} on {}, with `{}`: medians of {} interleaved runs.\n\n",
        setting.date, setting.machine, setting.command, setting.runs
    );
    let _ = writeln!(text, "| {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "--:|".repeat(heads.len() - 1));
    for line in lines(rows, candidates) {
        let _ = writeln!(text, "| {} |", line.join(" | "));
    }
    let faults = faults(rows);
    if !faults.is_empty() {
        text.push_str("\nRuns that went wrong, and what the checks said:\n\n");
        for fault in faults.lines() {
            let _ = writeln!(text, "- {}", fault.trim_start_matches("! "));
        }
    }
    text
}

/// Everything, for other programs.
pub fn json(rows: &[Row], setting: &Setting) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let results: Vec<Value> = row
                .results
                .iter()
                .map(|result| {
                    json!({
                        "library": result.candidate.name,
                        "runs": result.runs,
                        "medians": result.medians,
                        "faults": result.faults,
                    })
                })
                .collect();
            let metrics: Vec<Value> = row
                .scenario
                .metrics
                .iter()
                .map(|metric| {
                    json!({
                        "key": metric.key,
                        "title": metric.title,
                        "unit": metric.unit,
                        "compared_with": row.compared_with(metric),
                        "ratio": row.compared(metric),
                        "target": target(metric),
                        "reached": row.reached(metric),
                    })
                })
                .collect();
            json!({
                "name": row.scenario.name,
                "title": row.scenario.title,
                "arguments": row.scenario.args,
                "metrics": metrics,
                "results": results,
            })
        })
        .collect();
    json!({
        "date": setting.date,
        "machine": setting.machine,
        "command": setting.command,
        "runs": setting.runs,
        "scenarios": rows,
    })
}

/// One line while it runs.
pub fn progress(row: &Row) -> String {
    let mut text = String::new();
    for metric in &row.scenario.metrics {
        let _ = write!(
            text,
            "  {} {}{}",
            metric.title,
            figure(row.our(metric.key)),
            metric.unit
        );
        if let (Some(compared), Some(peer)) = (row.compared(metric), row.compared_with(metric)) {
            let _ = write!(text, " = {} of {peer}", ratio(compared));
        }
        let verdict = verdict(row, metric);
        if !verdict.is_empty() {
            let _ = write!(text, " [{verdict}]");
        }
    }
    if let Some(raw) = row.raw("rate") {
        let _ = write!(text, "  (bare socket {})", number(raw));
    }
    text
}
