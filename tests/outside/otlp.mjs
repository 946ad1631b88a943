// OpenTelemetry export: the server sends every operation as a span to a collector, and the test inspects what the
// collector received.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

test("an operation is exported as a span with its name and request ID", { timeout: 60_000 }, async () => {
  const received = [];
  const collector = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    received.push([request.url, Buffer.concat(chunks).toString("latin1")]);
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  collector.listen(0, "127.0.0.1");
  await once(collector, "listening");
  const folder = mkdtempSync(join(tmpdir(), "salesgraph-otlp-"));
  const server = spawn(
    process.env.SALESGRAPH_BINARY,
    ["--database", `sqlite:${join(folder, "x.db")}`, "serve", "--no-demo", "--listen", "127.0.0.1:0"],
    {
      env: {
        ...process.env,
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.address().port}`,
        OTEL_BSP_SCHEDULE_DELAY: "100",
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  try {
    let said = "";
    server.stdout.on("data", (text) => (said += text));
    while (!/http:\S+\/graphql/.test(said)) await once(server.stdout, "data");
    const [url] = said.match(/http:\S+\/graphql/);
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "x-request-id": "seen-at-the-collector" },
      body: JSON.stringify({ query: "query SpanOfMine { schemaVersion }" }),
    });
    assert.equal(answer.status, 200);
    // Remaining spans are sent when the server is shutting down.
    server.kill("SIGTERM");
    await once(server, "exit");
    const spans = received.map(([path, body]) => (assert.equal(path, "/v1/traces"), body)).join("");
    assert.ok(spans.includes("SpanOfMine"), "the operation name is missing in the spans");
    assert.ok(spans.includes("seen-at-the-collector"), "the request ID is missing in the spans");
    assert.ok(spans.includes("salesgraph"), "the service name is missing in the spans");
  } finally {
    server.kill("SIGKILL");
    collector.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
