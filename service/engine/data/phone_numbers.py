"""Phone numbers of all regions and types in 21 notations, each as Google's library reads it (phonenumbers): region, type,
notation, text, E.164 (empty: not valid), extension."""

import phonenumbers as numbers
from phonenumbers import PhoneNumberFormat as Format
from phonenumbers import PhoneNumberType as Type


def notations(number):
    e164 = numbers.format_number(number, Format.E164)
    international = numbers.format_number(number, Format.INTERNATIONAL)
    national = numbers.format_number(number, Format.NATIONAL)
    significant = numbers.national_significant_number(number)
    code = str(number.country_code)
    yield "E.164", e164
    yield "international", international
    yield "00", "00" + e164[1:]
    yield "00 spaced", "00" + international[1:]
    yield "(0)", f"+{code} (0){significant}"
    yield "national", national
    yield "national digits", "".join(filter(str.isdigit, national))
    yield "significant digits", significant
    yield "code and digits", code + significant
    yield "dots", international.replace(" ", ".").replace("-", ".")
    yield "slash", national.replace(" ", "/", 1)
    yield "no-break spaces", international.replace(" ", "\u00a0")
    yield "no-break space and hyphen", international.replace(" ", "\u00a0", 1).replace(" ", "-")
    yield "en dashes", international.replace(" ", "\u2013").replace("-", "\u2013")
    yield "full-width", "".join(chr(0xFF10 + int(c)) if c.isdigit() else c for c in national)
    yield "parentheses", f"({national})"
    yield "RFC 3966", numbers.format_number(number, Format.RFC3966)
    yield "ext.", international + " ext. 12"
    yield "x", national + " x12"
    yield "apostrophe", "'" + e164
    yield "with +", "+" + code + significant


print("# " + __doc__.replace("\n", " "))
for region in sorted(numbers.SUPPORTED_REGIONS):
    for kind in Type.values():
        number = numbers.example_number_for_type(region, kind)
        if number is None:
            continue
        for name, text in notations(number):
            try:
                read = numbers.parse(text, region)
                valid = numbers.is_valid_number(read)
                told = (numbers.format_number(read, Format.E164), read.extension or "") if valid else ("", "")
            except numbers.NumberParseException:
                told = ("", "")
            print("\t".join([region, str(kind), name, text, *told]))
