//! What is printed: markdown tables, as `docs/benchmarks.md` keeps them.

use crate::Failure;
use crate::ground::Ground;
use crate::machine::load_average;

/// The figures of the repeats of one thing.
#[derive(Debug, Clone, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
        self.0.sort_by(f64::total_cmp);
    }

    pub fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The figure that this share of the others does not exceed.
    pub fn share(&self, share: f64) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    }

    pub fn least(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub fn most(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    /// `median (least – most)`, as whole numbers.
    pub fn whole(&self) -> String {
        format!("{:.0} ({:.0} – {:.0})", self.median(), self.least(), self.most())
    }

    /// The same with two decimals.
    pub fn fine(&self) -> String {
        format!("{:.2} ({:.2} – {:.2})", self.median(), self.least(), self.most())
    }
}

/// Prints a table with this head.
pub fn print(head: &[&str], rows: &[Vec<String>]) {
    println!("\n| {} |", head.join(" | "));
    println!("|{}", "---|".repeat(head.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

/// Prints what the machine is like now.
pub fn print_machine(ground: &Ground) -> Result<(), Failure> {
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    let flush = ground.flush_cost()?;
    println!("\n{processors} processors, load average {}, a flush of 8 kB costs {flush:.2} ms", load_average());
    Ok(())
}
