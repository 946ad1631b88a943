//! Files as they come: encodings, delimiters, formats, and what is wrong with them.

use rust_xlsxwriter::Workbook;
use service::{
    Error,
    ingest::list::{self, Opened, Options, file::Told},
};
use tests::plain;

plain![
    a_text_is_read_in_its_encoding,
    what_stands_between_cells_is_found_out,
    a_workbook_is_read,
    objects_on_lines_are_read,
    columns_are_mapped_by_hand,
    what_is_no_list_is_refused,
    rows_that_do_not_fit_are_told,
];

fn open(bytes: &[u8]) -> Opened {
    list::open(bytes, Options::default()).unwrap()
}

fn refused(bytes: &[u8], options: Options) -> String {
    match list::open(bytes, options) {
        Err(error @ Error::Invalid { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

const LIST: &str = "Name;E-Mail;Firma;Ort\nJürgen Groß;j.gross@mueller.example;Müller Söhne;Köln\n";

fn a_text_is_read_in_its_encoding() {
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
        assert_eq!(opened.list.encoding, encoding);
        assert_eq!(
            opened.list.rows,
            [["Jürgen Groß", "j.gross@mueller.example", "Müller Söhne", "Köln"]]
        );
        let mapped: Vec<_> = opened.mapping.columns(&opened.list.head).collect();
        assert_eq!(
            mapped,
            [("full_name", "Name"), ("email", "E-Mail"), ("location", "Ort"), ("company", "Firma")]
        );
    }
    // What can't be found out is told.
    let told = Told { encoding: Some("ibm866".to_owned()), delimiter: None };
    let cyrillic = b"Name,Email\n\x88\xa2\xa0\xad,ivan@a.example\n";
    let opened = list::open(cyrillic, Options { told, ..Options::default() }).unwrap();
    assert_eq!(opened.list.rows[0][0], "Иван");
}

fn what_stands_between_cells_is_found_out() {
    for delimiter in [',', ';', '\t', '|'] {
        let text = "Name,Email,Notes\n\"Ada\nLovelace\",ada@a.example,\"says \"\"hi\"\", and more\"\nBob,bob@a.example,\n"
            .replace("Name,Email,Notes", &["Name", "Email", "Notes"].join(&delimiter.to_string()))
            .replace("\",ada@a.example,\"", &format!("\"{delimiter}ada@a.example{delimiter}\""))
            .replace("Bob,bob@a.example,", &format!("Bob{delimiter}bob@a.example{delimiter}"));
        let opened = open(text.as_bytes());
        assert_eq!(opened.list.delimiter, Some(delimiter), "{text}");
        assert_eq!(
            opened.list.rows,
            [
                ["Ada\nLovelace", "ada@a.example", "says \"hi\", and more"],
                ["Bob", "bob@a.example", ""]
            ]
        );
    }
    let told = Told { delimiter: Some(':'), encoding: None };
    let options = Options { told, ..Options::default() };
    let opened = list::open(b"Name:Email\r\nAda:ada@a.example\r\n", options).unwrap();
    assert_eq!(opened.list.rows, [["Ada", "ada@a.example"]]);
    // LinkedIn writes notes in front of the head.
    let notes = "Notes:\n\"When exporting your connection data, you may notice that some are missing.\"\n\n\
                 First Name,Last Name,URL,Email Address,Company,Position,Connected On\n\
                 Ada,Lovelace,https://www.linkedin.com/in/ada,ada@a.example,Acme,CEO,01 Jan 2026\n";
    let opened = open(notes.as_bytes());
    assert_eq!(opened.list.head[0], "First Name");
    assert_eq!(opened.list.rows.len(), 1);
}

fn a_workbook_is_read() {
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
    assert_eq!(opened.list.format.name(), "XLSX");
    assert_eq!(opened.list.rows, [["Ada", "ada@a.example", "250"]]);
    let mapped: Vec<_> =
        opened.mapping.columns(&opened.list.head).map(|(field, _)| field).collect();
    assert_eq!(mapped, ["full_name", "email", "size"]);
    // A cell far away from all others.
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    sheet.write_string(0, 0, "Name").unwrap();
    sheet.write_string(1_048_575, 16_383, "x").unwrap();
    let told = refused(&book.save_to_buffer().unwrap(), Options::default());
    assert!(told.contains("more than 500 cells"), "{told}");
}

fn objects_on_lines_are_read() {
    let lines = "{\"name\": \"Ada\", \"email\": \"ada@a.example\", \"employees\": 12}\n\n{\"email\": \"bob@a.example\", \"name\": \"Bob\", \"tags\": [1]}\n";
    let opened = open(lines.as_bytes());
    assert_eq!(opened.list.format.name(), "NDJSON");
    let cell = |row: usize, name: &str| {
        let place = opened.list.head.iter().position(|known| known == name).unwrap();
        opened.list.rows[row][place].as_str()
    };
    assert_eq!((cell(0, "employees"), cell(1, "employees")), ("12", ""));
    assert_eq!((cell(1, "name"), cell(1, "tags")), ("Bob", "[1]"));
    let broken = refused(
        b"{\"name\": \"Ada\", \"email\": \"a@a.example\"}\n{\"name\": }\n",
        Options::default(),
    );
    assert!(broken.contains("line 2 is no JSON object"), "{broken}");
}

fn columns_are_mapped_by_hand() {
    let file = b"A,B,C,Name\nada@a.example,Ada,x,y\n";
    let message = refused(file, Options::default());
    assert!(message.contains("There are A, B, C, Name"), "{message}");
    let map = |pairs: &[(&str, &str)]| Options {
        map: pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        ..Options::default()
    };
    let opened =
        list::open(file, map(&[("a", "email"), ("B", "full_name"), ("Name", "")])).unwrap();
    let mapped: Vec<_> = opened.mapping.columns(&opened.list.head).collect();
    assert_eq!(mapped, [("full_name", "B"), ("email", "A")]);
    assert!(refused(file, map(&[("Z", "email")])).contains("there is no column `Z`"));
    assert!(
        refused(file, map(&[("A", "mail")]))
            .contains("there is no field `mail`; there are full_name")
    );
    // A name that stands twice in the head.
    let opened = open(b"Name,Email,Email\nAda,ada@a.example,other@a.example\n");
    assert_eq!(opened.list.head, ["Name", "Email", "Email (2)"]);
}

fn what_is_no_list_is_refused() {
    for (bytes, message) in [
        (&b""[..], "it has no rows"),
        (b"\n\n  \n", "it has no rows"),
        (b"PK\x03\x04 and so on", "it is a workbook that can't be read"),
        (b"Name,Email\n\0\0\0\0\0", "it is no text"),
    ] {
        let told = refused(bytes, Options::default());
        assert!(told.contains(message), "{told}");
    }
    let told = |encoding: Option<&str>| Options {
        told: Told { encoding: encoding.map(str::to_owned), delimiter: None },
        ..Options::default()
    };
    assert!(
        refused(LIST.as_bytes(), told(Some("klingon"))).contains("there is no encoding `klingon`")
    );
    let latin = b"Name,Email\nJ\xfcrgen,j@a.example\n";
    assert!(refused(latin, told(Some("utf-8"))).contains("it is not written in UTF-8"));
    let options = Options { country: Some("Germany".to_owned()), ..Options::default() };
    assert!(refused(LIST.as_bytes(), options).contains("`country` takes two letters"));
    let many = format!("Name,Email\n{}", "Ada,a@a.example\n".repeat(200_001));
    let told = refused(many.as_bytes(), Options::default());
    assert!(told.contains("more than the 200000 rows"), "{told}");
    // What would take all memory.
    let wide = format!("[{}]", "{\"a\":1},".repeat(500_000));
    assert!(refused(wide.as_bytes(), Options::default()).contains("more than 500 cells"));
    let short = format!("Name,Email{}\n{}", ",x".repeat(498), "a\n".repeat(200_000));
    assert!(refused(short.as_bytes(), Options::default()).contains("more than 20000000 cells"));
    let lines = format!("{{\"name\":1,\"email\":2}}\n{}", "{}\n".repeat(300_000));
    assert!(refused(lines.as_bytes(), Options::default()).contains("more than the 200000 rows"));
    let open = format!("Name,Email\n\"Ada,ada@a.example\n{}", "Bob,bob@a.example\n".repeat(300));
    let told = refused(open.as_bytes(), Options::default());
    assert!(
        told.contains("begins in line 2 has a cell of 300 lines: is a quotation mark not closed?"),
        "{told}"
    );
    let name = format!("{},Name,Email\n", "x".repeat(300));
    assert!(refused(name.as_bytes(), Options::default()).contains("longer than 255 characters"));
}

fn rows_that_do_not_fit_are_told() {
    let opened = open(b"Name,Email\nAda,ada@a.example,what,is,this\nBob\nCleo,cleo@a.example,,\n");
    assert_eq!(opened.list.too_long, [0]);
    assert_eq!(
        opened.list.rows,
        [["Ada", "ada@a.example"], ["Bob", ""], ["Cleo", "cleo@a.example"]]
    );
}
