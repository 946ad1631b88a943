// A balancer as plain as they are: each connection goes to the next server, or to the one after it when nobody
// listens there. It knows nothing of HTTP. Started with a number of fronts and the ports of the servers, it
// prints the ports of the fronts; each front has a turn of its own.

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

// It ends with whoever started it, however that one ends.
process.stdin.resume().on('end', () => process.exit());
