#!/usr/bin/env bash
# sea-orm-cli 2.0.4 generates a wrong relation for a foreign key with two columns on Postgres if the referenced columns
# have a unique index but no unique constraint, which Postgres accepts: `to` lists each referenced column twice, in
# another order than `from`. With a unique constraint on the same columns, the relation is correct. A multi-tenant schema
# has such keys, for example (tenant_id, parent_id).
# Needs PostgreSQL server programs (Debian: postgresql) and cargo. Exits with a non-zero status if the result changes.
set -euo pipefail
folder=$(mktemp -d)
chmod 755 "$folder"
programs=$(dirname "$(ls /usr/lib/postgresql/*/bin/initdb | tail -1)")
run() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
stop() {
  [ ! -d "$folder/cluster/data" ] || run "$programs/pg_ctl" -D "$folder/cluster/data" -m fast stop >/dev/null || true
  rm -rf "$folder"
}
trap stop EXIT
mkdir "$folder/cluster"
[ "$(id -u)" != 0 ] || chown postgres "$folder/cluster"
run "$programs/initdb" -D "$folder/cluster/data" -A trust -U owner >/dev/null
port=25871
run "$programs/pg_ctl" -D "$folder/cluster/data" -w -l "$folder/cluster/log" \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=''" start >/dev/null
url=postgres://owner@127.0.0.1:$port/postgres
psql "$url" --quiet <<'SQL'
CREATE TABLE parents (id bigint PRIMARY KEY, tenant_id bigint NOT NULL);
CREATE UNIQUE INDEX ON parents (tenant_id, id);
CREATE TABLE owners (id bigint PRIMARY KEY, tenant_id bigint NOT NULL, UNIQUE (tenant_id, id));
CREATE TABLE children (
  id bigint PRIMARY KEY, tenant_id bigint NOT NULL, parent_id bigint NOT NULL,
  FOREIGN KEY (tenant_id, parent_id) REFERENCES parents (tenant_id, id)
);
CREATE TABLE notes (
  id bigint PRIMARY KEY, tenant_id bigint NOT NULL, owner_id bigint NOT NULL,
  FOREIGN KEY (tenant_id, owner_id) REFERENCES owners (tenant_id, id)
);
SQL
cd "$folder"
cargo install sea-orm-cli --version 2.0.4 --locked --quiet --no-default-features \
  --features cli,codegen,runtime-tokio-rustls,sqlx-postgres --root tool --target-dir target
tool/bin/sea-orm-cli --version
tool/bin/sea-orm-cli generate entity --database-url "$url" --output-dir entities --entity-format dense \
  --with-prelude none >/dev/null
result=$(grep -h -E '^ +(from|to) = ' entities/children.rs entities/notes.rs | sed 's/^ *//')
echo "$result"
[ "$result" = 'from = "(tenant_id, parent_id)",
to = "(id, tenant_id, id, tenant_id)",
from = "(tenant_id, owner_id)",
to = "(tenant_id, id)",' ]
