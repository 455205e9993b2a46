//! The books prove themselves: all checks, in one snapshot.

use db::fault::Fault;
use db::pool::Pool;
use db::tx::Tx;
use ledger::verify::Finding;

/// The first offender of each check that does not hold; empty: all do.
pub async fn verify(pool: &Pool) -> Result<Vec<Finding>, Fault> {
    let tx = Tx::begin_reading(pool).await?;
    let mut findings = ledger::verify::verify(&tx).await?;
    findings.extend(loans::verify::verify(&tx).await?);
    let outcome = if findings.is_empty() { "clean" } else { "offended" };
    metrics::counter!("ayni_verify_runs", "outcome" => outcome).increment(1);
    Ok(findings)
}
