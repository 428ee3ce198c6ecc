use std::cell::Cell;
use std::future::ready;

use entity::{ConversationId, UserId};
use sea_orm::{DbErr, RuntimeErr};

use super::*;
use crate::protocol::{ConversationAction, ErrorCode, MarkedMessages, User};

fn entry(conversation: i64) -> AppendEntry {
    AppendEntry {
        conversation: ConversationId(conversation),
        members_version: 1,
        verdict: Ok(()),
        actor: User {
            id: UserId(1),
            username: "ann".to_owned(),
            display_name: "Ann".to_owned(),
        },
        action: ConversationAction::Mark(MarkedMessages::new()),
        may_moderate: false,
        has_others: true,
        has_archived: false,
    }
}

fn connection_error() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the way to it was cut".to_owned()))
}

/// Returns the number of attempts and the commits of five entries, the second
/// of which fails.
async fn commit_five(second: StoreError) -> (usize, Vec<BatchCommit>) {
    let entries: Vec<_> = (1..=5).map(entry).collect();
    let tries = Cell::new(0);
    let commits = commit_individually(&entries, |alone| {
        tries.set(tries.get() + 1);
        let is_second = alone[0].conversation == ConversationId(2);
        ready(if is_second {
            Err(second.clone())
        } else {
            Ok(BatchCommit::new(vec![AppendOutcome::Stale]))
        })
    });
    let commits = commits.await;
    (tries.get(), commits)
}

fn codes(commits: &[BatchCommit]) -> Vec<Option<ErrorCode>> {
    let outcomes = commits.iter().flat_map(|commit| &commit.outcomes);
    let codes = outcomes.map(|outcome| match outcome {
        AppendOutcome::Refused(problem) => Some(problem.code),
        _ => None,
    });
    codes.collect()
}

#[tokio::test]
async fn bad_entry_fails_alone() {
    let (tries, commits) = commit_five(StoreError::Internal(connection_error())).await;
    assert_eq!(tries, 5);
    let internal = Some(ErrorCode::Internal);
    assert_eq!(codes(&commits), [None, internal, None, None, None]);
}

/// Guards all writers: if each entry of a batch of 500 waited for an
/// unavailable database, the Journal would be blocked for most of an hour.
#[tokio::test]
async fn unavailable_database_stops_single_commits() {
    for (error, is_unsure) in [
        (StoreError::Unavailable(connection_error()), false),
        (StoreError::Unsure(connection_error()), true),
    ] {
        let (tries, commits) = commit_five(error).await;
        assert_eq!(tries, 2);
        let away = Some(ErrorCode::Unavailable);
        assert_eq!(codes(&commits), [None, away, away, away, away]);
        let unsure: Vec<_> = commits.iter().map(|commit| commit.is_unsure).collect();
        assert_eq!(unsure, [false, is_unsure, false, false, false]);
    }
}
