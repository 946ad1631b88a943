//! Connections: accepted, served within their times, and brought to an end when the server stops. The
//! loop is our own because axum's has no time limit for the head of a request.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

use super::{
    Server,
    settings::{GRACE, HEAD_BUFFER, MOST_CONNECTIONS},
};

/// After how long without a sign of the other side a connection is asked, and how long what was sent
/// may stay unacknowledged.
const SILENCE: Duration = Duration::from_secs(30);
const UNACKNOWLEDGED: Duration = Duration::from_secs(85);

/// Serves on `listener` until `stop` ends; then what runs is answered, sockets are closed and
/// subscriptions ended, within half a minute.
pub async fn serve(listener: TcpListener, server: Server, stop: impl Future<Output = ()>) {
    let routes = super::routes(server.clone());
    let room = Arc::new(Semaphore::new(MOST_CONNECTIONS as usize));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let place = Arc::clone(&room).acquire_owned().await.ok();
            (place, listener.accept().await)
        };
        tokio::select! {
            () = &mut stop => break,
            (place, accepted) = accepted => match accepted {
                Ok((stream, _)) => {
                    let connection = connection(stream, &server, routes.clone());
                    let closing = server.closing.subscribe();
                    #[expect(clippy::disallowed_methods, reason = "a connection is a task of its own")]
                    tokio::spawn(async move {
                        run(connection, closing).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Too many open files, for instance: others end meanwhile.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    tracing::info!("stopping");
    server.closing.send_replace(true);
    let ended = async {
        let _all = room.acquire_many(MOST_CONNECTIONS).await;
        // Sockets have left their connections; each holds a receiver while it is there.
        server.closing.closed().await;
    };
    if timeout(GRACE, ended).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
    server.feed.close();
}

type Connection = http1::UpgradeableConnection<TokioIo<TcpStream>, TowerToHyperService<Router>>;

/// Serves a connection to its end; when the server stops, to the end of the request that runs.
async fn run(connection: Connection, mut closing: watch::Receiver<bool>) {
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut closing) => {
            drop(closing);
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Ends when the server stops.
pub(super) async fn stopped(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

fn connection(stream: TcpStream, server: &Server, routes: Router) -> Connection {
    watch_over(&stream);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(server.settings.header_timeout)
        .max_buf_size(HEAD_BUFFER);
    builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes)).with_upgrades()
}

/// Lets the system notice that the other side is gone without a word.
fn watch_over(stream: &TcpStream) {
    let told = |what: std::io::Result<()>| {
        if let Err(error) = what {
            tracing::debug!(%error, "an option of a connection could not be set");
        }
    };
    told(stream.set_nodelay(true));
    let socket = SockRef::from(stream);
    let alive = TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE / 3);
    told(socket.set_tcp_keepalive(&alive));
    #[cfg(any(target_os = "linux", target_os = "android"))]
    told(socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
}
