//! Rate limits of addresses: new accounts and password attempts.

use reqwest::Method;
use serde_json::{Value, json};
use tidings::config::RateLimits;

use super::{assert_about, assert_waits, limited, only, standing};
use crate::pages::Browser;
use crate::support::{ApiResponse, PASSWORD, TestApp, TestUser};

/// Starts a server behind a proxy that names the client's address.
async fn behind_a_proxy(rates: RateLimits) -> TestApp {
    let settings = crate::people::settings(&["--trusted-proxies", "127.0.0.1"]);
    TestApp::builder()
        .settings(|own| {
            own.rates = rates;
            own.trusted_proxies = settings.trusted_proxies;
        })
        .spawn()
        .await
}

async fn from(app: &TestApp, address: &str, (path, body): (&str, Value)) -> ApiResponse {
    let request = app.site().request(Method::POST, path);
    let request = request.header("x-forwarded-for", address).json(&body);
    app.site().send(request).await
}

async fn try_password(app: &TestApp, address: &str, (name, password): (&str, &str)) -> ApiResponse {
    let body = json!({ "username": name, "password": password });
    from(app, address, ("/api/auth/login/", body)).await
}

async fn register(app: &TestApp, address: &str, name: &str) -> ApiResponse {
    let body = json!({ "username": name, "password": PASSWORD });
    from(app, address, ("/api/auth/register/", body)).await
}

#[tokio::test]
async fn registrations_are_limited_by_address() {
    let rates = RateLimits {
        registrations: only(2),
        ..RateLimits::off()
    };
    let app = behind_a_proxy(rates).await;
    register(&app, "1.2.3.4", "ann").await.expect(201);
    // An invalid registration is not counted.
    register(&app, "1.2.3.4", "?")
        .await
        .expect_problem(422, "invalid");
    register(&app, "1.2.3.4", "ben").await.expect(201);
    let refused = register(&app, "1.2.3.4", "cat").await;
    assert_eq!(standing(&refused), [Some("2"), Some("0")]);
    assert_waits(&refused, 3600, 7200);
    refused.expect_problem(429, "rate_limited");
    register(&app, "1.2.3.5", "cat").await.expect(201);
    // IPv6 addresses count by network, since a customer has a whole one.
    register(&app, "2001:db8::1", "dan").await.expect(201);
    register(&app, "2001:db8::2", "eve").await.expect(201);
    register(&app, "2001:db8::3", "fay")
        .await
        .expect_problem(429, "rate_limited");
}

#[tokio::test]
async fn forged_client_address_is_limited() {
    let rates = RateLimits {
        registrations: only(1),
        ..RateLimits::off()
    };
    let app = limited(rates).await;
    // A private address that sends `x-forwarded-for` looks like a proxy that
    // isn't configured. All its clients together have the limits of 20
    // addresses.
    for host in 0..20 {
        let registered = register(&app, &format!("1.2.3.{host}"), &format!("ann-{host}")).await;
        registered.expect(201);
    }
    register(&app, "1.2.3.99", "ben")
        .await
        .expect_problem(429, "rate_limited");
    // Without `x-forwarded-for`, the limit is that of one address.
    app.register_user("cat").await;
    let body = json!({ "username": "dan", "password": PASSWORD });
    let refused = app.post("/api/auth/register/", body).await;
    refused.expect_problem(429, "rate_limited");
}

/// Wrong passwords are limited by account and address together, and by address
/// alone.
#[tokio::test]
async fn wrong_passwords_are_limited() {
    let rates = RateLimits {
        account_logins: only(3),
        address_logins: only(5),
        ..RateLimits::off()
    };
    let app = behind_a_proxy(rates).await;
    app.register_user("ann").await;
    let (here, there) = ("1.2.3.4", "1.2.3.5");
    for _ in 0..10 {
        let right = try_password(&app, here, ("ann", PASSWORD)).await;
        right.expect(200);
    }
    for name in ["ann", "ANN", "Ann"] {
        let wrong = try_password(&app, here, (name, "wrong")).await;
        wrong.expect_problem(401, "bad_credentials");
    }
    // The right password is refused too, or guessing could continue.
    for password in ["wrong", PASSWORD] {
        let refused = try_password(&app, here, ("ann", password)).await;
        assert_eq!(standing(&refused), [Some("3"), Some("0")]);
        assert_waits(&refused, 3600, 10_800);
        refused.expect_problem(429, "rate_limited");
    }
    let elsewhere = try_password(&app, there, ("ann", PASSWORD)).await;
    elsewhere.expect(200);
    for name in ["ben", "cat"] {
        let wrong = try_password(&app, here, (name, "wrong")).await;
        wrong.expect_problem(401, "bad_credentials");
    }
    let refused = try_password(&app, here, ("dan", "wrong")).await;
    refused.expect_problem(429, "rate_limited");
    let wrong = try_password(&app, there, ("dan", "wrong")).await;
    wrong.expect_problem(401, "bad_credentials");
}

