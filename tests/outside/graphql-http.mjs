// The server audit of the package graphql-http, based on the GraphQL over HTTP specification. Its MUST and SHOULD
// audits must pass; its MAY audits are only counted.

import assert from "node:assert/strict";
import test from "node:test";
import { serverAudits } from "graphql-http";
import { endpoint, stillAnswers } from "./server.mjs";

const audits = serverAudits({ url: endpoint });
const optional = audits.filter(({ name }) => name.startsWith("MAY"));

for (const audit of audits.filter((audit) => !optional.includes(audit))) {
  test(`${audit.id} ${audit.name}`, { timeout: 10_000 }, async () => {
    const { status, reason } = await audit.fn();
    assert.ok(status === "ok", reason);
  });
}

test("optional (MAY) audits", { timeout: 30_000 }, async (t) => {
  const left = [];
  for (const audit of optional) {
    const { status, reason } = await audit.fn();
    if (status !== "ok") left.push(`${audit.id} ${audit.name}: ${reason}`);
  }
  t.diagnostic(`MAY: ${optional.length - left.length} of ${optional.length}`);
  left.forEach((one) => t.diagnostic(`  not met: ${one}`));
});

test("the server still responds", stillAnswers);
