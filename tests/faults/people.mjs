// Generates files of fictitious people, including a known set of duplicates in varied spellings.

const FIRST =
  'Anna Ben Clara David Elena Felix Greta Hans Ines Jonas Katharina Lukas Maria Nils Olga Paul Quentin Rosa Stefan Tina Uwe ' +
  'Vera Wolfgang Xenia Yannick Zoe Mateusz Agnieszka Søren Björn Aarav Priya Chen Wei Fatima Omar John Mary Robert Patricia ' +
  'Michael Linda William Elizabeth Thomas Barbara Giulia Marco Sofia Alejandro';
const SYLLABLES =
  'ba be bi bo bu da de di do du fa fe ga ge ha he ka ke ki ko la le li lo ma me mi mo na ne ni no pa pe ra re ri ro sa se ' +
  'si so ta te ti to va ve wa we za zo stein berg mann ner ler sen son ski';
const KINDS = {
  shortened: 'same email address, abbreviated first name',
  case: 'same email address in upper case',
  profile: 'same LinkedIn profile, different email address',
  phone: 'same phone number and name, different email address',
  name: 'same name at the same company',
  order: 'same name at the same company, last name first',
  typo: 'name with a typo at the same company',
};
export const COLUMNS = ['First Name', 'Last Name', 'Email', 'Phone', 'Title', 'LinkedIn', 'Company', 'Website', 'City', 'Country'];

/** A seeded pseudorandom number generator (mulberry32), so that every run uses the same numbers. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Generates `rows` rows; about one row in `twice` duplicates an earlier row. `planted` maps duplicates to their kind. */
export function people(rows, twice = 20, seed = 7) {
  const random = dice(seed);
  const below = (most) => Math.floor(random() * most);
  const one = (list) => list[below(list.length)];
  const [firsts, syllables] = [FIRST.split(' '), SYLLABLES.split(' ')];
  const word = (least, most) => {
    const text = Array.from({ length: least + below(most - least + 1) }, () => one(syllables)).join('');
    return text[0].toUpperCase() + text.slice(1);
  };
  const plain = (text) => text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '').replace('ø', 'o');
  const companies = Array.from({ length: Math.max(1, Math.floor(rows / 10)) }, (_, number) => {
    const name = `${word(3, 3)} ${one(['Logistik', 'Trading', 'Software', 'Bau', 'Pharma', 'Energy', 'Foods'])}`;
    return { name: `${name} ${one(['GmbH', 'AG', 'Inc.', 'Ltd', ''])}`.trim(), domain: `${plain(name).replace(' ', '-')}-${number}.example` };
  });
  const typo = (text) => {
    const at = 1 + below(text.length - 2);
    const kind = below(3);
    if (kind === 0) return text.slice(0, at) + text.slice(at + 1);
    if (kind === 1) return text.slice(0, at) + text[at] + text.slice(at);
    return text.slice(0, at) + text[at + 1] + text[at] + text.slice(at + 2);
  };
  const list = [];
  const originals = [];
  const planted = new Map();
  const emails = new Set();
  while (list.length < rows) {
    const number = list.length;
    if (originals.length && below(twice) === 0) {
      const kind = one(Object.keys(KINDS));
      const { domain, slug, ...person } = one(originals);
      const other = (host) => Object.assign(person, { Email: `p${number}@${host}`, LinkedIn: '', Phone: '' });
      if (kind === 'shortened') person['First Name'] = `${person['First Name'][0]}.`;
      if (kind === 'case') person.Email = person.Email.toUpperCase();
      if (kind === 'profile') Object.assign(person, { Email: `p${number}@gmail.com`, LinkedIn: `http://de.linkedin.com/in/${slug}/?trk=1` });
      if (kind === 'phone') Object.assign(person, { Email: `p${number}@gmx.de`, LinkedIn: '' });
      if (['name', 'order', 'typo'].includes(kind)) other(domain);
      if (kind === 'typo') person['Last Name'] = typo(person['Last Name']);
      if (kind === 'order') [person['First Name'], person['Last Name']] = [person['Last Name'], person['First Name']];
      planted.set(number, kind);
      list.push(person);
      continue;
    }
    const [company, first, last] = [one(companies), one(firsts), word(2, 4)];
    const email = `${plain(first)}.${plain(last)}@${company.domain}`;
    if (emails.has(email)) continue;
    emails.add(email);
    const slug = `${plain(first)}-${plain(last)}-${number}`;
    const person = {
      'First Name': first, 'Last Name': last, Email: email, Phone: `+49 30 ${1_000_000 + number}`,
      Title: one(['CEO', 'Head of Sales', 'Buyer', 'CTO']), LinkedIn: `https://www.linkedin.com/in/${slug}`,
      Company: company.name, Website: `https://www.${company.domain}`, City: one(['Berlin', 'Köln', 'Wien']), Country: 'Germany',
    };
    list.push(person);
    originals.push({ ...person, domain: company.domain, slug });
  }
  const lines = list.map((person) => COLUMNS.map((column) => person[column]).join(','));
  return { csv: `${COLUMNS.join(',')}\n${lines.join('\n')}\n`, planted, kinds: KINDS };
}
