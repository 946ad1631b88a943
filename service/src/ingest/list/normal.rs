//! Values of a list as they are compared and kept.

use email_address::{EmailAddress, Options};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::{search, web};

/// Providers at whom everybody has an address, whatever stands behind (`hotmail.de`): they tell nothing of a company.
const FREE: &[&str] = &[
    "gmail",
    "googlemail",
    "outlook",
    "hotmail",
    "live",
    "msn",
    "yahoo",
    "ymail",
    "rocketmail",
    "icloud",
    "me",
    "mac",
    "aol",
    "gmx",
    "web",
    "t-online",
    "freenet",
    "arcor",
    "posteo",
    "mailbox",
    "proton",
    "protonmail",
    "pm",
    "fastmail",
    "zoho",
    "yandex",
    "mail",
    "inbox",
    "list",
    "bk",
    "rambler",
    "qq",
    "163",
    "126",
    "sina",
    "naver",
    "daum",
    "hanmail",
    "orange",
    "wanadoo",
    "free",
    "laposte",
    "sfr",
    "libero",
    "virgilio",
    "tiscali",
    "alice",
    "bluewin",
    "hispeed",
    "sunrise",
    "comcast",
    "att",
    "verizon",
    "sbcglobal",
    "bellsouth",
    "cox",
    "charter",
    "earthlink",
    "btinternet",
    "sky",
    "virginmedia",
    "ntlworld",
    "talktalk",
    "telenet",
    "skynet",
    "ziggo",
    "kpnmail",
    "planet",
    "xs4all",
    "seznam",
    "wp",
    "o2",
    "interia",
    "onet",
    "bigpond",
    "optusnet",
    "shaw",
    "rogers",
    "sympatico",
    "uol",
    "bol",
    "terra",
    "rediffmail",
    "hey",
    "tutanota",
];

/// Hosts of pages about companies: such an address is none of the company's own.
const SHARED: &[&str] = &[
    "linkedin.com",
    "facebook.com",
    "instagram.com",
    "twitter.com",
    "x.com",
    "xing.com",
    "youtube.com",
    "tiktok.com",
    "google.com",
    "crunchbase.com",
    "github.com",
    "linktr.ee",
    "wikipedia.org",
    "apollo.io",
    "salesforce.com",
    "hubspot.com",
];

/// What companies write behind their names; they are the same without.
const FORMS: &[&str] = &[
    "gmbh",
    "mbh",
    "ag",
    "kg",
    "kgaa",
    "ohg",
    "ug",
    "se",
    "ek",
    "ev",
    "co",
    "inc",
    "llc",
    "llp",
    "ltd",
    "limited",
    "plc",
    "corp",
    "corporation",
    "sa",
    "sas",
    "sarl",
    "srl",
    "spa",
    "bv",
    "nv",
    "ab",
    "as",
    "oy",
    "aps",
    "sro",
    "kft",
    "doo",
    "pty",
    "gbr",
];

/// An e-mail address in lower case, without what stands around it (`Ada <ada@acme.example>`); of several the first.
pub(super) fn email(text: &str) -> Option<String> {
    text.split([',', ';', ' ', '\n', '|']).chain([text]).find_map(one_email)
}

fn one_email(text: &str) -> Option<String> {
    let text = text.trim();
    let inner = text.rsplit_once('<').map_or(text, |(_, inner)| inner.trim_end_matches('>'));
    let inner = inner.trim().trim_start_matches("mailto:").trim_end_matches([';', ',', '.']);
    let options =
        Options { minimum_sub_domains: 2, allow_domain_literal: false, allow_display_text: false };
    EmailAddress::parse_with_options(inner, options).ok()?;
    Some(inner.to_lowercase()).filter(|email| email.chars().count() <= 255)
}

/// The domain of a business address; nothing for one that everybody can have.
pub(crate) fn business_domain(email: &str) -> Option<String> {
    let (_, host) = email.rsplit_once('@')?;
    let domain = web::domain(host)?;
    let provider = domain.split('.').next().unwrap_or_default();
    (!FREE.contains(&provider)).then_some(domain)
}

/// The domain of a company's own website.
pub(super) fn own_domain(website: &str) -> Option<String> {
    let domain = web::domain(website)?;
    let is_shared = |host: &&&str| domain == **host || domain.ends_with(&format!(".{host}"));
    SHARED.iter().find(is_shared).is_none().then_some(domain)
}

