// The test reporter of `run`: prints diagnostics, failures with their reasons, and one line with the counts.

import { env } from "node:process";

const longest = 1500;

const closing = ({ code, reason }) => `the socket was closed with ${code} ${reason}`;

function reason(error) {
  // The runner wraps the thrown value, which may not be an Error: graphql-ws throws the close event of its socket.
  const cause = error.cause ?? error;
  const text = typeof cause === "string" ? cause : (cause.message || closing(cause));
  const short = text.length > longest ? `${text.slice(0, longest)} …` : text;
  return short.trim().replaceAll("\n", "\n      ");
}

export default async function* summary(events) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for await (const { type, data } of events) {
    // The final counts of the runner are not associated with a file.
    if (type === "test:diagnostic" && data.file) yield `  ${data.message}\n`;
    if (type === "test:stdout" || type === "test:stderr") yield data.message;
    if (type === "test:pass" && data.skip !== undefined) {
      count.skipped += 1;
      yield `  SKIPPED ${data.name}: ${data.skip}\n`;
    } else if (type === "test:pass") {
      count.passed += 1;
    } else if (type === "test:fail") {
      count.failed += 1;
      yield `  FAILED ${data.name}\n      ${reason(data.details.error)}\n`;
    }
  }
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : "";
  yield `outside: ${env.SALESGRAPH_SUITE}: ${count.passed} passed, ${count.failed} failed${skipped}\n`;
}
