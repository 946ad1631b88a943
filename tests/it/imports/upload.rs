//! Import files uploaded over HTTP.

use std::net::SocketAddr;

use engine::Role;
use serde_json::{Value, json};
use tests::{App, behaviours};

use super::{counts, people, work};
use crate::{
    access::{key, serve as guarded},
    http::{beside, send, serve},
};

behaviours![
    uploaded_file_is_previewed,
    inspected_file_is_not_stored,
    failed_rows_can_be_downloaded_and_imported_again,
    form_fields_set_import_options,
    invalid_uploads_are_rejected,
    cross_origin_uploads_are_rejected,
    uploads_require_write_permission,
    oversized_file_is_rejected,
];

const LIST: &str = "Name,Email,Company\nAda,ada@acme.example,Acme\nBob,bob@acme,Acme\n";

/// A multipart form with these fields. A field name may include further parameters: `file"; filename="leads.csv`.
fn form(fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    format!("{}--x--\r\n", fields.iter().map(field).collect::<String>())
}

const FORM: &str = "POST /imports HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x";
const FILE: &str = "file\"; filename=\"leads.csv";

async fn post(address: SocketAddr, head: &str, body: &str) -> (u16, Value) {
    let (status, head, body) = send(address, head, body).await;
    let answer = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{head}\n{body}"));
    (status, answer)
}

async fn uploaded_file_is_previewed(app: App) {
    beside(async {
        let address = serve(&app).await;
        let (status, mut answer) = post(address, FORM, &form(&[(FILE, LIST)])).await;
        let fields = answer.as_object_mut().unwrap().remove("fields").unwrap();
        let email = json!({ "name": "email", "description": "E-mail address." });
        assert!(fields.as_array().unwrap().contains(&email), "{fields}");
        assert_eq!(
            (status, answer),
            (201, json!({ "importJob": { "id": "ImportJob:1", "status": "PENDING", "totalRecords": 2 },
                "file": { "format": "CSV", "encoding": "UTF-8", "delimiter": ",", "columns": ["Name", "Email", "Company"],
                    "examples": [["Ada", "Bob"], ["ada@acme.example", "bob@acme"], ["Acme", "Acme"]] },
                "mapping": { "full_name": "Name", "email": "Email", "company": "Company" },
                "verdicts": { "CREATE": 1, "UPDATE": 0, "MERGE_CANDIDATE": 0, "SKIP": 0, "ERROR": 1 } }))
        );
        let job = app.data("{ importJob(id: 1) { name fileName } }").await;
        assert_eq!(job["importJob"], json!({ "name": "leads.csv", "fileName": "leads.csv" }));
        assert!(people(&app).await.is_empty());
    })
    .await;
}

async fn inspected_file_is_not_stored(app: App) {
    beside(async {
        let address = serve(&app).await;
        let list = "Wer;Wohin\nAda;ada@acme.example\n\nBob;bob@acme.example\nCleo;\nDan;dan@acme.example\n";
        // The columns are unknown, so the file can't be imported without a mapping.
        let (status, refused) = post(address, FORM, &form(&[(FILE, list)])).await;
        assert_eq!((status, &refused["errors"][0]["extensions"]["reason"]), (400, &json!("MAPPING_INVALID")));
        let fields = [("inspect", "true"), (FILE, list)];
        let (status, inspected) = post(address, FORM, &form(&fields)).await;
        assert_eq!(status, 201);
        assert_eq!(inspected["mapping"], json!({}));
        assert_eq!(inspected["file"]["columns"], json!(["Wer", "Wohin"]));
        assert_eq!(
            inspected["file"]["examples"],
            json!([["Ada", "Bob", "Cleo"], ["ada@acme.example", "bob@acme.example", "dan@acme.example"]])
        );
        assert_eq!(inspected["importJob"], Value::Null);
        let jobs = app.data("{ importJobs { totalCount } importRecords { totalCount } }").await;
        assert_eq!(jobs, json!({ "importJobs": { "totalCount": 0 }, "importRecords": { "totalCount": 0 } }));
    })
    .await;
}

