// A proxy that stops forwarding without closing connections, like a closed laptop or a network that drops all packets.

import net from 'node:net';

import { freePort } from './server.mjs';

const FIRST_PORT = 4725;

export class Proxy {
  #pairs = [];

  static async to(server) {
    const proxy = new Proxy();
    proxy.port = await freePort(FIRST_PORT);
    proxy.listener = net.createServer((near) => {
      const far = net.connect(server.port, '127.0.0.1');
      for (const socket of [near, far]) socket.on('error', () => {});
      near.pipe(far);
      far.pipe(near);
      proxy.#pairs.push([near, far]);
    });
    await new Promise((resolve) => proxy.listener.listen(proxy.port, '127.0.0.1', resolve));
    return proxy;
  }

  /** Stops forwarding; neither side receives data or a close from the other. */
  freeze() {
    for (const [near, far] of this.#pairs) {
      near.unpipe(far);
      far.unpipe(near);
      near.pause();
      far.pause();
    }
  }

  end() {
    this.listener.close();
    for (const socket of this.#pairs.flat()) socket.destroy();
  }
}
