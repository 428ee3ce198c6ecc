//! Generated requests to every route.

use form_urlencoded::Serializer;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseError;

use super::http::Wire;
use super::words::{field, fields, number, text, value};
use super::{knob, runner};
use crate::authority::routes;
use crate::support::{TestApp, TestUser};

/// A generated request.
#[derive(Clone, Debug)]
struct Case {
    method: String,
    path: String,
    query: Option<String>,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

/// Placeholders in a request, replaced by a valid token and CSRF token.
const TOKEN: &str = "TOKEN";
const CSRF: &str = "CSRF";

/// Gzip bodies: `{}`, a name of 40 KB, and a truncated stream.
const PACKED: [&[u8]; 3] = [
    include_bytes!("compressed_bodies/nothing.gz"),
    include_bytes!("compressed_bodies/name.gz"),
    include_bytes!("compressed_bodies/cut.gz"),
];

const METHODS: [&str; 8] = [
    "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW",
];

fn case(endpoints: Vec<(String, String)>) -> impl Strategy<Value = Case> {
    let endpoint = select(endpoints);
    let method = prop_oneof![15 => Just(None), 1 => select(&METHODS[..]).prop_map(Some)];
    let path = (endpoint, method, vec(segment(), 4), any::<bool>());
    let path = path.prop_map(|((own, path), other, segments, slash)| {
        let mut segments = segments.into_iter();
        let mut filled = String::new();
        let shape = routes::shape(&path);
        let mut parts = shape.split("{}").peekable();
        while let Some(part) = parts.next() {
            filled.push_str(part);
            if parts.peek().is_some() {
                filled.push_str(&segments.next().unwrap_or_default());
            }
        }
        if slash {
            filled.push('/');
        }
        (other.map_or(own, str::to_owned), filled)
    });
    let query = proptest::option::weighted(0.5, query());
    let packed = proptest::option::weighted(0.04, select(&PACKED[..]));
    (path, query, vec(header(), 0..4), (auth(), packed), body()).prop_map(
        |((method, path), query, mut headers, (auth, packed), (kind, mut body))| {
            headers.extend(auth);
            headers.extend(kind.map(|kind| ("content-type", kind.as_bytes().to_vec())));
            if let Some(packed) = packed {
                headers.push(("content-encoding", b"gzip".to_vec()));
                body = packed.to_vec();
            }
            Case {
                method,
                path,
                query,
                headers,
                body,
            }
        },
    )
}

/// Generates a path segment in wire form.
fn segment() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => (1..6_i64).prop_map(|id| id.to_string()),
        3 => select(&["ann", "ben", "cas", "crew", "ask", "accept", "block"][..]).prop_map(str::to_owned),
        2 => number().prop_map(|id| id.to_string()),
        3 => text().prop_map(|text| Serializer::new(String::new()).append_key_only(&text).finish().replace('+', "%20")),
        1 => "(%[0-9a-fA-F]{2}){1,8}",
        1 => "[A-Za-z0-9._~!$&'()*+,;=:@%-]{0,12}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => vec((field(), prop_oneof![number().prop_map(|it| it.to_string()), text()]), 0..4)
            .prop_map(|pairs| Serializer::new(String::new()).extend_pairs(pairs).finish()),
        1 => "[A-Za-z0-9=&%+._~;,/?-]{0,60}",
    ]
}

