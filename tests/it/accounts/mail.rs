//! Mail: invitations, retries, self-service resets, and verified addresses.

use std::sync::{Arc, Mutex};

use api::mail::{MailOptions, SmtpTls};
use chrono::TimeDelta;
use engine::{Reason, Role};
use futures_util::future::BoxFuture;
use sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use service::identity::{
    Mail,
    mail_delivery::{MailFailure, MailTransport},
};
use tests::{App, behaviours};

use super::{PASSWORD, ask, client, member, post, reason, serve, sign_in, token_of};
use crate::http::{beside, exchange};

behaviours![
    invitations_are_sent_by_mail,
    a_mail_is_sent_again_with_a_new_link,
    a_mail_that_is_no_longer_needed_is_not_sent,
    a_reset_does_not_show_whether_there_is_an_account,
    resets_are_limited_per_account_and_work_during_a_lock,
    addresses_are_verified,
    a_server_without_mail_says_so,
    options_of_the_mail_server_are_checked,
];

/// A transport that keeps mails, and fails as told.
#[derive(Default)]
pub struct Outbox {
    pub mails: Mutex<Vec<Mail>>,
    failures: Mutex<Vec<MailFailure>>,
}

impl MailTransport for Outbox {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), MailFailure>> {
        self.mails.lock().unwrap().push(mail);
        let failure = self.failures.lock().unwrap().pop();
        Box::pin(async move { failure.map_or(Ok(()), Err) })
    }
}

impl Outbox {
    fn failing(failures: Vec<MailFailure>) -> Arc<Self> {
        Arc::new(Self { failures: Mutex::new(failures), ..Self::default() })
    }

    /// Sends what is due; returns the new mails.
    pub async fn sent(self: &Arc<Self>, app: &App) -> Vec<Mail> {
        let transport = Arc::clone(self) as Arc<dyn MailTransport>;
        app.accounts.send_due_mails(&transport).await.unwrap();
        std::mem::take(&mut self.mails.lock().unwrap())
    }
}

pub fn with_mail(mut app: App) -> App {
    app.accounts = app.accounts.clone().with_mail();
    app
}

/// The link in a mail, which is in both texts.
fn link(mail: &Mail) -> String {
    let link = mail.text.lines().find(|line| line.contains("/sign-in#")).unwrap().to_owned();
    assert!(mail.html.contains(&format!("href=\"{link}\"")), "{}", mail.html);
    link
}

pub fn invite(email: &str) -> String {
    format!(
        "mutation {{ inviteMember(input: {{ email: \"{email}\", name: \"Ann <b>\", role: MEMBER }}) {{ link isMailed membership {{ id status }} userErrors {{ reason }} }} }}"
    )
}

/// The rows of a table as one text.
async fn rows(app: &App, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(app.db.get_database_backend(), sql);
    let rows = app.db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index::<String>(0).unwrap()).collect()
}

pub async fn statuses(app: &App) -> Vec<String> {
    rows(app, "SELECT status FROM outgoing_mails ORDER BY id").await
}

async fn invitations_are_sent_by_mail(app: App) {
    let app = with_mail(app);
    let outbox = Arc::new(Outbox::default());
    let made = app.data(&invite("ann@example.com")).await["inviteMember"].clone();
    assert_eq!((&made["link"], &made["isMailed"]), (&Value::Null, &json!(true)), "{made}");
    // Nothing that opens the account is stored before the mail is sent.
    assert!(rows(&app, "SELECT token_hash FROM one_time_tokens").await.is_empty());
    let mails = outbox.sent(&app).await;
    assert_eq!((mails.len(), mails[0].address.as_str()), (1, "ann@example.com"));
    assert!(mails[0].subject.starts_with("Invitation to "), "{}", mails[0].subject);
    // The name that the administrator has entered is not in the mail.
    assert!(mails[0].text.starts_with("Hello,") && mails[0].name.is_none());
    assert!(outbox.sent(&app).await.is_empty());
    assert_eq!(statuses(&app).await, ["sent"]);
    let token = token_of(&link(&mails[0]));
    let accepted =
        app.accounts.accept_invitation(&token, Some("Ann"), PASSWORD.to_owned(), &client()).await;
    accepted.unwrap();
    // The link came by mail, so the address is that of the person.
    let profile = "{ memberships { nodes { status profile { email emailVerifiedAt } } } }";
    let member = app.data(profile).await["memberships"]["nodes"][0].clone();
    assert!(member["profile"]["emailVerifiedAt"].is_string(), "{member}");
    // Neither the change log nor the queue has the link.
    for sql in [
        "SELECT CAST(after AS text) FROM changes WHERE after IS NOT NULL",
        "SELECT COALESCE(last_error, '') FROM outgoing_mails",
    ] {
        assert!(rows(&app, sql).await.iter().all(|row| !row.contains(&token)), "{sql}");
    }
}

