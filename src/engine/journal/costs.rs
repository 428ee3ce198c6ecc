//! The cost of a transaction: its time is divided among its entries by their
//! rows.

use std::collections::HashMap;
use std::time::Duration;

use entity::UserId;

use crate::store::append::{AppendEntry, BatchCommit};

/// Returns each user's share of `took`, the time of the batch.
pub(super) fn split_cost(
    appends: &[AppendEntry],
    commits: &[BatchCommit],
    took: Duration,
) -> Vec<(UserId, Duration)> {
    let outcomes = commits.iter().flat_map(|commit| &commit.outcomes);
    let mut rows = HashMap::<UserId, u32>::new();
    for (append, outcome) in appends.iter().zip(outcomes) {
        let user = rows.entry(append.actor.id).or_default();
        *user = user.saturating_add(append.estimate_rows(outcome));
    }
    let all = rows
        .values()
        .fold(0, |all: u32, one| all.saturating_add(*one));
    let of_one = took / all.max(1);
    rows.into_iter()
        .map(|(user, rows)| (user, of_one * rows))
        .collect()
}

#[cfg(test)]
mod tests {
    use entity::{ConversationId, MessageId, receipt};

    use super::*;
    use crate::protocol::{ConversationAction, Problem, User};
    use crate::store::append::AppendOutcome;

    fn append(user: i64, marks: i64) -> AppendEntry {
        let marks = (0..marks).map(|id| (MessageId(id), receipt::ReceiptKind::Read));
        AppendEntry {
            conversation: ConversationId(1),
            members_version: 0,
            verdict: Ok(()),
            actor: User {
                id: UserId(user),
                username: "ann".to_owned(),
                display_name: "ann".to_owned(),
            },
            action: ConversationAction::Mark(marks.collect()),
            may_moderate: false,
            has_others: true,
            has_archived: false,
        }
    }

    #[test]
    fn time_is_divided_by_rows() {
        let appends = [append(1, 2), append(2, 1), append(1, 1)];
        let marked = AppendOutcome::Unmoved {
            unknown: Vec::new(),
        };
        let commit = BatchCommit::new;
        let refused = AppendOutcome::Refused(Problem::busy());
        let commits = [commit(vec![marked.clone(), marked]), commit(vec![refused])];
        let mut shares = split_cost(&appends, &commits, Duration::from_millis(80));
        shares.sort_unstable_by_key(|(user, _)| user.0);
        let expected = [(1, 50), (2, 30)];
        let expected = expected.map(|(user, ms)| (UserId(user), Duration::from_millis(ms)));
        assert_eq!(shares, expected);
    }
}
