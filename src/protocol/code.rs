//! Every reason for which something is refused: one table, with the HTTP
//! status and what a client should do.

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// A stable, machine-readable reason.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// As it stands in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status it is answered with.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// The same for every occurrence.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    /// The body or frame is no JSON object: mend it.
    BadJson = "bad_json", 400, "Not a JSON object";
    /// The request itself is malformed: mend it.
    BadRequest = "bad_request", 400, "Bad request";
    /// No token, or none that holds: log in.
    Unauthenticated = "unauthenticated", 401, "Not logged in";
    /// Wrong username or password: ask again.
    BadCredentials = "bad_credentials", 401, "Wrong username or password";
    /// The two are not connected: connect first.
    NotConnected = "not_connected", 403, "Not connected";
    /// Not, or no longer, in this conversation.
    NotAParticipant = "not_a_participant", 403, "Not a participant";
    /// Not this person's to do.
    Forbidden = "forbidden", 403, "Not allowed";
    /// The CSRF token is missing or wrong: reload the page.
    CsrfFailed = "csrf_failed", 403, "CSRF check failed";
    /// The page that asks is not one of ours.
    BadOrigin = "bad_origin", 403, "Wrong origin";
    /// The account is switched off.
    Deactivated = "deactivated", 403, "Account deactivated";
    /// There is no such thing, or none that this person may know of.
    NotFound = "not_found", 404, "Not found";
    /// The path exists, the method doesn't.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    /// Larger than is taken: send less.
    TooLarge = "too_large", 413, "Too large";
    /// Send `application/json`.
    UnsupportedMediaType = "unsupported_media_type", 415, "Unsupported media type";
    /// Choose another name.
    UsernameTaken = "username_taken", 409, "Username taken";
    /// The `client_id` named a message of another conversation: make a new one.
    ClientIdReused = "client_id_reused", 409, "Client id reused";
    /// It doesn't fit the state of things.
    Conflict = "conflict", 409, "Conflict";
    /// A field is wrong: `errors` says which.
    Invalid = "invalid", 422, "Invalid";
    /// There is nothing in the message.
    TextEmpty = "text_empty", 422, "Empty message";
    /// The message is over 10,000 characters.
    TextTooLong = "text_too_long", 422, "Message too long";
    /// Choose a longer or rarer password.
    WeakPassword = "weak_password", 422, "Weak password";
    /// A socket's door was knocked on without a WebSocket handshake.
    UpgradeRequired = "upgrade_required", 426, "Upgrade required";
    /// Wait `retry_after` seconds.
    RateLimited = "rate_limited", 429, "Too many requests";
    /// Our fault, and in our log.
    Internal = "internal", 500, "Internal error";
    /// Too much at once, or stopping: try again.
    Busy = "busy", 503, "Busy";
    /// The database can't be reached: try again later.
    Unavailable = "unavailable", 503, "Unavailable";
    /// A frame of a type that isn't known here.
    UnknownType = "unknown_type", 400, "Unknown type";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
