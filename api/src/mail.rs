//! Mail through an SMTP server.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use engine::{Error, Reason, Result};
use futures_util::future::BoxFuture;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::Address,
    message::{Mailbox, MultiPart, header::HeaderName, header::HeaderValue},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use percent_encoding::percent_decode_str;
use service::identity::{
    Mail,
    mail_delivery::{MailFailure, MailTransport},
};

/// Timeout of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout of sending a mail. The timeout of the library covers the connection only
/// (<https://github.com/lettre/lettre/issues/1027>).
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Codes of mail servers for missing, weak or wrong credentials (RFC 4954, section 6).
const REJECTED_USER: [&str; 4] = ["530", "534", "535", "538"];

/// The mail server.
#[derive(Args, Clone, Default)]
pub struct MailOptions {
    /// Mail server for invitations, new passwords and verifications: `smtp://USER@HOST:PORT` (STARTTLS, port 587 by default) or
    /// `smtps://USER@HOST:PORT` (TLS, port 465 by default). Requires --mail-from and --public-url. Without it, the server sends
    /// no mail, and links are returned to administrators.
    #[arg(long, env = "SALESGRAPH_SMTP", hide_env_values = true, value_name = "URL")]
    pub smtp: Option<String>,
    /// Password for the mail server; prefer the environment variable.
    #[arg(long, env = "SALESGRAPH_SMTP_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    pub smtp_password: Option<String>,
    /// Encryption of the connection to the mail server. Default: `required`.
    #[arg(long, env = "SALESGRAPH_SMTP_TLS", value_enum)]
    pub smtp_tls: Option<SmtpTls>,
    /// File with a certificate (PEM) of an authority that is trusted in addition, for a mail server with a private one.
    #[arg(long, env = "SALESGRAPH_SMTP_CA", value_name = "FILE")]
    pub smtp_ca: Option<PathBuf>,
    /// Sender of mails: `sales@example.com` or `Sales <sales@example.com>`.
    #[arg(long, env = "SALESGRAPH_MAIL_FROM", value_name = "ADDRESS")]
    pub mail_from: Option<String>,
}

/// Encryption of the connection to the mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SmtpTls {
    /// The connection is encrypted, or no mail is sent.
    Required,
    /// No encryption, for a mail server on the same machine.
    None,
}

impl std::fmt::Debug for MailOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the password.
        f.debug_struct("MailOptions").field("smtp", &self.smtp).finish_non_exhaustive()
    }
}

fn invalid(option: &str, message: impl Into<String>) -> Error {
    Error::invalid(Reason::ConfigurationInvalid, option, message)
}

