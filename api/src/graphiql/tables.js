// Converts the result of an operation that the server can't export as a table to CSV: one table for each list and for
// each object that is not part of a row. Fields of to-one relations are columns of their own, as `company.name`; lists
// within a row are JSON text.

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const rowsIn = (value) => value.nodes ?? value.edges?.map((edge) => edge.node ?? edge);

// Adds the tables of a value of the result.
function collect(name, value, tables) {
  if (Array.isArray(value)) {
    const rows = value.filter((row) => row !== null);
    if (rows.length) tables.push({ name, rows: rows.map((row) => (isObject(row) ? row : { [name]: row })) });
  } else if (isObject(value)) {
    const { nodes, edges, groups, ...rest } = value;
    const rows = rowsIn(value);
    // Beside rows, these describe the page.
    if (rows || groups) for (const key of ["totalCount", "pageInfo"]) delete rest[key];
    if (rows) collect(name, rows, tables);
    if (groups) collect(rows ? `${name}.groups` : name, groups, tables);
    const lists = Object.entries(rest).filter(([, below]) => Array.isArray(below) && below.some(isObject));
    for (const [key, below] of lists) {
      collect(`${name}.${key}`, below, tables);
      delete rest[key];
    }
    if (Object.keys(rest).length) tables.push({ name: rows || groups ? `${name}.total` : name, rows: [rest] });
  } else if (value !== null) {
    tables.push({ name, rows: [{ [name]: value }] });
  }
}

// The cells of a row by column name.
function cells(row, prefix = "", into = {}) {
  for (const [key, value] of Object.entries(row)) {
    const rows = isObject(value) ? rowsIn(value) ?? value.groups?.nodes : undefined;
    if (rows) into[prefix + key] = JSON.stringify(rows);
    else if (isObject(value)) cells(value, `${prefix}${key}.`, into);
    else if (Array.isArray(value)) into[prefix + key] = value.some((one) => typeof one === "object") ? JSON.stringify(value) : value.join("; ");
    // A share is a percentage, as in the server's CSV.
    else if (typeof value === "number" && key.endsWith("Rate")) into[prefix + key] = `${(value * 100).toFixed(1)}%`;
    else into[prefix + key] = value;
  }
  return into;
}

// A cell according to RFC 4180. An apostrophe keeps spreadsheets from treating text as a formula, as in the server's CSV.
function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "string") return String(value);
  const signs = "=+\\-@\uff1d\uff0b\uff0d\uff20";
  let text = value.replace(new RegExp(`(?<=[,;\t|\n])(?=[${signs}])`, "g"), "'");
  if (new RegExp(`^(?:[\t\r\n]|[\\s\u00ad\u180e\u200b-\u200f\u2060\ufeff]*[${signs}])`).test(text)) text = `'${text}`;
  return /[",\r\n]|^ | $/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// The tables of a result: file names and CSV text.
function csvTables(data) {
  const tables = [];
  for (const [name, value] of Object.entries(data)) collect(name, value, tables);
  return tables.map(({ name, rows }) => {
    const flat = rows.map((row) => cells(row));
    const columns = [...new Set(flat.flatMap((row) => Object.keys(row)))];
    const lines = [columns.map(cell), ...flat.map((row) => columns.map((column) => cell(row[column])))];
    return { name: `${name}.csv`, text: lines.map((line) => `${line.join(",") || '""'}\r\n`).join("") };
  });
}
