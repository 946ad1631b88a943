// Graceful shutdown: SIGTERM while requests are in flight and sockets and streams are open. The requests complete,
// sockets are closed with 1001, streams end, and the server exits with 0, even with idle clients connected.

import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { HEADERS, NEW_DRAFTS, Subscriber, ask, tally } from './client.mjs';
import { fault, time } from './fault.mjs';
import { industry, send } from './rows.mjs';
import { canLook, lock } from './sqlite.mjs';

const LONGEST_STOP = 30_000;
/** How long the requests in flight are blocked, in seconds. */
const HELD = 4;

/** Subscribes with server-sent events; returns `complete`, `end` (no `complete` event) or `broken`. */
async function stream(server) {
  try {
    const response = await fetch(`${server.address}/graphql`, {
      method: 'POST',
      headers: { ...HEADERS, accept: 'text/event-stream' },
      body: JSON.stringify({ query: NEW_DRAFTS }),
    });
    return (await response.text()).includes('event: complete') ? 'complete' : 'end';
  } catch {
    return 'broken';
  }
}

/** A connection that sends `text` and then nothing more. */
function silent(server, text) {
  const socket = net.connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.write(text);
  socket.resume();
}

await fault(['sqlite', 'postgres'], async (place) => {
  const { cluster, figures } = place;
  if (!cluster && !canLook) {
    figures.tell('skipped', 'python3 with sqlite3 is required to hold a lock');
    return;
  }
  const server = await place.serve();
  await send(server, industry());
  const sockets = await Subscriber.open(20, server);
  sockets.forEach((subscriber) => subscriber.stay());
  const streams = Array.from({ length: 5 }, () => stream(server));
  const host = 'Host: localhost';
  silent(server, '');
  silent(server, `GET /health/live HTTP/1.1\r\n${host}\r\n\r\n`); // keep-alive, then idle
  silent(server, `POST /graphql HTTP/1.1\r\n${host}\r\nContent-`); // incomplete headers
  silent(server, `POST /graphql HTTP/1.1\r\n${host}\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{`);

  // Writes wait for the lock; on Postgres, reads do too.
  if (cluster) await cluster.lock('industries', HELD);
  else await lock(place.file, HELD);
  const nested = '{ industries(first: 50) { nodes { name solutions(first: 5) { nodes { name } } } } }';
  const flight = Array.from({ length: 16 }, (_, at) => (at % 2 ? send(server, industry()) : ask(server, nested)));
  await sleep(500);

  const stopped = performance.now();
  server.child.kill('SIGTERM');
  await sleep(300);
  const late = await ask(server, '{ __typename }', {}, { patience: 2_000 });
  const end = await Promise.race([server.exited, sleep(LONGEST_STOP + 5_000)]);
  if (!end) {
    figures.must(false, `the server is still running ${time(LONGEST_STOP + 5_000)} after SIGTERM`);
    await server.kill('SIGKILL');
  }
  const took = server.end.at - stopped;
  const answers = await Promise.all(flight);
  const waited = answers.filter(({ begun, ms }) => begun + ms > stopped).length;
  const codes = await Promise.all(sockets.map((subscriber) => subscriber.closed));
  const ends = await Promise.all(streams);
  const away = codes.filter((code) => code === 1001).length;
  const code = server.end.code ?? server.end.signal;
  figures.must(waited > 0, 'no request was in flight when the server was stopped');
  figures.must(answers.every((answer) => !answer.code), `requests in flight failed: ${tally(answers)}`);
  figures.must(away === codes.length, `sockets were closed with ${[...new Set(codes)].join(', ')}`);
  figures.must(ends.every((word) => word !== 'broken'), `streams ended: ${ends.join(', ')}`);
  figures.must(code === 0, `the exit code is ${code}`);
  figures.must(took <= LONGEST_STOP, `the shutdown took ${time(took)}`);
  figures.tell('in flight', `${waited} of ${flight.length} (failed: ${tally(answers)})`);
  figures.tell('sockets closed with 1001', `${away} of ${codes.length}`);
  figures.tell('streams ended', tally(ends.map((word) => ({ code: word }))));
  figures.tell('a request sent during shutdown', late.code ?? 'succeeded');
  figures.tell('exit code', code);
  figures.tell('took', `${time(took)} (requests were blocked for ${HELD} s)`);
});
