//! Of addresses: new accounts, and passwords that are tried.

use reqwest::Method;
use serde_json::{Value, json};
use tidings::config::Rates;

use super::{assert_about, assert_waits, limited, only, standing};
use crate::pages::Browser;
use crate::support::{Answer, PASSWORD, Person, TestApp};

/// A server behind a proxy, which names where each comes from.
async fn behind_a_proxy(rates: Rates) -> TestApp {
    let settings = crate::people::settings(&["--trusted-proxies", "127.0.0.1"]);
    TestApp::builder()
        .settings(|own| {
            own.rates = rates;
            own.trusted_proxies = settings.trusted_proxies;
        })
        .spawn()
        .await
}

async fn from(app: &TestApp, address: &str, (path, body): (&str, Value)) -> Answer {
    let request = app.site().request(Method::POST, path);
    let request = request.header("x-forwarded-for", address).json(&body);
    app.site().send(request).await
}

async fn try_password(app: &TestApp, address: &str, (name, password): (&str, &str)) -> Answer {
    let body = json!({ "username": name, "password": password });
    from(app, address, ("/api/auth/login/", body)).await
}

async fn register(app: &TestApp, address: &str, name: &str) -> Answer {
    let body = json!({ "username": name, "password": PASSWORD });
    from(app, address, ("/api/auth/register/", body)).await
}

#[tokio::test]
async fn an_address_opens_so_many_accounts() {
    let rates = Rates {
        registrations: only(2),
        ..Rates::off()
    };
    let app = behind_a_proxy(rates).await;
    register(&app, "1.2.3.4", "ann").await.expect(201);
    // What is no account at all costs nothing.
    register(&app, "1.2.3.4", "?").await.refused(422, "invalid");
    register(&app, "1.2.3.4", "ben").await.expect(201);
    let refused = register(&app, "1.2.3.4", "cat").await;
    assert_eq!(standing(&refused), [Some("2"), Some("0")]);
    assert_waits(&refused, 3600, 7200);
    refused.refused(429, "rate_limited");
    register(&app, "1.2.3.5", "cat").await.expect(201);
    // Of IPv6 a customer has a whole network.
    register(&app, "2001:db8::1", "dan").await.expect(201);
    register(&app, "2001:db8::2", "eve").await.expect(201);
    register(&app, "2001:db8::3", "fay")
        .await
        .refused(429, "rate_limited");
}

#[tokio::test]
async fn nobody_says_for_themselves_where_they_come_from() {
    let rates = Rates {
        registrations: only(1),
        ..Rates::off()
    };
    let app = limited(rates).await;
    // A private address that names others is a proxy that no setting names:
    // its users share what twenty addresses have.
    for host in 0..20 {
        let registered = register(&app, &format!("1.2.3.{host}"), &format!("ann-{host}")).await;
        registered.expect(201);
    }
    register(&app, "1.2.3.99", "ben")
        .await
        .refused(429, "rate_limited");
    // Without that header it is one address.
    app.person("cat").await;
    let body = json!({ "username": "dan", "password": PASSWORD });
    let refused = app.post("/api/auth/register/", body).await;
    refused.refused(429, "rate_limited");
}

#[tokio::test]
async fn passwords_are_tried_so_often_for_an_account_and_from_an_address() {
    let rates = Rates {
        account_logins: only(3),
        address_logins: only(5),
        ..Rates::off()
    };
    let app = behind_a_proxy(rates).await;
    app.person("ann").await;
    let (here, there) = ("1.2.3.4", "1.2.3.5");
    for _ in 0..10 {
        let right = try_password(&app, here, ("ann", PASSWORD)).await;
        right.expect(200);
    }
    for name in ["ann", "ANN", "Ann"] {
        let wrong = try_password(&app, here, (name, "wrong")).await;
        wrong.refused(401, "bad_credentials");
    }
    // Now the right one isn't looked at either, or one could go on guessing.
    for password in ["wrong", PASSWORD] {
        let refused = try_password(&app, here, ("ann", password)).await;
        assert_eq!(standing(&refused), [Some("3"), Some("0")]);
        assert_waits(&refused, 3600, 10_800);
        refused.refused(429, "rate_limited");
    }
    let elsewhere = try_password(&app, there, ("ann", PASSWORD)).await;
    elsewhere.expect(200);
    for name in ["ben", "cat"] {
        let wrong = try_password(&app, here, (name, "wrong")).await;
        wrong.refused(401, "bad_credentials");
    }
    let refused = try_password(&app, here, ("dan", "wrong")).await;
    refused.refused(429, "rate_limited");
    let wrong = try_password(&app, there, ("dan", "wrong")).await;
    wrong.refused(401, "bad_credentials");
}

/// Hashing costs the same whether it was right.
#[tokio::test]
async fn right_passwords_are_limited_by_account() {
    let rates = Rates {
        logins: only(2),
        account_logins: only(5),
        ..Rates::off()
    };
    let app = behind_a_proxy(rates).await;
    let ann = app.person("ann").await;
    app.person("ben").await;
    // Wrong ones leave the right ones their number, whoever tries them.
    for _ in 0..3 {
        let wrong = try_password(&app, "1.2.3.4", ("ann", "wrong")).await;
        wrong.refused(401, "bad_credentials");
    }
    let right = try_password(&app, "1.2.3.4", ("ann", PASSWORD)).await;
    right.expect(200);
    let body = json!({ "current_password": PASSWORD, "new_password": PASSWORD });
    ann.post("/api/me/password/", body.clone())
        .await
        .expect(204);
    for address in ["1.2.3.4", "1.2.3.5"] {
        let refused = try_password(&app, address, ("Ann", PASSWORD)).await;
        assert_eq!(standing(&refused), [Some("2"), Some("0")]);
        assert_waits(&refused, 3600, 7200);
        refused.refused(429, "rate_limited");
    }
    let refused = ann.post("/api/me/password/", body).await;
    refused.refused(429, "rate_limited");
    let other = try_password(&app, "1.2.3.4", ("ben", PASSWORD)).await;
    other.expect(200);
}