async fn a_mail_is_sent_again_with_a_new_link(app: App) {
    let app = with_mail(app);
    let busy = || MailFailure::Temporary("the mail server answered 451".to_owned());
    let outbox = Outbox::failing(vec![busy(); 8]);
    app.data(&invite("ann@example.com")).await;
    let first = outbox.sent(&app).await;
    assert_eq!(first.len(), 1);
    assert!(outbox.sent(&app).await.is_empty(), "there is a pause before the second attempt");
    app.clock.advance(TimeDelta::seconds(61));
    let second = outbox.sent(&app).await;
    assert_ne!(link(&first[0]), link(&second[0]));
    let old = token_of(&link(&first[0]));
    let refused = app.accounts.accept_invitation(&old, None, PASSWORD.to_owned(), &client()).await;
    assert_eq!(refused.unwrap_err().reason(), Reason::LinkInvalid);
    let errors = "SELECT last_error FROM outgoing_mails";
    assert_eq!(rows(&app, errors).await, ["the mail server answered 451"]);
    // After eight attempts in about a day, there are no more.
    let mut attempts = 2;
    for minutes in [5, 15, 60, 180, 360, 720, 720] {
        app.clock.advance(TimeDelta::minutes(minutes) - TimeDelta::seconds(1));
        assert!(outbox.sent(&app).await.is_empty(), "{minutes} minutes");
        app.clock.advance(TimeDelta::seconds(2));
        attempts += outbox.sent(&app).await.len();
    }
    assert_eq!((attempts, statuses(&app).await), (8, vec!["failed".to_owned()]));
    // An address that the mail server rejects gets no second attempt.
    let rejected = MailFailure::Permanent("the mail server answered 550".to_owned());
    let outbox = Outbox::failing(vec![rejected]);
    app.data(&invite("bo@example.com")).await;
    assert_eq!(outbox.sent(&app).await.len(), 1);
    app.clock.advance(TimeDelta::days(1));
    assert!(outbox.sent(&app).await.is_empty());
    assert_eq!(statuses(&app).await, ["failed", "failed"]);
}

async fn a_mail_that_is_no_longer_needed_is_not_sent(app: App) {
    let app = with_mail(app);
    let outbox = Arc::new(Outbox::default());
    let made = app.data(&invite("ann@example.com")).await;
    let id = made["inviteMember"]["membership"]["id"].as_str().unwrap().to_owned();
    // A second invitation replaces the first, which was not sent yet.
    let again = format!(
        "mutation {{ createMemberLink(input: {{ id: \"{id}\" }}) {{ link isMailed userErrors {{ reason }} }} }}"
    );
    assert_eq!(app.data(&again).await["createMemberLink"]["isMailed"], true);
    assert_eq!(statuses(&app).await, ["queued"]);
    let remove = format!(
        "mutation {{ removeMember(input: {{ id: \"{id}\" }}) {{ userErrors {{ reason }} }} }}"
    );
    app.data(&remove).await;
    assert!(outbox.sent(&app).await.is_empty());
    assert_eq!(statuses(&app).await, ["cancelled"]);
    // Erasing an account removes its mails.
    app.accounts.erase_account("ann@example.com").await.unwrap();
    assert!(statuses(&app).await.is_empty());
}

async fn forgot(address: std::net::SocketAddr, email: &str) -> (u16, Value) {
    let own = format!("Origin: http://{address}");
    let (status, _, body) =
        post(address, "/sign-in/forgot", &own, &json!({ "email": email })).await;
    (status, body)
}

