//! Runs the benchmark programs on this library and on its peers, in turn, and compares.
//!
//! `paho-bench <programs' directory> <libraries' directory>`; the environment says what to run:
//! `BENCH` is empty for the standard set, `full` for everything, or the beginning of scenarios' names, comma-separated;
//! `BENCH_RUNS` is how often; `BENCH_PEERS` names more libraries with Paho's interface, as `name=directory,...`;
//! `BENCH_DOCS` is where to put the table and the plot as well.

mod compare;
mod plot;
mod report;
mod run;
mod scenario;
mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs, io};

use compare::{Row, summarise};
use report::Setting;
use run::Candidate;
use scenario::{Kind, Scenario};

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [build, libraries] = &arguments[..] else {
        eprintln!("usage: paho-bench <programs> <libraries>");
        return ExitCode::from(2);
    };
    match bench(build, libraries) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("paho-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every run of this library was right; reaching targets is another matter.
fn bench(build: &Path, libraries: &Path) -> io::Result<bool> {
    let wanted = variable("BENCH");
    let scenarios = select(&wanted);
    if scenarios.is_empty() {
        let names: Vec<&str> = scenario::all().iter().map(|one| one.name).collect();
        return Err(io::Error::other(format!(
            "no scenario begins with {wanted}; there are: {}",
            names.join(" ")
        )));
    }
    let runs = variable("BENCH_RUNS")
        .parse()
        .unwrap_or(if wanted == "full" { 5 } else { 3 });
    let candidates = candidates(build, libraries);
    let mut rows = Vec::new();
    for (index, scenario) in scenarios.iter().enumerate() {
        let row = measure(scenario, &candidates, build, runs);
        println!(
            "[{}/{}] {}:{}",
            index + 1,
            scenarios.len(),
            scenario.name,
            report::progress(&row)
        );
        rows.push(row);
    }
    let mut command = "make bench".to_owned();
    if !wanted.is_empty() {
        command = format!("BENCH={wanted} {command}");
    }
    let setting = Setting {
        date: date(),
        machine: machine(),
        command,
        runs,
    };
    println!("\n{}", report::table(&rows, &candidates));
    write_files(build, &rows, &candidates, &setting)?;
    Ok(rows.iter().all(|row| row.our_faults().is_empty()))
}

fn select(wanted: &str) -> Vec<Scenario> {
    let all = scenario::all().into_iter();
    match wanted {
        "" => all.filter(|one| !one.full).collect(),
        "full" => all.collect(),
        names => all
            .filter(|one| names.split(',').any(|name| one.name.starts_with(name)))
            .collect(),
    }
}

/// A B C A B C: whatever else the machine does meanwhile falls on all alike.
fn measure(scenario: &Scenario, candidates: &[Candidate], build: &Path, runs: usize) -> Row {
    let mut taking: Vec<(Candidate, Vec<run::Outcome>)> = candidates
        .iter()
        .filter(|candidate| scenario.takes(candidate.kind))
        .map(|candidate| (candidate.clone(), Vec::new()))
        .collect();
    let paired = scenario
        .paired
        .and_then(|kind| candidates.iter().find(|one| one.kind == kind));
    let mut beside = Vec::new();
    for _ in 0..runs {
        for (candidate, outcomes) in &mut taking {
            let mut outcome = run::run(scenario, candidate, build);
            if paired.is_some() {
                beside.push(compare::take_beside(&mut outcome));
            }
            outcomes.push(outcome);
        }
    }
    if let Some(paired) = paired {
        taking.push((paired.clone(), beside));
    }
    Row {
        scenario: scenario.clone(),
        results: taking
            .into_iter()
            .map(|(candidate, outcomes)| summarise(&candidate, outcomes))
            .collect(),
    }
}

fn candidates(build: &Path, libraries: &Path) -> Vec<Candidate> {
    let mut candidates = vec![
        Candidate {
            name: "paho-oxide".into(),
            kind: Kind::Ours,
            libraries: Some(libraries.to_owned()),
        },
        Candidate {
            name: "paho-oxide, the other way".into(),
            kind: Kind::OtherWay,
            libraries: Some(libraries.to_owned()),
        },
    ];
    match installed("libpaho-mqtt3as.so.1") {
        Some(directory) => candidates.push(Candidate {
            name: "Paho C (installed)".into(),
            kind: Kind::Paho,
            libraries: Some(directory),
        }),
        None => eprintln!("Paho C is not installed (Debian: libpaho-mqtt1.3): not compared"),
    }
    let peers = variable("BENCH_PEERS");
    for peer in peers.split(',').filter(|peer| !peer.is_empty()) {
        match peer.split_once('=') {
            Some((name, directory)) => candidates.push(Candidate {
                name: name.into(),
                kind: Kind::Paho,
                libraries: Some(directory.into()),
            }),
            None => eprintln!("BENCH_PEERS: {peer} is not name=directory"),
        }
    }
    match installed("libmosquitto.so.1") {
        Some(directory) if build.join("mosq").exists() => candidates.push(Candidate {
            name: "libmosquitto".into(),
            kind: Kind::Mosquitto,
            libraries: Some(directory),
        }),
        _ => eprintln!("libmosquitto is not installed (Debian: libmosquitto-dev): not compared"),
    }
    candidates.push(Candidate {
        name: "bare socket".into(),
        kind: Kind::Raw,
        libraries: None,
    });
    candidates
}

/// The directory in which the system's linker finds a library.
fn installed(file: &str) -> Option<PathBuf> {
    let compiler = env::var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(compiler)
        .arg(format!("-print-file-name={file}"))
        .output()
        .ok()?;
    let path = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    // Unknown files come back as they went in.
    let path = path.is_absolute().then(|| path.canonicalize())?.ok()?;
    Some(path.parent()?.to_owned())
}

fn date() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output();
    output
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .map_or_else(String::new, |text| text.trim().to_owned())
}

fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(':'))
        .map_or("an unknown processor", |(_, name)| name.trim());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.split(['-', '\n']).next().unwrap_or_default();
    format!("{cores} cores of {model}, Linux {kernel}")
}

fn write_files(
    build: &Path,
    rows: &[Row],
    candidates: &[Candidate],
    setting: &Setting,
) -> io::Result<()> {
    let json = serde_json::to_string_pretty(&report::json(rows, setting))?;
    let markdown = report::markdown(rows, candidates, setting);
    fs::write(build.join("results.json"), json + "\n")?;
    fs::write(build.join("results.md"), &markdown)?;
    println!("{} and results.md", build.join("results.json").display());
    let plot = plot::svg(rows, candidates);
    if let Some(svg) = &plot {
        fs::write(build.join("results.svg"), svg)?;
        println!("{}", build.join("results.svg").display());
    }
    let docs = variable("BENCH_DOCS");
    if !docs.is_empty() {
        let docs = Path::new(&docs);
        insert(&docs.join("performance.md"), &markdown)?;
        if let Some(svg) = &plot {
            fs::write(docs.join("performance.svg"), svg)?;
        }
    }
    Ok(())
}

/// Replaces what is between the two marks.
fn insert(page: &Path, table: &str) -> io::Result<()> {
    const BEGIN: &str = "<!-- make bench: begin -->\n";
    const END: &str = "<!-- make bench: end -->";
    let text = fs::read_to_string(page)?;
    let replaced = text
        .split_once(BEGIN)
        .and_then(|(before, rest)| {
            let (_, after) = rest.split_once(END)?;
            Some(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
        })
        .ok_or_else(|| io::Error::other(format!("no place for the table in {}", page.display())))?;
    fs::write(page, replaced)
}
