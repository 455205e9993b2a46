-- A trial balance that is restated looks for entries that were booked after their value date: few, and only they stand in it.
create index journal_entry_valued_earlier on journal_entry (booked_on) where value_on <> booked_on;
