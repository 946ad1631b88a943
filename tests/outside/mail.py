"""Mail through a real SMTP server on loopback: STARTTLS, TLS, authentication, retries, and what is refused."""

import email.policy
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from email import message_from_bytes
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

BINARY = os.environ["SALESGRAPH_BINARY"]
PASSWORD = "correct horse battery"
passed = failed = 0


def check(name, holds, seen=""):
    global passed, failed
    if holds:
        passed += 1
    else:
        failed += 1
        print(f"  FAILED {name}: {seen}"[:1500])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certificates(folder):
    """An authority and a certificate of the mail server."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=folder, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2",
            "-subj", "/CN=test authority")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    (folder / "names").write_text("subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "server.pem", "-extfile", "names")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context


class Mailbox:
    """Accepts mails, after as many temporary rejections as wanted."""

    def __init__(self):
        self.mails, self.busy, self.users, self.encrypted = [], 0, [], []

    def authenticate(self, server, session, envelope, mechanism, data):
        self.users.append(data.login.decode())
        # `handled` would mean that the response was already sent.
        return AuthResult(success=data.login == b"ann@relay" and data.password == b"relay secret", handled=False)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("unknown@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.busy:
            self.busy -= 1
            return "451 4.7.1 try again later"
        self.encrypted.append(server.transport.get_extra_info("ssl_object") is not None)
        self.mails.append(message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


class Implicit(Controller):
    """A server that begins with TLS."""

    def __init__(self, handler, context, **options):
        super().__init__(handler, ssl_context=context, **options)


def smtp(mailbox, context, kind):
    options = {"hostname": "localhost", "port": free_port()}
    if kind == "plain":
        controller = Controller(mailbox, **options)
    else:
        options |= {"authenticator": mailbox.authenticate, "auth_required": True}
        if kind == "starttls":
            controller = Controller(mailbox, tls_context=context, require_starttls=True, **options)
        else:
            controller = Implicit(mailbox, context, auth_require_tls=False, **options)
    controller.start()
    return controller


def start(folder, *options, wait=True, **environment):
    port = free_port()
    # Links begin with this address, which the clients below use, too.
    command = [BINARY, "--database", f"sqlite:{folder}/{port}.db", "serve", "--no-demo", "--listen", f"127.0.0.1:{port}", *options]
    names = ("DATABASE_URL", "SALESGRAPH_LISTEN")
    inherited = {name: value for name, value in os.environ.items() if name not in names}
    log = open(folder / f"{port}.log", "w")
    server = subprocess.Popen(command, stdout=log, stderr=log, env=inherited | environment)
    if wait:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
    return server, f"http://127.0.0.1:{port}", folder / f"{port}.log"


def send(url, body, **headers):
    own = {"Content-Type": "application/json", "Origin": "/".join(url.split("/")[:3])}
    request = urllib.request.Request(url, json.dumps(body).encode(), own | headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def invite(url, address):
    query = "mutation($email: String!) { inviteMember(input: { email: $email, role: ADMIN }) { link isMailed userErrors { reason } } }"
    return send(f"{url}/graphql", {"query": query, "variables": {"email": address}})[1]["data"]["inviteMember"]


def arrived(mailbox, number, seconds=15):
    until = time.monotonic() + seconds
    while len(mailbox.mails) < number and time.monotonic() < until:
        time.sleep(0.05)
    return mailbox.mails[number - 1] if len(mailbox.mails) >= number else None


def link(mail):
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    found = re.search(r"https://sales\.example/sign-in#(\w+)=(\S+)", text)
    check("both texts have the link", found and found.group(0) in html, text)
    return found.groups() if found else (None, None)


def works(folder, context, kind):
    mailbox = Mailbox()
    server = smtp(mailbox, context, kind)
    scheme = "smtps" if kind == "tls" else "smtp"
    user = "" if kind == "plain" else "ann%40relay@"
    options = ["--smtp", f"{scheme}://{user}localhost:{server.port}", "--mail-from", "Sales <sales@sales.example>",
               "--public-url", "https://sales.example", "--local-user"]
    options += ["--smtp-tls", "none"] if kind == "plain" else ["--smtp-ca", str(folder / "ca.pem")]
    product, url, log = start(folder, *options, SALESGRAPH_SMTP_PASSWORD="relay secret")
    try:
        invited = invite(url, "bo@sales.example")
        check(f"{kind}: the link is mailed", invited == {"link": None, "isMailed": True, "userErrors": []}, invited)
        mail = arrived(mailbox, 1)
        check(f"{kind}: the mail arrives", mail is not None, log.read_text()[-500:])
        if mail is None:
            return
        check(f"{kind}: encryption", mailbox.encrypted == [kind != "plain"], mailbox.encrypted)
        check(f"{kind}: user", mailbox.users == ([] if kind == "plain" else ["ann@relay"]), mailbox.users)
        check(f"{kind}: headers", (str(mail["From"]), str(mail["To"]), mail["Auto-Submitted"]) ==
              ("Sales <sales@sales.example>", "bo@sales.example", "auto-generated"), mail.items())
        purpose, token = link(mail)
        check(f"{kind}: purpose", purpose == "invitation", purpose)
        origin = {"Origin": "https://sales.example"}
        status, _ = send(f"{url}/sign-in/invitation", {"token": token, "name": "Bo", "password": PASSWORD}, **origin)
        check(f"{kind}: the invitation is accepted", status == 200, status)
        for address in ("bo@sales.example", "nobody@sales.example"):
            answer = send(f"{url}/sign-in/forgot", {"email": address}, **origin)
            check(f"{kind}: a reset is requested", answer == (202, {}), answer)
        mail = arrived(mailbox, 2)
        purpose, token = link(mail) if mail else (None, None)
        check(f"{kind}: the reset arrives", purpose == "reset", purpose)
        reset = {"token": token, "password": "another long password"}
        status, _ = send(f"{url}/sign-in/reset", reset, **origin)
        check(f"{kind}: the password is changed", status == 200, status)
        time.sleep(1.5)
        check(f"{kind}: nothing goes to an unknown address", len(mailbox.mails) == 2, len(mailbox.mails))
        text = log.read_text()
        secrets = [token, "relay secret"]
        check(f"{kind}: the log has no secret", not any(secret in text for secret in secrets), text[-500:])
    finally:
        product.send_signal(signal.SIGTERM)
        product.wait()
        server.stop()


def fails(folder, context):
    mailbox = Mailbox()
    mailbox.busy = 1
    server = smtp(mailbox, context, "starttls")
    sender = ["--mail-from", "sales@sales.example", "--public-url", "https://sales.example", "--local-user"]
    known = ["--smtp", f"smtp://ann%40relay@localhost:{server.port}", *sender]
    for name, password, extra, expected in [
        ("a temporary rejection", "relay secret", ["--smtp-ca", str(folder / "ca.pem")], "the mail server answered 451"),
        ("a wrong password", "wrong", ["--smtp-ca", str(folder / "ca.pem")], "the mail server answered 535"),
        ("an unknown authority", "relay secret", [], "connection to the mail server failed"),
    ]:
        product, url, log = start(folder, *known, *extra, SALESGRAPH_SMTP_PASSWORD=password)
        try:
            invite(url, "bo@sales.example")
            until = time.monotonic() + 10
            while expected not in log.read_text() and time.monotonic() < until:
                time.sleep(0.05)
            check(name, expected in log.read_text(), log.read_text()[-500:])
        finally:
            product.kill()
            product.wait()
    check("nothing was delivered", not mailbox.mails, mailbox.mails)
    product, url, log = start(folder, *known, "--smtp-ca", str(folder / "ca.pem"), SALESGRAPH_SMTP_PASSWORD="relay secret")
    invite(url, "unknown@sales.example")
    until = time.monotonic() + 10
    while "answered 550" not in log.read_text() and time.monotonic() < until:
        time.sleep(0.05)
    check("a rejected recipient fails", "could not be sent" in log.read_text(), log.read_text()[-500:])
    product.kill()
    product.wait()
    server.stop()
    # A server that accepts connections and says nothing.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        options = ["--smtp", f"smtp://localhost:{silent.getsockname()[1]}", "--smtp-tls", "none", *sender]
        product, url, log = start(folder, *options)
        invite(url, "bo@sales.example")
        until = time.monotonic() + 45
        while "in time" not in log.read_text() and time.monotonic() < until:
            time.sleep(0.2)
        check("a silent server times out", "did not answer in time" in log.read_text(), log.read_text()[-500:])
        product.kill()
        product.wait()
    for name, options, expected in [
        ("no public address", ["--smtp", "smtp://localhost", "--mail-from", "a@b.example"], "--public-url"),
        ("no encryption to another machine", ["--smtp", "smtp://mail.example", "--smtp-tls", "none", *sender], "on this machine only"),
    ]:
        product, _, log = start(folder, *options, wait=False)
        try:
            status = product.wait(timeout=20)
        except subprocess.TimeoutExpired:
            product.kill()
            status = None
        check(name, status not in (0, None) and expected in log.read_text(), (status, log.read_text()[-300:]))


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    context = certificates(folder)
    for kind in ("starttls", "tls", "plain"):
        works(folder, context, kind)
    fails(folder, context)
print(f"outside: mail: {passed} passed, {failed} failed")
raise SystemExit(failed > 0)