#[tokio::test]
async fn right_passwords_are_limited_by_address() {
    let rates = Rates {
        address_successes: only(3),
        ..Rates::off()
    };
    let app = behind_a_proxy(rates).await;
    let names = ["ann", "ben", "cat"];
    for name in names {
        app.person(name).await;
    }
    for name in names {
        let wrong = try_password(&app, "1.2.3.4", (name, "wrong")).await;
        wrong.refused(401, "bad_credentials");
        let right = try_password(&app, "1.2.3.4", (name, PASSWORD)).await;
        right.expect(200);
    }
    let refused = try_password(&app, "1.2.3.4", ("ann", PASSWORD)).await;
    assert_eq!(standing(&refused), [Some("3"), Some("0")]);
    refused.refused(429, "rate_limited");
    let elsewhere = try_password(&app, "1.2.3.5", ("ann", PASSWORD)).await;
    elsewhere.expect(200);
}

#[tokio::test]
async fn whoever_found_a_login_open_does_not_find_the_password_by_it() {
    let rates = Rates {
        account_logins: only(3),
        ..Rates::off()
    };
    let app = limited(rates).await;
    let ann = app.person("ann").await;
    let change = |current: &str| json!({ "current_password": current, "new_password": PASSWORD });
    for _ in 0..3 {
        let wrong = ann.post("/api/me/password/", change("wrong")).await;
        wrong.refused(422, "invalid");
    }
    let refused = ann.post("/api/me/password/", change(PASSWORD)).await;
    refused.refused(429, "rate_limited");
}

/// Guards against one bucket for all, which anybody could empty: a password
/// that is changed counts where it is changed from.
#[tokio::test]
async fn nobody_keeps_others_from_changing_their_password() {
    let rates = Rates {
        account_logins: only(3),
        address_logins: only(5),
        ..Rates::off()
    };
    let app = behind_a_proxy(rates).await;
    let (ann, ben) = (app.person("ann").await, app.person("ben").await);
    let mut browser = Browser::at(&app);
    browser.log_in("ben").await.expect(303);
    for _ in 0..3 {
        let wrong = change_password(&ann, "1.2.3.4", "wrong").await;
        wrong.refused(422, "invalid");
    }
    let refused = change_password(&ann, "1.2.3.4", PASSWORD).await;
    refused.refused(429, "rate_limited");
    // From elsewhere it is still looked at, or who has found a login open
    // could keep its owner out.
    let right = change_password(&ann, "1.2.3.5", PASSWORD).await;
    assert_eq!(right.status, 204, "{}", right.body);
    for _ in 0..2 {
        let wrong = change_password(&ben, "1.2.3.4", "wrong").await;
        wrong.refused(422, "invalid");
    }
    let refused = change_password(&ben, "1.2.3.4", PASSWORD).await;
    refused.refused(429, "rate_limited");
    browser.get("/settings").await.expect(200);
    let fields = [("current_password", PASSWORD), ("new_password", PASSWORD)];
    browser
        .submit("/settings/password", &fields)
        .await
        .expect(200);
}

async fn change_password(person: &Person, address: &str, current: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": PASSWORD });
    let request = person.site.request(Method::POST, "/api/me/password/");
    let request = request.bearer_auth(&person.token).json(&body);
    let request = request.header("x-forwarded-for", address);
    person.site.send(request).await
}

#[tokio::test]
async fn forms_are_limited_too_and_say_so_on_a_page() {
    let rates = Rates {
        account_logins: only(1),
        registrations: only(1),
        ..Rates::off()
    };
    let app = limited(rates).await;
    app.person("ann").await;
    let mut browser = Browser::at(&app);
    browser.get("/login").await.expect(200);
    let wrong = [("username", "ann"), ("password", "wrong")];
    browser.submit("/login", &wrong).await.expect(401);
    let refused = browser.submit("/login", &wrong).await.expect(429);
    assert_about(3600, refused.header("retry-after"));
    browser.get("/register").await.expect(200);
    let fields = [("username", "ben"), ("password", PASSWORD)];
    browser.submit("/register", &fields).await.expect(429);
}

/// Nothing tells an unknown name from a wrong password: not what is said, nor
/// any header. (That the same is hashed, `passwords` shows.)
#[tokio::test]
async fn an_unknown_name_is_told_like_a_wrong_password() {
    let app = TestApp::spawn().await;
    app.person("ann").await;
    let tried = async |name: &str| {
        let body = json!({ "username": name, "password": "wrong" });
        let mut answer = app.post("/api/auth/login/", body).await;
        answer.headers.remove("date");
        assert_eq!(answer.status, 401);
        (answer.headers, answer.body)
    };
    let known = tried("ann").await;
    for unknown in ["ben", "no name at all", "", "x", "ann\0"] {
        assert_eq!(tried(unknown).await, known, "{unknown:?}");
    }
}
