use std::cell::Cell;
use std::future::ready;

use entity::{ConversationId, UserId};
use sea_orm::{DbErr, RuntimeErr};

use super::*;
use crate::protocol::{Code, MessageText, User};
use crate::store::append::{Post, What};

fn entry(conversation: i64) -> Append {
    Append {
        conversation: ConversationId(conversation),
        members_version: 1,
        verdict: Ok(()),
        actor: User {
            id: UserId(1),
            username: "ann".to_owned(),
            display_name: "Ann".to_owned(),
        },
        what: What::Mark(Vec::new()),
        has_others: true,
        has_archived: false,
    }
}

/// A batch is bounded by what its frames will weigh.
#[test]
fn entry_weighs_what_its_json_does() {
    let text = "\"\n".repeat(1_000);
    let post = Post {
        text: MessageText::parse(&format!("a{text}b")).unwrap(),
        client_id: None,
        reply_to: None,
    };
    let encoded = serde_json::to_string(post.text.as_str()).unwrap();
    assert_eq!(encoded.len(), 4_004);
    assert_eq!(What::Post(Arc::new(post)).weight(), encoded.len());
}

fn gone() -> DbErr {
    DbErr::Conn(RuntimeErr::Internal("the way to it was cut".to_owned()))
}

/// How often it was tried, and what became of five where the second fails so.
async fn tried(second: StoreError) -> (usize, Vec<Commit>) {
    let entries: Vec<_> = (1..=5).map(entry).collect();
    let tries = Cell::new(0);
    let commits = each_alone(&entries, |alone| {
        tries.set(tries.get() + 1);
        let is_second = alone[0].conversation == ConversationId(2);
        ready(match is_second {
            true => Err(second.clone()),
            false => Ok(Commit {
                outcomes: vec![Outcome::Stale],
                ..Commit::default()
            }),
        })
    });
    let commits = commits.await;
    (tries.get(), commits)
}

fn codes(commits: &[Commit]) -> Vec<Option<Code>> {
    let outcomes = commits.iter().flat_map(|commit| &commit.outcomes);
    let codes = outcomes.map(|outcome| match outcome {
        Outcome::Refused(problem) => Some(problem.code),
        _ => None,
    });
    codes.collect()
}

#[tokio::test]
async fn one_bad_entry_costs_nobody_else_anything() {
    let (tries, commits) = tried(StoreError::Internal(gone())).await;
    assert_eq!(tries, 5);
    let internal = Some(Code::Internal);
    assert_eq!(codes(&commits), [None, internal, None, None, None]);
}

/// Guards everybody who writes: with each one alone waiting for a database that
/// is gone, a batch of 500 would keep the Journal for the better part of an
/// hour.
#[tokio::test]
async fn a_database_that_goes_meanwhile_is_not_waited_for_by_each() {
    for (error, is_unsure) in [
        (StoreError::Unavailable(gone()), false),
        (StoreError::Unsure(gone()), true),
    ] {
        let (tries, commits) = tried(error).await;
        assert_eq!(tries, 2);
        let away = Some(Code::Unavailable);
        assert_eq!(codes(&commits), [None, away, away, away, away]);
        let unsure: Vec<_> = commits.iter().map(|commit| commit.is_unsure).collect();
        assert_eq!(unsure, [false, is_unsure, false, false, false]);
    }
}
