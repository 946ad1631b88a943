// A server under test: starts the binary, monitors the process from outside, and stops or kills it.

import { execFileSync, spawn } from 'node:child_process';
import { openSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { atEnd } from './ending.mjs';

const binary = process.env.SALESGRAPH_BINARY;
if (!binary) throw new Error('SALESGRAPH_BINARY is not set; start the tests with tests/faults/run');

const FIRST_PORT = 4700;
const PORTS = 25;
/** Startup timeout in ms; a debug build takes a few seconds to migrate an empty database. */
const LONGEST_START = 60_000;

/** A free port among the `PORTS` ports from `first`; random, because other processes may search at the same time. */
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

/** `[name, value]` if the binary has this flag, else `[]`; lets tests shorten limits of half a minute to seconds. */
export function flag(name, value) {
  const manual = execFileSync(binary, ['serve', '--help'], { encoding: 'utf8' });
  return manual.includes(`${name} `) ? [name, String(value)] : [];
}

/** Runs another command of the binary to completion. */
export function command(database, ...words) {
  execFileSync(binary, ['--database', database, ...words], { stdio: ['ignore', 'ignore', 'inherit'] });
}

export class Server {
  constructor(database, folder, port, { flags = [], wrapper = [] }) {
    this.port = port;
    this.log = join(folder, 'server.log');
    this.address = `http://127.0.0.1:${port}`;
    // A wrapper is a program that replaces itself with the server by exec, so the process ID is the server's.
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

  /** Starts a server and waits until it is ready; `startTime` is the startup time in milliseconds. */
  static async start(database, folder, { port, ...options } = {}) {
    const begun = performance.now();
    const server = new Server(database, folder, port ?? (await freePort(FIRST_PORT)), options);
    while ((await server.health('ready')) !== 200) {
      if (server.end) throw new Error(`the server exited during startup: ${server.lastWords()}`);
      if (performance.now() - begun > LONGEST_START) throw new Error('the server did not become ready in time');
      await sleep(20);
    }
    server.startTime = performance.now() - begun;
    return server;
  }

  /** The status of `/health/ready` or `/health/live`; 0 without a response. */
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

  /** Sends a signal and waits for the process to exit. */
  async kill(signal) {
    this.child.kill(signal);
    return this.exited;
  }

  /** True if the process is running; an injected fault outside the process must not stop it. */
  get alive() {
    return !this.end;
  }

  /** Memory in MB: `own` is anonymous memory, `all` also includes memory-mapped file pages. */
  memory() {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const field = (name) => {
      const found = status.match(new RegExp(`${name}:\\s+(\\d+) kB`));
      if (!found) throw new Error('cannot measure memory: the server has exited');
      return Number(found[1]) / 1024;
    };
    return { own: field('RssAnon'), all: field('VmRSS') };
  }

  /** The number of open files and sockets. */
  open() {
    const folder = `/proc/${this.pid}/fd`;
    const kinds = readdirSync(folder).map((name) => {
      try {
        return readlinkSync(join(folder, name));
      } catch {
        return ''; // closed after the directory was read
      }
    });
    return { all: kinds.length, sockets: kinds.filter((kind) => kind.startsWith('socket:')).length };
  }

  /** The last lines of the server log. */
  lastWords(lines = 3) {
    return readFileSync(this.log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }
}
