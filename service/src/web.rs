//! Addresses on the web.

/// The host of a website without `www.`: what tells one account from another. `None` when it is no
/// address on the web. The scheme may be left out.
#[must_use]
pub fn domain(website: &str) -> Option<String> {
    let website = website.trim();
    let address =
        if website.contains("://") { website.to_owned() } else { format!("https://{website}") };
    let address = url::Url::parse(&address).ok()?;
    let host = address.host_str()?.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host).trim_end_matches('.');
    let on_the_web = matches!(address.scheme(), "http" | "https");
    (on_the_web && host.contains('.') && host.len() <= 255).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::domain;

    #[test]
    fn takes_the_domain_from_a_website() {
        for (website, expected) in [
            ("https://www.Acme.example/about", Some("acme.example")),
            ("acme.example", Some("acme.example")),
            ("http://shop.acme.example:8080", Some("shop.acme.example")),
            ("www.bücher.example", Some("xn--bcher-kva.example")),
            ("localhost", None),
            ("none", None),
            ("", None),
        ] {
            assert_eq!(domain(website).as_deref(), expected, "{website}");
        }
    }
}
