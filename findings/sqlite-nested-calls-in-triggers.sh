#!/usr/bin/env bash
# SQLite before 3.46 accepts at most 28 nested function calls in a SELECT inside a trigger; 3.46 accepts far more.
# SQLite 3.46 creates a trigger with 30 calls without a warning. SQLite 3.45 then reports a malformed schema for every
# statement on every table of that file, as if the file were corrupt. Outside a trigger, 3.45 accepts the same calls.
# Exits with a non-zero status if any of these results changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 3.45.3.0 3.46.0.1; do
  python3 -m venv "$version"
  "$version/bin/pip" install --quiet --disable-pip-version-check "apsw==$version"
done
cat > write.py <<'PY'
import sys

import apsw

depth, file = int(sys.argv[1]), sys.argv[2]
text = "x.name"
for _ in range(depth):
    text = f"replace({text}, 'a', 'b')"
database = apsw.Connection(file)
database.execute("CREATE TABLE people (name TEXT); CREATE TABLE words (word TEXT)")
database.execute(
    "CREATE TRIGGER folded AFTER INSERT ON people BEGIN INSERT INTO words SELECT "
    f"{text} FROM (SELECT * FROM people WHERE rowid = NEW.rowid) x; END"
)
database.execute("INSERT INTO people VALUES ('ada')")
PY
cat > read.py <<'PY'
import sys

import apsw

text = "'a'"
for _ in range(30):
    text = f"replace({text}, 'a', 'b')"
plain = apsw.Connection(":memory:").execute(f"SELECT {text}").fetchall()
try:
    seen = apsw.Connection(sys.argv[1]).execute("SELECT count(*) FROM people").fetchall()
except apsw.Error as error:
    seen = str(error)
print(f"SQLite {apsw.sqlitelibversion()}: {seen}; 30 calls in a standalone SELECT: {plain}")
PY
3.46.0.1/bin/python write.py 28 few.db
3.46.0.1/bin/python write.py 30 many.db
{
  3.45.3.0/bin/python read.py few.db
  3.45.3.0/bin/python read.py many.db
  3.46.0.1/bin/python read.py many.db
} | tee seen
grep -c 'parser stack overflow' seen | grep -qx 1
[ "$(grep -c '\[(1,)\]' seen)" = 2 ]