impl MailOptions {
    /// These options, completed by others.
    #[must_use]
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            smtp: self.smtp.or(other.smtp),
            smtp_password: self.smtp_password.or(other.smtp_password),
            smtp_tls: self.smtp_tls.or(other.smtp_tls),
            smtp_ca: self.smtp_ca.or(other.smtp_ca),
            mail_from: self.mail_from.or(other.mail_from),
        }
    }

    /// The connection to the mail server, if there is one. Links begin with `public_url`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if an option is invalid or missing.
    pub fn transport(&self, public_url: Option<&str>) -> Result<Option<Arc<dyn MailTransport>>> {
        let Some(url) = &self.smtp else {
            if self.mail_from.is_some() || self.smtp_tls.is_some() || self.smtp_ca.is_some() {
                let message =
                    "`--mail-from`, `--smtp-tls` and `--smtp-ca` require `--smtp`, the mail server";
                return Err(invalid("smtp", message));
            }
            return Ok(None);
        };
        if public_url.is_none() {
            let message = "`--smtp` requires `--public-url`, the address under which browsers reach the server: links in \
                           mails begin with it";
            return Err(invalid("public-url", message));
        }
        let missing =
            || invalid("mail-from", "`--smtp` requires `--mail-from`, the sender of mails");
        let from = self.mail_from.as_deref().ok_or_else(missing)?;
        let from: Mailbox = from.parse().map_err(|_| {
            invalid(
                "mail-from",
                "`--mail-from` must be an address, such as `Sales <sales@example.com>`",
            )
        })?;
        let url = reqwest::Url::parse(url).ok().filter(|url| url.host_str().is_some());
        let is_known = |url: &reqwest::Url| matches!(url.scheme(), "smtp" | "smtps");
        let url = url.filter(is_known).ok_or_else(|| {
            invalid("smtp", "`--smtp` must be `smtp://USER@HOST:PORT` or `smtps://USER@HOST:PORT`")
        })?;
        if url.password().is_some() {
            let message = "`--smtp` must not contain the password; set SALESGRAPH_SMTP_PASSWORD";
            return Err(invalid("smtp", message));
        }
        let transport = self.connection(&url, &from)?;
        Ok(Some(Arc::new(SmtpServer { transport, from })))
    }

    fn connection(
        &self,
        url: &reqwest::Url,
        from: &Mailbox,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>> {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let (tls, port) = match (self.smtp_tls, url.scheme()) {
            (Some(SmtpTls::None), _) if !is_loopback(host) => {
                let message = "`--smtp-tls none` is allowed for a mail server on this machine only";
                return Err(invalid("smtp-tls", message));
            }
            (Some(SmtpTls::None), "smtps") => {
                let message = "`--smtp-tls none` can't be combined with `smtps://`; use `smtp://`";
                return Err(invalid("smtp-tls", message));
            }
            (Some(SmtpTls::None), _) => (Tls::None, 25),
            (_, "smtps") => (Tls::Wrapper(self.tls(host)?), 465),
            _ => (Tls::Required(self.tls(host)?), 587),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(url.port().unwrap_or(port))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()))
            .timeout(Some(CONNECT_TIMEOUT))
            .tls(tls);
        if !url.username().is_empty() {
            let user = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
            let missing =
                || invalid("smtp-password", "`--smtp` names a user; set SALESGRAPH_SMTP_PASSWORD");
            let password = self.smtp_password.clone().ok_or_else(missing)?;
            builder = builder.credentials(Credentials::new(user, password));
        }
        Ok(builder.build())
    }

    fn tls(&self, host: &str) -> Result<TlsParameters> {
        let mut parameters = TlsParameters::builder(host.to_owned());
        if let Some(file) = &self.smtp_ca {
            let read = std::fs::read(file).map_err(|error| {
                invalid("smtp-ca", format!("can't read {}: {error}", file.display()))
            })?;
            let certificate = Certificate::from_pem(&read).map_err(|_| {
                invalid("smtp-ca", format!("{} is not a certificate in PEM", file.display()))
            })?;
            parameters = parameters.add_root_certificate(certificate);
        }
        parameters.build().map_err(|error| invalid("smtp", error.to_string()))
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// An SMTP server.
struct SmtpServer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl MailTransport for SmtpServer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailFailure>> {
        Box::pin(async move {
            let message = self.message(mail)?;
            match tokio::time::timeout(SEND_TIMEOUT, self.transport.send(message)).await {
                Err(_) => {
                    Err(MailFailure::Temporary("the mail server did not answer in time".to_owned()))
                }
                Ok(Err(error)) => Err(failure(&error)),
                Ok(Ok(_)) => Ok(()),
            }
        })
    }
}

impl SmtpServer {
    /// A unique ID in the domain of the sender (RFC 5322, section 3.6.4).
    fn message_id(&self) -> String {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let nanoseconds = now.unwrap_or_default().as_nanos();
        format!("<{nanoseconds:x}.{:x}@{}>", std::process::id(), self.from.email.domain())
    }

    fn message(&self, mail: Mail) -> Result<Message, MailFailure> {
        let unusable =
            || MailFailure::Permanent("the address of the recipient is not valid".to_owned());
        let address: Address = mail.address.parse().map_err(|_| unusable())?;
        // Mail programs do not answer automatic mails (RFC 3834, section 5).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(mail.name, address))
            .subject(mail.subject)
            .message_id(Some(self.message_id()))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .multipart(MultiPart::alternative_plain_html(mail.text, mail.html))
            .map_err(|_| unusable())
    }
}

/// The failure for an error. The text of a response is left out, because mail servers may quote the mail in it.
fn failure(error: &lettre::transport::smtp::Error) -> MailFailure {
    if let Some(code) = error.status() {
        let text = format!("the mail server answered {code}");
        // The server can't take the mail now, or it will never take it (RFC 5321, section 4.2.1). A rejected user of the mail
        // server concerns all mails, and is corrected by the operator.
        return if error.is_permanent() && !REJECTED_USER.contains(&code.to_string().as_str()) {
            MailFailure::Permanent(text)
        } else {
            MailFailure::Temporary(text)
        };
    }
    let text = match () {
        () if error.is_tls() => "the encrypted connection to the mail server failed",
        () if error.is_timeout() => "the mail server did not answer in time",
        () if error.is_client() => "the mail server does not support what is required",
        () => "the connection to the mail server failed",
    };
    MailFailure::Temporary(text.to_owned())
}