async fn failed_rows_can_be_downloaded_and_imported_again(app: App) {
    beside(async {
        let address = serve(&app).await;
        let list = "Name,Email,Company,Note\nAda,ada@acme.example,Acme,\nBob,bob(at)acme,Acme,\"=1, \"\"x\"\"\"\n,,,\n\
                    Cleo,,Acme,y\nDan,dan@acme.example,Acme,\n";
        post(address, FORM, &form(&[("commit", "create"), (FILE, list)])).await;
        work(&app).await;
        assert_eq!(people(&app).await.len(), 2);
        let get = async |path: &str| send(address, &format!("GET {path} HTTP/1.1"), "").await;
        let (status, head, file) = get("/imports/1/failed.csv").await;
        assert_eq!(status, 200);
        let head = head.to_lowercase();
        assert!(head.contains("content-type: text/csv; charset=utf-8; header=present"), "{head}");
        assert!(head.contains("attachment; filename=\"import-1-failed.csv\""), "{head}");
        let lines = file.lines().filter(|line| line.contains(','));
        let body = lines.map(str::trim_end).collect::<Vec<_>>().join("\r\n") + "\r\n";
        assert_eq!(
            body,
            "Failed line,Failure reason,Name,Email,Company,Note\r\n\
             3,`bob(at)acme` is not an e-mail address,Bob,bob(at)acme,Acme,\"'=1, \"\"x\"\"\"\r\n\
             5,the row has no e-mail address,Cleo,,Acme,y\r\n"
        );
        // The corrected file can be imported: its first two columns are ignored.
        let corrected = body.replace("bob(at)acme,", "bob@acme.example,").replace("Cleo,,", "Cleo,cleo@acme.example,");
        let (_, answer) = post(address, FORM, &form(&[("commit", "create"), (FILE, &corrected)])).await;
        assert_eq!(answer["verdicts"]["CREATE"], 2, "{answer}");
        work(&app).await;
        assert_eq!(people(&app).await.len(), 4);
        let (_, _, none) = get("/imports/ImportJob:2/failed.csv").await;
        assert!(none.contains("Failed line") && !none.contains("Bob"), "{none}");
        for path in ["/imports/9/failed.csv", "/imports/Prospect:1/failed.csv", "/imports/x/failed.csv"] {
            let (_, _, body) = get(path).await;
            assert!(body.contains("ROW_NOT_FOUND"), "{path}: {body}");
        }
    })
    .await;
}

async fn form_fields_set_import_options(app: App) {
    beside(async {
        let address = serve(&app).await;
        let list = "Wer;Wohin;Tel\nJ\u{fc}rgen;j@acme.example;030 12345678\n";
        let fields = [
            ("name", "Fair"),
            ("map", "Wer=full_name"),
            ("map", "Wohin=email"),
            ("country", "de"),
            ("encoding", "utf-8"),
            ("delimiter", ";"),
            ("commit", "WAIT"),
            (FILE, list),
        ];
        let (status, answer) = post(address, FORM, &form(&fields)).await;
        assert_eq!(
            (status, &answer["importJob"]["status"]),
            (201, &json!("PROCESSING")),
            "{answer:#}"
        );
        work(&app).await;
        assert_eq!(counts(&app, 1).await.1, "COMPLETED");
        assert_eq!(
            people(&app).await,
            ["Jürgen | j@acme.example | +493012345678 | - | acme.example"]
        );
    })
    .await;
}

