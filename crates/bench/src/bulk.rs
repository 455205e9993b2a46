//! A thousand repayments in one request, and without HTTP, beside a thousand postings in one statement.

use std::sync::Arc;
use std::time::Duration;

use api::app::Lanes;
use db::caller::Actor;
use db::keys::Key;
use db::lane::{InFlight, Order, Reply, Sent};
use db::pool::{CONNECTIONS, Pool};
use flows::desk_command::DeskCommand;
use futures::{StreamExt, stream};
use kernel::permission::Permission;
use kernel::plain_amount::PlainAmount;
use ledger::slots::Channel;
use loans::actions::repay::{Overpayment, Repay};
use loans::command::LoanCommand;
use rand::RngExt;
use serde_json::json;
use uuid::Uuid;

use crate::ground::{Ground, Process};
use crate::http::post;
use crate::load::{self, Measured, closed_loop};
use crate::loans::Loans;
use crate::people::sign_in;
use crate::table::{Figures, print};
use crate::{Effort, Failure, limit};

pub const ITEMS: usize = 1_000;

/// Callers at once.
const CALLERS: [usize; 2] = [1, 4];

pub async fn run(ground: &Ground, server: &Process, loans: &Loans, effort: Effort) -> Result<(), Failure> {
    let inside = Inside::start(ground).await?;
    let mut figures: Vec<[Figures; 3]> = CALLERS.map(|_| Default::default()).into();
    for _ in 0..effort.repeats {
        for (callers, [rows, http, direct]) in CALLERS.iter().zip(&mut figures) {
            rows.add(limit::post_thousands(ground, *callers, effort.time()).await?.rate() * ITEMS as f64);
            http.add(over_http(server, loans, *callers, effort.time()).await?.rate() * ITEMS as f64);
            direct.add(inside.repay(&loans.hot, *callers, effort.time()).await?.rate() * ITEMS as f64);
        }
    }
    let mut table = Vec::new();
    for (callers, [rows, http, direct]) in CALLERS.iter().zip(&figures) {
        let limit = rows.median();
        for (name, figures) in [("post_batch", rows), ("POST /v1/repayments", http), ("in-process", direct)] {
            let ratio = format!("{:.2}", figures.median() / limit);
            table.push(vec![format!("{name}, {callers} callers"), figures.whole(), ratio]);
        }
    }
    print(&["1,000 at a time, hot", "repayments a second", "× post_batch"], &table);
    Ok(())
}

async fn over_http(server: &Process, loans: &Loans, callers: usize, time: Duration) -> Result<Measured, Failure> {
    let (token, loans) = (sign_in(&server.address, "manager").await?, loans.hot.clone());
    load::http(&server.address, callers, time, move || {
        let mut random = rand::rng();
        let items: Vec<_> = (0..ITEMS)
            .map(|_| {
                let loan = loans[random.random_range(0..loans.len())];
                json!({"key": Uuid::new_v4(), "loan_id": loan, "amount": "1.00", "channel": "cash"})
            })
            .collect();
        post(&token, "/v1/repayments", "none", &json!({"items": items}).to_string())
    })
    .await
}

/// The lanes in this process: what the bulk handler does, without HTTP.
pub struct Inside {
    lanes: Arc<Lanes>,
    actor: Actor,
}

impl Inside {
    pub async fn start(ground: &Ground) -> Result<Inside, Failure> {
        let pool = Pool::try_new(&ground.app_url(), CONNECTIONS)?;
        let row = ground.client.query_one("select id from app_user where username = 'manager'", &[]).await?;
        let user_id: Uuid = row.get(0);
        let actor = Actor { user_id, namespace: user_id, request_id: Uuid::now_v7(), signed_in_at: db::clock::now() };
        Ok(Inside {
            lanes: Arc::new(Lanes::start(&pool, &InFlight::default(), (api::render::desk, api::render::office))),
            actor,
        })
    }

    pub async fn repay(&self, loans: &Arc<[Uuid]>, callers: usize, time: Duration) -> Result<Measured, Failure> {
        let (lanes, actor, loans) = (self.lanes.clone(), self.actor.clone(), loans.clone());
        let step = move |()| {
            let (lanes, actor, loans) = (lanes.clone(), actor.clone(), loans.clone());
            let actor = Actor { request_id: Uuid::now_v7(), ..actor };
            async move { one_call(&lanes, actor, &loans).await }
        };
        closed_loop(callers, time, |_| async { Ok(()) }, step).await
    }
}

async fn one_call(lanes: &Lanes, actor: Actor, loans: &[Uuid]) -> Result<(), Failure> {
    let amount = PlainAmount::parse("1.00")?;
    let (lane, user_id) = (lanes.desk.clone(), actor.user_id);
    let shares = stream::iter(0..ITEMS).then(move |_| {
        let lane = lane.clone();
        async move { lane.share(user_id).await }
    });
    let replies = shares.map(|share| {
        let loan_id = loans[rand::rng().random_range(0..loans.len())];
        let (path, body) = (loan_id.to_string(), r#"{"amount":"1.00","channel":"cash"}"#.to_owned());
        let key = Key::of(actor.namespace, &Uuid::new_v4().to_string(), "loan.repay", &path, &body);
        let (channel, overpayment) = (Channel::Cash, Overpayment::Take);
        let command = Repay { loan_id, amount, paid_on: None, channel, receipt: None, overpayment };
        lanes.desk.submit(Order {
            actor: actor.clone(),
            share: Some(share),
            permissions: vec![Permission::LoanRepay],
            key: Some(key),
            sent: Some(Sent { path, body }),
            command: DeskCommand::Loan(LoanCommand::Repay(command)),
        })
    });
    // As many at a time as the bulk handler gives.
    let replies: Vec<Reply> = replies.buffered(512).collect().await;
    let refused = replies.into_iter().find(|reply| !is_done(reply));
    refused.map_or(Ok(()), |reply| Err(format!("a repayment was answered {reply:?}").into()))
}

fn is_done(reply: &Reply) -> bool {
    matches!(reply, Reply::Answer(answer) if answer.status == 201)
}
