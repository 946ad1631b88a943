//! E-mail addresses (RFC 5321, RFC 6531), without quoted local parts.

use email_address::{EmailAddress, Options};
use icu_casemap::CaseMapper;
use percent_encoding::percent_decode_str;
use unicode_normalization::UnicodeNormalization;

use super::text::{is_invisible, trimmed};
use crate::words;

/// The maximum length of an address in characters.
const MAX_ADDRESS_LENGTH: usize = 255;

/// The parsed e-mail addresses of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// The first address, in lower case.
    pub address: String,
    /// The number of additional addresses in the cell.
    pub others: usize,
}

/// The stored form of an address: without whitespace and invisible characters, in composed form (NFC).
pub(crate) fn written(text: &str) -> String {
    trimmed(text).chars().filter(|letter| !is_invisible(*letter)).nfc().collect()
}

/// Whether `text` is an e-mail address whose host name contains a dot.
pub(crate) fn is_address(text: &str) -> bool {
    let options =
        Options { minimum_sub_domains: 2, allow_domain_literal: false, allow_display_text: false };
    !text.starts_with('"')
        && text.chars().count() <= MAX_ADDRESS_LENGTH
        && EmailAddress::parse_with_options(text, options).is_ok()
}

/// The comparison value of an address: case-folded, in composed form (NFC), with the host in ASCII (IDNA).
pub fn key(text: &str) -> Option<String> {
    let text = written(text);
    let folded = |text: &str| CaseMapper::new().fold_string(text).nfc().collect::<String>();
    let key = match text.rsplit_once('@') {
        Some((local, host)) => {
            let ascii = url::Host::parse(host).map(|host| host.to_string());
            format!("{}@{}", folded(local), ascii.unwrap_or_else(|_| folded(host)))
        }
        None => folded(&text),
    };
    (!key.is_empty()).then_some(key)
}

/// Parses a cell with an address, an address after its owner's name (`Ada <ada@acme.example>`), or several addresses.
/// Returns `None` if the cell contains anything else, because in an address with a mistyped space, the part after the
/// space could otherwise be mistaken for the address of another person.
pub fn read(cell: &str) -> Option<Cell> {
    let text = written(cell);
    if text.contains('<') {
        let inner = text.split('<').skip(1).map(|part| part.split('>').next().unwrap_or_default());
        return of(inner.map(one).collect());
    }
    let parts: Vec<&str> = text.split([',', ';', '|', '\n']).collect();
    let parts = parts.iter().flat_map(|part| part.split(":::")).map(trimmed);
    let mut found = Vec::new();
    for part in parts.filter(|part| !part.is_empty()) {
        let mut words: Vec<&str> = part.split_whitespace().filter(|word| *word != "/").collect();
        let name: Vec<&str> = {
            let first = words.iter().position(|word| word.contains('@')).unwrap_or(0);
            words.drain(..first).collect()
        };
        let addresses: Vec<_> = words.into_iter().map(one).collect();
        if !name.is_empty()
            && !addresses.first().is_some_and(|first| is_named(&name, first.as_deref()))
        {
            return None;
        }
        found.extend(addresses);
    }
    of(found)
}

fn of(found: Vec<Option<String>>) -> Option<Cell> {
    let mut found: Vec<String> = found.into_iter().collect::<Option<_>>()?;
    let first = found.first()?.clone();
    found.retain(|other| *other != first);
    found.dedup();
    Some(Cell { address: first, others: found.len() })
}

/// Parses one address, ignoring characters that programs add around an address.
fn one(text: &str) -> Option<String> {
    let text = trimmed(text).trim_matches(['\'', '"', '(', ')', '[', ']']);
    let scheme = text.get(..7).filter(|start| start.eq_ignore_ascii_case("mailto:"));
    let decoded;
    let text = if scheme.is_some() {
        let address = text[7..].split('?').next().unwrap_or_default();
        decoded = percent_decode_str(address).decode_utf8().ok()?.into_owned();
        decoded.as_str()
    } else {
        text
    };
    let text = text.trim_end_matches([';', ',', '.', ':']);
    is_address(text).then(|| text.to_lowercase())
}

/// Whether the words before an address are the name of its owner: there must be at least two words, one of which also
/// occurs in the address.
fn is_named(words: &[&str], address: Option<&str>) -> bool {
    let Some((local, _)) = address.and_then(|address| address.rsplit_once('@')) else {
        return false;
    };
    let local = words::words_of(local).concat();
    let known = |word: &&str| {
        let word = words::words_of(word).concat();
        word.chars().count() >= 2 && local.contains(&word)
    };
    words.len() >= 2 && words.iter().any(known)
}