/// Generates credentials: a bearer token, a cookie, a forged one, or none.
fn auth() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let bearer = |text: &str| ("authorization", format!("Bearer {text}").into_bytes());
    let cookie = |text: &str| ("cookie", format!("tidings={text}").into_bytes());
    let form_s = |text: &str| ("cookie", format!("tidings-form={text}").into_bytes());
    prop_oneof![
        8 => Just(vec![bearer(TOKEN)]),
        3 => Just(vec![cookie(TOKEN), ("x-csrf-token", CSRF.into())]),
        1 => Just(vec![cookie(TOKEN)]),
        1 => Just(vec![]),
        1 => "[A-Za-z0-9_.-]{0,300}".prop_map(move |text| vec![bearer(&text)]),
        1 => "[A-Za-z0-9_.-]{0,9}".prop_map(move |text| vec![bearer(&format!("{TOKEN}{text}"))]),
        1 => "[!-~]{0,60}".prop_map(move |text| vec![cookie(&text)]),
        1 => "[!-~]{0,60}".prop_map(move |text| vec![form_s(&text)]),
        1 => "(%[0-9a-fA-F]{2}|[A-Za-z0-9_-]){0,30}".prop_map(move |text| vec![form_s(&text)]),
        1 => vec(0x80..=0xff_u8, 0..40).prop_map(|bytes| vec![("authorization", bytes)]),
    ]
}

/// Generates a header that the server reads, with an arbitrary value.
fn header() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    const NAMES: [&str; 19] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "content-encoding",
        "origin",
        "referer",
        "user-agent",
        "x-forwarded-for",
        "x-csrf-token",
        "cookie",
        "if-none-match",
        "if-modified-since",
        "range",
        "sec-websocket-protocol",
        "sec-websocket-key",
        "sec-websocket-version",
        "upgrade",
        "access-control-request-method",
        "access-control-request-headers",
    ];
    const VALUES: [&str; 20] = [
        "text/html",
        "application/json",
        "*/*;q=0.5, text/html;q=",
        "gzip, br;q=1",
        "identity;q=0",
        "websocket",
        "13",
        "tidings.v1, bearer.TOKEN",
        "tidings.v1, bearer.",
        "null",
        "https://evil.example",
        "https://app.example.org",
        "PATCH",
        "authorization, content-type",
        "gzip",
        "bytes=0-1,5-",
        "\"x\", W/\"y\"",
        "Sun, 22 Nov 2026 99:99:99 GMT",
        "tidings=; tidings=\"; a",
        "::1, 999.1.1.1, [::]:x",
    ];
    let value = prop_oneof![
        3 => select(&VALUES[..]).prop_map(|value| value.as_bytes().to_vec()),
        1 => vec(prop_oneof![0x20..0x7f_u8, 0x80..=0xff_u8], 0..60),
    ];
    (select(&NAMES[..]), value)
}

/// Generates a body with its content type: JSON, a form, or another one.
fn body() -> impl Strategy<Value = (Option<&'static str>, Vec<u8>)> {
    const JSON: Option<&str> = Some("application/json");
    const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
    let form = vec((field(), text()), 0..6).prop_map(|pairs| {
        let body = Serializer::new(String::new()).extend_pairs(pairs).finish();
        (FORM, body.into_bytes())
    });
    let cut = (fields(), any::<prop::sample::Index>()).prop_map(|(json, end)| {
        let mut bytes = json.to_string().into_bytes();
        bytes.truncate(end.index(bytes.len()));
        (JSON, bytes)
    });
    let deep = (1..20_000_usize, select(&["[", "{\"a\":"][..]))
        .prop_map(|(depth, open)| (JSON, open.repeat(depth).into_bytes()));
    prop_oneof![
        10 => fields().prop_map(|json| (JSON, json.to_string().into_bytes())),
        4 => form,
        2 => value().prop_map(|json| (JSON, json.to_string().into_bytes())),
        2 => cut,
        1 => deep,
        1 => vec(any::<u8>(), 0..200).prop_map(|bytes| (JSON, bytes)),
        1 => vec(any::<u8>(), 0..200).prop_map(|bytes| (FORM, bytes)),
        1 => text().prop_map(|text| (Some("text/plain"), text.into_bytes())),
        2 => Just((None, Vec::new())),
    ]
}

impl Case {
    fn bytes(&self, token: &str, csrf: &str) -> Vec<u8> {
        let query = self.query.iter().map(|query| format!("?{query}"));
        let target = format!("{}{}", self.path, query.collect::<String>());
        let mut bytes = format!("{} {target} HTTP/1.1\r\nhost: here\r\n", self.method).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend(format!("{name}: ").into_bytes());
            bytes.extend(replaced(value, token, csrf));
            bytes.extend(b"\r\n");
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).into_bytes());
        bytes.extend(&self.body);
        bytes
    }
}

