//! Close codes of sockets (RFC 6455, section 7.4), with the client's reaction
//! to each.

/// A close code with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// The user is no longer in the conversation that the socket was bound to:
    /// don't reconnect.
    Removed,
    /// The server shuts down, or received nothing for too long: reconnect.
    Away,
    /// A frame violates the WebSocket protocol: don't repeat it.
    Protocol,
    /// A binary frame: send text.
    Binary,
    /// A text frame isn't UTF-8: send UTF-8.
    NotUtf8,
    /// Too many errors or frames in a short time: stop and check what is sent.
    Abuse,
    /// A frame exceeds the size limit: send less.
    TooLarge,
    /// A server error, which is logged: reconnect.
    Internal,
    /// The client reads too slowly: reconnect and resume.
    TooSlow,
    /// The login ended: log in again.
    LoginEnded,
}

impl CloseCode {
    /// All codes.
    pub const ALL: [Self; 10] = [
        Self::Removed,
        Self::Away,
        Self::Protocol,
        Self::Binary,
        Self::NotUtf8,
        Self::Abuse,
        Self::TooLarge,
        Self::Internal,
        Self::TooSlow,
        Self::LoginEnded,
    ];

    /// Returns the number on the wire.
    #[must_use]
    pub fn number(self) -> u16 {
        match self {
            Self::Removed => 1000,
            Self::Away => 1001,
            Self::Protocol => 1002,
            Self::Binary => 1003,
            Self::NotUtf8 => 1007,
            Self::Abuse => 1008,
            Self::TooLarge => 1009,
            Self::Internal => 1011,
            Self::TooSlow => 1013,
            Self::LoginEnded => 4401,
        }
    }

    /// Returns the reason that is sent with the number, for people.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Removed => "no longer in this conversation",
            Self::Away => "server going away",
            Self::Protocol => "protocol error",
            Self::Binary => "binary frames are not supported",
            Self::NotUtf8 => "not UTF-8",
            Self::Abuse => "too many errors or frames",
            Self::TooLarge => "frame too large",
            Self::Internal => "internal error",
            Self::TooSlow => "too slow to keep up",
            Self::LoginEnded => "login ended",
        }
    }
}
