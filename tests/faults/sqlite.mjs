// Accesses a SQLite file from outside the server through Python's sqlite3 module. If the module is not available, the
// figures show that the affected checks were skipped.

import { execFileSync, spawn } from 'node:child_process';

const python = (code, ...words) => ['python3', ['-c', `import sqlite3, sys, time\n${code}`, ...words]];

/** True if Python with sqlite3 is available. */
export const canLook = (() => {
  try {
    execFileSync(...python(''), { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** The result of `PRAGMA integrity_check`: `ok` if the file is intact. */
export function integrity(file) {
  if (!canLook) return 'not checked (python3 with sqlite3 is not available)';
  const code = 'print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])';
  return execFileSync(...python(code, file), { encoding: 'utf8' }).trim();
}

/** Holds a write lock on the file for `seconds`; resolves once the lock is held. */
export async function lock(file, seconds) {
  const code = `db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
db.execute("COMMIT")`;
  const words = python(code, file, String(seconds));
  const session = spawn(...words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => session.stdout.once('data', resolve));
}
