//! Company domains: hosts of websites and of business e-mail addresses.

use std::{collections::HashSet, sync::LazyLock};

use super::{company, text::trimmed};

/// Domains of public mailbox providers; see `service/engine/data/generate.sh`.
const MAILBOX_PROVIDERS: &str = include_str!("../../data/mailbox-providers.txt");

/// Hosts with pages about companies: social networks, directories, marketplaces, maps.
const SHARED_HOSTS: &str = include_str!("../../data/shared-hosts.txt");

/// Mailbox providers that have a domain in nearly every country.
const WORLDWIDE: &[&str] =
    &["yahoo", "hotmail", "gmail", "googlemail", "gmx", "rocketmail", "ymail"];

static PROVIDERS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| lines(MAILBOX_PROVIDERS));
static SHARED: LazyLock<HashSet<&'static str>> = LazyLock::new(|| lines(SHARED_HOSTS));

fn lines(text: &'static str) -> HashSet<&'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// The host of a website without `www.`, in ASCII (IDNA); `None` if the text is not a web address. The scheme is
/// optional.
#[must_use]
pub fn host(website: &str) -> Option<String> {
    address(website).map(|(host, _)| host)
}

/// The host and the path of a website.
fn address(website: &str) -> Option<(String, String)> {
    let website = trimmed(website);
    let address =
        if website.contains("://") { website.to_owned() } else { format!("https://{website}") };
    let address = url::Url::parse(&address).ok()?;
    let host = address.host_str()?.to_ascii_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host).trim_end_matches('.');
    let on_the_web = matches!(address.scheme(), "http" | "https");
    let is_host = on_the_web && host.contains('.') && host.len() <= 255;
    is_host.then(|| (host.to_owned(), address.path().to_owned()))
}

/// The registrable domain of a host (public suffix list): `acme.co.uk` for `shop.acme.co.uk`. `None` for a public
/// suffix.
pub fn registrable(host: &str) -> Option<&str> {
    psl::domain_str(host)
}

/// The host of a company's own website. Returns `None` for a public suffix, and for a page on a social network, in a
/// directory or on a marketplace, unless that site belongs to the company.
pub fn own(website: &str, name: &str) -> Option<String> {
    let (host, path) = address(website)?;
    let registered = registrable(&host)?;
    if !is_shared(&host, registered) {
        return Some(host);
    }
    let home = matches!(path.as_str(), "" | "/") && host == registered;
    (home && names_company(&host, name)).then_some(host)
}

fn is_shared(host: &str, registered: &str) -> bool {
    let label = registered.split('.').next().unwrap_or_default();
    let mut rest = Some(host);
    while let Some(part) = rest {
        if SHARED.contains(part) {
            return true;
        }
        rest = part.split_once('.').map(|(_, rest)| rest);
    }
    // Brands that have domains in many countries: `yelp.*`.
    SHARED.contains(format!("{label}.*").as_str())
}

/// The registrable domain of a business e-mail address; `None` for a public mailbox provider.
pub fn business(email: &str) -> Option<String> {
    let (_, host) = email.rsplit_once('@')?;
    let host = self::host(host)?;
    let domain = registrable(&host)?;
    let label = domain.split('.').next().unwrap_or_default();
    let free = PROVIDERS.contains(domain)
        || PROVIDERS.contains(host.as_str())
        || WORLDWIDE.contains(&label);
    (!free).then(|| domain.to_owned())
}

/// Whether a domain may belong to a company with this name: either the domain or the name must be a prefix of the
/// other.
pub fn names_company(domain: &str, name: &str) -> bool {
    let registered = registrable(domain).unwrap_or(domain);
    let label: String = registered
        .split('.')
        .next()
        .unwrap_or_default()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let plain = label.replace("ue", "u").replace("oe", "o").replace("ae", "a");
    let folded = company::key(name);
    let first = folded.split(' ').next().unwrap_or_default();
    let joined: String = folded.split(' ').collect();
    let begins = |label: &str| {
        first.chars().count() >= 3 && label.starts_with(first)
            || label.chars().count() >= 3 && joined.starts_with(label)
    };
    begins(&label) || begins(&plain)
}

#[cfg(test)]
mod tests {
    use super::{business, host, names_company, own};

