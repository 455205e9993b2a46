//! The hand-written limits of a portfolio: `sql/close_of_day_limit.sql` as it stands, and its close with what ours adds.

use std::time::Instant;

use crate::Failure;
use crate::ground::Ground;

const SQL: &str = include_str!("../../sql/close_of_day_limit.sql");
const CLOSE_SPLIT: &str = include_str!("../../sql/close_of_day_split.sql");
const RISK_FROM_LOANS: &str = include_str!("../../sql/risk_from_loans.sql");

/// The statement that begins with this comment.
fn statement(comment: &str) -> Result<&'static str, Failure> {
    let (_, rest) = SQL.split_once(comment).ok_or("the limit has lost a statement")?;
    let (_, rest) = rest.split_once('\n').ok_or("the limit has lost a statement")?;
    Ok(rest.split(';').next().unwrap_or_default())
}

/// Makes the limit's tables with as many loans, and what its other statements ask of a loan.
pub async fn prepare(ground: &Ground, loans: usize) -> Result<(), Failure> {
    let (tables, _) = SQL.split_once("vacuum (analyze) loans;").ok_or("the limit has lost its tables")?;
    let tables = tables.replace("1000000) g;", &format!("{loans}) g;"));
    ground.limits.batch_execute(&tables).await?;
    // What the state of a loan holds in Ayni: the oldest unpaid due date, the interest paid.
    ground.limits.batch_execute(
        "alter table loans add oldest_unpaid date, add interest_paid bigint not null default 0, add principal_paid bigint not null default 0;
         update loans set oldest_unpaid = i.oldest, interest_paid = i.interest, principal_paid = i.principal
         from (select loan_id, min(due) filter (where principal_paid + interest_paid < principal_due + interest_due) as oldest,
                      sum(interest_paid) as interest, sum(principal_paid) as principal from installment group by loan_id) i
         where i.loan_id = loans.id",
    ).await?;
    ground.limits.batch_execute("vacuum full loans").await?;
    ground.limits.batch_execute("vacuum analyze loans").await?;
    ground.limits.batch_execute("vacuum analyze installment").await?;
    Ok(())
}

async fn seconds(ground: &Ground, sql: &str) -> Result<f64, Failure> {
    let began = Instant::now();
    ground.limits.query(sql, &[]).await?;
    Ok(began.elapsed().as_secs_f64())
}

pub async fn close_bare(ground: &Ground) -> Result<f64, Failure> {
    seconds(ground, statement("-- Close of day:")?).await
}

pub async fn close_split(ground: &Ground) -> Result<f64, Failure> {
    seconds(ground, CLOSE_SPLIT).await
}

pub async fn risk_from_instalments(ground: &Ground) -> Result<f64, Failure> {
    seconds(ground, statement("-- Ageing and portfolio")?).await
}

pub async fn risk_from_loans(ground: &Ground) -> Result<f64, Failure> {
    seconds(ground, RISK_FROM_LOANS).await
}
