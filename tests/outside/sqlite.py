"""Access to the database file from other programs: Python's sqlite3 module and, if installed, the sqlite3 shell. With
SQLite 3.40 (Debian 12), both can read every table except the two full-text search tables and copy the file; a write
fails with a clear error."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

# Virtual tables with options that SQLite before 3.43 does not support.
FULL_TEXT = {"search_documents", "search_names"}
passed = failed = 0


def check(name, holds, seen=""):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"  FAILED {name}: {seen}"[:1500])


def tables(file):
    with sqlite3.connect(file) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
                for name in names if name not in FULL_TEXT}


def examine(folder):
    file = folder / "salesgraph.db"
    binary = os.environ["SALESGRAPH_BINARY"]
    seeded = subprocess.run([binary, "--database", f"sqlite:{file}", "seed"], capture_output=True, text=True)
    check("seed succeeds", seeded.returncode == 0, seeded.stderr)
    counts = tables(file)
    check("every table is readable", counts.get("prospects", 0) > 0 and len(counts) > 30, counts)
    saved = subprocess.run([binary, "--database", f"sqlite:{file}", "backup", str(folder / "saved.db")],
                           capture_output=True, text=True)
    check("backup succeeds", saved.returncode == 0, saved.stderr)
    in_backup = tables(folder / "saved.db")
    check("the backup is readable", in_backup.get("prospects") == counts["prospects"], in_backup)
    with sqlite3.connect(file) as database:
        for action in ["UPDATE prospects SET full_name = full_name || 'x' WHERE id = 1",
                       "DELETE FROM outreach_drafts WHERE id = 1"]:
            try:
                database.execute(action)
                # SQLite versions that support the options can write, and the search index is updated.
                check("a write succeeds only on supported versions", sqlite3.sqlite_version_info >= (3, 45), action)
            except sqlite3.OperationalError as error:
                told = "contentless_delete" in str(error) or "tokenizer" in str(error)
                check("the error states why the write failed", told, error)
            database.rollback()
    shell = shutil.which("sqlite3")
    if shell is None:
        print("  skipped: the sqlite3 shell is not installed")
        return
    run = lambda *command: subprocess.run([shell, *command], capture_output=True, text=True)
    schema = run(str(file), ".schema")
    check(".schema succeeds", "search_prospects_changed" in schema.stdout, schema.stderr)
    copy = run(str(file), f".backup '{folder / 'copy.db'}'")
    check(".backup succeeds", copy.returncode == 0, copy.stderr)
    check("the copy is complete", tables(folder / "copy.db") == counts)
    count = run(str(file), "SELECT count(*) FROM interactions")
    check("the row count matches", count.stdout.strip() == str(counts["interactions"]), count.stderr)


with tempfile.TemporaryDirectory() as place:
    examine(Path(place))
print(f"outside: sqlite: {passed} passed, {failed} failed")
raise SystemExit(1 if failed or not passed else 0)
