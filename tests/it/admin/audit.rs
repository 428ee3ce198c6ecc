//! The audit log: searching, downloading, and that it is never changed.

use entity::Millis;
use reqwest::Method;
use tidings::store::{AuditAction, AuditContext, AuditEntry, AuditTarget};

use super::{Keeper, admin};
use crate::pages::{Browser, Shown};
use crate::support::TestApp;

#[tokio::test]
async fn audit_log_is_filtered_by_field() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    for person in [&ann, &ben] {
        let path = format!("/admin/users/{}/end-logins", person.id);
        let reason = [("reason", "=1+1 <script>")];
        keeper.act(&path, &reason).await.expect(303);
    }
    let page = keeper.get("/admin/audit").await.expect(200);
    page.check_page();
    assert!(page.text.contains("“=1+1 &#60;script&#62;”"), "escaped");
    assert!(page.text.contains(">@root</a> logged out"));
    for (query, expected) in [
        ("", 3),
        ("?who=root", 2),
        ("?who=ann", 0),
        ("?whom=%40ann", 1),
        (&format!("?whom=user%3A{}", ben.id), 1),
        ("?what=user.end_login", 2),
        ("?what=user.promote", 1),
        ("?what=user.end_login&whom=ann&who=root", 1),
        ("?from=2000-01-01&until=2000-01-02", 0),
        ("?from=2000-01-01", 3),
        ("?until=2000-01-01", 0),
        ("?who=nobody", 0),
        (&format!("?who=user%3A{}", keeper.person.id), 2),
    ] {
        let log = keeper.log(query).await;
        assert_eq!(log.len(), expected, "{query}: {log:?}");
    }
}

#[tokio::test]
async fn invalid_audit_filter_is_explained() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    for (query, said) in [
        ("who=no+name", "“no name” isn’t a username"),
        ("whom=user%3Aann", "“user:ann” isn’t a username"),
        ("whom=cheese%3A7", "“cheese:7” isn’t a username"),
        ("what=cheese", "There is no action “cheese”."),
        ("from=yesterday", "From: “yesterday” isn’t a date"),
        ("until=2026-13-01", "Until: “2026-13-01” isn’t a date"),
    ] {
        let page = keeper
            .get(&format!("/admin/audit?{query}"))
            .await
            .expect(200);
        page.check_page();
        assert!(page.text.contains(said), "{query}: {}", page.text);
        let path = format!("/admin/audit.csv?{query}");
        keeper.download(&path).await.expect(400);
    }
    // None of the refused requests was logged as a download.
    let csv = keeper
        .download("/admin/audit.csv?what=user.promote&whom=root")
        .await;
    assert!(!csv.expect(200).source.contains("audit.download"));
    let csv = keeper.download("/admin/audit.csv").await.expect(200);
    assert_eq!(csv.source.matches("audit.download").count(), 2);
    assert!(csv.source.contains(",\"what=user.promote, whom=root\","));
    assert!(csv.source.contains(",all entries,"));
}

/// An entry keeps the usernames at the time of the action, even after a rename
/// or a deletion.
#[tokio::test]
async fn audit_entry_keeps_former_names() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let (ann, ben) = (app.register_user("Ann").await, admin(&app, "ben").await);
    let mut theirs = Browser::at(&app);
    theirs.log_in("ben").await.expect(303);
    let path = |id: i64, act: &str| format!("/admin/users/{id}/{act}");
    let end = path(ann.id, "end-logins");
    theirs.get(&end).await.expect(200);
    theirs.submit(&end, &[]).await.expect(303);
    let names = [("username", "anna"), ("display_name", "Anna")];
    keeper
        .act(&path(ann.id, "rename"), &names)
        .await
        .expect(303);
    for (id, name) in [(ann.id, "anna"), (ben.id, "ben")] {
        let confirm = [("confirm", name)];
        let delete = path(id, "delete");
        keeper.act(&delete, &confirm).await.expect(303);
    }
    let page = keeper.get("/admin/audit").await.expect(200);
    for said in [
        ">@ben</a> logged out <a",
        ">@Ann</a>",
        "renamed <a",
        "from @Ann “Ann” to @anna “Anna”",
        "deleted the account of <a",
        ">@anna</a>",
    ] {
        assert!(page.text.contains(said), "{said}: {}", page.text);
    }
    assert!(!page.text.contains("@deleted-"), "{}", page.text);
    let (ann, ben) = (ann.id, ben.id);
    for (query, expected) in [
        // By the usernames at the time of the action.
        ("?whom=ann", vec!["user.rename", "user.end_login"]),
        ("?whom=%40ANNA", vec!["user.delete"]),
        ("?who=ben", vec!["user.end_login"]),
        // By id, regardless of the name.
        (
            &*format!("?whom=user%3A{ann}"),
            vec!["user.delete", "user.rename", "user.end_login"],
        ),
        (&*format!("?who=user%3A{ben}"), vec!["user.end_login"]),
    ] {
        let log = keeper.log(query).await;
        let actions: Vec<_> = log.iter().map(|line| line.split(',').nth(2)).collect();
        let expected: Vec<_> = expected.into_iter().map(Some).collect();
        assert_eq!(actions, expected, "{query}: {log:?}");
    }
    // The line contains the ids of both users.
    let log = keeper.log("?who=ben").await;
    let whole = format!(",ben,user.end_login,user:{ann},127.0.0.1,,every login,{ben},Ann");
    assert!(log[0].ends_with(&whole), "{log:?}");
}

