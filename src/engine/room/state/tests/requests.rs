//! The commands sent to a Room, and their answers.

use std::collections::HashMap;

use super::disk::DiskModel;
use crate::engine::room::effects::FormerMemberReply;
use crate::engine::room::messages::TypingReport;
use crate::engine::room::state::*;
use crate::protocol::ClientId;

/// A command to the Room.
#[derive(Clone, Debug)]
pub(super) enum ModelCommand {
    Execute(ConversationAction<GroupCommand>),
    Type(TypingReport),
}

struct LoggedCommand {
    actor: UserId,
    ask: ModelCommand,
    answer: Option<AppendOutcome>,
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
    pub(super) fn answer(&mut self, number: usize, answer: AppendOutcome) {
        let request = &mut self.all[number];
        // Typing is answered at once.
        let is_refused = matches!(answer, AppendOutcome::Refused(_));
        if !is_refused && !matches!(request.ask, ModelCommand::Type(_)) {
            let before = self.done.insert(request.actor, number);
            assert!(before < Some(number), "an actor's order is kept");
        }
        let before = request.answer.replace(answer);
        assert!(before.is_none(), "{number} is answered twice");
    }

    pub(super) fn refuse(&mut self, number: usize) {
        self.answer(number, AppendOutcome::Refused(Problem::not_found()));
    }

    pub(super) fn answer_former(&mut self, former: &FormerMemberReply<usize>) {
        self.answer(former.reply, former.visible_outcome(None));
    }

    /// Answers `busy`, as a dead Room does.
    pub(super) fn answer_rest_busy(&mut self) {
        for request in &mut self.all {
            let busy = || AppendOutcome::Refused(Problem::busy());
            request.answer.get_or_insert_with(busy);
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
            let sent = match &request.ask {
                ModelCommand::Execute(ConversationAction::Send(message)) => Some(message),
                _ => None,
            };
            match (sent, answer) {
                (_, AppendOutcome::Refused(_)) => {}
                (Some(message), _) => {
                    let name = message.client_id.as_ref();
                    let message = answer.message().expect("a message");
                    assert_eq!(message.sender.id, request.actor);
                    check_sent(disk, number, name, answer);
                }
                (None, AppendOutcome::Stale | AppendOutcome::NeedsConsent) => {
                    panic!("{:?} can't come to {answer:?}", request.ask)
                }
                (None, _) => assert!(answer.message().is_none(), "{answer:?}"),
            }
        }
    }
}

fn check_sent(disk: &DiskModel, number: usize, name: Option<&ClientId>, outcome: &AppendOutcome) {
    let message = outcome.message().expect("a message");
    let is_writer = disk.writers.get(&message.seq) == Some(&number);
    assert_eq!(outcome.is_written(), is_writer);
    let name = name.map(ClientId::as_str);
    assert_eq!(message.client_id.as_deref(), name);
    if let Some(name) = name {
        let first = disk.find_sent(message.sender.id, name);
        assert_eq!(first.map(|first| first.id), Some(message.id));
    } else {
        assert!(is_writer, "without a client_id nothing is a retry");
    }
}
