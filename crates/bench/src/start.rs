//! From the start of the process to ready, and the memory it takes.

use std::time::Duration;

use uuid::Uuid;

use crate::ground::{Ground, Process};
use crate::load;
use crate::machine::resident;
use crate::people::{BUSINESS_DATE, Institution, sign_in};
use crate::postings::repayment;
use crate::table::{Figures, print, print_machine};
use crate::{Effort, Failure};

pub async fn run(effort: Effort) -> Result<(), Failure> {
    let ground = Ground::make().await?;
    print_machine(&ground)?;
    let [mut cold, mut second, mut migrated, mut idle, mut loaded] = [(); 5].map(|()| Figures::default());
    let furnished = ground.serve(BUSINESS_DATE)?;
    let institution = Institution::found(&furnished.address).await?;
    let branch = institution.branches(1).await?;
    let loans = institution.loans(&branch, if effort.brief { 10 } else { 1_000 }).await?;
    furnished.stop()?;
    for _ in 0..effort.repeats {
        let directory = std::env::temp_dir().join(format!("ayni-bench-{}", Uuid::new_v4().simple()));
        let words = ["--data-dir", &directory.to_string_lossy(), "--business-date", BUSINESS_DATE];
        for figures in [&mut cold, &mut second] {
            let server = Process::start(&words)?;
            figures.add(server.ready_after.as_secs_f64() * 1000.0);
            server.stop()?;
        }
        std::fs::remove_dir_all(&directory)?;

        let server = ground.serve(BUSINESS_DATE)?;
        migrated.add(server.ready_after.as_secs_f64() * 1000.0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        idle.add(resident(server.pid()));
        let (token, loans) = (sign_in(&server.address, "manager").await?, loans.clone());
        load::http(&server.address, 64, effort.time(), move || repayment(&token, &loans)).await?;
        loaded.add(resident(server.pid()));
        server.stop()?;
    }
    print(
        &["what", "milliseconds"],
        &[
            vec!["from nothing to ready: makes its Postgres, migrates, furnishes".to_owned(), cold.whole()],
            vec!["second start with its own Postgres".to_owned(), second.whole()],
            vec!["start against a migrated database".to_owned(), migrated.whole()],
        ],
    );
    print(
        &["resident memory", "MB"],
        &[vec!["idle".to_owned(), idle.whole()], vec!["after 64 clients".to_owned(), loaded.whole()]],
    );
    print_machine(&ground)?;
    ground.close().await
}
