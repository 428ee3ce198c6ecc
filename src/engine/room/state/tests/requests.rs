//! The commands sent to a Room, and their answers.

use std::collections::HashMap;

use super::disk::DiskModel;
use crate::engine::reply::{CommandOutcome, SentMessage};
use crate::engine::room::messages::TypingReport;
use crate::engine::room::state::*;
use crate::protocol::ClientId;

/// A command to the Room.
#[derive(Clone, Debug)]
pub(super) enum ModelCommand {
    Execute(ConversationCommand),
    Type(TypingReport),
}

struct LoggedCommand {
    actor: UserId,
    ask: ModelCommand,
    answer: Option<Result<CommandOutcome, Problem>>,
}

/// All commands, identified by their index.
#[derive(Default)]
pub(super) struct CommandLog {
    all: Vec<LoggedCommand>,
    /// The last successful command of each user.
    done: HashMap<UserId, usize>,
}

impl CommandLog {
    pub(super) fn add(&mut self, actor: UserId, ask: ModelCommand) -> usize {
        let answer = None;
        self.all.push(LoggedCommand { actor, ask, answer });
        self.all.len() - 1
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn command_of(&self, number: usize) -> (UserId, ModelCommand) {
        let request = &self.all[number];
        (request.actor, request.ask.clone())
    }

    /// Records an answer; commands of a user succeed in the order they were
    /// sent.
    pub(super) fn answer(&mut self, number: usize, answer: Result<CommandOutcome, Problem>) {
        let request = &mut self.all[number];
        // Typing is answered at once.
        if answer.is_ok() && !matches!(request.ask, ModelCommand::Type(_)) {
            let before = self.done.insert(request.actor, number);
            assert!(before < Some(number), "an actor's order is kept");
        }
        let before = request.answer.replace(answer);
        assert!(before.is_none(), "{number} is answered twice");
    }

    /// Answers `busy`, as a dead Room does.
    pub(super) fn answer_rest_busy(&mut self) {
        for request in &mut self.all {
            request.answer.get_or_insert_with(|| Err(Problem::busy()));
        }
    }

    pub(super) fn check(&self, disk: &DiskModel) {
        let mut last = HashMap::new();
        for message in &disk.messages {
            let Some(&writer) = disk.writers.get(&message.seq) else {
                continue;
            };
            let before = last.insert(message.sender.id, writer);
            assert!(before < Some(writer), "a sender's order is kept");
        }
        for (number, request) in self.all.iter().enumerate() {
            let answer = request.answer.as_ref().expect("every request is answered");
            match (&request.ask, answer) {
                (_, Err(_)) => {}
                (
                    ModelCommand::Execute(ConversationCommand::Post(post)),
                    Ok(CommandOutcome::Sent(sent)),
                ) => {
                    let name = post.client_id.as_ref();
                    check_sent(disk, (number, request.actor, name), sent);
                }
                (ask, Ok(CommandOutcome::Changed)) => {
                    let is_post =
                        matches!(ask, ModelCommand::Execute(ConversationCommand::Post(_)));
                    assert!(!is_post);
                }
                (ask, Ok(done)) => panic!("{ask:?} can't come to {done:?}"),
            }
        }
    }
}

fn check_sent(
    disk: &DiskModel,
    (number, sender, name): (usize, UserId, Option<&ClientId>),
    sent: &SentMessage,
) {
    let message = &sent.message;
    let is_writer = disk.writers.get(&message.seq) == Some(&number);
    assert_eq!(sent.is_new, is_writer);
    assert_eq!(message.sender.id, sender);
    let name = name.map(ClientId::as_str);
    assert_eq!(message.client_id.as_deref(), name);
    if let Some(name) = name {
        let first = disk.find_sent(sender, name);
        assert_eq!(first.map(|first| first.id), Some(message.id));
    } else {
        assert!(is_writer, "without a client_id nothing is a retry");
    }
}
