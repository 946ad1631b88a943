//! LinkedIn profiles.

use percent_encoding::percent_decode_str;

use super::text::trimmed;

/// Parses the profile of a person and returns the canonical URL and the slug.
pub fn read(text: &str) -> Option<(String, String)> {
    let text = percent_decode_str(trimmed(text)).decode_utf8_lossy().to_lowercase();
    let path = path(&text)?;
    let mut parts = path.split(['/', '?', '#']);
    // The slug after `pub` is a name that is not unique.
    if parts.next()? != "in" {
        return None;
    }
    let slug = trimmed(parts.next()?).to_owned();
    (!slug.is_empty()).then(|| (format!("https://www.linkedin.com/in/{slug}"), slug))
}

/// The path of the URL if the host belongs to LinkedIn.
fn path(text: &str) -> Option<&str> {
    let text =
        text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let (host, path) = text.split_once('/')?;
    (host == "linkedin.com" || host.ends_with(".linkedin.com")).then_some(path)
}

/// The stored form of a profile; `None` if the profile is not on LinkedIn. URLs that do not identify a person by
/// themselves (`/pub/`, `/sales/`) are kept as typed.
pub(crate) fn written(text: &str) -> Option<String> {
    let text = trimmed(text);
    if let Some((address, _)) = read(text) {
        return Some(address);
    }
    let path = path(&text.to_lowercase())?.to_owned();
    let known =
        ["pub/", "sales/", "talent/", "recruiter/"].iter().any(|start| path.starts_with(start));
    known.then(|| text.to_owned())
}

/// The comparison value of a stored profile: its slug.
pub fn key(text: &str) -> Option<String> {
    read(text).map(|(_, slug)| slug)
}

#[cfg(test)]
mod tests {
    use super::{key, written};

    #[test]
    fn profile_comparison_value_is_the_slug() {
        for text in [
            "https://www.linkedin.com/in/Ada-L/",
            "linkedin.com/in/ada-l?x=1",
            "http://de.linkedin.com/in/ada-l?trk=x",
            " https://linkedin.com/in/ada-l#about",
            "https://m.linkedin.com/in/ada-l/de",
        ] {
            assert_eq!(key(text).as_deref(), Some("ada-l"), "{text}");
            assert_eq!(
                written(text).as_deref(),
                Some("https://www.linkedin.com/in/ada-l"),
                "{text}"
            );
        }
        assert_eq!(key("linkedin.com/in/uwe-b%C3%A4r/?x").as_deref(), Some("uwe-bär"));
        for text in [
            "https://www.linkedin.com/company/acme",
            "https://acme.example",
            "https://notlinkedin.com/in/ada",
            "https://acme.example/linkedin.com/in/ada",
            "linkedin.com/in/",
        ] {
            assert_eq!(key(text), None, "{text}");
            assert_eq!(written(text), None, "{text}");
        }
        let old = "https://www.linkedin.com/pub/john-smith/12/345/678";
        assert_eq!((key(old), written(old).as_deref()), (None, Some(old)));
    }
}
