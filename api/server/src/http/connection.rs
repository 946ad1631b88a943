//! Connections: accepting, serving within time limits, and graceful shutdown. The accept loop is our own because
//! axum's has no timeout for request headers.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::Service};
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
    client_address::PeerAddress,
    settings::{GRACE, HEAD_BUFFER, MAX_CONNECTIONS},
};

/// Idle time before a keep-alive probe, and how long sent data may stay unacknowledged.
const SILENCE: Duration = Duration::from_secs(30);
const UNACKNOWLEDGED: Duration = Duration::from_secs(85);

/// Serves on `listener` until `stop` resolves. Then, within half a minute, requests in flight are completed, sockets
/// are closed and subscriptions are ended.
pub async fn serve(listener: TcpListener, server: Server, stop: impl Future<Output = ()>) {
    let server = server.listening_on(listener.local_addr().ok());
    let routes = super::routes(server.clone());
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS as usize));
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
                Ok((stream, peer)) => {
                    let connection = connection(stream, peer, &server, routes.clone());
                    let closing = server.closing.subscribe();
                    #[expect(clippy::disallowed_methods, reason = "a connection is a task of its own")]
                    tokio::spawn(async move {
                        run(connection, closing).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // For example, too many files are open; retrying helps once other connections have ended.
                    tracing::warn!(%error, "failed to accept a connection");
                    sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    tracing::info!("stopping");
    server.closing.send_replace(true);
    let ended = async {
        let _all = room.acquire_many(MAX_CONNECTIONS).await;
        // WebSockets outlive the tasks of their connections; each holds a receiver while it is open.
        server.closing.closed().await;
    };
    if timeout(GRACE, ended).await.is_err() {
        tracing::warn!("some requests did not finish within the grace period");
    }
    server.feed.close();
}

type Connection = http1::UpgradeableConnection<TokioIo<TcpStream>, PeerService>;

/// Answers the requests of one connection, which carry the address of its other end.
struct PeerService {
    routes: TowerToHyperService<Router>,
    peer: PeerAddress,
}

impl Service<Request<Incoming>> for PeerService {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.routes.call(request)
    }
}

/// Serves a connection until it ends or, on shutdown, until its request in flight has finished.
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
        tracing::debug!(%error, "connection closed unexpectedly");
    }
}

/// Resolves when the server shuts down.
pub(super) async fn stopped(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}

fn connection(stream: TcpStream, peer: SocketAddr, server: &Server, routes: Router) -> Connection {
    watch_over(&stream);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(server.settings.header_timeout)
        .max_buf_size(HEAD_BUFFER);
    let service =
        PeerService { routes: TowerToHyperService::new(routes), peer: PeerAddress(peer.ip()) };
    builder.serve_connection(TokioIo::new(stream), service).with_upgrades()
}

/// Enables TCP keep-alive, so that the system detects peers that have disappeared.
fn watch_over(stream: &TcpStream) {
    let told = |what: std::io::Result<()>| {
        if let Err(error) = what {
            tracing::debug!(%error, "failed to set a socket option");
        }
    };
    told(stream.set_nodelay(true));
    let socket = SockRef::from(stream);
    let alive = TcpKeepalive::new().with_time(SILENCE).with_interval(SILENCE / 3);
    told(socket.set_tcp_keepalive(&alive));
    #[cfg(any(target_os = "linux", target_os = "android"))]
    told(socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED)));
}
