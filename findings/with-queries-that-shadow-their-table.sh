#!/usr/bin/env bash
# A common table expression with the name of the table that it reads shadows the table in Postgres: inside the expression,
# the name still means the table, as the expression is not recursive. SQLite reports a circular reference for the same
# statement, although it is not recursive there either; with the schema in front of the inner name, SQLite accepts it and
# returns the same rows. Exits with a non-zero status if any of these results changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv sqlite
sqlite/bin/pip install --quiet --disable-pip-version-check apsw==3.46.0.1
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @electric-sql/pglite@0.5.17 >/dev/null
cat > sqlite.py <<'PY'
import apsw

database = apsw.Connection(":memory:")
database.execute("CREATE TABLE people (name TEXT, owner INTEGER); INSERT INTO people VALUES ('ada', 1), ('bob', 2)")
for inner in ("people", "main.people"):
    try:
        sql = f"WITH people AS (SELECT * FROM {inner} WHERE owner = 1) SELECT name FROM people"
        print(apsw.sqlite_lib_version(), inner, database.execute(sql).fetchall())
    except apsw.SQLError as error:
        print(apsw.sqlite_lib_version(), inner, error)
PY
cat > postgres.mjs <<'JS'
import { PGlite } from "@electric-sql/pglite";

const database = new PGlite();
await database.exec("CREATE TABLE people (name text, owner int); INSERT INTO people VALUES ('ada', 1), ('bob', 2)");
const { rows: [{ server_version }] } = await database.query("SHOW server_version");
const { rows } = await database.query("WITH people AS (SELECT * FROM people WHERE owner = 1) SELECT name FROM people");
console.log(server_version, "people", JSON.stringify(rows));
JS
sqlite=$(sqlite/bin/python sqlite.py)
postgres=$(node postgres.mjs)
printf 'SQLite %s\n' "${sqlite//$'\n'/$'\nSQLite '}"
printf 'Postgres %s\n' "$postgres"
grep -qx "3.46.0 people SQLError: circular reference: people" <<<"$sqlite"
grep -qx "3.46.0 main.people \[('ada',)\]" <<<"$sqlite"
grep -q 'people \[{"name":"ada"}\]$' <<<"$postgres"
