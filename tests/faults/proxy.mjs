// Connections whose other end is gone without a word: a proxy that stops forwarding, as a laptop does that
// was closed or a network that drops every packet.

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

  /** Neither side hears of the other any more, nor that anything has ended. */
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