async fn a_reset_does_not_show_whether_there_is_an_account(app: App) {
    let _ = member(&app, "ann@example.com", Role::Member).await;
    let _ = member(&app, "suspended@example.com", Role::Member).await;
    let app = with_mail(app);
    app.data(&invite("invited@example.com")).await;
    let outbox = Arc::new(Outbox::default());
    outbox.sent(&app).await;
    app.accounts.suspend_account("suspended@example.com", None).await.unwrap();
    beside(Box::pin(async {
        let address = serve(&app).await;
        let (_, _, page) = exchange(address, "GET /sign-in HTTP/1.1", "").await;
        assert!(page.contains("data-mail=\"true\""));
        for email in
            ["nobody@example.com", "not an address", "invited@example.com", " ANN@example.com "]
        {
            assert_eq!(forgot(address, email).await, (202, json!({})), "{email}");
        }
        // The addresses are looked up later.
        assert_eq!(statuses(&app).await, ["sent"]);
        let mails = outbox.sent(&app).await;
        assert_eq!(mails.len(), 1);
        assert_eq!(mails[0].address, "ann@example.com");
        let reset =
            json!({ "token": token_of(&link(&mails[0])), "password": "another long password" });
        let own = format!("Origin: http://{address}");
        let (status, _, body) = post(address, "/sign-in/reset", &own, &reset).await;
        assert_eq!(status, 200, "{body}");
        assert_eq!(sign_in(address, "ann@example.com", "another long password").await.0, 200);
    }))
    .await;
}

async fn resets_are_limited_per_account_and_work_during_a_lock(app: App) {
    let _ = member(&app, "ann@example.com", Role::Member).await;
    let app = with_mail(app);
    beside(Box::pin(async {
        let address = serve(&app).await;
        for _ in 0..6 {
            sign_in(address, "ann@example.com", "a wrong password").await;
        }
        assert_eq!(sign_in(address, "ann@example.com", PASSWORD).await.0, 429);
        let outbox = Arc::new(Outbox::default());
        let mut mails = Vec::new();
        for number in 1..=4 {
            assert_eq!(forgot(address, "ann@example.com").await.0, 202);
            mails.extend(outbox.sent(&app).await);
            assert_eq!(mails.len(), usize::min(number, 3));
        }
        assert_eq!(mails.len(), 3, "three mails per hour");
        let token = token_of(&link(&mails[2]));
        let own = format!("Origin: http://{address}");
        let reset = json!({ "token": token, "password": "another long password" });
        assert_eq!(post(address, "/sign-in/reset", &own, &reset).await.0, 200);
        assert_eq!(sign_in(address, "ann@example.com", "another long password").await.0, 200);
        app.clock.advance(TimeDelta::minutes(61));
        // After a failure, further requests change neither the number of attempts nor their times.
        let outbox = Outbox::failing(vec![MailFailure::Temporary("451".to_owned())]);
        for number in 0..5 {
            forgot(address, "ann@example.com").await;
            assert_eq!(outbox.sent(&app).await.len(), usize::from(number == 0));
        }
        // The link of an administrator replaces the mail that waits, and a request of a stranger does not replace that link.
        let link = app.accounts.password_reset_link("ann@example.com").await.unwrap();
        app.clock.advance(TimeDelta::minutes(2));
        assert!(outbox.sent(&app).await.is_empty());
        forgot(address, "ann@example.com").await;
        let mails = outbox.sent(&app).await;
        assert_eq!(mails.len(), 1);
        let reset = json!({ "token": token_of(&link), "password": "a third long password" });
        assert_eq!(post(address, "/sign-in/reset", &own, &reset).await.0, 200);
        // The use of one link ends the others, and those that are queued.
        let other =
            json!({ "token": token_of(&super::mail::link(&mails[0])), "password": PASSWORD });
        assert_eq!(reason(&post(address, "/sign-in/reset", &own, &other).await.2), "LINK_INVALID");
    }))
    .await;
}

