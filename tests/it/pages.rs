//! Pages, their cookies, and what requests with only a cookie may do.

mod assets;
mod cookies;
mod cors;
mod csrf;
mod error_pages;
mod login;
mod messages;
mod origin;
mod page_state;
mod profile;
mod register;
mod requests;
mod settings;
mod writing;

pub(crate) use csrf::token_of;
use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, redirect};

use crate::support::{TestApp, within};

/// A page as a browser received it.
pub(crate) struct Shown {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The source without `<template>` elements, whose content only scripts
    /// show.
    pub(crate) text: String,
    /// The whole source.
    pub(crate) source: String,
}

/// A client that keeps cookies like a browser but follows no redirects.
pub(crate) struct Browser {
    client: Client,
    site: String,
    cookies: Vec<(String, String)>,
    /// The CSRF token of the last page.
    pub(crate) token: String,
}

impl Browser {
    pub(crate) fn at(app: &TestApp) -> Self {
        let client = Client::builder().redirect(redirect::Policy::none());
        Self {
            client: client.build().unwrap(),
            site: app.site().url(""),
            cookies: Vec::new(),
            token: String::new(),
        }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        let mut cookies = self.cookies.iter();
        let found = cookies.find(|(known, _)| known == name)?;
        Some(&found.1)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = self.client.request(method, format!("{}{path}", self.site));
        request.header(COOKIE, cookies.join("; "))
    }

    pub(crate) async fn get(&mut self, path: &str) -> Shown {
        let request = self.request(Method::GET, path);
        self.send(request).await
    }

    /// Submits a form with the CSRF token of the last page.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("csrf_token", &self.token)
            .extend_pairs(fields)
            .finish();
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        self.send(request).await
    }

    pub(crate) async fn send(&mut self, request: reqwest::RequestBuilder) -> Shown {
        let response = within("a page", request.send()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let source = response.text().await.unwrap();
        let shown = Shown {
            status,
            headers,
            text: without_templates(&source),
            source,
        };
        for cookie in shown.headers.get_all(SET_COOKIE) {
            let (pair, rest) = cookie.to_str().unwrap().split_once("; ").unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !rest.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        if let Some(token) = shown.csrf_token() {
            self.token = token;
        }
        shown
    }

    pub(crate) async fn log_in(&mut self, username: &str) -> Shown {
        self.get("/login").await.expect(200);
        let fields = [
            ("username", username),
            ("password", "correct horse battery"),
        ];
        self.submit("/login", &fields).await
    }
}

/// Returns a page without its templates, which only scripts read.
fn without_templates(source: &str) -> String {
    let mut parts = source.split("<template");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (_, after) = part.split_once("</template>").unwrap();
        text + after
    })
}

impl Shown {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn location(&self) -> &str {
        self.headers[LOCATION].to_str().unwrap()
    }

    pub(crate) fn set_cookies(&self) -> Vec<&str> {
        let cookies = self.headers.get_all(SET_COOKIE);
        cookies
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect()
    }

    /// Returns the token of the `meta` element that scripts read. Forms contain
    /// the same token.
    fn csrf_token(&self) -> Option<String> {
        let (_, rest) = self
            .text
            .split_once("<meta name=\"csrf-token\" content=\"")?;
        let (token, _) = rest.split_once('"')?;
        Some(token.to_owned())
    }

    /// Checks the headers and markup that every page must have.
    #[track_caller]
    pub(crate) fn check_page(&self) {
        assert_eq!(
            self.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        assert_eq!(
            self.header("content-security-policy"),
            Some(
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                 connect-src 'self'; manifest-src 'self'; form-action 'self'; \
                 base-uri 'none'; frame-ancestors 'none'; \
                 require-trusted-types-for 'script'; trusted-types 'none'"
            )
        );
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"));
        let referrer = self.header("referrer-policy").unwrap();
        assert!(
            ["same-origin", "no-referrer"].contains(&referrer),
            "{referrer}"
        );
        for inline in ["<style", " style=", " onclick=", " onsubmit="] {
            assert!(!self.source.contains(inline), "{inline}");
        }
        for script in self.source.split("<script").skip(1) {
            let (_, rest) = script.split_once(" src=\"/static/").expect(script);
            let (_, within) = rest.split_once('>').unwrap();
            assert!(within.starts_with("</script>"), "{script}");
        }
    }
}
