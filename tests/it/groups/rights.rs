//! The permission table of groups; each cell is tested.

use serde_json::json;

use super::crew::{invite, leave, make, remove, rename, set_mine, set_role};
use crate::support::{ApiResponse, TestApp, TestUser};

/// The roles that try each action.
const ROLES: [&str; 5] = ["owner", "warden", "member", "left", "stranger"];

type Row = (Action, [&'static str; 5]);

/// Expected result for each of [`ROLES`]: `ok` or an error code.
const RIGHTS: [Row; 20] = [
    (Action::Look, ["ok", "ok", "ok", "ok", "not_found"]),
    (Action::ReadHistory, ["ok", "ok", "ok", "ok", "not_found"]),
    (Action::SetMine, ["ok", "ok", "ok", "ok", "not_found"]),
    (Action::PageMembers, ["ok", "ok", "ok", GONE, "not_found"]),
    (Action::Write, ["ok", "ok", "ok", GONE, "not_found"]),
    (Action::Leave, ["ok", "ok", "ok", GONE, "not_found"]),
    (Action::RemoveOneself, ["ok", "ok", "ok", GONE, "not_found"]),
    (Action::Rename, ["ok", "ok", NO, GONE, "not_found"]),
    (Action::Invite, ["ok", "ok", NO, GONE, "not_found"]),
    (
        Action::InviteAMember,
        ["conflict", "conflict", NO, GONE, "not_found"],
    ),
    (Action::RemoveAMember, ["ok", "ok", NO, GONE, "not_found"]),
    (Action::RemoveAnAdmin, ["ok", NO, NO, GONE, "not_found"]),
    (Action::RemoveTheOwner, ["ok", NO, NO, GONE, "not_found"]),
    (
        Action::RemoveNobody,
        ["not_found", "not_found", NO, GONE, "not_found"],
    ),
    (Action::GiveAdmin, ["ok", NO, NO, GONE, "not_found"]),
    (Action::TakeAdmin, ["ok", NO, NO, GONE, "not_found"]),
    (Action::GiveTheSame, ["conflict", NO, NO, GONE, "not_found"]),
    (Action::HandOver, ["ok", NO, NO, GONE, "not_found"]),
    (
        Action::MakeOneselfOwner,
        ["conflict", NO, NO, GONE, "not_found"],
    ),
    (
        Action::MakeOneselfMember,
        ["conflict", NO, NO, GONE, "not_found"],
    ),
];

const NO: &str = "forbidden";
const GONE: &str = "not_a_participant";

#[derive(Clone, Copy, Debug)]
enum Action {
    Look,
    ReadHistory,
    SetMine,
    PageMembers,
    Write,
    Leave,
    RemoveOneself,
    Rename,
    Invite,
    InviteAMember,
    RemoveAMember,
    RemoveAnAdmin,
    RemoveTheOwner,
    RemoveNobody,
    GiveAdmin,
    TakeAdmin,
    GiveTheSame,
    HandOver,
    MakeOneselfOwner,
    MakeOneselfMember,
}

impl Action {
    async fn tried(self, actor: &TestUser, id: i64) -> ApiResponse {
        let path = format!("/api/conversations/{id}/");
        let me = actor.username.as_str();
        match self {
            Self::Look => actor.get(&path).await,
            Self::ReadHistory => actor.get(&format!("{path}messages/")).await,
            Self::SetMine => set_mine(actor, id, json!({ "pinned": true })).await,
            Self::PageMembers => actor.get(&format!("{path}members/")).await,
            Self::Write => actor.send(id, "Hello!").await,
            Self::Leave => leave(actor, id).await,
            Self::RemoveOneself => remove(actor, id, me).await,
            Self::Rename => rename(actor, id, "Renamed").await,
            Self::Invite => invite(actor, id, "guest").await,
            Self::InviteAMember => invite(actor, id, "member2").await,
            Self::RemoveAMember => remove(actor, id, "member2").await,
            Self::RemoveAnAdmin => remove(actor, id, "admin2").await,
            Self::RemoveTheOwner => remove(actor, id, "owner").await,
            Self::RemoveNobody => remove(actor, id, "guest").await,
            Self::GiveAdmin => set_role(actor, id, "member2", "admin").await,
            Self::TakeAdmin => set_role(actor, id, "admin2", "member").await,
            Self::GiveTheSame => set_role(actor, id, "member2", "member").await,
            Self::HandOver => set_role(actor, id, "member2", "owner").await,
            Self::MakeOneselfOwner => set_role(actor, id, me, "owner").await,
            Self::MakeOneselfMember => set_role(actor, id, me, "member").await,
        }
    }
}

/// All users of the test, the owner first.
struct Cast(Vec<TestUser>);

impl Cast {
    const NAMES: [&str; 8] = [
        "owner", "warden", "member", "left", "stranger", "admin2", "member2", "guest",
    ];

    async fn new(app: &TestApp) -> Self {
        let people = Self::NAMES.iter().map(|name| app.register_user(name));
        let people = futures_util::future::join_all(people).await;
        let (guest, others) = people.split_last().unwrap();
        for other in &others[1..] {
            people[0].connect_with(other).await;
        }
        for other in others {
            other.connect_with(guest).await;
        }
        Self(people)
    }

    fn of(&self, role: &str) -> &TestUser {
        let at = Self::NAMES.iter().position(|name| *name == role);
        &self.0[at.unwrap()]
    }

    /// Creates a group in which each user has the role of their name.
    async fn group(&self) -> i64 {
        let owner = self.of("owner");
        let names = ["warden", "member", "left", "admin2", "member2"];
        let made = make(owner, "Crew", &names).await.expect(201);
        let id = made["id"].as_i64().unwrap();
        set_role(owner, id, "warden", "admin").await.expect(200);
        set_role(owner, id, "admin2", "admin").await.expect(200);
        leave(self.of("left"), id).await.expect(200);
        id
    }
}

fn code(answer: &ApiResponse) -> &str {
    match answer.status {
        200 | 201 | 204 => "ok",
        _ => answer.body["code"].as_str().unwrap(),
    }
}

#[tokio::test]
async fn each_role_has_exactly_its_rights() {
    let app = TestApp::spawn().await;
    let cast = Cast::new(&app).await;
    let mut wrong = Vec::new();
    for (action, answers) in RIGHTS {
        for (role, expected) in ROLES.into_iter().zip(answers) {
            let id = cast.group().await;
            let owner = cast.of("owner");
            let before = owner.conversation(id).await["version"].take();
            let answer = action.tried(cast.of(role), id).await;
            if code(&answer) != expected {
                wrong.push(format!(
                    "{role}: {action:?}: {} instead of {expected}",
                    code(&answer)
                ));
            }
            // A refused action must not change the group.
            if expected != "ok" {
                let after = owner.conversation(id).await["version"].take();
                assert_eq!(after, before, "{role}: {action:?}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