async fn invalid_uploads_are_rejected(app: App) {
    beside(async {
        let address = serve(&app).await;
        let json = "POST /imports HTTP/1.1\r\nContent-Type: application/json";
        let cut = format!("--x\r\nContent-Disposition: form-data; name=\"{FILE}\"\r\n\r\n{LIST}");
        for (head, body, expected, code, message) in [
            (json, "{}".to_owned(), 415, "UNSUPPORTED_MEDIA_TYPE", "multipart/form-data"),
            (FORM, form(&[]), 400, "BAD_REQUEST", "the field `file` is required"),
            (FORM, cut, 400, "BAD_REQUEST", "the form is invalid"),
            (FORM, form(&[(FILE, LIST), (FILE, LIST)]), 400, "BAD_REQUEST", "exactly one file"),
            (FORM, form(&[("files", LIST)]), 400, "BAD_REQUEST", "unknown field `files`"),
            (FORM, form(&[("map", "Name"), (FILE, LIST)]), 400, "BAD_REQUEST", "COLUMN=FIELD"),
            (FORM, form(&[("delimiter", "ab"), (FILE, LIST)]), 400, "BAD_REQUEST", "`delimiter`"),
            (
                FORM,
                form(&[("commit", "yes"), (FILE, LIST)]),
                400,
                "BAD_REQUEST",
                "wait, create, merge or skip",
            ),
            (
                FORM,
                form(&[("name", &"x".repeat(5_000)), (FILE, LIST)]),
                400,
                "BAD_REQUEST",
                "`name` exceeds the maximum length",
            ),
            (
                FORM,
                form(&[("inspect", "yes"), (FILE, LIST)]),
                400,
                "BAD_REQUEST",
                "`inspect` must be true or false",
            ),
            (FORM, form(&[(FILE, "")]), 400, "INVALID", "the file has no rows"),
            (
                FORM,
                form(&[(FILE, "A,B\n1,2\n")]),
                400,
                "INVALID",
                "can't detect the columns with names",
            ),
            (
                FORM,
                form(&[("country", "xx"), (FILE, LIST)]),
                400,
                "INVALID",
                "`country` must be a two-letter code",
            ),
            (
                "GET /imports HTTP/1.1",
                String::new(),
                405,
                "METHOD_NOT_ALLOWED",
                "upload a file by POST",
            ),
        ] {
            let (status, answer) = post(address, head, &body).await;
            let error = &answer["errors"][0];
            assert_eq!(
                (status, error["extensions"]["code"].as_str()),
                (expected, Some(code)),
                "{answer:#}"
            );
            let told = error["message"].as_str().unwrap();
            assert!(told.contains(message), "{told}");
        }
        let left = app.data("{ importJobs { totalCount } }").await;
        assert_eq!(left["importJobs"]["totalCount"], 0);
    })
    .await;
}

async fn cross_origin_uploads_are_rejected(app: App) {
    beside(async {
        let address = serve(&app).await;
        for (origin, expected) in [
            ("https://evil.example".to_owned(), 403),
            ("null".to_owned(), 403),
            (format!("http://{address}"), 201),
        ] {
            let head = format!("{FORM}\r\nOrigin: {origin}");
            let (status, answer) = post(address, &head, &form(&[(FILE, LIST)])).await;
            assert_eq!(status, expected, "{answer:#}");
        }
    })
    .await;
}

async fn uploads_require_write_permission(app: App) {
    beside(Box::pin(async {
        let (address, _) = guarded(&app).await;
        let (status, answer) = post(address, FORM, &form(&[(FILE, LIST)])).await;
        assert_eq!(
            (status, answer["errors"][0]["extensions"]["code"].as_str()),
            (401, Some("UNAUTHENTICATED"))
        );
        for (role, expected) in [(Role::Analyst, 403), (Role::Member, 201)] {
            let key = key(
                &app,
                app.organization,
                role,
                &format!("new-{}@example.com", role.name()),
                false,
            )
            .await;
            let head = format!("{FORM}\r\nAuthorization: Bearer {key}");
            let (status, answer) = post(address, &head, &form(&[(FILE, LIST)])).await;
            assert_eq!(status, expected, "{answer:#}");
        }
    }))
    .await;
}

async fn oversized_file_is_rejected(app: App) {
    beside(async {
        let address = serve(&app).await;
        let large = "x".repeat(100 * 1024 * 1024 + 1);
        let (status, answer) = post(address, FORM, &form(&[(FILE, &large)])).await;
        assert_eq!(
            (status, answer["errors"][0]["extensions"]["code"].as_str()),
            (413, Some("PAYLOAD_TOO_LARGE"))
        );
    })
    .await;
}
