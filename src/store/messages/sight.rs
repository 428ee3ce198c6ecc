//! What of a message a reader sees. A member sees no text from before joining,
//! not in a quote either. A former member sees each message as it was when
//! they left: no text, reaction or version after that, except that what is
//! deleted is deleted for them, too. Where an earlier state is not stored, the
//! text is empty.

/// A reader, as SQL expressions. The columns below are about a message `m` and
/// the original `o` that it answers.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct SightSql<'a> {
    /// The reader sees what has a higher `seq`.
    pub(in crate::store) joined: &'a str,
    /// The last version that the reader sees.
    pub(in crate::store) left: &'a str,
}

/// The highest number of both databases: no version is after it.
const NEVER: &str = "9223372036854775807";

impl SightSql<'static> {
    /// Everything.
    pub(in crate::store) const WHOLE: Self = Self {
        joined: "0",
        left: NEVER,
    };

    /// The user of a participant `p`.
    pub(in crate::store) const OF_PARTICIPANT: Self = Self {
        joined: "p.joined_seq",
        left: "COALESCE(p.left_version, 9223372036854775807)",
    };

    /// The user of a participant `p`, if there is one.
    pub(in crate::store) const OF_PARTICIPANT_IF_ANY: Self = Self {
        joined: "COALESCE(p.joined_seq, 0)",
        left: "COALESCE(p.left_version, 9223372036854775807)",
    };
}

impl SightSql<'_> {
    /// Whether the text became another one after the reader left.
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

    /// The length of the text in bytes, which a database knows without reading it.
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

    /// The version of its last change, without those of the text that it quotes.
    pub(super) fn own_version(&self) -> String {
        format!(
            "CASE WHEN m.deleted_at IS NULL AND m.version > {left} THEN {left} \
             ELSE m.version END",
            left = self.left
        )
    }

    /// A change of the quoted text is a change of the answer, too.
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

    /// Whether the reader sees a reaction `r`.
    pub(super) fn shows_reaction(&self, reaction: &str) -> String {
        format!("{reaction}.version <= {left}", left = self.left)
    }
}