/// Whether a domain may be that of a company with this name: it begins as the name does, or the other way round.
pub(crate) fn names_company(domain: &str, name: &str) -> bool {
    let label: String = domain
        .split('.')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let plain = label.replace("ue", "u").replace("oe", "o").replace("ae", "a");
    let folded = company(name);
    let first = folded.split(' ').next().unwrap_or_default();
    let joined: String = folded.split(' ').collect();
    let begins = |label: &str| {
        first.chars().count() >= 3 && label.starts_with(first)
            || label.chars().count() >= 3 && joined.starts_with(label)
    };
    begins(&label) || begins(&plain)
}

/// A phone number with its country (E.164): `+493012345678`. One without a country is taken to be of `country`
/// (ISO 3166-1, two letters).
pub(crate) fn phone(text: &str, country: Option<phonenumber::country::Id>) -> Option<String> {
    let text = text.trim().trim_start_matches('\'');
    let international = text.strip_prefix("00").map(|rest| format!("+{rest}"));
    let text = international.as_deref().unwrap_or(text);
    let number = phonenumber::parse(country, text).ok()?;
    number.is_valid().then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

/// The profile of a person: its address, as LinkedIn writes it, and its slug.
pub(crate) fn linkedin(text: &str) -> Option<(String, String)> {
    let text = percent_decode_str(text).decode_utf8_lossy().to_lowercase();
    let (_, rest) = text.split_once("linkedin.com/")?;
    let mut parts = rest.split(['/', '?', '#']);
    // What stands behind `pub` is a name that many have.
    if parts.next()? != "in" {
        return None;
    }
    let slug = parts.next()?.trim().to_owned();
    (!slug.is_empty()).then(|| (format!("https://www.linkedin.com/in/{slug}"), slug))
}

/// The ways in which the profile of `slug` may have been written.
pub(super) fn profiles(slug: &str) -> Vec<String> {
    let mut ways = Vec::new();
    let encoded =
        utf8_percent_encode(slug, NON_ALPHANUMERIC).to_string().to_lowercase().replace("%2d", "-");
    let slugs = if encoded == slug { vec![slug] } else { vec![slug, &encoded] };
    for slug in slugs {
        for scheme in ["https://", "http://", ""] {
            for host in ["www.", ""] {
                for end in ["", "/"] {
                    ways.push(format!("{scheme}{host}linkedin.com/in/{slug}{end}"));
                }
            }
        }
    }
    ways
}

/// A name without doubled blanks.
pub(super) fn name(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name as it is compared: its words without case and accents.
pub(crate) fn folded(text: &str) -> String {
    search::words_of(text).join(" ")
}

/// From this likeness on two words may be one, misspelt.
const SAME_WORD: f64 = 0.85;

/// How alike an initial is to the name that it stands for.
const INITIAL: f64 = 0.9;

/// The most words of a name that are compared.
const MOST_WORDS: usize = 6;

/// What each word costs that stands in one name only.
const EXTRA_WORD: f64 = 0.05;

/// How alike two folded names are, from 0 to 1, in whatever order their words stand: how alike their words are on average
/// (Jaro–Winkler), where each word of the shorter name is one of the other's, misspelt maybe, or its initial. Names
/// that only begin alike are not.
pub(super) fn likeness(one: &str, other: &str) -> f64 {
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    let mut short: Vec<&str> = one.split(' ').take(MOST_WORDS).collect();
    let mut long: Vec<&str> = other.split(' ').take(MOST_WORDS).collect();
    if short.len() > long.len() {
        std::mem::swap(&mut short, &mut long);
    }
    let (words, extra) = (short.len(), long.len() - short.len());
    if extra > 0 && words < 2 {
        return 0.0;
    }
    let mut sum = 0.0;
    for word in short {
        let likest = (long.iter().enumerate())
            .map(|(place, other)| (place, word_likeness(word, other)))
            .max_by(|(_, one), (_, other)| one.total_cmp(other));
        let Some((place, like)) = likest.filter(|(_, like)| *like >= SAME_WORD) else { return 0.0 };
        long.swap_remove(place);
        sum += like;
    }
    let count = |words: usize| u32::try_from(words).map_or(f64::MAX, f64::from);
    (sum / count(words) - count(extra) * EXTRA_WORD).max(0.0)
}

fn word_likeness(one: &str, other: &str) -> f64 {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    if short.chars().count() == 1 && long.chars().count() > 1 {
        return if long.starts_with(short) { INITIAL } else { 0.0 };
    }
    strsim::jaro_winkler(one, other)
}

/// A company as it is compared: without what it is by law.
pub(crate) fn company(text: &str) -> String {
    let words = search::words_of(text);
    let mut kept: Vec<&String> = words.iter().collect();
    while kept.len() > 1 && kept.last().is_some_and(|last| FORMS.contains(&last.as_str())) {
        kept.pop();
    }
    let name = kept.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(" ");
    // One that has neither letters nor numbers is itself.
    if name.is_empty() { text.trim().to_lowercase() } else { name }
}

#[cfg(test)]
mod tests {
    use super::{
        business_domain, company, email, likeness, linkedin, names_company, own_domain, phone,
    };

    #[test]
    fn what_is_written_in_other_ways_is_the_same() {
        assert_eq!(email(" Ada Lovelace <ADA@Acme.example> ").as_deref(), Some("ada@acme.example"));
        assert_eq!(email("ada@acme"), None);
        assert_eq!(email("not an address"), None);
        assert_eq!(business_domain("ada@www.acme.example").as_deref(), Some("acme.example"));
        assert_eq!(business_domain("ada@gmail.com"), None);
        assert_eq!(business_domain("ada@hotmail.de"), None);
        assert_eq!(email("a@x.example, b@x.example").as_deref(), Some("a@x.example"));
        let germany = "DE".parse().ok();
        for text in ["030 12345678", "+49 (0)30 12345678", "0049 30 123 456 78", "'+493012345678"] {
            assert_eq!(phone(text, germany).as_deref(), Some("+493012345678"), "{text}");
        }
        assert_eq!(phone("030 12345678", None), None);
        for text in [
            "https://www.linkedin.com/in/Ada-L/",
            "linkedin.com/in/ada-l?x=1",
            "http://de.linkedin.com/in/ada-l",
        ] {
            assert_eq!(linkedin(text).unwrap().1, "ada-l", "{text}");
        }
        assert_eq!(linkedin("linkedin.com/in/uwe-b%C3%A4r/?x").unwrap().1, "uwe-bär");
        assert_eq!(linkedin("https://www.linkedin.com/company/acme"), None);
        assert_eq!(linkedin("https://www.linkedin.com/pub/john-smith/12/345/678"), None);
        assert_eq!(own_domain("https://www.linkedin.com/company/acme"), None);
        assert_eq!(own_domain("www.acme.example").as_deref(), Some("acme.example"));
        for (domain, name, may) in [
            ("acme.example", "Acme Logistics GmbH", true),
            ("mueller-spedition.example", "Müller Spedition", true),
            ("acmelogistics.example", "Acme Logistics", true),
            ("hotmail.de", "Müller GmbH", false),
            ("ibm.com", "Schmidt AG", false),
        ] {
            assert_eq!(names_company(domain, name), may, "{domain} {name}");
        }
        assert_eq!(company("Müller Spedition GmbH & Co. KG"), "muller spedition");
        assert_eq!(company("AG"), "ag");
    }

    #[test]
    fn names_are_alike_word_by_word() {
        for (one, other, nearly) in [
            ("anna schmidt", "schmidt anna", true),
            ("anna schmidt", "ana schmidt", true),
            ("anna schmidt", "a schmidt", true),
            ("anna schmidt", "anna maria schmidt", true),
            ("jon smith", "john smyth", true),
            ("anna schmidt", "anna schulz", false),
            ("alexander schmidt", "alexander schwarz", false),
            ("anna schmidt", "b schmidt", false),
            ("anna schmidt", "anna", false),
            ("ben meyer", "bob meyer", false),
        ] {
            assert_eq!(
                likeness(one, other) >= 0.9,
                nearly,
                "{one} {other} {}",
                likeness(one, other)
            );
        }
        assert!((likeness("anna schmidt", "schmidt anna") - 1.0).abs() < f64::EPSILON);
    }
}
