//! The configuration of an agent, from wherever it comes: the pipe of the process that has started it, or a file that a
//! cluster manager has put on this host.
//!
//! One file serves many agents: names, hosts and directories that differ between them are variables of their
//! environment, `${NAME}`, which the manager sets. A host that is empty is the address from which this machine reaches
//! the driver.

use firesteel_protocol::handshake::{AGENT_VARIABLE, AgentConfig, LogFiles};
use std::io::{self, BufRead};
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::thread;

/// The value of [`AGENT_VARIABLE`] by which an agent reads its configuration from its standard input. Any other is the
/// path of a file.
const FROM_PARENT: &str = "1";

/// Reads an agent's configuration: a line of JSON.
///
/// # Errors
/// When it is none.
pub fn read_config(from: &mut impl BufRead) -> Result<AgentConfig, String> {
    let mut line = String::new();
    from.read_line(&mut line)
        .map_err(|error| format!("no configuration of an executor can be read: {error}"))?;
    serde_json::from_str(&line).map_err(|error| format!("this is no configuration of an executor: {error}"))
}

/// Reads the configuration of this process, which was started as an agent: from its standard input or from a file, as
/// the value of [`AGENT_VARIABLE`] says.
///
/// # Errors
/// When there is none, or when it names a variable that is not set.
pub fn own_config(told: &str) -> Result<AgentConfig, String> {
    match told {
        FROM_PARENT => config_from_parent(),
        file => config_from_file(Path::new(file)),
    }
}

/// Reads an agent's configuration from standard input. The process that has started this one holds the other end, and this one ends with
/// it.
fn config_from_parent() -> Result<AgentConfig, String> {
    let config = read_config(&mut io::stdin().lock())?;
    let watch = || {
        // The parent writes nothing more: reading ends when the parent does.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        std::process::exit(1);
    };
    let watched = thread::Builder::new().name("firesteel-parent".into()).spawn(watch);
    watched.map(|_| config).map_err(|error| error.to_string())
}

fn config_from_file(file: &Path) -> Result<AgentConfig, String> {
    let text = std::fs::read(file).map_err(|error| {
        format!(
            "{AGENT_VARIABLE} names the configuration of an executor, {}, which cannot be read: {error}",
            file.display()
        )
    })?;
    let config = read_config(&mut text.as_slice())?;
    let config = expanded(config, |name| std::env::var(name).ok())?;
    let host = match config.host.is_empty() {
        true => local_address_towards(&config.driver)?,
        false => config.host,
    };
    let bind = if config.bind.is_empty() { format!("{host}:0") } else { config.bind };
    Ok(AgentConfig { host, bind, ..config })
}

/// Puts the values of variables in their places.
fn expanded(config: AgentConfig, value: impl Fn(&str) -> Option<String>) -> Result<AgentConfig, String> {
    let text = |text: &str| expand(text, &value);
    let path = |path: &Path| -> Result<PathBuf, String> {
        let as_text = path.to_str().ok_or_else(|| format!("{} is no text", path.display()))?;
        text(as_text).map(PathBuf::from)
    };
    let logs = config
        .logs
        .as_ref()
        .map(|logs| Ok::<_, String>(LogFiles { stdout: path(&logs.stdout)?, stderr: path(&logs.stderr)? }));
    Ok(AgentConfig {
        name: text(&config.name)?,
        host: text(&config.host)?,
        bind: text(&config.bind)?,
        directory: path(&config.directory)?,
        logs: logs.transpose()?,
        ..config
    })
}

fn expand(text: &str, value: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, behind) =
            after.split_once('}').ok_or_else(|| format!("`{text}` has a ${{ without a }}"))?;
        let found = value(name).ok_or_else(|| {
            format!("the configuration of an executor says `{text}`, and no variable {name} is set here")
        })?;
        expanded += before;
        expanded += &found;
        rest = behind;
    }
    Ok(expanded + rest)
}

/// Returns the address of this machine that packets to the driver leave from. Nothing is sent to find it.
fn local_address_towards(driver: &str) -> Result<String, String> {
    let fail = |error: io::Error| format!("this host has no way to the driver at {driver}: {error}");
    let any = if driver.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).map_err(fail)?;
    socket.connect(driver).map_err(fail)?;
    socket.local_addr().map(|address| address.ip().to_string()).map_err(fail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, host: &str) -> AgentConfig {
        AgentConfig {
            driver: "127.0.0.1:7000".into(),
            secret: None,
            name: name.into(),
            host: host.into(),
            bind: String::new(),
            cores: 1,
            memory: 1 << 30,
            directory: "/tmp/${JOB}/x".into(),
            service: None,
            logs: Some(LogFiles { stdout: "${JOB}.out".into(), stderr: "${JOB}.err".into() }),
            notice_ms: None,
        }
    }

    #[test]
    fn variables_are_those_of_the_agents_own_host() {
        let value = |name: &str| (name == "JOB").then(|| "17".to_string());
        let expanded = |name, host| super::expanded(config(name, host), value);
        let found = expanded("a-${JOB}-${JOB}", "n1").unwrap();
        assert_eq!((found.name.as_str(), found.host.as_str()), ("a-17-17", "n1"));
        assert_eq!(found.directory, Path::new("/tmp/17/x"));
        assert_eq!(found.logs.unwrap().stderr, Path::new("17.err"));
        let error = expanded("a-${TASK}", "n1").unwrap_err();
        assert!(error.contains("no variable TASK is set here"), "{error}");
        assert!(expanded("a-${JOB", "n1").unwrap_err().contains("without a }"));
    }

    #[test]
    fn a_file_that_leaves_the_host_out_means_the_address_towards_the_driver() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.json");
        let plain = AgentConfig { directory: "/tmp".into(), logs: None, ..config("a", "") };
        std::fs::write(&file, serde_json::to_string(&plain).unwrap()).unwrap();
        let found = own_config(file.to_str().unwrap()).unwrap();
        assert_eq!((found.host.as_str(), found.bind.as_str()), ("127.0.0.1", "127.0.0.1:0"));
        let missing = own_config("/nowhere/config.json").unwrap_err();
        assert!(missing.contains("FIRESTEEL_AGENT") && missing.contains("/nowhere/config.json"), "{missing}");
    }
}
