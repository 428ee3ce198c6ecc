//! Who pays for a transaction: its time is divided among its entries by their
//! rows.

use std::collections::HashMap;
use std::time::Duration;

use entity::UserId;

use crate::store::append::{Append, Commit, Outcome, What};

/// What each user owes for a batch that took this long.
pub(super) fn shares(
    appends: &[Append],
    commits: &[Commit],
    took: Duration,
) -> Vec<(UserId, Duration)> {
    let outcomes = commits.iter().flat_map(|commit| &commit.outcomes);
    let mut rows = HashMap::<UserId, u32>::new();
    for (append, outcome) in appends.iter().zip(outcomes) {
        let user = rows.entry(append.actor.id).or_default();
        *user = user.saturating_add(rows_of(&append.what, outcome));
    }
    let all = rows
        .values()
        .fold(0, |all: u32, one| all.saturating_add(*one));
    let of_one = took / all.max(1);
    rows.into_iter()
        .map(|(user, rows)| (user, of_one * rows))
        .collect()
}

/// About as many rows as an entry reads or writes.
fn rows_of(what: &What, outcome: &Outcome) -> u32 {
    let more = match (what, outcome) {
        (_, Outcome::Unchanged | Outcome::Known(_) | Outcome::NeedsConsent) => return 1,
        (_, Outcome::Stale | Outcome::Refused(_)) => return 1,
        (_, Outcome::Touched { messages, .. }) => messages.len(),
        (What::Change(change), _) => change.moves.len(),
        (What::Mark(marks), _) => marks.len(),
        _ => 1,
    };
    u32::try_from(more).unwrap_or(u32::MAX).saturating_add(2)
}

#[cfg(test)]
mod tests {
    use entity::{ConversationId, MessageId, receipt};

    use super::*;
    use crate::protocol::{Problem, User};
    use crate::store::append::Mark;

    fn append(user: i64, marks: usize) -> Append {
        let mark = Mark {
            kind: receipt::Kind::Read,
            message: MessageId(1),
        };
        Append {
            conversation: ConversationId(1),
            members_version: 0,
            verdict: Ok(()),
            actor: User {
                id: UserId(user),
                username: "ann".to_owned(),
                display_name: "ann".to_owned(),
            },
            what: What::Mark(vec![mark; marks]),
            has_others: true,
            has_archived: false,
        }
    }

    #[test]
    fn time_is_divided_by_rows() {
        let appends = [append(1, 2), append(2, 1), append(1, 1)];
        let marked = Outcome::Marked {
            version: None,
            unknown: Vec::new(),
        };
        let commit = |outcomes: Vec<Outcome>| Commit {
            outcomes,
            ..Commit::default()
        };
        let refused = Outcome::Refused(Problem::busy());
        let commits = [commit(vec![marked.clone(), marked]), commit(vec![refused])];
        let mut shares = shares(&appends, &commits, Duration::from_millis(80));
        shares.sort_unstable_by_key(|(user, _)| user.0);
        let expected = [(1, 50), (2, 30)];
        let expected = expected.map(|(user, ms)| (UserId(user), Duration::from_millis(ms)));
        assert_eq!(shares, expected);
    }
}