/// Mailbox names that denote a role and not a person.
const ROLES: &[&str] = &[
    "info",
    "office",
    "sales",
    "contact",
    "kontakt",
    "mail",
    "hello",
    "hallo",
    "support",
    "service",
    "team",
    "admin",
    "verwaltung",
    "buero",
    "büro",
    "post",
    "vertrieb",
    "marketing",
    "hr",
    "jobs",
    "karriere",
    "career",
    "careers",
    "bewerbung",
    "presse",
    "press",
    "pr",
    "media",
    "einkauf",
    "purchasing",
    "accounting",
    "buchhaltung",
    "billing",
    "invoice",
    "rechnung",
    "finance",
    "legal",
    "help",
    "helpdesk",
    "it",
    "webmaster",
    "postmaster",
    "noreply",
    "no-reply",
    "enquiries",
    "inquiries",
    "anfrage",
    "anfragen",
    "empfang",
    "reception",
    "zentrale",
    "sekretariat",
    "secretary",
    "bestellung",
    "orders",
    "order",
    "customerservice",
    "kundenservice",
    "feedback",
    "newsletter",
    "ventas",
    "contacto",
    "contatti",
    "commerciale",
    "comercial",
    "accueil",
    "direction",
];

/// Whether an address is a role address (`info@`, `sales@`), which several people may share.
pub fn is_role(address: &str) -> bool {
    let local = address.rsplit_once('@').map_or(address, |(local, _)| local).to_lowercase();
    ROLES.contains(&local.split('+').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Cell, is_address, is_role, key, read, written};

    #[test]
    fn email_address_is_parsed_in_all_common_formats() {
        for cell in [
            "ada@acme.example",
            " Ada@Acme.example ",
            "Ada Lovelace <ADA@acme.example>",
            "\"Lovelace, Ada\" <ada@acme.example>",
            "Lovelace, Ada <ada@acme.example>",
            "Ada Lovelace ada@acme.example",
            "Dr. Ada Lovelace ada@acme.example",
            "mailto:ada@acme.example?subject=hi%20there",
            "MAILTO:ada%40acme.example",
            "'ada@acme.example",
            "\"ada@acme.example\"",
            "ada@acme.example;",
            "ada@acme.example.",
            "\u{200b}ada@acme.example",
            "ada@acme\u{ad}.example\u{feff}",
            "\u{a0}ada@acme.example\u{a0}",
            "(ada@acme.example)",
        ] {
            let ada = Cell { address: "ada@acme.example".to_owned(), others: 0 };
            assert_eq!(read(cell), Some(ada), "{cell:?}");
        }
    }

    #[test]
    fn first_of_several_addresses_is_used() {
        for cell in [
            "ada@acme.example, bob@acme.example",
            "ada@acme.example; bob@acme.example",
            "ada@acme.example | bob@acme.example",
            "ada@acme.example ::: bob@acme.example",
            "ada@acme.example bob@acme.example",
            "ada@acme.example / bob@acme.example",
            "ada@acme.example\nbob@acme.example",
            "Ada <ada@acme.example>, Bob <bob@acme.example>",
            "ada@acme.example;ada@acme.example;bob@acme.example",
        ] {
            let ada = Cell { address: "ada@acme.example".to_owned(), others: 1 };
            assert_eq!(read(cell), Some(ada), "{cell:?}");
        }
    }

    #[test]
    fn address_with_inner_space_is_rejected() {
        for cell in [
            "max muster@firma.example",
            "ida,muster@firma.example",
            "ole;muster@firma.example",
            "jan|muster@firma.example",
            "eva .muster@firma.example",
            "anna maria muster@firma.example",
            "max@firma .example",
            "max @firma.example",
            "max.muster @firma.example",
            "max muster<",
            "not an address",
            "ada@acme",
            "",
            "@",
            "ada@acme.example, call me",
        ] {
            assert_eq!(read(cell), None, "{cell:?}");
        }
    }

    #[test]
    fn address_comparison_ignores_case_and_unicode_form() {
        for (one, other) in [
            ("ÄNNE@ol.example", "änne@OL.example"),
            ("JÖRG@u.example", "jörg@u.example"),
            ("zoe\u{308}@u.example", "zoë@u.example"),
            ("straße@u.example", "STRASSE@u.example"),
            ("user@exämple.de", "user@xn--exmple-cua.de"),
            ("user@EXÄMPLE.DE", "user@xn--exmple-cua.de"),
            ("ΣΊΣΥΦΟΣ@u.example", "σίσυφος@u.example"),
            ("\u{200b}ada@u.example", "ada@u.example "),
        ] {
            assert_eq!(key(one), key(other), "{one} {other}");
        }
        assert_ne!(key("ada.l@u.example"), key("adal@u.example"));
        assert_eq!(key(" "), None);
        assert_eq!(written(" zoe\u{308}@u.example\u{200b}"), "zoë@u.example");
        assert!(is_address("zoë@u.example"));
        assert!(!is_address("\"a b\"@u.example"));
    }

    #[test]
    fn role_addresses_are_detected() {
        for address in ["info@a.example", "Sales@a.example", "office+vienna@a.example"] {
            assert!(is_role(address), "{address}");
        }
        for address in ["ada@a.example", "informatik.maier@a.example", "it.girl@a.example"] {
            assert!(!is_role(address), "{address}");
        }
    }
}
