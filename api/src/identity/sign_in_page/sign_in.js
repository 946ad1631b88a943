// The sign-in page. The part of the address after # chooses the form: an invitation or a password reset, with its token,
// or the first account of a server. Browsers do not send that part, so that no log contains the token.
const [mode, token] = location.hash.slice(1).split("=");
// The token does not stay in the history of the browser.
if (token) history.replaceState(null, "", location.pathname);

const forms = {
  "": {
    title: "Sign in",
    fields: ["email", "password"],
    path: "sign-in",
    body: ({ email, password }) => ({ email, password }),
    other: ["First account of this server", "#setup"],
    forgot: ["Forgot the password?", "#forgot"],
  },
  forgot: {
    title: "Request a new password",
    about: "If there is an account with this address, it receives a mail with a link, which is valid for one hour.",
    fields: ["email"],
    path: "sign-in/forgot",
    body: ({ email }) => ({ email }),
    done: "The request was received. Look into your mailbox.",
    other: ["Sign in", "#"],
  },
  verification: {
    title: "Confirm the e-mail address",
    fields: [],
    path: "sign-in/verification",
    body: () => ({ token }),
    done: "The e-mail address is confirmed.",
    other: ["Sign in", "#"],
  },
  setup: {
    title: "Create the first account",
    about: "The server has printed a setup code when it started.",
    fields: ["code", "email", "name", "password", "repeated"],
    path: "sign-in/setup",
    body: ({ code, email, name, password }) => ({ code, email, name, password }),
    other: ["Sign in", "#"],
  },
  invitation: {
    title: "Accept the invitation",
    about: "Choose a password of at least 12 characters. If you already have an account, enter its password.",
    fields: ["name", "password", "repeated"],
    path: "sign-in/invitation",
    body: ({ name, password }) => ({ token, name, password }),
  },
  reset: {
    title: "Choose a new password",
    about: "The password must have at least 12 characters. All your sessions will end.",
    fields: ["password", "repeated"],
    path: "sign-in/reset",
    body: ({ password }) => ({ token, password }),
  },
};

const form = document.getElementById("form");
const shown = forms[mode] ?? forms[""];
const isNew = shown.fields.includes("repeated");

function show(id, text) {
  const element = document.getElementById(id);
  element.textContent = text;
  element.hidden = !text;
}

document.getElementById("title").textContent = shown.title;
document.getElementById("submit").textContent = shown.title;
show("about", shown.about ?? "");
for (const name of shown.fields) document.getElementById(name).hidden = false;
form.elements.password.autocomplete = isNew ? "new-password" : "current-password";
form.elements[shown.fields[0] ?? "submit"].focus();
const sendsMail = document.documentElement.dataset.mail === "true";
for (const other of [sendsMail && shown.forgot, shown.other].filter(Boolean)) {
  const link = document.createElement("a");
  [link.textContent, link.href] = other;
  document.getElementById("other").append(link, " ");
}
addEventListener("hashchange", () => location.reload());

async function send() {
  const entered = Object.fromEntries(new FormData(form));
  if (isNew && entered.password !== entered.repeated) return show("error", "The passwords differ.");
  show("error", "");
  const answer = await fetch(shown.path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(shown.body(entered)),
  });
  if (answer.ok && shown.done) return show("done", shown.done);
  if (answer.ok) return location.assign("./");
  const { errors } = await answer.json();
  show("error", errors[0].message);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = document.getElementById("submit");
  button.disabled = true;
  try {
    await send();
  } catch {
    show("error", "The server does not answer; try again.");
  }
  button.disabled = false;
});
