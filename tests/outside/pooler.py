"""PgBouncer in front of Postgres. With session pooling everything works; with transaction pooling the server reports
how to fix the configuration. Debian 12 has version 1.18, which rejects startup parameters; newer versions are
untested."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

SERVER = urlsplit(os.environ["SALESGRAPH_TEST_POSTGRES"])
BINARY = os.environ["SALESGRAPH_BINARY"]
DATABASE = f"salesgraph_pooler_{os.getpid()}"
passed = failed = 0
poolers = []


def check(name, holds, seen=""):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"  FAILED {name}: {seen}"[:1500])


def install():
    if shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin") is None:
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-y", "-qq", "pgbouncer"], check=True, stdout=subprocess.DEVNULL,
                       env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(folder, mode):
    port = free_port()
    (folder / f"{mode}.ini").write_text(f"""[databases]
* = host={SERVER.hostname} port={SERVER.port} user={SERVER.username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
auth_type = any
pool_mode = {mode}
default_pool_size = 40
unix_socket_dir =
logfile = {folder}/{mode}.log
""")
    # PgBouncer refuses to run as root.
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    path = shutil.which("pgbouncer", path=os.environ["PATH"] + ":/usr/sbin")
    poolers.append(subprocess.Popen([path, "-q", str(folder / f"{mode}.ini")], stderr=subprocess.DEVNULL, **user))
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            time.sleep(0.1)
    return f"postgres://{SERVER.username}@127.0.0.1:{port}/{DATABASE}"


def psql(sql):
    subprocess.run(["psql", "--quiet", os.environ["SALESGRAPH_TEST_POSTGRES"], "-c", sql], check=True,
                   capture_output=True)


def run(url, *command):
    return subprocess.run([BINARY, "--database", url, *command], capture_output=True, text=True, timeout=60)


def ask(address, query):
    request = urllib.request.Request(f"{address}/graphql", json.dumps({"query": query}).encode(),
                                     {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def serve(url, port):
    server = subprocess.Popen([BINARY, "--database", url, "serve", "--listen", f"127.0.0.1:{port}"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{address}/health/ready", timeout=2).close()
                break
            except OSError:
                time.sleep(0.1)
        for _ in range(5):
            told = ask(address, "{ prospects(first: 2) { totalCount nodes { company { name } } } }")
            check("a nested query succeeds", told.get("data", {}).get("prospects", {}).get("totalCount", 0) > 0, told)
        body = json.dumps({"query": "subscription { outreachDraftCreated { draft { content } } }"}).encode()
        request = urllib.request.Request(f"{address}/graphql", body,
                                         {"content-type": "application/json", "accept": "text/event-stream"})
        with urllib.request.urlopen(request, timeout=20) as events:
            write = 'mutation { createOutreachDraft(input: { prospectId: 1, draftType: "x", content: "pooled" }) { userErrors { message } } }'
            told = ask(address, write)
            check("a mutation succeeds", told.get("data", {}).get("createOutreachDraft", {}).get("userErrors") == [], told)
            line = next((line for line in events if line.startswith(b"data: {")), b"")
            check("a subscription event arrives", b"pooled" in line, line)
    finally:
        server.kill()
        server.wait()


def examine(folder):
    by_session = start(folder, "session")
    seeded = run(by_session, "seed")
    check("session pooling: seed succeeds", seeded.returncode == 0, seeded.stderr)
    serve(by_session, free_port())
    by_transaction = start(folder, "transaction")
    refused = run(by_transaction, "migrate", "status")
    check("transaction pooling: the error names the pool mode", "pool_mode = transaction" in refused.stderr and refused.returncode != 0,
          refused.stderr or refused.stdout)


install()
with tempfile.TemporaryDirectory() as place:
    folder = Path(place)
    folder.chmod(0o777)
    psql(f"CREATE DATABASE {DATABASE}")
    try:
        examine(folder)
    finally:
        for pooler in poolers:
            pooler.kill()
            pooler.wait()
        psql(f"DROP DATABASE {DATABASE} WITH (FORCE)")
print(f"outside: pooler: {passed} passed, {failed} failed")
raise SystemExit(1 if failed or not passed else 0)