/// Hashing a right password costs as much as hashing a wrong one, so right ones
/// are limited too.
#[tokio::test]
async fn right_passwords_are_limited_by_account() {
    let rates = RateLimits {
        logins: only(2),
        account_logins: only(5),
        ..RateLimits::off()
    };
    let app = behind_a_proxy(rates).await;
    let ann = app.register_user("ann").await;
    app.register_user("ben").await;
    // Wrong attempts don't reduce the limit of right ones.
    for _ in 0..3 {
        let wrong = try_password(&app, "1.2.3.4", ("ann", "wrong")).await;
        wrong.expect_problem(401, "bad_credentials");
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
        refused.expect_problem(429, "rate_limited");
    }
    let refused = ann.post("/api/me/password/", body).await;
    refused.expect_problem(429, "rate_limited");
    let other = try_password(&app, "1.2.3.4", ("ben", PASSWORD)).await;
    other.expect(200);
}

#[tokio::test]
async fn right_passwords_are_limited_by_address() {
    let rates = RateLimits {
        address_successes: only(3),
        ..RateLimits::off()
    };
    let app = behind_a_proxy(rates).await;
    let names = ["ann", "ben", "cat"];
    for name in names {
        app.register_user(name).await;
    }
    for name in names {
        let wrong = try_password(&app, "1.2.3.4", (name, "wrong")).await;
        wrong.expect_problem(401, "bad_credentials");
        let right = try_password(&app, "1.2.3.4", (name, PASSWORD)).await;
        right.expect(200);
    }
    let refused = try_password(&app, "1.2.3.4", ("ann", PASSWORD)).await;
    assert_eq!(standing(&refused), [Some("3"), Some("0")]);
    refused.expect_problem(429, "rate_limited");
    let elsewhere = try_password(&app, "1.2.3.5", ("ann", PASSWORD)).await;
    elsewhere.expect(200);
}

#[tokio::test]
async fn password_change_limits_guesses() {
    let rates = RateLimits {
        account_logins: only(3),
        ..RateLimits::off()
    };
    let app = limited(rates).await;
    let ann = app.register_user("ann").await;
    let change = |current: &str| json!({ "current_password": current, "new_password": PASSWORD });
    for _ in 0..3 {
        let wrong = ann.post("/api/me/password/", change("wrong")).await;
        wrong.expect_problem(422, "invalid");
    }
    let refused = ann.post("/api/me/password/", change(PASSWORD)).await;
    refused.expect_problem(429, "rate_limited");
}

/// Each client address has its own limit for password changes. A limit that all
/// clients share could be used up by any client.
#[tokio::test]
async fn password_change_limit_is_per_address() {
    let rates = RateLimits {
        account_logins: only(3),
        address_logins: only(5),
        ..RateLimits::off()
    };
    let app = behind_a_proxy(rates).await;
    let (ann, ben) = (
        app.register_user("ann").await,
        app.register_user("ben").await,
    );
    let mut browser = Browser::at(&app);
    browser.log_in("ben").await.expect(303);
    for _ in 0..3 {
        let wrong = change_password(&ann, "1.2.3.4", "wrong").await;
        wrong.expect_problem(422, "invalid");
    }
    let refused = change_password(&ann, "1.2.3.4", PASSWORD).await;
    refused.expect_problem(429, "rate_limited");
    // Other addresses are unaffected; otherwise a stolen session could lock out
    // its owner.
    let right = change_password(&ann, "1.2.3.5", PASSWORD).await;
    assert_eq!(right.status, 204, "{}", right.body);
    for _ in 0..2 {
        let wrong = change_password(&ben, "1.2.3.4", "wrong").await;
        wrong.expect_problem(422, "invalid");
    }
    let refused = change_password(&ben, "1.2.3.4", PASSWORD).await;
    refused.expect_problem(429, "rate_limited");
    browser.get("/settings").await.expect(200);
    let fields = [("current_password", PASSWORD), ("new_password", PASSWORD)];
    browser
        .submit("/settings/password", &fields)
        .await
        .expect(303);
}

async fn change_password(person: &TestUser, address: &str, current: &str) -> ApiResponse {
    let body = json!({ "current_password": current, "new_password": PASSWORD });
    let request = person.site.request(Method::POST, "/api/me/password/");
    let request = request.bearer_auth(&person.token).json(&body);
    let request = request.header("x-forwarded-for", address);
    person.site.send(request).await
}

#[tokio::test]
async fn form_limits_are_shown_on_page() {
    let rates = RateLimits {
        account_logins: only(1),
        registrations: only(1),
        ..RateLimits::off()
    };
    let app = limited(rates).await;
    app.register_user("ann").await;
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

/// The response's body and headers don't reveal whether a username exists.
/// (`passwords` shows that the hashing cost is equal too.)
#[tokio::test]
async fn unknown_name_looks_like_wrong_password() {
    let app = TestApp::spawn().await;
    app.register_user("ann").await;
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