async fn addresses_are_verified(app: App) {
    let token = member(&app, "ann@example.com", Role::Member).await;
    let app = with_mail(app);
    beside(Box::pin(async {
        let address = serve(&app).await;
        let request = "mutation { requestEmailVerification { viewer { profile { emailVerifiedAt } } userErrors { reason } } }";
        let asked = ask(address, &token, request).await["data"]["requestEmailVerification"].clone();
        assert_eq!(asked["viewer"]["profile"]["emailVerifiedAt"], Value::Null, "{asked}");
        let outbox = Arc::new(Outbox::default());
        let mails = outbox.sent(&app).await;
        let text = link(&mails[0]);
        assert!(mails[0].text.starts_with("Hello ann,"), "{}", mails[0].text);
        assert!(text.contains("/sign-in#verification="), "{text}");
        let own = format!("Origin: http://{address}");
        let body = json!({ "token": token_of(&text) });
        let (status, _, answer) = post(address, "/sign-in/verification", &own, &body).await;
        assert_eq!((status, answer), (200, json!({})));
        let (_, _, again) = post(address, "/sign-in/verification", &own, &body).await;
        assert_eq!(reason(&again), "LINK_INVALID");
        let asked = ask(address, &token, request).await["data"]["requestEmailVerification"].clone();
        assert!(asked["viewer"]["profile"]["emailVerifiedAt"].is_string(), "{asked}");
        assert!(outbox.sent(&app).await.is_empty(), "the address is verified");
        // A link for a new password can't verify, and the other way round.
        let wrong = post(address, "/sign-in/reset", &own, &json!({ "token": token_of(&text), "password": PASSWORD })).await;
        assert_eq!(reason(&wrong.2), "LINK_INVALID");
        // The local user and programs have no address.
        let local = app.answer(request).await;
        assert_eq!(local["data"]["requestEmailVerification"]["userErrors"][0]["reason"], "SESSION_REQUIRED", "{local}");
    }))
    .await;
}

async fn a_server_without_mail_says_so(app: App) {
    let token = member(&app, "ann@example.com", Role::Member).await;
    beside(Box::pin(async {
        let address = serve(&app).await;
        let (status, body) = forgot(address, "ann@example.com").await;
        assert_eq!((status, reason(&body)), (400, "MAIL_NOT_CONFIGURED"), "{body}");
        let request = "mutation { requestEmailVerification { userErrors { reason } } }";
        let asked = ask(address, &token, request).await;
        assert!(asked.to_string().contains("MAIL_NOT_CONFIGURED"), "{asked}");
        let (_, _, page) = exchange(address, "GET /sign-in HTTP/1.1", "").await;
        assert!(page.contains("data-mail=\"false\""));
        let made = app.data(&invite("bo@example.com")).await["inviteMember"].clone();
        assert!(made["link"].is_string() && made["isMailed"] == false, "{made}");
    }))
    .await;
}

async fn options_of_the_mail_server_are_checked(_: App) {
    let valid = MailOptions {
        smtp: Some("smtp://mail.example.com".to_owned()),
        mail_from: Some("Sales <sales@example.com>".to_owned()),
        ..MailOptions::default()
    };
    let url = Some("https://sales.example");
    assert!(valid.transport(url).unwrap().is_some());
    assert!(MailOptions::default().transport(None).unwrap().is_none());
    let with = |change: fn(&mut MailOptions)| {
        let mut options = valid.clone();
        change(&mut options);
        options
    };
    let error = |options: &MailOptions, url: Option<&str>| match options.transport(url) {
        Err(engine::Error::Invalid { field, .. }) => field,
        other => panic!("{}", other.is_ok()),
    };
    assert_eq!(error(&valid, None), "public-url");
    for (change, field) in [
        ((|it| it.mail_from = None) as fn(&mut MailOptions), "mail-from"),
        (|it| it.mail_from = Some("sales".to_owned()), "mail-from"),
        (|it| it.smtp = Some("mail.example.com".to_owned()), "smtp"),
        (|it| it.smtp = Some("https://mail.example.com".to_owned()), "smtp"),
        (|it| it.smtp = Some("smtp://ann:secret@mail.example.com".to_owned()), "smtp"),
        (|it| it.smtp = Some("smtp://ann@mail.example.com".to_owned()), "smtp-password"),
        (|it| it.smtp_tls = Some(SmtpTls::None), "smtp-tls"),
        (|it| it.smtp_ca = Some("missing.pem".into()), "smtp-ca"),
    ] {
        assert_eq!(error(&with(change), url), field);
    }
    let local = with(|it| {
        it.smtp = Some("smtp://127.0.0.1:2525".to_owned());
        it.smtp_tls = Some(SmtpTls::None);
    });
    assert!(local.transport(url).unwrap().is_some());
}
