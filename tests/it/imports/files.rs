//! File parsing: encodings, delimiters, formats and errors.

use engine::Error;
use rust_xlsxwriter::Workbook;
use service::imports::{self, Options, ParsedFile, file::FileOptions};
use tests::plain;

plain![
    text_encoding_is_detected,
    delimiter_is_detected,
    workbook_is_parsed,
    json_objects_are_parsed,
    rows_keep_their_line_numbers,
    columns_can_be_mapped_explicitly,
    invalid_files_are_rejected,
    rows_with_extra_cells_are_reported,
    unclosed_quotation_marks_are_reported,
    sheet_with_contacts_is_selected,
    mac_encoding_is_detected,
];

fn open(bytes: &[u8]) -> ParsedFile {
    imports::open(bytes, Options::default()).unwrap()
}

fn refused(bytes: &[u8], options: Options) -> String {
    match imports::open(bytes, options) {
        Err(error @ Error::Invalid { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

const LIST: &str = "Name;E-Mail;Firma;Ort\nJürgen Groß;j.gross@mueller.example;Müller Söhne;Köln\n";

fn text_encoding_is_detected() {
    let utf_16: Vec<u8> =
        [0xff, 0xfe].into_iter().chain(LIST.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let latin: Vec<u8> = LIST.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let mut marked = vec![0xef, 0xbb, 0xbf];
    marked.extend_from_slice(LIST.as_bytes());
    for (bytes, encoding) in [
        (LIST.as_bytes(), "UTF-8"),
        (marked.as_slice(), "UTF-8"),
        (utf_16.as_slice(), "UTF-16LE"),
        (latin.as_slice(), "windows-1252"),
    ] {
        let opened = open(bytes);
        assert_eq!(opened.file.list.encoding, encoding);
        assert_eq!(
            opened.file.list.rows,
            [["Jürgen Groß", "j.gross@mueller.example", "Müller Söhne", "Köln"]]
        );
        let mapped: Vec<_> = opened.file.mapping.columns(&opened.file.list.head).collect();
        assert_eq!(
            mapped,
            [("full_name", "Name"), ("email", "E-Mail"), ("location", "Ort"), ("company", "Firma")]
        );
    }
    // An encoding that cannot be detected must be specified.
    let file = FileOptions { encoding: Some("ibm866".to_owned()), delimiter: None, sheet: None };
    let cyrillic = b"Name,Email\n\x88\xa2\xa0\xad,ivan@a.example\n";
    let opened = imports::open(cyrillic, Options { file, ..Options::default() }).unwrap();
    assert_eq!(opened.file.list.rows[0][0], "Иван");
}

fn delimiter_is_detected() {
    for delimiter in [',', ';', '\t', '|'] {
        let text = "Name,Email,Notes\n\"Ada\nLovelace\",ada@a.example,\"says \"\"hi\"\", and more\"\nBob,bob@a.example,\n"
            .replace("Name,Email,Notes", &["Name", "Email", "Notes"].join(&delimiter.to_string()))
            .replace("\",ada@a.example,\"", &format!("\"{delimiter}ada@a.example{delimiter}\""))
            .replace("Bob,bob@a.example,", &format!("Bob{delimiter}bob@a.example{delimiter}"));
        let opened = open(text.as_bytes());
        assert_eq!(opened.file.list.delimiter, Some(delimiter), "{text}");
        assert_eq!(
            opened.file.list.rows,
            [
                ["Ada\nLovelace", "ada@a.example", "says \"hi\", and more"],
                ["Bob", "bob@a.example", ""]
            ]
        );
    }
    let file = FileOptions { delimiter: Some(':'), ..FileOptions::default() };
    let options = Options { file, ..Options::default() };
    let opened = imports::open(b"Name:Email\r\nAda:ada@a.example\r\n", options).unwrap();
    assert_eq!(opened.file.list.rows, [["Ada", "ada@a.example"]]);
    // LinkedIn exports contain notes above the header row.
    let notes = "Notes:\n\"When exporting your connection data, you may notice that some are missing.\"\n\n\
                 First Name,Last Name,URL,Email Address,Company,Position,Connected On\n\
                 Ada,Lovelace,https://www.linkedin.com/in/ada,ada@a.example,Acme,CEO,01 Jan 2026\n";
    let opened = open(notes.as_bytes());
    assert_eq!(opened.file.list.head[0], "First Name");
    assert_eq!(opened.file.list.rows.len(), 1);
}

fn workbook_is_parsed() {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Empty").unwrap();
    let sheet = book.add_worksheet();
    for (row, cells) in
        [["Name", "Email", "Employees"], ["Ada", "ada@a.example", ""]].iter().enumerate()
    {
        for (column, cell) in cells.iter().enumerate() {
            let (row, column) = (u32::try_from(row).unwrap(), u16::try_from(column).unwrap());
            sheet.write_string(row, column, *cell).unwrap();
        }
    }
    sheet.write_number(1, 2, 250.0).unwrap();
    let opened = open(&book.save_to_buffer().unwrap());
    assert_eq!(opened.file.list.format.name(), "XLSX");
    assert_eq!(opened.file.list.rows, [["Ada", "ada@a.example", "250"]]);
    let mapped: Vec<_> =
        opened.file.mapping.columns(&opened.file.list.head).map(|(field, _)| field).collect();
    assert_eq!(mapped, ["full_name", "email", "employee_count"]);
    // A workbook with one cell far away from all other cells.
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "Name").unwrap();
    sheet.write_string(1_048_575, 16_383, "x").unwrap();
    let told = refused(&book.save_to_buffer().unwrap(), Options::default());
    assert!(told.contains("more than 500 cells"), "{told}");
}

fn json_objects_are_parsed() {
    let lines = "{\"name\": \"Ada\", \"email\": \"ada@a.example\", \"employees\": 12}\n\n{\"email\": \"bob@a.example\", \"name\": \"Bob\", \"tags\": [1]}\n";
    let opened = open(lines.as_bytes());
    assert_eq!(opened.file.list.format.name(), "NDJSON");
    let cell = |row: usize, name: &str| {
        let place = opened.file.list.head.iter().position(|known| known == name).unwrap();
        opened.file.list.rows[row][place].as_str()
    };
    assert_eq!((cell(0, "employees"), cell(1, "employees")), ("12", ""));
    assert_eq!((cell(1, "name"), cell(1, "tags")), ("Bob", "1"));
    // Nested objects, and arrays with several values.
    let nested = "[{\"name\": {\"first\": \"Nj\", \"last\": \"Two\"}, \"email\": [\"nj2@nj.example\", \"x@nj.example\"], \"company\": [\"A\", \"B\"],\n\
        \"phones\": [{\"type\": \"work\", \"value\": \"+49 30 12345678\"}]}]";
    let opened = open(nested.as_bytes());
    let cell = |name: &str| {
        let place = opened.file.list.head.iter().position(|known| known == name).unwrap();
        opened.file.list.rows[0][place].as_str()
    };
    assert_eq!((cell("name.first"), cell("company")), ("Nj", "A; B"));
    assert_eq!(
        (cell("email"), cell("phones")),
        ("nj2@nj.example; x@nj.example", "+49 30 12345678")
    );
    let mapped: Vec<_> =
        opened.file.mapping.columns(&opened.file.list.head).map(|(field, _)| field).collect();
    assert_eq!(mapped, ["first_name", "last_name", "email", "phone", "company"]);
    let broken = refused(
        b"{\"name\": \"Ada\", \"email\": \"a@a.example\"}\n{\"name\": }\n",
        Options::default(),
    );
    assert!(broken.contains("line 2 is not a JSON object"), "{broken}");
}

fn rows_keep_their_line_numbers() {
    let csv = "Notes:,,\n\n\"Exported by\nAda\",,\nName,Email,Company\n\nAda,ada@a.example,\"A\nB\"\n,,\n\n\nBob,bob@a.example,A\r\nCleo,c@a.example,A";
    let opened = open(csv.as_bytes());
    assert_eq!(opened.file.list.rows.len(), 3, "{:?}", opened.file.list.rows);
    assert_eq!(opened.file.list.lines, [7, 12, 13]);
    let old_mac = "Name,Email\rAda,a@a.example\r\rBob,b@b.example\r";
    assert_eq!(open(old_mac.as_bytes()).file.list.lines, [2, 4]);
    let lines = "\n{\"name\": \"Ada\", \"email\": \"a@a.example\"}\n\n{\"name\": \"Bob\", \"email\": \"b@a.example\"}";
    assert_eq!(open(lines.as_bytes()).file.list.lines, [2, 4]);
    let array = "[{\"name\": \"Ada\", \"email\": \"a@a.example\"}]";
    assert_eq!(open(array.as_bytes()).file.list.lines, [0]);
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    for (row, cells) in
        [(1, ["Name", "Email"]), (4, ["Ada", "a@a.example"]), (9, ["Bob", "b@a.example"])]
    {
        for (column, cell) in [0, 1].into_iter().zip(cells) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    assert_eq!(open(&book.save_to_buffer().unwrap()).file.list.lines, [5, 10]);
}

fn columns_can_be_mapped_explicitly() {
    let file = b"A,B,C,Name\nada@a.example,Ada,x,y\n";
    let message = refused(file, Options::default());
    assert!(message.contains("among A, B, C, Name"), "{message}");
    let map = |pairs: &[(&str, &str)]| Options {
        map: pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        ..Options::default()
    };
    let opened =
        imports::open(file, map(&[("a", "email"), ("B", "full_name"), ("Name", "")])).unwrap();
    let mapped: Vec<_> = opened.file.mapping.columns(&opened.file.list.head).collect();
    assert_eq!(mapped, [("full_name", "B"), ("email", "A")]);
    assert!(refused(file, map(&[("Z", "email")])).contains("unknown column `Z`"));
    assert!(
        refused(file, map(&[("A", "mail")]))
            .contains("unknown field `mail`; the fields are full_name")
    );
    // The header row contains the same column name twice.
    let opened = open(b"Name,Email,Email\nAda,ada@a.example,other@a.example\n");
    assert_eq!(opened.file.list.head, ["Name", "Email", "Email (2)"]);
}

fn invalid_files_are_rejected() {
    for (bytes, message) in [
        (&b""[..], "the file has no rows"),
        (b"\n\n  \n", "the file has no rows"),
        (b"PK\x03\x04 and so on", "the workbook can't be read"),
        (b"Name,Email\n\0\0\0\0\0", "is not text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and so on", "XLS"),
        (b"PK\x03\x04\x14\0\0\x08\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0mimetypeapplication/vnd", "ODS"),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "vCard"),
        (b"%PDF-1.7", "a PDF"),
        (b"<!doctype html><table>", "HTML"),
        (b"Name,Email,Company\nA,a@a.example,\"Open\nB,b@b.example,X\n", "opened in line 2 is never closed"),
        (b"[{\"name\": \"Ada\"}, 1]", "not an array of JSON objects"),
    ] {
        let told = refused(bytes, Options::default());
        assert!(told.contains(message), "{told}");
    }
    let told = |encoding: Option<&str>| Options {
        file: FileOptions { encoding: encoding.map(str::to_owned), ..FileOptions::default() },
        ..Options::default()
    };
    assert!(refused(LIST.as_bytes(), told(Some("klingon"))).contains("unknown encoding `klingon`"));
    let latin = b"Name,Email\nJ\xfcrgen,j@a.example\n";
    assert!(refused(latin, told(Some("utf-8"))).contains("is not valid UTF-8"));
    let options = Options { country: Some("Germany".to_owned()), ..Options::default() };
    assert!(refused(LIST.as_bytes(), options).contains("`country` must be a two-letter code"));
    let many = format!("Name,Email\n{}", "Ada,a@a.example\n".repeat(200_001));
    let told = refused(many.as_bytes(), Options::default());
    assert!(told.contains("more than the maximum of 200000 rows"), "{told}");
    // Files that would exhaust memory.
    let wide = format!("x{}", ",x".repeat(500_000));
    assert!(refused(wide.as_bytes(), Options::default()).contains("more than 500 cells"));
    let many = format!("[{{\"name\":1}}{}]", ",{}".repeat(300_000));
    assert!(
        refused(many.as_bytes(), Options::default())
            .contains("more than the maximum of 200000 rows")
    );
    let short = format!("Name,Email{}\n{}", ",x".repeat(498), "a\n".repeat(200_000));
    assert!(refused(short.as_bytes(), Options::default()).contains("more than 20000000 cells"));
    let lines = format!("{{\"name\":1,\"email\":2}}\n{}", "{}\n".repeat(300_000));
    assert!(
        refused(lines.as_bytes(), Options::default())
            .contains("more than the maximum of 200000 rows")
    );
    let open =
        format!("Name,Email\n\"Ada,ada@a.example\n{}\",x\n", "Bob,bob@a.example\n".repeat(300));
    let told = refused(open.as_bytes(), Options::default());
    assert!(
        told.contains(
            "begins in line 2 has a cell with 300 line breaks; check for an unclosed quotation mark"
        ),
        "{told}"
    );
    let name = format!("{},Name,Email\n", "x".repeat(300));
    assert!(refused(name.as_bytes(), Options::default()).contains("more than 255 characters"));
}

fn rows_with_extra_cells_are_reported() {
    let opened = open(b"Name,Email\nAda,ada@a.example,what,is,this\nBob\nCleo,cleo@a.example,,\n");
    let faults: Vec<_> =
        opened.file.list.faults.iter().map(|(row, fault)| (*row, fault.message())).collect();
    assert_eq!(faults, [(0, "the row has more cells than the header row (2)".to_owned())]);
    assert_eq!(
        opened.file.list.rows,
        [["Ada", "ada@a.example"], ["Bob", ""], ["Cleo", "cleo@a.example"]]
    );
}

/// An unclosed quotation mark would silently drop the rows after it.
fn unclosed_quotation_marks_are_reported() {
    let opened = open(
        b"Name,Email,Company\nA,a@a.example,\"Open\nB,b@a.example,X\nC,c@a.example,\"Firm, Inc\"\nD,d@a.example,\"Two\nlines\"\n\"E\" F,e@a.example,X\n",
    );
    let faults: Vec<_> =
        opened.file.list.faults.iter().map(|(row, fault)| (*row, fault.message())).collect();
    assert_eq!(
        faults,
        [
            (0, "lines 2 to 4 form a single cell that looks like several rows: check for an unclosed quotation mark".to_owned()),
            (2, "in line 7, text follows a closing quotation mark".to_owned()),
        ]
    );
}

fn book(sheets: &[(&str, bool, &[&[&str]])]) -> Vec<u8> {
    let mut book = Workbook::new();
    for (name, hidden, rows) in sheets {
        let sheet = book.add_worksheet();
        sheet.set_name(*name).unwrap();
        // By default the first sheet is the active sheet, and the active sheet cannot be hidden.
        sheet.set_hidden(*hidden).set_active(!*hidden);
        for (row, cells) in rows.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                let (row, column) = (u32::try_from(row).unwrap(), u16::try_from(column).unwrap());
                sheet.write_string(row, column, *cell).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

fn sheet_with_contacts_is_selected() {
    let people: &[&[&str]] = &[&["Name", "Email", "Company"], &["Ada", "ada@a.example", "A"]];
    let hidden: &[&[&str]] = &[&["Name", "Email"], &["Old", "old@a.example"]];
    let cover: &[&[&str]] = &[&["Quarterly report"], &["by Sales"]];
    let file = book(&[
        ("Lists", true, hidden),
        ("Cover", false, cover),
        ("Contacts", false, people),
        ("More", false, people),
    ]);
    let opened = open(&file);
    let sheets = opened.file.list.sheets.clone().unwrap();
    assert_eq!(
        (sheets.read.as_str(), sheets.others),
        ("Contacts", ["Lists", "Cover", "More"].map(str::to_owned).to_vec())
    );
    assert_eq!(opened.file.list.rows, [["Ada", "ada@a.example", "A"]]);
    let named = |sheet: &str| Options {
        file: FileOptions { sheet: Some(sheet.to_owned()), ..FileOptions::default() },
        ..Options::default()
    };
    let opened = imports::open(&file, named("Lists")).unwrap();
    assert_eq!(opened.file.list.rows, [["Old", "old@a.example"]]);
    let message = refused(&file, named("Nope"));
    assert_eq!(
        message,
        "the workbook has no sheet `Nope`; its sheets are Lists, Cover, Contacts, More"
    );
    assert!(refused(LIST.as_bytes(), named("Lists")).contains("allowed only for workbooks (XLSX)"));
    let none = book(&[("Lists", true, hidden), ("Empty", false, &[])]);
    assert!(refused(&none, Options::default()).contains("no visible rows"));
}

fn mac_encoding_is_detected() {
    // The text `Jürgen Groß, Zoë` in the Mac OS Roman encoding.
    let mac = b"Name,Email,Company\nJ\x9frgen Gro\xa7,j@a.example,M\x9fller\nZo\x91 \x80da,z@a.example,A\n";
    let opened = open(mac);
    assert_eq!(opened.file.list.encoding, "macintosh");
    assert_eq!(opened.file.list.rows[0], ["Jürgen Groß", "j@a.example", "Müller"]);
    assert_eq!(opened.file.list.rows[1][0], "Zoë Äda");
}