fn replaced(value: &[u8], token: &str, csrf: &str) -> Vec<u8> {
    match std::str::from_utf8(value) {
        Ok(text) => text.replace(TOKEN, token).replace(CSRF, csrf).into_bytes(),
        Err(_) => value.to_vec(),
    }
}

/// A server with users and conversations that generated requests can hit.
pub(super) struct Target {
    pub(super) app: TestApp,
    pub(super) people: Vec<TestUser>,
    pub(super) csrf: String,
}

impl Target {
    pub(super) async fn new() -> Self {
        let settings = crate::people::settings(&["--allowed-origins", "https://app.example.org"]);
        let app =
            TestApp::builder().settings(move |own| own.allowed_origins = settings.allowed_origins);
        Self::on(app.spawn().await).await
    }

    pub(super) async fn on(app: TestApp) -> Self {
        let (group, mut people) = crate::groups::crew::group(&app, &["ann", "ben", "cas"]).await;
        let direct = people[0].open_direct(&people[1]).await;
        for id in [group, direct] {
            for person in &people[..2] {
                person.send(id, "Hello!").await.expect(201);
            }
        }
        people.push(app.register_user("dan").await);
        let csrf = crate::pages::token_of(&app, &people[0].token);
        Self { app, people, csrf }
    }

    /// Logs in again if a case has logged out.
    pub(super) async fn refresh(&mut self) {
        let ann = &self.people[0];
        if ann.get("/api/me/").await.status == 401 {
            self.people[0] = ann.log_in_again().await;
            self.csrf = crate::pages::token_of(&self.app, &self.people[0].token);
        }
    }

    /// Checks that the server still works: new users connect and exchange a
    /// message.
    pub(super) async fn works(&self) {
        let [eve, fay] = [
            self.app.register_user("eve").await,
            self.app.register_user("fay").await,
        ];
        eve.connect_with(&fay).await;
        let id = eve.open_direct(&fay).await;
        let mut socket = fay.chat_socket(id).await;
        eve.send(id, "Still here?").await.expect(201);
        socket.expect("conversation").await;
        assert_eq!(socket.expect_message().await["text"], "Still here?");
    }
}

#[test]
fn generated_requests_cause_no_fault() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    let mut target = runtime.block_on(Target::new());
    let endpoints: Vec<(String, String)> = routes::of_the_sources()
        .into_iter()
        .flat_map(|(path, methods)| methods.into_iter().map(move |it| (it, path.clone())))
        .collect();
    let mut wire = Wire::to(target.app.site());
    let (mut runner, mut asked) = (runner(), [0_u32; 6]);
    let cell = std::cell::RefCell::new((&mut target, &mut wire, &mut asked, 0_u32));
    let done = runner.run(&case(endpoints), |case| {
        let (target, wire, asked, count) = &mut *cell.borrow_mut();
        runtime.block_on(async {
            *count += 1;
            if *count % 20 == 0 {
                target.refresh().await;
            }
            let request = case.bytes(&target.people[0].token, &target.csrf);
            let reply = wire.ask(&request).await;
            asked[usize::from(reply.status / 100).min(5)] += 1;
            match reply.fault() {
                None => Ok(()),
                Some(fault) => Err(TestCaseError::fail(format!(
                    "{fault}: {} {}\n{}",
                    reply.status,
                    reply.text(),
                    String::from_utf8_lossy(&request)
                ))),
            }
        })
    });
    if let Err(error) = done {
        panic!("{error}");
    }
    runtime.block_on(target.works());
    if knob("TIDINGS_INPUT_CASES").is_some() {
        println!("requests answered 1xx to 5xx: {:?}", &asked[1..]);
    }
    // Both successes and refusals occurred.
    assert!(asked[2] > 0 && asked[4] > 0, "{asked:?}");
}