    #[test]
    fn host_is_extracted_from_website() {
        for (website, expected) in [
            ("https://www.Acme.example/about", Some("acme.example")),
            ("acme.example", Some("acme.example")),
            ("http://shop.acme.example:8080", Some("shop.acme.example")),
            ("www.bücher.example", Some("xn--bcher-kva.example")),
            ("\u{200b}acme.example ", Some("acme.example")),
            ("ftp://acme.example", None),
            ("javascript:alert(1)", None),
            ("localhost", None),
            ("none", None),
            ("", None),
        ] {
            assert_eq!(host(website).as_deref(), expected, "{website}");
        }
    }

    #[test]
    fn shared_hosts_are_not_company_domains() {
        for website in [
            "https://www.instagram.com/pizzaroma",
            "https://facebook.com/pizzaroma",
            "https://de-de.facebook.com/pizzaroma",
            "https://www.linkedin.com/company/a",
            "https://www.yelp.com/biz/pizza-roma",
            "https://www.yelp.de/biz/pizza-roma",
            "https://sites.google.com/view/pizza",
            "https://maps.app.goo.gl/abc",
            "https://goo.gl/maps/abc",
            "https://x.com/pizzaroma",
            "https://t.me/pizzaroma",
            "https://wa.me/49301234567",
            "https://linktr.ee/pizzaroma",
            "https://www.tripadvisor.it/Restaurant_Review-1",
            "https://www.amazon.de/stores/x",
            "https://www.gelbeseiten.de/gsbiz/1",
            "https://vk.com/pizzaroma",
            "https://www.xing.com/companies/pizza",
            "https://www.tiktok.com/@pizza",
            "https://github.io",
            "https://co.uk",
            "https://facebook.com",
        ] {
            assert_eq!(own(website, "Pizza Roma"), None, "{website}");
        }
        for (website, name, expected) in [
            ("www.acme.example", "Acme", "acme.example"),
            ("https://pizzaroma.wixsite.com/home", "Pizza Roma", "pizzaroma.wixsite.com"),
            ("https://pizzaroma.github.io", "Pizza Roma", "pizzaroma.github.io"),
            ("https://www.linkedin.com", "LinkedIn", "linkedin.com"),
            ("https://www.facebookpizza.example", "Pizza", "facebookpizza.example"),
            ("https://shop.acme.co.uk/x", "Acme", "shop.acme.co.uk"),
        ] {
            assert_eq!(own(website, name).as_deref(), Some(expected), "{website}");
        }
    }

    #[test]
    fn public_mailbox_providers_are_not_company_domains() {
        for email in [
            "ada@gmail.com",
            "ada@hotmail.de",
            "fra@foxmail.com",
            "ada@web.de",
            "ada@t-online.de",
            "ada@orange.fr",
            "ada@att.net",
            "ada@yahoo.co.jp",
            "ada@yahoo.com.ph",
            "ada@gmx.li",
            "ada@mailbox.org",
            "ada@free.fr",
        ] {
            assert_eq!(business(email), None, "{email}");
        }
        for (email, domain) in [
            ("ada@www.acme.example", "acme.example"),
            ("ada@mail.acme-free.example", "acme-free.example"),
            ("ada@mail.acme.com", "acme.com"),
            ("ada@orange.com", "orange.com"),
            ("ada@att.com", "att.com"),
            ("ada@acme.co.uk", "acme.co.uk"),
            ("ada@free.example", "free.example"),
            ("ada@web.example", "web.example"),
            ("ada@cox.com", "cox.com"),
        ] {
            assert_eq!(business(email).as_deref(), Some(domain), "{email}");
        }
    }

    #[test]
    fn domain_matches_similar_company_name() {
        for (domain, name, may) in [
            ("acme.example", "Acme Logistics GmbH", true),
            ("mail.acme.example", "Acme Logistics GmbH", true),
            ("mueller-spedition.example", "Müller Spedition", true),
            ("acmelogistics.example", "Acme Logistics", true),
            ("hotmail.de", "Müller GmbH", false),
            ("ibm.com", "Schmidt AG", false),
        ] {
            assert_eq!(names_company(domain, name), may, "{domain} {name}");
        }
    }
}
