// A minimal TCP load balancer: assigns each connection to the next server (round robin), or to the server after it if
// the connection is refused. Arguments: the number of frontends and the ports of the servers. It prints the ports of the
// frontends; each frontend has its own round-robin counter.

import { once } from 'node:events';
import net from 'node:net';

const [fronts, ...servers] = process.argv.slice(2).map(Number);

function forward(near, turn, tries) {
  const far = net.connect({ port: servers[turn % servers.length], host: '127.0.0.1', noDelay: true });
  let connected = false;
  far.once('connect', () => {
    connected = true;
    near.pipe(far);
    far.pipe(near);
    near.once('close', () => far.destroy());
    far.once('close', () => near.destroySoon());
  });
  far.on('error', () => {
    if (connected || tries === 1) near.destroy();
    else forward(near, turn + 1, tries - 1);
  });
}

const ports = [];
for (let number = 0; number < fronts; number += 1) {
  let turn = 0;
  const listener = net.createServer({ noDelay: true, pauseOnConnect: true }, (near) => {
    near.on('error', () => {}); // `close` follows
    forward(near, turn, servers.length);
    turn += 1;
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  ports.push(listener.address().port);
}
console.log(JSON.stringify(ports));

// Exit when the parent process exits for any reason.
process.stdin.resume().on('end', () => process.exit());
