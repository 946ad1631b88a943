// Looks into an SQLite file beside the server, with Python's own sqlite3. Without it the checks that need it
// say so in their figures.

import { execFileSync, spawn } from 'node:child_process';

const python = (code, ...words) => ['python3', ['-c', `import sqlite3, sys, time\n${code}`, ...words]];

/** Whether Python has sqlite3. */
export const canLook = (() => {
  try {
    execFileSync(...python(''), { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

/** What `PRAGMA integrity_check` says: `ok`. */
export function integrity(file) {
  if (!canLook) return 'not looked at (no python3 with sqlite3)';
  const code = 'print(sqlite3.connect(sys.argv[1]).execute("PRAGMA integrity_check").fetchone()[0])';
  return execFileSync(...python(code, file), { encoding: 'utf8' }).trim();
}

/** Holds the file for so long that nobody else writes it; gives when the lock is held. */
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
