//! Error codes: one table with the HTTP status and the client's reaction to
//! each.

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// A stable, machine-readable reason for a refusal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the code as in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// Returns the HTTP status of the response.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Returns the title, which is the same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The body or frame isn't a JSON object: correct it.
    BadJson = "bad_json", 400, "Not a JSON object";
    /// The request is malformed: correct it.
    BadRequest = "bad_request", 400, "Bad request";
    /// The token is missing or invalid: log in.
    Unauthenticated = "unauthenticated", 401, "Not logged in";
    /// The username or password is wrong: ask the user again.
    BadCredentials = "bad_credentials", 401, "Wrong username or password";
    /// The two users aren't connected: connect first.
    NotConnected = "not_connected", 403, "Not connected";
    /// The user isn't, or is no longer, in this conversation.
    NotAParticipant = "not_a_participant", 403, "Not a participant";
    /// The user has no permission for this.
    Forbidden = "forbidden", 403, "Not allowed";
    /// The CSRF token is missing or wrong: reload the page.
    CsrfFailed = "csrf_failed", 403, "CSRF check failed";
    /// The request comes from a page that isn't one of ours.
    BadOrigin = "bad_origin", 403, "Wrong origin";
    /// The account is deactivated.
    Deactivated = "deactivated", 403, "Account deactivated";
    /// The resource doesn't exist, or the user may not know that it does.
    NotFound = "not_found", 404, "Not found";
    /// The path exists, but not with this method.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    /// The body or frame exceeds the size limit: send less.
    TooLarge = "too_large", 413, "Too large";
    /// The content type isn't supported: send `application/json`.
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type";
    /// The username is taken: choose another.
    UsernameTaken = "username_taken", 409, "Username taken";
    /// The `client_id` belongs to a message of another conversation: create a
    /// new one.
    ClientIdReused = "client_id_reused", 409, "Client id reused";
    /// The request conflicts with the present state.
    Conflict = "conflict", 409, "Conflict";
    /// A field is invalid: `errors` names it.
    Invalid = "invalid", 422, "Invalid";
    /// The message has no visible text.
    TextEmpty = "text_empty", 422, "Empty message";
    /// The message has more than 10,000 characters.
    TextTooLong = "text_too_long", 422, "Message too long";
    /// The password is too easy to guess: choose a longer or rarer one.
    WeakPassword = "weak_password", 422, "Weak password";
    /// A request to a socket endpoint without a WebSocket handshake.
    UpgradeRequired = "upgrade_required", 426, "Upgrade required";
    /// The rate limit is exceeded: wait `retry_after` seconds.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// A server error, which is logged.
    Internal = "internal", 500, "Internal error";
    /// The server is overloaded or shuts down: retry.
    Busy = "busy", 503, "Busy";
    /// The database can't be reached: retry later.
    Unavailable = "unavailable", 503, "Unavailable";
    /// The frame's type is unknown.
    UnknownType = "unknown_type", 400, "Unknown type";
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
