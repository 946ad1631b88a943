"""Generates the names of all countries (ISO 3166-1): codes, then names, the English name first. A name that two
countries use in different languages belongs to the one whose English or native name it is; if ambiguous, to neither."""

from collections import defaultdict

import pycountry
from babel import Locale
from babel.core import get_global

# Languages of localized CRM exports, and other languages that are used in address books.
LANGUAGES = """en de fr es it pt nl pl cs sk sl hr sr sr_Latn bs hu ro bg el tr da sv nb fi et lv lt uk ru ja zh zh_Hant ko
ar he hi id ms th vi ca ga is mt sq mk ka hy az kk fa""".split()
# Names that address books use in addition to those in CLDR.
MORE = {
    "GB": ["UK", "U.K.", "Great Britain", "Britain", "England", "Scotland", "Wales", "Northern Ireland",
           "Grossbritannien", "Großbritannien"],
    "US": ["USA", "U.S.A.", "U.S.", "America", "United States of America"],
    "NL": ["Holland", "The Netherlands"],
    "CZ": ["Czech Republic", "Tschechische Republik"],
    "KR": ["Korea", "Republic of Korea", "Korea, Republic of", "Südkorea"],
    "KP": ["DPRK"],
    "RU": ["Russian Federation"],
    "SK": ["Slovak Republic"],
    "BY": ["Belorussia"],
    "CI": ["Ivory Coast"],
    "CD": ["DR Congo", "DRC"],
    "CG": ["Republic of the Congo", "Congo"],
    "MM": ["Burma"],
    "MK": ["Macedonia", "FYROM"],
    "SZ": ["Swaziland"],
    "CV": ["Cape Verde"],
    "TL": ["East Timor"],
    "VA": ["Holy See", "Vatican"],
    "PS": ["Palestine"],
    "TW": ["Taiwan"],
    "HK": ["Hong Kong", "Hongkong"],
    "MO": ["Macau", "Macao"],
    "AE": ["UAE", "U.A.E.", "Emirates", "VAE"],
    "SA": ["KSA"],
    "CH": ["Swiss"],
    "TR": ["Turkey", "Türkiye"],
    "XK": ["Kosovo"],
    "IE": ["Eire", "Republic of Ireland"],
    "DE": ["BRD"],
}

codes = sorted({country.alpha_2 for country in pycountry.countries} | {"XK"})
alpha3 = {country.alpha_2: country.alpha_3 for country in pycountry.countries} | {"XK": "XKX"}


def own_languages(code):
    languages = get_global("territory_languages").get(code, {})
    return [name for name, told in languages.items() if told.get("official_status") or told.get("population_percent", 0) > 20]


def name(language, code):
    try:
        return Locale.parse(language).territories.get(code)
    except Exception:
        return None


names = {}
strong = defaultdict(set)
for code in codes:
    country = pycountry.countries.get(alpha_2=code)
    first = [name("en", code)] + MORE.get(code, [])
    if country is not None:
        first += [country.name, getattr(country, "common_name", None), getattr(country, "official_name", None)]
    first += [name(language, code) for language in own_languages(code)]
    first = [one for one in dict.fromkeys(first) if one]
    rest = [name(language, code) for language in LANGUAGES]
    names[code] = (first, [one for one in dict.fromkeys(rest) if one and one not in first])
    for one in first:
        strong[one.casefold()].add(code)
weak = defaultdict(set)
for code, (_, rest) in names.items():
    for one in rest:
        weak[one.casefold()].add(code)

print("# ISO 3166-1 codes and the names of countries, from Unicode CLDR (Babel 2.19.0) and ISO 3166-1 (pycountry 26.2.16).")
print("# Written by generate.sh.")
for code in codes:
    first, rest = names[code]
    kept = [one for one in first if len(strong[one.casefold()]) == 1 or one == first[0]]
    kept += [one for one in rest if not strong[one.casefold()] and len(weak[one.casefold()]) == 1]
    print("\t".join([code, alpha3[code], *kept]))
