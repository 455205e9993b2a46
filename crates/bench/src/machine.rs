//! What the machine is like while it is measured: what a flush costs, how busy it is, what the processes use.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use crate::Failure;

/// Milliseconds to write 8 kB to the disk of this directory and be sure of it: the median of 100.
pub fn flush_cost(directory: &Path) -> Result<f64, Failure> {
    let path = directory.join("flush-cost");
    let mut file = fs::File::create(&path)?;
    let page = [7_u8; 8192];
    let mut times = Vec::new();
    for _ in 0..100 {
        file.write_all(&page)?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    fs::remove_file(path)?;
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// What runs beside: the load average of the last minute.
pub fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or("unknown").to_owned()
}

/// Microseconds of processor time that a process and its children have used so far; the children's, too, that have ended.
pub fn processor_time(pid: u32) -> f64 {
    let children = fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| {
        let text = fs::read_to_string(entry.path().join("stat")).ok()?;
        let fields = after_name(&text)?;
        (fields.get(1)? == &pid.to_string()).then(|| ticks(&fields, 11) + ticks(&fields, 12))
    });
    let own = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let own = after_name(&own).map_or(0.0, |fields| (11..15).map(|index| ticks(&fields, index)).sum());
    // A tick is a hundredth of a second on every Linux that Rust runs on.
    (own + children.sum::<f64>()) * 10_000.0
}

/// The fields of `/proc/PID/stat` after the name, which may hold blanks.
fn after_name(stat: &str) -> Option<Vec<String>> {
    Some(stat.rsplit_once(") ")?.1.split(' ').map(str::to_owned).collect())
}

fn ticks(fields: &[String], index: usize) -> f64 {
    fields.get(index).and_then(|field| field.parse().ok()).unwrap_or(0.0)
}

/// Megabytes that a process holds in memory.
pub fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes: f64 = line.and_then(|text| text.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN);
    kilobytes / 1024.0
}
