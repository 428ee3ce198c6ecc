//! The parts of a message that a reader sees. A member sees no text from before
//! joining, not in a quote either. A former member sees each message as it was
//! when they left: no later text, reaction or version. Only deletions apply to
//! them, too. If an earlier state isn't stored, the text is empty.

/// A reader, as SQL expressions. The columns are those of a message `m` and the
/// original `o` that it quotes.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct ReaderSql<'a> {
    /// The reader sees messages with a higher `seq`.
    pub(in crate::store) joined: &'a str,
    /// The last version that the reader sees.
    pub(in crate::store) left: &'a str,
}

/// The highest integer of both databases, as a version that is never reached.
const NEVER: &str = "9223372036854775807";

impl ReaderSql<'static> {
    /// A reader who sees everything.
    pub(in crate::store) const WHOLE: Self = Self {
        joined: "0",
        left: NEVER,
    };

    /// The reader is the user of a participant `p`.
    pub(in crate::store) const OF_PARTICIPANT: Self = Self {
        joined: "p.joined_seq",
        left: "COALESCE(p.left_version, 9223372036854775807)",
    };

    /// The reader is the user of a participant `p`, whose row may be missing.
    pub(in crate::store) const OF_PARTICIPANT_IF_ANY: Self = Self {
        joined: "COALESCE(p.joined_seq, 0)",
        left: "COALESCE(p.left_version, 9223372036854775807)",
    };
}

impl ReaderSql<'_> {
    /// Whether the text changed after the reader left.
    fn is_hidden(&self) -> String {
        format!(
            "m.deleted_at IS NULL AND m.text_version > {left}",
            left = self.left
        )
    }

    pub(super) fn text(&self) -> String {
        format!(
            "CASE WHEN {hidden} THEN '' ELSE m.text END",
            hidden = self.is_hidden()
        )
    }

    /// The length of the text in bytes, which a database knows without reading
    /// the text.
    pub(super) fn text_bytes(&self) -> String {
        format!(
            "CASE WHEN {hidden} THEN 0 ELSE octet_length(m.text) END",
            hidden = self.is_hidden()
        )
    }

    pub(super) fn edited_at(&self) -> String {
        format!(
            "CASE WHEN {hidden} THEN NULL ELSE m.edited_at END",
            hidden = self.is_hidden()
        )
    }

    /// The version of the last change, without changes of a quoted text.
    pub(super) fn own_version(&self) -> String {
        format!(
            "CASE WHEN m.deleted_at IS NULL AND m.version > {left} THEN {left} \
             ELSE m.version END",
            left = self.left
        )
    }

    /// The version of the last change, including that of a quoted text.
    pub(in crate::store) fn version(&self) -> String {
        let (own, quoted) = (self.own_version(), self.quoted_version());
        format!("CASE WHEN {quoted} > {own} THEN {quoted} ELSE {own} END")
    }

    fn quoted_version(&self) -> String {
        format!(
            "CASE WHEN o.seq > {joined} AND (o.text_version <= {left} \
             OR o.deleted_at IS NOT NULL) THEN o.text_version ELSE 0 END",
            joined = self.joined,
            left = self.left
        )
    }

    /// The first `most` characters of the quoted text.
    pub(super) fn quoted_text(&self, most: usize) -> String {
        format!(
            "CASE WHEN o.seq <= {joined} OR o.text_version > {left} THEN '' \
             ELSE substr(o.text, 1, {most}) END",
            joined = self.joined,
            left = self.left
        )
    }

    /// Whether the reader sees a reaction.
    pub(super) fn shows_reaction(&self, reaction: &str) -> String {
        format!("{reaction}.version <= {left}", left = self.left)
    }
}
