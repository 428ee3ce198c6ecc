//! Contacts of the operator: for reports of vulnerabilities, and for users.

use std::fmt;

/// The contacts in `/.well-known/security.txt`, in order of preference (RFC
/// 9116, section 2.5.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityContacts(Vec<String>);

impl SecurityContacts {
    /// Returns each contact as a URI.
    pub fn uris(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Returns whether there is no contact.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Parses a list separated by commas. The error describes the expected
    /// format.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let parts = text.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty());
        let uris: Vec<String> = parts.map(str::to_owned).collect();
        if !uris.is_empty() && uris.iter().all(|uri| is_contact(uri)) {
            Ok(Self(uris))
        } else {
            Err(
                "URIs that begin with mailto:, https:// or tel:, separated by commas, such as \
                 mailto:security@example.org",
            )
        }
    }
}

impl fmt::Display for SecurityContacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// The contact for users who can't log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupportContact(String);

impl SupportContact {
    #[must_use]
    pub fn uri(&self) -> &str {
        &self.0
    }

    /// Returns the address or number of the contact, or the URL of a page.
    #[must_use]
    pub fn label(&self) -> &str {
        let schemes = ["mailto:", "tel:"];
        let mut bare = schemes.iter().filter_map(|it| self.0.strip_prefix(it));
        bare.next().unwrap_or(&self.0)
    }

    /// Parses a URI. The error describes the expected format.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        if is_contact(text.trim()) {
            Ok(Self(text.trim().to_owned()))
        } else {
            Err("a URI that begins with mailto:, https:// or tel:, such as \
                 mailto:help@example.org")
        }
    }
}

impl fmt::Display for SupportContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether `uri` is a contact. A contact may hold no character that
/// ends its line in `security.txt`.
fn is_contact(uri: &str) -> bool {
    let rest = ["mailto:", "https://", "tel:"]
        .iter()
        .find_map(|scheme| uri.strip_prefix(scheme));
    rest.is_some_and(|rest| !rest.is_empty()) && uri.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_are_uris_in_order() {
        let text = "https://example.org/report , mailto:security@example.org,";
        let contacts = SecurityContacts::read(text).unwrap();
        let uris: Vec<&str> = contacts.uris().collect();
        assert_eq!(
            uris,
            ["https://example.org/report", "mailto:security@example.org"]
        );
    }

    #[test]
    fn support_contact_has_short_label() {
        for (text, label) in [
            ("mailto:help@example.org", "help@example.org"),
            (" tel:+49301234567", "+49301234567"),
            ("https://example.org/help", "https://example.org/help"),
        ] {
            let contact = SupportContact::read(text).unwrap();
            assert_eq!((contact.uri(), contact.label()), (text.trim(), label));
        }
    }

    #[test]
    fn other_contacts_are_refused() {
        for text in [
            "security@example.org",
            "http://example.org",
            "mailto:",
            "mailto:a@example.org\nExpires: 2000-01-01T00:00:00Z",
            "mailto:ä@example.org",
            ",",
        ] {
            assert!(SecurityContacts::read(text).is_err(), "{text}");
            assert!(SupportContact::read(text).is_err(), "{text}");
        }
    }
}
