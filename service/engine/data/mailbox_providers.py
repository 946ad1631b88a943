"""Generates the domains of public mailbox providers: those in at least two of three public lists and a few more,
without the domains of companies whose customers use another domain."""

import json
import sys
from pathlib import Path

modules = Path(sys.argv[1])
lists = [
    set(json.loads((modules / "free-email-domains/domains.json").read_text())),
    set((modules / "freemail/data/free.txt").read_text().split()),
    set(json.loads((modules / "email-providers/all.json").read_text())),
]
MORE = """tutanota.com tutanota.de tutamail.com tuta.com tuta.io keemail.me mailbox.org posteo.de posteo.net hispeed.ch
sunrise.ch internet.ru hey.com proton.me pm.me duck.com mailo.com chello.at kabelbw.de kabelmail.de unity-mail.de
vodafonemail.de magenta.de zohomail.com zohomail.eu fastmail.fm hanmail.net gmx.ch gmx.li gmx.eu gmx.info gmx.biz bluewin.ch
icloud.com xs4all.nl yandex.kz yandex.by yandex.ua passport.net skynet.be proximus.be ntlworld.com blueyonder.co.uk
virginmedia.com talktalk.net sina.cn vip.qq.com vip.163.com 139.com 189.cn aliyun.com outlook.at outlook.ch
outlook.dk outlook.cz outlook.pt hotmail.at hotmail.ch hotmail.fi hotmail.hu hotmail.pt runbox.com disroot.org riseup.net
ok.de email.de freenet.de arcor.de t-online.de online.de web.de mein.gmx""".split()
# Customers of the first three use cox.net, comcast.net and charter.net; the others sell e-mail or are corporate groups.
COMPANIES = {"cox.com", "comcast.com", "charter.com", "example.com", "example.org", "example.net", "terra.com", "bol.com",
             "orange.com", "att.com", "verizon.com"}
domains = set()
for domain in set().union(*lists):
    if sum(domain in one for one in lists) >= 2:
        domains.add(domain.strip().lower())
domains |= set(MORE)
domains -= COMPANIES
print("# Domains at which everybody can have a mailbox, from free-email-domains 1.12.6 (MIT), freemail 1.7.0 (ISC) and")
print("# email-providers 2.26.0 (ISC): those that two of the three have. Written by generate.sh.")
for domain in sorted(domains):
    if domain and "." in domain and domain.isascii():
        print(domain)
