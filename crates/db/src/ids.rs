//! Ids of one batch, in the order of time (UUID version 7).
//!
//! They begin at the database's clock, read after the batch's locks, and never below what a row of the batch has already: so the
//! order of events does not depend on the clock of a server.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// The bits of a millisecond that count.
const FRACTION_BITS: u32 = 12;
const FRACTIONS: u64 = 1 << FRACTION_BITS;

/// The next id comes after this place. A place is milliseconds × 4096 and a fraction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    place: u64,
}

impl Ids {
    pub fn starting_at(now: DateTime<Utc>) -> Ids {
        let micros = u64::try_from(now.timestamp_micros()).unwrap_or_default();
        Ids { place: (micros / 1_000) * FRACTIONS + (micros % 1_000) * FRACTIONS / 1_000 }
    }

    /// From here on ids sort behind this one.
    pub fn begin_after(&mut self, id: Uuid) {
        if let Some(place) = place_of(id) {
            self.place = self.place.max(place);
        }
    }

    /// An id that no id made from here on sorts before.
    pub fn least_next(&self) -> Uuid {
        id_at(self.place + 1, 0)
    }

    pub fn next_id(&mut self) -> Uuid {
        self.place += 1;
        id_at(self.place, rand::random())
    }
}

fn id_at(place: u64, random: u64) -> Uuid {
    let (millis, fraction) = (u128::from(place >> FRACTION_BITS), u128::from(place & (FRACTIONS - 1)));
    let random = u128::from(random >> 2);
    Uuid::from_u128((millis & ((1 << 48) - 1)) << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random)
}

fn place_of(id: Uuid) -> Option<u64> {
    (id.get_version_num() == 7).then(|| {
        let bits = id.as_u128();
        let (millis, fraction) = ((bits >> 80) as u64, (bits >> 64) as u64 & (FRACTIONS - 1));
        millis * FRACTIONS + fraction
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_in_order_also_where_another_clock_was_ahead() {
        let now = DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap();
        let mut ids = Ids::starting_at(now);
        let made: Vec<Uuid> = (0..10_000).map(|_| ids.next_id()).collect();
        assert!(made.is_sorted_by(|one, next| one < next));
        assert!(made.iter().all(|id| id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122));
        let (seconds, _) = made[0].get_timestamp().unwrap().to_unix();
        assert_eq!(seconds, 1_800_000_000);
        let mut ahead = Ids::starting_at(now + chrono::Duration::seconds(90));
        let newest = ahead.next_id();
        assert!(ids.least_next() < newest);
        ids.begin_after(newest);
        let least = ids.least_next();
        let next = ids.next_id();
        assert!(newest < next && least <= next);
        // A batch that falls back makes the same places again, never the same ids.
        let mark = ids;
        let one = ids.next_id();
        ids = mark;
        assert_ne!(one, ids.next_id());
    }

    #[test]
    fn ids_of_another_kind_move_nothing() {
        let mut ids = Ids::starting_at(DateTime::UNIX_EPOCH);
        let before = ids;
        ids.begin_after(Uuid::from_u128(u128::MAX));
        ids.begin_after(Uuid::new_v4());
        assert_eq!(ids, before);
    }
}
