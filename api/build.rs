//! Downloads the files of the GraphiQL page from their npm packages, at pinned versions and verified by hash, so that
//! the server depends on no other host. If npm is not available, the build continues with a warning: the page then
//! loads the same files from a CDN, verified by the same hashes.

use std::{
    env,
    fmt::Write as _,
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha384};

/// A file of the GraphiQL page.
struct Asset {
    package: &'static str,
    version: &'static str,
    path: &'static str,
    /// SHA-384 hash in base64, as in `integrity` attributes.
    hash: &'static str,
}

const ASSETS: [Asset; 6] = [
    Asset {
        package: "react",
        version: "18.3.1",
        path: "umd/react.production.min.js",
        hash: "DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z",
    },
    Asset {
        package: "react-dom",
        version: "18.3.1",
        path: "umd/react-dom.production.min.js",
        hash: "gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1",
    },
    Asset {
        package: "graphiql",
        version: "4.1.2",
        path: "graphiql.min.js",
        hash: "9XdHu7ajgGJziD4J1zNBKQ842Q/+zZfDv+ib1eMhZWBH6hPAs806x+Jbcf0yNO6B",
    },
    Asset {
        package: "graphiql",
        version: "4.1.2",
        path: "graphiql.min.css",
        hash: "1el1QShFBnnXTx9x/Cprg82hZWKt0ry29OAYIXt05swbi0KcZDFoj0CWguMpopJr",
    },
    Asset {
        package: "@graphiql/plugin-explorer",
        version: "4.0.6",
        path: "dist/index.umd.js",
        hash: "gXYG2RCFRuAiKUaKTbKxOVlvr0U9z0D/V/l5jdvRSH46vQ+9cpkG2d3ByiggUYvD",
    },
    Asset {
        package: "@graphiql/plugin-explorer",
        version: "4.0.6",
        path: "dist/style.css",
        hash: "XffIsImDMwexX8UM/Bg3tss0MZOeQmZcnHzk0avUrw9ff0IQ2g9j7QLA6m2lz5D0",
    },
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let Some(out) = env::var_os("OUT_DIR").map(PathBuf::from) else {
        println!("cargo:warning=OUT_DIR is not set");
        return;
    };
    let embedded = ASSETS.iter().try_for_each(|asset| fetch(asset, &out));
    if let Err(reason) = &embedded {
        println!(
            "cargo:warning=the GraphiQL page will load its files from a CDN, because the files could not \
             be embedded: {reason}"
        );
    }
    let mut listing = String::from("&[\n");
    for asset in &ASSETS {
        let name = file_name(asset);
        let bytes = if embedded.is_ok() {
            format!("Some(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\")))")
        } else {
            "None".to_owned()
        };
        let url = format!(
            "https://cdn.jsdelivr.net/npm/{}@{}/{}",
            asset.package, asset.version, asset.path
        );
        let _ = writeln!(
            listing,
            "Asset {{ name: {name:?}, url: {url:?}, integrity: \"sha384-{}\", bytes: {bytes} }},",
            asset.hash
        );
    }
    listing.push(']');
    if let Err(error) = fs::write(out.join("graphiql_assets.rs"), listing) {
        println!("cargo:warning=can't write the list of assets: {error}");
    }
}

/// The name of the file on the page.
fn file_name(asset: &Asset) -> &'static str {
    match asset.path {
        "dist/index.umd.js" => "explorer.js",
        "dist/style.css" => "explorer.css",
        path => path.rsplit('/').next().unwrap_or(path),
    }
}

fn fetch(asset: &Asset, out: &Path) -> Result<(), String> {
    let target = out.join(file_name(asset));
    if fs::read(&target).is_ok_and(|bytes| hash(&bytes) == asset.hash) {
        return Ok(());
    }
    let package = format!("{}@{}", asset.package, asset.version);
    let npm = Command::new("npm")
        .args(["pack", &package, "--silent", "--ignore-scripts", "--fetch-retries=1"])
        .arg("--fetch-timeout=30000")
        .arg("--pack-destination")
        .arg(out)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| format!("npm: {error}"))?;
    if !npm.status.success() {
        return Err(format!("npm can't download {package}"));
    }
    // The archive of a scoped package: `@graphiql/plugin-explorer` is packed into `graphiql-plugin-explorer-….tgz`.
    let packed = asset.package.trim_start_matches('@').replace('/', "-");
    let archive = out.join(format!("{packed}-{}.tgz", asset.version));
    let file =
        fs::File::open(&archive).map_err(|error| format!("{}: {error}", archive.display()))?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let wanted = Path::new("package").join(asset.path);
    let entries = archive.entries().map_err(|error| format!("{package}: {error}"))?;
    for entry in entries {
        let mut entry = entry.map_err(|error| format!("{package}: {error}"))?;
        if entry.path().is_ok_and(|path| path == wanted) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(|error| format!("{package}: {error}"))?;
            if hash(&bytes) != asset.hash {
                return Err(format!(
                    "{package}: the hash of {} differs from the expected hash",
                    asset.path
                ));
            }
            return fs::write(&target, bytes).map_err(|error| format!("{package}: {error}"));
        }
    }
    Err(format!("{package} does not contain {}", asset.path))
}

fn hash(bytes: &[u8]) -> String {
    STANDARD.encode(Sha384::digest(bytes))
}
