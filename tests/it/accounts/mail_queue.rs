//! The queue of mails: several servers, limits, age, cancellation, and restored databases.

use std::sync::Arc;

use chrono::TimeDelta;
use engine::{Reason, Role};
use futures_util::future::BoxFuture;
use sea_orm::ConnectionTrait;
use service::identity::{
    Mail,
    mail_delivery::{MailFailure, MailTransport},
};
use tests::{App, behaviours};

use super::{
    PASSWORD, client, invitation,
    mail::{Outbox, invite, statuses, with_mail},
};

behaviours![
    servers_do_not_send_a_mail_twice,
    a_person_does_not_receive_many_mails,
    an_outdated_mail_is_not_sent,
    a_mail_that_is_cancelled_during_an_attempt_is_not_sent_again,
    an_organization_sends_a_limited_number_of_invitations,
    a_restored_database_sends_no_mail_and_has_no_links,
];

async fn servers_do_not_send_a_mail_twice(app: App) {
    let app = with_mail(app);
    for name in ["ann", "bo", "cy"] {
        app.data(&invite(&format!("{name}@example.com"))).await;
    }
    let outbox = Arc::new(Outbox::default());
    let transport = Arc::clone(&outbox) as Arc<dyn MailTransport>;
    let servers = (0..4).map(|_| app.accounts.send_due_mails(&transport));
    let attempts = futures_util::future::try_join_all(servers).await.unwrap();
    assert_eq!(attempts.iter().sum::<usize>(), 3);
    assert_eq!(outbox.mails.lock().unwrap().len(), 3);
    // A server that stops while it sends leaves the mail to another one.
    let sql = "UPDATE outgoing_mails SET status = 'queued' WHERE id = 1";
    app.db.execute_unprepared(sql).await.unwrap();
    assert_eq!(app.accounts.send_due_mails(&transport).await.unwrap(), 0);
    app.clock.advance(TimeDelta::minutes(6));
    assert_eq!(app.accounts.send_due_mails(&transport).await.unwrap(), 1);
}

async fn a_person_does_not_receive_many_mails(app: App) {
    let app = with_mail(app);
    let outbox = Arc::new(Outbox::default());
    for _ in 0..10 {
        app.data(&invite("ann@example.com")).await;
        assert_eq!(outbox.sent(&app).await.len(), 1);
    }
    let refused = app.answer(&invite("ann@example.com")).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{refused}");
    assert!(outbox.sent(&app).await.is_empty());
    app.data(&invite("bo@example.com")).await;
    app.clock.advance(TimeDelta::minutes(61));
    app.data(&invite("ann@example.com")).await;
    assert_eq!(outbox.sent(&app).await.len(), 2);
}

/// A mail that has waited for too long, for instance in a backup, is not sent.
async fn an_outdated_mail_is_not_sent(app: App) {
    let app = with_mail(app);
    app.data(&invite("ann@example.com")).await;
    app.clock.advance(TimeDelta::days(3));
    let outbox = Arc::new(Outbox::default());
    assert!(outbox.sent(&app).await.is_empty());
    assert_eq!(statuses(&app).await, ["cancelled"]);
}

/// A mail server that is busy, while an administrator withdraws the invitation.
struct Interrupted(sea_orm::DatabaseConnection);

impl MailTransport for Interrupted {
    fn send(&self, _: Mail) -> BoxFuture<'_, Result<(), MailFailure>> {
        Box::pin(async move {
            let sql = "UPDATE outgoing_mails SET status = 'cancelled'";
            self.0.execute_unprepared(sql).await.unwrap();
            Err(MailFailure::Temporary("the mail server answered 451".to_owned()))
        })
    }
}

async fn a_mail_that_is_cancelled_during_an_attempt_is_not_sent_again(app: App) {
    let app = with_mail(app);
    app.data(&invite("ann@example.com")).await;
    let transport = Arc::new(Interrupted(app.db.clone())) as Arc<dyn MailTransport>;
    assert_eq!(app.accounts.send_due_mails(&transport).await.unwrap(), 1);
    assert_eq!(statuses(&app).await, ["cancelled"]);
}

async fn an_organization_sends_a_limited_number_of_invitations(app: App) {
    let app = with_mail(app);
    app.data(&invite("ann@example.com")).await;
    let many = "INSERT INTO outgoing_mails (user_id, organization_id, purpose, status, attempts, due_at, created_at, \
                updated_at) SELECT m.user_id, m.organization_id, 'invitation', 'sent', 1, m.due_at, m.created_at, m.updated_at \
                FROM outgoing_mails m";
    for _ in 0..9 {
        app.db.execute_unprepared(many).await.unwrap();
    }
    let other = invite("bo@example.com");
    let refused = app.answer(&other).await;
    assert_eq!(refused["errors"][0]["extensions"]["code"], "RATE_LIMITED", "{refused}");
    app.clock.advance(TimeDelta::hours(25));
    assert_eq!(app.data(&other).await["inviteMember"]["isMailed"], true);
}

async fn a_restored_database_sends_no_mail_and_has_no_links(app: App) {
    let token = invitation(&app, app.organization, "bo@example.com", Role::Member).await;
    let app = with_mail(app);
    app.data(&invite("ann@example.com")).await;
    let folder = std::env::temp_dir().join(format!(
        "salesgraph-mail-{}-{:?}",
        std::process::id(),
        app.engine
    ));
    std::fs::create_dir_all(&folder).unwrap();
    let (file, copy) = (folder.join("backup"), folder.join("restored.db"));
    let unwatched = &engine::progress::Unwatched;
    service::operations::backup::backup(&app.store, &file, unwatched).await.unwrap();
    let url = format!("sqlite:{}", copy.display());
    let clock = Arc::clone(&app.clock) as Arc<dyn engine::Clock>;
    service::operations::restore::restore(&url, &file, clock.as_ref(), unwatched).await.unwrap();
    let store = engine::Store::connect(&url).await.unwrap();
    let tables = service::catalog::tables();
    let restored =
        service::identity::accounts::Accounts::new(store, clock, tables, None).with_mail();
    let outbox = Arc::new(Outbox::default());
    let transport = Arc::clone(&outbox) as Arc<dyn MailTransport>;
    assert_eq!(restored.send_due_mails(&transport).await.unwrap(), 0);
    let accepted = restored.accept_invitation(&token, None, PASSWORD.to_owned(), &client()).await;
    assert_eq!(accepted.unwrap_err().reason(), Reason::LinkInvalid);
    assert_eq!(outbox.sent(&app).await.len(), 1, "the original still sends it");
    std::fs::remove_dir_all(folder).unwrap();
}
