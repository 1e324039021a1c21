//! Stores: the programs of `crates/firesteel/tests/stores.rs` against real servers, each fetched once.

use super::server::{Server, fetch, free_port, request};
use super::{Trouble, folder};
use crate::process::{cargo, find_program, run};
use crate::{Fallible, workspace};
use std::path::PathBuf;
use std::process::Command;

/// The account that every Azurite has.
const AZURITE_ACCOUNT: &str = "devstoreaccount1";

/// Its key, which is no secret: the emulator's documentation shows it.
const AZURITE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A key of the right form that opens nothing.
const WRONG_KEY: &str =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// Runs the programs with these variables set.
fn check(what: &str, variables: Variables<'_>) -> Result<(), Trouble> {
    println!("{what}");
    let mut command = cargo(&["test", "--quiet", "--package", "firesteel", "--test", "stores"]);
    for (name, value) in variables {
        command.env(name, value);
    }
    Ok(run(&mut command)?)
}

fn program(name: &str) -> Result<PathBuf, Trouble> {
    find_program(name).ok_or_else(|| Trouble::Missing(format!("{name} is not installed")))
}

pub(super) fn s3() -> Result<(), Trouble> {
    let python = program("python3")?;
    let home = folder("moto")?;
    let moto = home.join("bin/moto_server");
    if !moto.is_file() {
        fetch("python-environment", Command::new(python).args(["-m", "venv"]).arg(&home))?;
        fetch("moto", Command::new(home.join("bin/pip")).args(["install", "--quiet", "moto[server]"]))?;
    }
    let port = free_port()?;
    let mut server =
        Server::start("moto", Command::new(moto).args(["-H", "127.0.0.1", "-p", &port.to_string()]))?;
    server.wait_for_port(port)?;
    made(&request(port, "PUT", "/checks", "")?)?;
    let endpoint = format!("http://127.0.0.1:{port}");
    let (uploads, reads) = (format!("{endpoint}/checks?uploads"), format!("{endpoint}/checks"));
    let all: Variables<'_> = &[
        ("FIRESTEEL_STORE", "s3a://checks"),
        ("FIRESTEEL_STORE_MISSING", "s3://no-such-bucket/out"),
        ("FIRESTEEL_STORE_UPLOADS", &uploads),
        ("FIRESTEEL_STORE_READS", &reads),
        ("AWS_ENDPOINT_URL", &endpoint),
        ("AWS_ACCESS_KEY_ID", "key"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
        ("AWS_REGION", "us-east-1"),
    ];
    check("written over s3a:, read over s3a: and http:", all)?;
    println!("(wrong credentials are not tried: this server lets everybody in)");
    Ok(())
}

pub(super) fn azure() -> Result<(), Trouble> {
    let (node, npm) = (program("node")?, program("npm")?);
    let home = folder("azurite")?;
    let main = home.join("node_modules/azurite/dist/src/blob/main.js");
    if !main.is_file() {
        let packages = ["install", "--no-audit", "--no-fund", "azurite", "@azure/storage-blob"];
        fetch("azurite", Command::new(npm).arg("--prefix").arg(&home).args(packages))?;
    }
    let port = free_port()?;
    let mut azurite = Command::new(&node);
    azurite.arg(main).args([
        "--blobHost",
        "127.0.0.1",
        "--blobPort",
        &port.to_string(),
        "--skipApiVersionCheck",
    ]);
    azurite.arg("--inMemoryPersistence").current_dir(&home);
    let mut server = Server::start("azurite", &mut azurite)?;
    server.wait_for_port(port)?;
    let endpoint = format!("http://127.0.0.1:{port}/{AZURITE_ACCOUNT}");
    let connection = format!(
        "DefaultEndpointsProtocol=http;AccountName={AZURITE_ACCOUNT};AccountKey={AZURITE_KEY};BlobEndpoint={endpoint};"
    );
    let script = workspace::root().join("xtask/interop/make_container.js");
    let mut make = Command::new(node);
    make.arg(script).args([&connection, "checks"]).env("NODE_PATH", home.join("node_modules"));
    run(&mut make)?;
    let known = [
        ("FIRESTEEL_STORE", "az://checks"),
        ("FIRESTEEL_STORE_MISSING", "az://no-such-container/out"),
        ("AZURE_STORAGE_ENDPOINT", &endpoint),
        ("AZURE_STORAGE_ACCOUNT_NAME", AZURITE_ACCOUNT),
        ("AZURE_STORAGE_ACCOUNT_KEY", AZURITE_KEY),
    ];
    check("with the account's key", &known)?;
    let mut stranger = known.to_vec();
    stranger.extend([("FIRESTEEL_STORE_STRANGER", "1"), ("AZURE_STORAGE_ACCOUNT_KEY", WRONG_KEY)]);
    check("with a wrong key", &stranger)
}

