//! The chart of accounts. An account is never deleted and keeps its code: journal lines name it.

use db::fault::Fault;
use db::gates::Try;
use db::keys::Claim;
use db::lane::{About, Asked, Outcome, SlicedCommand};
use db::tx::Tx;
use uuid::Uuid;

use crate::error::LedgerError;
use crate::store;

pub use crate::chart_rows::{Account, Class, Side};

/// Opens an account.
#[derive(Debug, Clone)]
pub struct OpenAccount {
    pub id: Uuid,
    pub code: String,
    pub name: String,
    pub class: Class,
    /// None: the normal side of the class.
    pub side: Option<Side>,
    pub header: bool,
}

impl SlicedCommand for OpenAccount {
    type Done = Account;

    fn about(&self) -> About {
        About {
            claims: vec![Claim::of("id", &self.id.to_string()), Claim::of("account.code", &self.code)],
            tries: vec![Try::TakeChart],
            ..About::of("gl_account.open")
        }
    }

    async fn run(tx: &mut Tx, asked: &[Asked<'_, Self>]) -> Result<Vec<Outcome<Self::Done>>, Fault> {
        let ids: Vec<Uuid> = asked.iter().map(|asked| asked.command.id).collect();
        let codes: Vec<&str> = asked.iter().map(|asked| asked.command.code.as_str()).collect();
        let mut known = store::accounts_by_ids_or_codes(tx, &ids, &codes).await?;
        let before = known.len();
        let mut outcomes = Vec::new();
        for Asked { command, .. } in asked {
            outcomes.push(match decide(command, &known) {
                Ok(account) => {
                    known.push(account.clone());
                    Outcome::Done(account)
                }
                Err(refused) => Outcome::refused(refused),
            });
        }
        if known.len() > before {
            store::chart_touch(tx).await?;
            store::accounts_insert(tx, &known[before..]).await?;
        }
        Ok(outcomes)
    }
}

fn decide(command: &OpenAccount, known: &[Account]) -> Result<Account, LedgerError> {
    if known.iter().any(|account| account.id == command.id) {
        return Err(LedgerError::IdTaken(command.id));
    }
    if known.iter().any(|account| account.code == command.code) {
        return Err(LedgerError::AccountCodeTaken(command.code.clone()));
    }
    Ok(Account {
        id: command.id,
        code: command.code.clone(),
        name: command.name.clone(),
        class: command.class,
        side: command.side.unwrap_or(command.class.side()),
        header: command.header,
        control: false,
        version: 1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(id: u128, code: &str) -> OpenAccount {
        OpenAccount {
            id: Uuid::from_u128(id),
            code: code.into(),
            name: "Bank of the north".into(),
            class: Class::Asset,
            side: None,
            header: false,
        }
    }

    #[test]
    fn an_account_stands_on_the_side_of_its_class_unless_told_otherwise() {
        assert_eq!(decide(&open(1, "1041"), &[]).unwrap().side, Side::Debit);
        let contra = OpenAccount { side: Some(Side::Credit), ..open(1, "1041") };
        assert_eq!(decide(&contra, &[]).unwrap().side, Side::Credit);
    }

    #[test]
    fn a_code_and_an_id_are_taken_once() {
        let known = [decide(&open(1, "1041"), &[]).unwrap()];
        assert_eq!(decide(&open(2, "1041"), &known), Err(LedgerError::AccountCodeTaken("1041".into())));
        assert_eq!(decide(&open(1, "1042"), &known), Err(LedgerError::IdTaken(Uuid::from_u128(1))));
    }
}
