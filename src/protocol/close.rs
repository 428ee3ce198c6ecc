//! Why the server closes a socket, and what the client should do then
//! (RFC 6455, section 7.4).

/// A close code with its reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseCode {
    /// The conversation that the socket was bound to is no longer the
    /// person's: stay away.
    Removed,
    /// The server goes away, or heard nothing for too long: reconnect.
    Away,
    /// A frame against the WebSocket protocol itself: don't repeat it.
    Protocol,
    /// A binary frame: send text.
    Binary,
    /// Not UTF-8: send UTF-8.
    NotUtf8,
    /// Too many errors, or frames, in a short time: stop and look at what is
    /// sent.
    Abuse,
    /// A frame over the limit: send less.
    TooLarge,
    /// Our fault, and in our log: reconnect.
    Internal,
    /// Too slow to keep up: reconnect and resume.
    TooSlow,
    /// The login ended: log in again.
    LoginEnded,
}

impl CloseCode {
    /// Every code there is.
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

    /// The number on the wire.
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

    /// The reason beside it, for people.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Removed => "no longer in this conversation",
            Self::Away => "server going away",
            Self::Protocol => "protocol error",
            Self::Binary => "binary frames are not understood",
            Self::NotUtf8 => "not UTF-8",
            Self::Abuse => "too many errors or frames",
            Self::TooLarge => "frame too large",
            Self::Internal => "internal error",
            Self::TooSlow => "too slow to keep up",
            Self::LoginEnded => "login ended",
        }
    }
}