pub(super) fn gcs() -> Result<(), Trouble> {
    let go = program("go")?;
    let home = folder("gcs")?;
    let binary = home.join("fake-gcs-server");
    if !binary.is_file() {
        let package = "github.com/fsouza/fake-gcs-server@latest";
        fetch("fake-gcs-server", Command::new(go).args(["install", package]).env("GOBIN", &home))?;
    }
    let port = free_port()?;
    let host = format!("127.0.0.1:{port}");
    let mut fake = Command::new(binary);
    fake.args(["-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", &port.to_string()]);
    fake.args(["-public-host", &host]);
    let mut server = Server::start("fake-gcs-server", &mut fake)?;
    server.wait_for_port(port)?;
    made(&request(port, "POST", "/storage/v1/b", "{\"name\":\"checks\"}")?)?;
    check(
        "without credentials, as this server wants them",
        &[
            ("FIRESTEEL_STORE", "gs://checks"),
            ("FIRESTEEL_STORE_MISSING", "gs://no-such-bucket/out"),
            ("STORAGE_EMULATOR_HOST", &host),
        ],
    )
}

pub(super) fn hdfs() -> Result<(), Trouble> {
    let (java, maven) = (program("java")?, program("mvn")?);
    let home = folder("hdfs")?;
    let jars = home.join("jars");
    let pom = workspace::root().join("xtask/interop/pom.xml");
    if !home.join("fetched").is_file() {
        let mut copy = Command::new(maven);
        copy.args(["-q", "-B", "-f"]).arg(pom).arg("dependency:copy-dependencies");
        fetch("hadoop", copy.arg(format!("-DoutputDirectory={}", jars.display())))?;
        std::fs::write(home.join("fetched"), "").map_err(|error| error.to_string())?;
    }
    let data = home.join("data");
    // What an earlier run left.
    let _ = std::fs::remove_dir_all(&data);
    let launcher = workspace::root().join("xtask/interop/MiniCluster.java");
    let mut cluster = Command::new(java);
    cluster.arg("-cp").arg(jars.join("*")).arg(launcher).arg(&data).current_dir(&home);
    let mut server = Server::start("hdfs", cluster.env("HADOOP_USER_NAME", "owner"))?;
    let port = server.wait_until(|log| {
        let said = std::fs::read_to_string(log).ok()?;
        said.lines().find_map(|line| line.strip_prefix("port ")).map(str::to_owned)
    })?;
    let store = format!("hdfs://127.0.0.1:{port}/checks");
    check("as the owner", &[("FIRESTEEL_STORE", &store), ("HADOOP_USER_NAME", "owner")])?;
    let stranger = [
        ("FIRESTEEL_STORE", store.as_str()),
        ("FIRESTEEL_STORE_STRANGER", "1"),
        ("HADOOP_USER_NAME", "guest"),
    ];
    check("as a guest, who may not write", &stranger)
}

/// Whether a server made what it was asked to make.
fn made(answer: &str) -> Fallible {
    if answer.contains(" 200 ") { Ok(()) } else { Err(format!("the bucket was not made: {answer}")) }
}
