//! Stores: the programs of `crates/firesteel/tests/it/stores.rs` against real servers, each fetched once.

use super::checks::{Checks, Variables};
use super::server::{Server, free_port, request};
use super::{Trouble, folder};
use crate::process::{find_program, output};
use crate::{Fallible, workspace};
use std::path::PathBuf;
use std::process::Command;

/// The servers to fetch, in the versions that docs/storage.md names; Hadoop's is in `xtask/interop/pom.xml`.
const MOTO: &str = "moto[server]==5.2.5";
const AZURITE: &str = "azurite@3.35.0";
const AZURE_CLIENT: &str = "@azure/storage-blob@12.32.0";
const FAKE_GCS_SERVER: &str = "github.com/fsouza/fake-gcs-server@v1.56.1";

/// The account that every Azurite has.
const AZURITE_ACCOUNT: &str = "devstoreaccount1";

/// Its key, which is no secret: the emulator's documentation shows it.
const AZURITE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// A key of the right form that the server does not accept.
const WRONG_KEY: &str =
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";

fn program(name: &str) -> Result<PathBuf, Trouble> {
    find_program(name).ok_or_else(|| Trouble::Missing(format!("{name} is not installed")))
}

pub(super) fn s3(checks: &Checks) -> Result<(), Trouble> {
    let python = program("python3")?;
    let home = folder("moto")?;
    let moto = home.join("bin/moto_server");
    let mut environment = Command::new(python);
    let mut install = Command::new(home.join("bin/pip"));
    environment.args(["-m", "venv"]).arg(&home);
    install.args(["install", "--quiet", "--disable-pip-version-check", MOTO]);
    checks.fetch(&home, MOTO, &mut [&mut environment, &mut install])?;
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
    checks.run("written over s3a:, read over s3a: and http:", all)?;
    checks.run_shuffles(all)?;
    println!("SKIPPED with s3: wrong credentials, since this server lets everybody in");
    Ok(())
}

pub(super) fn azure(checks: &Checks) -> Result<(), Trouble> {
    let (node, npm) = (program("node")?, program("npm")?);
    let home = folder("azurite")?;
    let main = home.join("node_modules/azurite/dist/src/blob/main.js");
    let mut install = Command::new(npm);
    install.arg("--prefix").arg(&home).args(["install", "--no-audit", "--no-fund", AZURITE, AZURE_CLIENT]);
    checks.fetch(&home, &format!("{AZURITE} {AZURE_CLIENT}"), &mut [&mut install])?;
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
    output(&mut make)?;
    let known = [
        ("FIRESTEEL_STORE", "az://checks"),
        ("FIRESTEEL_STORE_MISSING", "az://no-such-container/out"),
        ("AZURE_STORAGE_ENDPOINT", &endpoint),
        ("AZURE_STORAGE_ACCOUNT_NAME", AZURITE_ACCOUNT),
        ("AZURE_STORAGE_ACCOUNT_KEY", AZURITE_KEY),
    ];
    checks.run("with the account's key", &known)?;
    checks.run_shuffles(&known)?;
    let mut stranger = known.to_vec();
    stranger.extend([("FIRESTEEL_STORE_STRANGER", "1"), ("AZURE_STORAGE_ACCOUNT_KEY", WRONG_KEY)]);
    checks.run("with a wrong key", &stranger)
}

pub(super) fn gcs(checks: &Checks) -> Result<(), Trouble> {
    let go = program("go")?;
    let home = folder("gcs")?;
    let mut install = Command::new(go);
    install.args(["install", FAKE_GCS_SERVER]).env("GOBIN", &home);
    checks.fetch(&home, FAKE_GCS_SERVER, &mut [&mut install])?;
    let port = free_port()?;
    let host = format!("127.0.0.1:{port}");
    let mut fake = Command::new(home.join("fake-gcs-server"));
    fake.args(["-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", &port.to_string()]);
    fake.args(["-public-host", &host]);
    let mut server = Server::start("fake-gcs-server", &mut fake)?;
    server.wait_for_port(port)?;
    made(&request(port, "POST", "/storage/v1/b", "{\"name\":\"checks\"}")?)?;
    let copy = format!("http://{host}/upload/storage/v1/b/checks/o?uploadType=media&name=");
    let variables = [
        ("FIRESTEEL_STORE_READS", "gs://checks"),
        ("FIRESTEEL_STORE_COPY", &copy),
        ("STORAGE_EMULATOR_HOST", &host),
    ];
    checks.run("copied there, listed and read over gs:", &variables)?;
    println!(
        "SKIPPED with gcs: saves, since this server has neither uploads in parts nor conditional writes at the addresses \
         that are written to (Google's has both); and a missing bucket, which it answers with status 500"
    );
    Ok(())
}

pub(super) fn hdfs(checks: &Checks) -> Result<(), Trouble> {
    let (java, maven) = (program("java")?, program("mvn")?);
    let home = folder("hdfs")?;
    let jars = home.join("jars");
    let pom = workspace::root().join("xtask/interop/pom.xml");
    let version = std::fs::read_to_string(&pom).map_err(|error| format!("{}: {error}", pom.display()))?;
    let mut copy = Command::new(maven);
    copy.args(["-q", "-B", "-f"]).arg(&pom).arg("dependency:copy-dependencies");
    copy.arg(format!("-DoutputDirectory={}", jars.display()));
    checks.fetch(&home, &version, &mut [&mut copy])?;
    let data = home.join("data");
    // The files of an earlier run.
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
    let owner = [("FIRESTEEL_STORE", store.as_str()), ("HADOOP_USER_NAME", "owner")];
    checks.run("as the owner", &owner)?;
    checks.run_shuffles(&owner)?;
    let stranger = [
        ("FIRESTEEL_STORE", store.as_str()),
        ("FIRESTEEL_STORE_STRANGER", "1"),
        ("HADOOP_USER_NAME", "guest"),
    ];
    checks.run("as a guest, who may not write", &stranger)
}

pub(super) fn http(checks: &Checks) -> Result<(), Trouble> {
    let go = program("go")?;
    let home = folder("http")?;
    let (server, files) = (home.join("web"), home.join("files"));
    let source = workspace::root().join("xtask/interop/web.go");
    let built = output(Command::new(go).args(["build", "-o"]).arg(&server).arg(source));
    built.map_err(|error| Trouble::Missing(format!("go does not build it: {error}")))?;
    // The files of an earlier run.
    let _ = std::fs::remove_dir_all(&files);
    std::fs::create_dir_all(&files).map_err(|error| format!("{}: {error}", files.display()))?;
    let port = free_port()?;
    let mut server = Server::start("http", Command::new(server).arg(&files).arg(port.to_string()))?;
    server.wait_for_port(port)?;
    let (files, address) = (files.to_string_lossy(), format!("http://127.0.0.1:{port}"));
    let variables = [("FIRESTEEL_STORE", files.as_ref()), ("FIRESTEEL_STORE_READS", &address)];
    checks.run("written to the local disk, read over http:", &variables)
}

/// Returns an error unless a server made what it was asked to make.
fn made(answer: &str) -> Fallible {
    if answer.contains(" 200 ") { Ok(()) } else { Err(format!("the bucket was not made: {answer}")) }
}
