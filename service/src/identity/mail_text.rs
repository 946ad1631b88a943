//! Texts of mails with links, in plain text and HTML (`service/templates`).

use askama::Template;
use engine::error::{Error, Result};

use super::one_time_token::Purpose;

/// A mail to send.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// E-mail address of the recipient.
    pub address: String,
    /// Name of the recipient.
    pub name: Option<String>,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// HTML.
    pub html: String,
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Without the text, which contains a link.
        f.debug_struct("Mail").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// The paragraphs of a mail.
struct Paragraphs {
    subject: String,
    /// Before the link.
    reason: String,
    /// The text of the link in HTML.
    action: &'static str,
    /// After the link.
    validity: &'static str,
}

/// The plain text of a mail.
#[derive(Template)]
#[template(path = "link.txt")]
struct PlainText<'a> {
    greeting: &'a str,
    paragraphs: &'a Paragraphs,
    link: &'a str,
}

/// The HTML of a mail.
#[derive(Template)]
#[template(path = "link.html")]
struct HtmlText<'a> {
    greeting: &'a str,
    paragraphs: &'a Paragraphs,
    link: &'a str,
}

/// The recipient of a mail.
pub(super) struct Recipient {
    pub(super) address: String,
    pub(super) name: Option<String>,
}

/// The mail with a link for this purpose. `organization` is the name of the organization of an invitation.
pub(super) fn mail(
    purpose: Purpose,
    recipient: Recipient,
    organization: &str,
    link: &str,
) -> Result<Mail> {
    let paragraphs = paragraphs(purpose, organization);
    let name = recipient.name.as_deref();
    let greeting = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
    let plain = PlainText { greeting: &greeting, paragraphs: &paragraphs, link };
    let html = HtmlText { greeting: &greeting, paragraphs: &paragraphs, link };
    let failed = |error: askama::Error| Error::Internal(Box::new(error));
    Ok(Mail {
        text: plain.render().map_err(failed)?,
        html: html.render().map_err(failed)?,
        address: recipient.address,
        name: recipient.name,
        subject: paragraphs.subject,
    })
}

fn paragraphs(purpose: Purpose, organization: &str) -> Paragraphs {
    match purpose {
        Purpose::Invitation => Paragraphs {
            subject: format!("Invitation to {organization}"),
            reason: format!("You are invited to {organization} on salesgraph."),
            action: "Accept the invitation",
            validity: "The link is valid for seven days and can be used once. If you did not expect the invitation, ignore \
                       this mail.",
        },
        Purpose::PasswordReset => Paragraphs {
            subject: "New password for salesgraph".to_owned(),
            reason: "A new password was requested for your account.".to_owned(),
            action: "Choose a new password",
            validity: "The link is valid for one hour and can be used once. If you did not request it, ignore this mail: your \
                       password stays as it is.",
        },
        Purpose::EmailVerification => Paragraphs {
            subject: "Confirm your e-mail address".to_owned(),
            reason: "Please confirm that this e-mail address is yours.".to_owned(),
            action: "Confirm the address",
            validity: "The link is valid for one day and can be used once. If you have no account, ignore this mail.",
        },
    }
}