/// The log and its pages are in order of time. Entries may be written in
/// another order, after a clock was set back, and many may share a time.
#[tokio::test]
async fn audit_pages_are_in_time_order() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let store = app.store().await;
    // 2026-11-01 and the day before alternate. Each day has sixty entries of
    // the same time.
    let noon = 1_793_534_400_000_i64;
    for at in 0..120 {
        let moment = Millis(noon - (at % 2) * 24 * 3_600_000);
        let act = AuditContext::from_command_line(moment);
        let entry = AuditEntry::new(AuditAction::DownloadAudit, AuditTarget::Audit)
            .with_detail(format!("no {at}."));
        store.audit().record(&act, entry).await.unwrap();
    }
    store.close().await;
    let csv = keeper
        .download("/admin/audit.csv?from=2026-11-01&until=2026-11-01")
        .await;
    let source = csv.expect(200).source;
    let found: Vec<&str> = source.lines().skip(1).collect();
    assert_eq!(found.len(), 60);
    assert!(found[0].contains("no 118.") && found[59].contains("no 0."));
    // The pages list each entry once.
    let mut path = Some("/admin/audit?until=2026-11-01".to_owned());
    let mut seen = Vec::new();
    while let Some(now) = path {
        let page = keeper.get(&now).await.expect(200);
        let parts = page.text.split(">no ").skip(1);
        seen.extend(parts.map(|part| part.split_once('.').unwrap().0.to_owned()));
        path = older(&page);
    }
    let even = (0..60).rev().map(|at| (2 * at).to_string());
    let odd = (0..60).rev().map(|at| (2 * at + 1).to_string());
    assert_eq!(seen, even.chain(odd).collect::<Vec<_>>());
}

/// Returns the address of the next page.
fn older(page: &Shown) -> Option<String> {
    let (before, _) = page.text.split_once(">Older<")?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(href.split_once('"')?.0.replace("&#38;", "&"))
}

#[tokio::test]
async fn audit_download_is_complete_and_escaped() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let ann = app.register_user("ann").await;
    let path = format!("/admin/users/{}/end-logins", ann.id);
    keeper.get(&path).await.expect(200);
    for at in 0..60 {
        let reason = format!("=1+{at}");
        let fields = [("reason", reason.as_str())];
        keeper.browser.submit(&path, &fields).await.expect(303);
    }
    let csv = keeper.download("/admin/audit.csv").await.expect(200);
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        csv.header("content-disposition"),
        Some("attachment; filename=\"tidings-audit.csv\"")
    );
    assert_eq!(csv.header("cache-control"), Some("no-store"));
    let mut lines = csv.source.split("\r\n");
    assert_eq!(
        lines.next(),
        Some("at,who,what,whom,address,reason,detail,who_id,whom_name")
    );
    // The download itself is logged, too.
    let newest = lines.next().unwrap();
    assert!(newest.contains(",root,audit.download,audit,"), "{newest}");
    assert!(lines.next().unwrap().contains(",'=1+59,every login"));
    assert_eq!(csv.source.matches(",'=1+").count(), 60);
    // The page shows the entries in two parts.
    let page = keeper.get("/admin/audit").await.expect(200);
    let href = older(&page).unwrap();
    let older = keeper.get(&href).await.expect(200);
    assert!(older.text.contains("“=1+0”") && !older.text.contains("“=1+59”"));
}

/// Guards against links on other sites: a click would make an entry of a
/// download in the log.
#[tokio::test]
async fn audit_download_needs_form() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    let page = keeper.get("/admin/audit?who=root").await.expect(200);
    page.check_page();
    assert!(
        page.source
            .contains("<form method=\"post\" action=\"/admin/audit.csv?who=root")
    );
    for method in [Method::GET, Method::HEAD] {
        let request = keeper.browser.request(method, "/admin/audit.csv");
        keeper.browser.send(request).await.expect(405);
    }
    let forged = keeper.browser.request(Method::POST, "/admin/audit.csv");
    keeper.browser.send(forged).await.expect(403);
    let csv = keeper.download("/admin/audit.csv").await.expect(200);
    assert_eq!(csv.source.matches("audit.download").count(), 1);
}

#[tokio::test]
async fn audit_entries_cannot_be_changed() {
    let app = TestApp::spawn().await;
    let mut keeper = Keeper::at(&app).await;
    keeper.get("/admin/audit").await.expect(200);
    for (path, own, allowed) in [
        ("/admin/audit", Method::POST, "GET, HEAD"),
        ("/admin/audit.csv", Method::GET, "POST"),
    ] {
        for method in [own, Method::PUT, Method::PATCH, Method::DELETE] {
            let request = keeper.browser.request(method, path);
            let request = request.header("x-csrf-token", &keeper.browser.token);
            let refused = keeper.browser.send(request).await.expect(405);
            assert_eq!(refused.header("allow"), Some(allowed));
        }
    }
    keeper.get("/admin/audit/1").await.expect(404);
}
