#!/usr/bin/env bash
# The Rust crate phonenumber 0.3.10 fails to parse some national numbers. It removes the trunk prefix 8 of Russia and
# Belarus twice if the number itself begins with 8 (freephone numbers), and mistakes the first digits of a Rwandan
# national number for the calling code 250. It then reports the numbers as invalid. Google's library (phonenumbers
# 9.0.43) keeps these digits if the number is valid with them. The Russian number fails in international format too.
# Exits with a non-zero status if any of these results changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check phonenumbers==9.0.43
cat > Cargo.toml <<'TOML'
[package]
name = "reading"
version = "0.0.0"
edition = "2021"

[dependencies]
phonenumber = "=0.3.10"

[workspace]
TOML
mkdir src
cat > src/main.rs <<'RS'
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let number = phonenumber::parse(pair[0].parse().ok(), &pair[1]);
        let valid = number.ok().filter(phonenumber::is_valid);
        let text = valid.map(|number| number.format().mode(phonenumber::Mode::E164).to_string());
        println!("{} {}: {}", pair[0], pair[1], text.as_deref().unwrap_or("not valid"));
    }
}
RS
cat > reading.py <<'PY'
import sys

import phonenumbers

arguments = sys.argv[1:]
for country, text in zip(arguments[::2], arguments[1::2]):
    number = phonenumbers.parse(text, country)
    valid = phonenumbers.is_valid_number(number)
    form = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    print(f"{country} {text}: {form if valid else 'not valid'}")
PY
numbers=(RU "8 (800) 123-45-67" BY "8 801 123 4567" RW "250 123 456" RU "+7 800 123-45-67" RW "+250 250 123 456")
echo "phonenumber 0.3.10:"
CARGO_TARGET_DIR="$folder/target" cargo run --quiet -- "${numbers[@]}" | tee crate
echo "phonenumbers 9.0.43:"
python/bin/python reading.py "${numbers[@]}" | tee google
diff crate - <<'TXT'
RU 8 (800) 123-45-67: not valid
BY 8 801 123 4567: not valid
RW 250 123 456: not valid
RU +7 800 123-45-67: not valid
RW +250 250 123 456: +250250123456
TXT
diff google - <<'TXT'
RU 8 (800) 123-45-67: +78001234567
BY 8 801 123 4567: +3758011234567
RW 250 123 456: +250250123456
RU +7 800 123-45-67: +78001234567
RW +250 250 123 456: +250250123456
TXT
