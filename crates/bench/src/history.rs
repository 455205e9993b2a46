//! One repayment and one look, of loans with short and with long histories.

use std::time::Instant;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::ground::Ground;
use crate::http::{Connection, get, post};
use crate::people::{BUSINESS_DATE, Institution, sign_in};
use crate::postings::repayment;
use crate::table::{Figures, print, print_machine};
use crate::{Effort, Failure, load};

/// Transactions that the loans of a class have when it begins, the disbursement among them.
const CLASSES: [usize; 3] = [10, 100, 700];

struct Class {
    transactions: usize,
    loans: Vec<Uuid>,
    repay: Figures,
    read: Figures,
    list: Figures,
}

pub async fn run(effort: Effort) -> Result<(), Failure> {
    let ground = Ground::make().await?;
    let server = ground.serve(BUSINESS_DATE)?;
    let address = &server.address;
    let institution = Institution::found(address).await?;
    let branch = institution.branches(1).await?;
    let per_class = if effort.brief { 4 } else { 100 };
    let loans = institution.loans(&branch, per_class * CLASSES.len()).await?;
    let token = sign_in(address, "manager").await?;
    let mut classes = Vec::new();
    for (transactions, loans) in CLASSES.into_iter().zip(loans.chunks(per_class)) {
        eprintln!("{per_class} loans with {transactions} transactions");
        load::all(address, histories(&token, loans, transactions - 1)).await?;
        let (repay, read, list) = Default::default();
        classes.push(Class { transactions, loans: loans.to_vec(), repay, read, list });
    }
    ground.client.batch_execute("vacuum analyze").await?;
    print_machine(&ground)?;
    let mut connection = Connection::open(address).await?;
    // Alternating, one loan of each class after the other; each loan is repaid once in a repeat.
    for _ in 0..effort.repeats {
        for number in 0..per_class {
            for class in &mut classes {
                let loan = class.loans[number];
                let one = [loan];
                class.repay.add(timed(&mut connection, repayment(&token, &one)).await?);
                class.read.add(timed(&mut connection, get(&token, &format!("/v1/loans/{loan}"))).await?);
                let list = format!("/v1/loans/{loan}/transactions?limit=50");
                class.list.add(timed(&mut connection, get(&token, &list)).await?);
            }
        }
    }
    let shortest = (classes[0].repay.median(), classes[0].read.median(), classes[0].list.median());
    let rows: Vec<Vec<String>> = classes
        .iter()
        .map(|class| {
            let told = |figures: &Figures, shortest: f64| {
                let (median, slowest) = (figures.median(), figures.share(0.99));
                format!("{median:.2}, {slowest:.2} (× {:.2})", median / shortest)
            };
            vec![
                class.transactions.to_string(),
                told(&class.repay, shortest.0),
                told(&class.read, shortest.1),
                told(&class.list, shortest.2),
            ]
        })
        .collect();
    print(&["transactions", "repay: p50, p99 ms", "GET loan", "GET transactions, 50"], &rows);
    print_machine(&ground)?;
    server.stop()?;
    ground.close().await
}

/// Requests that give each loan so many repayments of 1.00, a few hundred at a time.
fn histories(token: &str, loans: &[Uuid], count: usize) -> Vec<Vec<u8>> {
    let item = |loan: Uuid| json!({"key": Uuid::new_v4(), "loan_id": loan, "amount": "1.00", "channel": "cash"});
    // One loan's history is one request after the other, so that no two requests meet at a row.
    loans
        .iter()
        .flat_map(|loan| {
            let items: Vec<Value> = (0..count).map(|_| item(*loan)).collect();
            items
                .chunks(100)
                .map(|items| post(token, "/v1/repayments", "none", &json!({"items": items}).to_string()))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Milliseconds until the answer.
async fn timed(connection: &mut Connection, request: Vec<u8>) -> Result<f64, Failure> {
    let began = Instant::now();
    connection.send(&request).await?.done()?;
    Ok(began.elapsed().as_secs_f64() * 1000.0)
}
