// Slowloris clients, which send one byte at a time or nothing at all to occupy connections: the server disconnects them
// and keeps serving other clients.

import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask } from './client.mjs';
import { fault, time } from './fault.mjs';
import { flag } from './server.mjs';

const EACH = 20;
/** Timeouts in seconds; without the flags each limit is at most 30 s. */
const flags = [...flag('--header-timeout', 2), ...flag('--body-timeout', 2)];
const quick = { headers: flags.includes('--header-timeout'), body: flags.includes('--body-timeout') };
const limit = (isQuick) => (isQuick ? 5_000 : 32_000);

const HEAD = 'POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n';
const KINDS = [
  { name: 'slow headers', first: 'POST /graphql HTTP/1.1\r\nX-Slow: ', drip: 'a', limit: limit(quick.headers) },
  { name: 'slow body', first: `${HEAD}Content-Length: 5000\r\n\r\n`, drip: ' ', limit: limit(quick.body) },
  { name: 'slow chunks', first: `${HEAD}${CHUNKED}`, drip: '1\r\n \r\n', limit: limit(quick.body) },
  { name: 'silent', first: '', drip: '', limit: limit(quick.headers) },
  { name: 'silent in the headers', first: HEAD, drip: '', limit: limit(quick.headers) },
];

/** Opens a slow connection; `lasted` is the time in ms until the server closed it, null while it is open. */
function hold(server, { first, drip }) {
  const begun = performance.now();
  const socket = net.connect(server.port, '127.0.0.1');
  const dripping = setInterval(() => socket.write(drip), 1_000);
  const held = { socket, lasted: null };
  const ended = () => {
    clearInterval(dripping);
    held.lasted ??= performance.now() - begun;
    socket.destroy();
  };
  socket.write(first);
  socket.on('data', () => {}); // a 408 response may precede the close
  for (const event of ['end', 'error', 'close']) socket.on(event, ended);
  return held;
}

await fault(['sqlite'], async (place) => {
  const { figures } = place;
  const server = await place.serve({ flags });
  await ask(server, '{ __typename }');
  const quiet = server.open().sockets;
  const held = KINDS.map((kind) => Array.from({ length: EACH }, () => hold(server, kind)));
  const longest = Math.max(...KINDS.map((kind) => kind.limit));
  const begun = performance.now();
  let slowest = 0;
  while (performance.now() - begun < longest && held.flat().some(({ lasted }) => lasted === null)) {
    const { code, ms } = await ask(server, '{ companies(first: 1) { totalCount } }');
    figures.must(!code, `a regular request failed with ${code}`);
    slowest = Math.max(slowest, ms);
    await sleep(200);
  }
  KINDS.forEach((kind, at) => {
    const open = held[at].filter(({ lasted }) => lasted === null).length;
    const last = Math.max(...held[at].map(({ lasted }) => lasted ?? Infinity));
    figures.must(last <= kind.limit, `${kind.name}: ${open} of ${EACH} not closed within ${time(kind.limit)}`);
    figures.tell(kind.name, open ? `${open} of ${EACH} still open` : `closed after ${time(last)}`);
  });
  held.flat().forEach(({ socket }) => socket.destroy());
  figures.must(slowest < 1_000, `a regular request took ${time(slowest)} during the attack`);
  await sleep(1_000);
  figures.tell('slowest regular request', time(slowest));
  figures.tell('sockets left', server.open().sockets - quiet);
  figures.tell('limits', flags.join(' ') || 'defaults');
});
