//! What `/metrics` tells: each measure with its words, and how finely it is told.
//!
//! The measures are taken where things happen, with `metrics::counter!` and its like; a test holds the list here against the source.

use std::time::Duration;

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::failure::Failure;

/// How often what was measured is drawn together. Without it every single measure would be kept until somebody asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Upper bounds of answers, in seconds: a lane answers in milliseconds, a report of everything in a second.
const ANSWER_SECONDS: [f64; 14] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];

/// Upper bounds of batches: `db::lane::Limits` allows 256 commands.
const BATCH_SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// Upper bounds of the close of one day, in seconds: from an empty institution to millions of loans.
const CLOSE_SECONDS: [f64; 10] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 60.0, 300.0, 1_800.0];

const COUNTERS: [(&str, &str); 9] = [
    ("ayni_http_requests", "Requests that were answered, by method, route and status"),
    (
        "ayni_auth_failures",
        "Requests that were turned away: a wrong secret or token, too many tries, a permission that is lacking",
    ),
    ("ayni_idempotency_replays", "Commands that came again under their key and got their stored answer"),
    (
        "ayni_lane_failures",
        "Commands that could not be carried out although nothing refused them: each is a fault to look into",
    ),
    ("ayni_ledger_entries", "Journal entries posted"),
    ("ayni_ledger_lines", "Journal lines posted"),
    ("ayni_ledger_folds", "Times that the turnover was folded"),
    ("ayni_day_closes", "Business days whose close was booked"),
    ("ayni_verify_runs", "Proofs of the books that this process has made, by outcome"),
];

const HISTOGRAMS: [(&str, &str); 3] = [
    ("ayni_http_seconds", "Time from a request to its answer, by route, in seconds"),
    ("ayni_lane_batch_size", "Commands that shared one transaction, by lane"),
    ("ayni_day_close_seconds", "Time to book the close of one day, in seconds"),
];

const GAUGES: [(&str, &str); 1] =
    [("ayni_pool_connections", "Connections to the database: used, idle, and the most that there may be")];

/// Begins to measure. The handle writes what was measured so far.
pub fn start() -> Result<PrometheusHandle, Failure> {
    let handle = builder()
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| Failure::Said(format!("the metrics cannot be kept: {error}")))?;
    describe();
    let upkept = handle.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkept.run_upkeep();
        }
    });
    Ok(handle)
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    let named = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        .set_buckets_for_metric(named("ayni_http_seconds"), &ANSWER_SECONDS)?
        .set_buckets_for_metric(named("ayni_lane_batch_size"), &BATCH_SIZES)?
        .set_buckets_for_metric(named("ayni_day_close_seconds"), &CLOSE_SECONDS)
}

fn describe() {
    COUNTERS.into_iter().for_each(|(name, words)| describe_counter!(name, words));
    HISTOGRAMS.into_iter().for_each(|(name, words)| describe_histogram!(name, words));
    GAUGES.into_iter().for_each(|(name, words)| describe_gauge!(name, words));
    // Told from the beginning, so that the first failure is a step and not a new line.
    for name in ["ayni_ledger_entries", "ayni_ledger_lines", "ayni_ledger_folds", "ayni_day_closes"] {
        metrics::counter!(name).increment(0);
    }
    for reason in ["credentials", "denied", "refresh", "refresh_reused", "throttled", "token"] {
        metrics::counter!("ayni_auth_failures", "reason" => reason).increment(0);
    }
    for outcome in ["clean", "offended"] {
        metrics::counter!("ayni_verify_runs", "outcome" => outcome).increment(0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_list_has_exactly_what_is_measured() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut folders = vec![crates.to_owned()];
        let mut found = BTreeSet::new();
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let source = std::fs::read_to_string(&path).unwrap();
                    let measures = ["metrics::counter!(\"", "metrics::histogram!(\"", "metrics::gauge!(\""];
                    let named = measures.iter().flat_map(|begins| source.split(begins).skip(1));
                    found.extend(named.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
                }
            }
        }
        found.retain(|name| name.starts_with("ayni_"));
        let listed = COUNTERS.iter().chain(&HISTOGRAMS).chain(&GAUGES).map(|(name, _)| (*name).to_owned());
        assert_eq!(found, listed.collect());
    }

    #[test]
    fn everything_has_its_words_and_times_have_buckets() {
        let recorder = builder().unwrap().build_recorder();
        let handle = recorder.handle();
        let text = metrics::with_local_recorder(&recorder, || {
            describe();
            for (name, _) in HISTOGRAMS {
                metrics::histogram!(name).record(0.3);
            }
            metrics::gauge!("ayni_pool_connections", "state" => "used").set(3.0);
            handle.render()
        });
        for (name, words) in HISTOGRAMS {
            assert!(text.contains(&format!("# HELP {name} {words}\n# TYPE {name} histogram\n")), "{text}");
            assert!(text.contains(&format!("{name}_bucket{{le=\"+Inf\"}} 1\n")), "{text}");
        }
        assert!(text.contains("# HELP ayni_pool_connections") && text.contains("# HELP ayni_day_closes "), "{text}");
        assert!(text.contains("ayni_auth_failures{reason=\"token\"} 0\n"), "{text}");
    }
}
