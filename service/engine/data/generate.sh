#!/usr/bin/env bash
# Generates data tables from pinned public packages: the names of countries (Unicode CLDR in Babel, ISO 3166-1 in
# pycountry), mailbox providers (npm), and the expected phone numbers of the tests (phonenumbers). Requires Python 3
# with pip, and npm. Run it to update the tables, and review the diff.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check babel==2.19.0 pycountry==26.2.16 phonenumbers==9.0.43
npm install --silent --ignore-scripts --no-save --prefix "$work" free-email-domains@1.12.6 freemail@1.7.0 email-providers@2.26.0
"$work/venv/bin/python" countries.py >countries.tsv
"$work/venv/bin/python" mailbox_providers.py "$work/node_modules" >mailbox-providers.txt
"$work/venv/bin/python" phone_numbers.py >../../../tests/it/data/phone-numbers.tsv
