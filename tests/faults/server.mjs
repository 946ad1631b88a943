// A server under test: started from a binary, watched from outside, ended in any way.

import { execFileSync, spawn } from 'node:child_process';
import { openSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { atEnd } from './ending.mjs';

const binary = process.env.SALESGRAPH_BINARY;
if (!binary) throw new Error('start it by tests/faults/run, or name the binary in SALESGRAPH_BINARY');

const FIRST_PORT = 4700;
const PORTS = 25;
/** A debug build migrates an empty database in a few seconds. */
const LONGEST_START = 60_000;

/** A port that nobody listens on, of the `PORTS` from `first` on; by chance, as others may look at the same time. */
export async function freePort(first) {
  for (;;) {
    const port = first + Math.floor(Math.random() * PORTS);
    const listener = net.createServer();
    const free = await new Promise((resolve) => {
      listener.once('error', () => resolve(false));
      listener.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (free) {
      await new Promise((resolve) => listener.close(resolve));
      return port;
    }
  }
}

/** `[flag, value]` when this binary has the flag, so that limits of half a minute can be tried in seconds. */
export function flag(name, value) {
  const manual = execFileSync(binary, ['serve', '--help'], { encoding: 'utf8' });
  return manual.includes(`${name} `) ? [name, String(value)] : [];
}

/** Runs another command of the binary to its end. */
export function command(database, ...words) {
  execFileSync(binary, ['--database', database, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
}

export class Server {
  constructor(database, folder, port, { flags = [], wrapper = [] }) {
    this.port = port;
    this.log = join(folder, 'server.log');
    this.address = `http://127.0.0.1:${port}`;
    // A wrapper is a program that becomes the server by exec, so that the process id stays the server's.
    const words = [...wrapper, binary, '--database', database, 'serve', '--no-demo'];
    words.push('--listen', `127.0.0.1:${port}`, ...flags);
    const log = openSync(this.log, 'a');
    this.child = spawn(words[0], words.slice(1), { stdio: ['ignore', 'ignore', log] });
    atEnd(() => this.child.kill('SIGKILL'));
    this.pid = this.child.pid;
    this.exited = new Promise((resolve) => {
      this.child.once('exit', (code, signal) => {
        this.end = { code, signal, at: performance.now() };
        resolve(this.end);
      });
    });
  }

  /** Starts one and waits until it is ready; `startTime` tells how long that took, in milliseconds. */
  static async start(database, folder, { port, ...options } = {}) {
    const begun = performance.now();
    const server = new Server(database, folder, port ?? (await freePort(FIRST_PORT)), options);
    while ((await server.health('ready')) !== 200) {
      if (server.end) throw new Error(`the server ended at its start: ${server.lastWords()}`);
      if (performance.now() - begun > LONGEST_START) throw new Error('the server does not get ready');
      await sleep(20);
    }
    server.startTime = performance.now() - begun;
    return server;
  }

  /** The status of `/health/ready` or `/health/live`; 0 when nobody answers. */
  async health(kind, patience = 12_000) {
    try {
      const signal = AbortSignal.timeout(patience);
      const response = await fetch(`${this.address}/health/${kind}`, { signal });
      await response.text();
      return response.status;
    } catch {
      return 0;
    }
  }

  /** Sends a signal and waits for the end. */
  async kill(signal) {
    this.child.kill(signal);
    return this.exited;
  }

  /** Whether it still runs: a fault outside must not end it. */
  get alive() {
    return !this.end;
  }

  /** Megabytes in memory: `own` is what it allocated, `all` counts the pages of files it maps too. */
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const field = (name) => {
      const found = status.match(new RegExp(`${name}:\\s+(\\d+) kB`));
      if (!found) throw new Error('the server has ended, and no memory is left to be measured');
      return Number(found[1]) / 1024;
    };
    return { own: field('RssAnon'), all: field('VmRSS') };
  }

  /** How many files and sockets it has open. */
  open() {
    const folder = `/proc/${this.pid}/fd`;
    const kinds = readdirSync(folder).map((name) => {
      try {
        return readlinkSync(join(folder, name));
      } catch {
        return ''; // closed since the folder was read
      }
    });
    return { all: kinds.length, sockets: kinds.filter((kind) => kind.startsWith('socket:')).length };
  }

  /** The end of its log. */
  lastWords(lines = 3) {
    return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }
}
