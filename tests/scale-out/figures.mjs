// Measurements and failed assertions of a check.

export class Figures {
  told = [];
  /** Failed assertions and their counts. */
  broken = new Map();

  get ok() {
    return this.broken.size === 0;
  }

  tell(name, value) {
    this.told.push(`${name} ${value}`);
  }

  must(holds, otherwise) {
    if (holds) return;
    const text = otherwise.slice(0, 500);
    this.broken.set(text, (this.broken.get(text) ?? 0) + 1);
  }

  print(name) {
    console.log(`${name}: ${this.ok ? 'ok' : 'FAILED'}: ${this.told.join('; ')}`);
    for (const [text, count] of this.broken) {
      console.log(`  assertion failed${count > 1 ? ` (${count} times)` : ''}: ${text}`);
    }
  }
}

/** Formats a duration in milliseconds. */
export function time(milliseconds) {
  if (milliseconds === null) return 'never';
  if (milliseconds >= 1_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}

/** Formats the median, the 99th percentile and the maximum of these durations. */
export function spread(times) {
  if (!times.length) return 'none';
  const sorted = [...times].sort((one, other) => one - other);
  const at = (part) => time(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]);
  return `p50 ${at(0.5)}, p99 ${at(0.99)}, max ${time(sorted.at(-1))}`;
}

/** The number of occurrences of each code: `UNAVAILABLE 12, NETWORK 1`. */
export function tally(codes) {
  const counts = new Map();
  for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${code} ${count}`).join(', ') || 'none';
}
