//! How far the load is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;

use chrono::{Datelike, NaiveDate};
use indicatif::{ProgressBar, ProgressStyle};

use crate::demo::institution::{DAYS, Span};

#[derive(Debug)]
pub struct Progress {
    span: Span,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub fn new(span: Span) -> Progress {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(DAYS).with_style(style()));
        Progress { span, bar }
    }

    /// A day is over.
    pub fn day(&self, day: NaiveDate) {
        let done = (day - self.span.first).num_days().unsigned_abs();
        match &self.bar {
            Some(bar) => {
                bar.set_position(done);
                bar.set_message(day.format("%B %Y").to_string());
            }
            // Once in a quarter.
            None if day.month0() / 3 != day.pred_opt().unwrap_or(day).month0() / 3 => {
                eprintln!("Day {done} of {DAYS}: {day}");
            }
            None => {}
        }
    }

    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{bar:40} day {pos} of {len}  {msg}").unwrap_or_else(|_| ProgressStyle::default_bar())
}
