// The mapping of the columns of a file to fields, which can be changed before the import.

function ImportMapping({ preview, busy, onApply }) {
  const { file, fields, mapping } = preview;
  const detected = (column) => Object.keys(mapping).find((field) => [mapping[field]].flat().includes(column)) ?? "";
  const [chosen, setChosen] = React.useState({});
  const changed = Object.entries(chosen).filter(([column, field]) => field !== detected(column));
  const options = [h("option", { key: "", value: "" }, "(ignore)"),
    ...fields.map(({ name, description }) => h("option", { key: name, value: name, title: description }, name))];
  const rows = file.columns.map((column, place) => {
    const choose = (event) => setChosen({ ...chosen, [column]: event.target.value });
    const select = h("select", { "aria-label": `Field of ${column}`, value: chosen[column] ?? detected(column), disabled: busy, onChange: choose }, options);
    const examples = h("div", { className: "salesgraph-examples" }, file.examples[place].join(", "));
    return h("tr", { key: place }, h("td", null, column, examples), h("td", null, select));
  });
  const heads = h("tr", null, ["Column", "Field"].map((text) => h("th", { key: text, scope: "col" }, text)));
  return h("section", { "aria-label": "Column mapping" }, h("h3", null, "Column mapping"),
    h("table", null, h("thead", null, heads), h("tbody", null, rows)),
    button("Apply mapping", () => onApply(changed), busy || !changed.length));
}
