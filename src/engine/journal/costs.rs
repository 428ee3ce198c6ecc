//! The cost of a transaction: its time is divided among its entries by their
//! rows.

use std::collections::HashMap;
use std::time::Duration;

use entity::UserId;

use crate::store::append::{AppendEntry, AppendOperation, AppendOutcome, BatchCommit};

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
        *user = user.saturating_add(estimate_rows(&append.operation, outcome));
    }
    let all = rows
        .values()
        .fold(0, |all: u32, one| all.saturating_add(*one));
    let of_one = took / all.max(1);
    rows.into_iter()
        .map(|(user, rows)| (user, of_one * rows))
        .collect()
}

/// Estimates how many rows an entry reads or writes.
fn estimate_rows(what: &AppendOperation, outcome: &AppendOutcome) -> u32 {
    let more = match (what, outcome) {
        (
            _,
            AppendOutcome::Unchanged | AppendOutcome::AlreadySent(_) | AppendOutcome::NeedsConsent,
        ) => return 1,
        (_, AppendOutcome::Stale | AppendOutcome::Refused(_)) => return 1,
        (_, AppendOutcome::Edited { messages, .. }) => messages.len(),
        (AppendOperation::Change(change), _) => change.member_changes.len(),
        (AppendOperation::Markers(marks), _) => marks.len(),
        _ => 1,
    };
    u32::try_from(more).unwrap_or(u32::MAX).saturating_add(2)
}

#[cfg(test)]
mod tests {
    use entity::{ConversationId, MessageId, receipt};

    use super::*;
    use crate::protocol::{Problem, User};
    use crate::store::append::MarkerUpdate;

    fn append(user: i64, marks: usize) -> AppendEntry {
        let mark = MarkerUpdate {
            kind: receipt::ReceiptKind::Read,
            message: MessageId(1),
        };
        AppendEntry {
            conversation: ConversationId(1),
            members_version: 0,
            verdict: Ok(()),
            actor: User {
                id: UserId(user),
                username: "ann".to_owned(),
                display_name: "ann".to_owned(),
            },
            operation: AppendOperation::Markers(vec![mark; marks]),
            has_others: true,
            has_archived: false,
        }
    }

    #[test]
    fn time_is_divided_by_rows() {
        let appends = [append(1, 2), append(2, 1), append(1, 1)];
        let marked = AppendOutcome::Marked {
            version: None,
            unknown: Vec::new(),
        };
        let commit = |outcomes: Vec<AppendOutcome>| BatchCommit {
            outcomes,
            ..BatchCommit::default()
        };
        let refused = AppendOutcome::Refused(Problem::busy());
        let commits = [commit(vec![marked.clone(), marked]), commit(vec![refused])];
        let mut shares = split_cost(&appends, &commits, Duration::from_millis(80));
        shares.sort_unstable_by_key(|(user, _)| user.0);
        let expected = [(1, 50), (2, 30)];
        let expected = expected.map(|(user, ms)| (UserId(user), Duration::from_millis(ms)));
        assert_eq!(shares, expected);
    }
}
