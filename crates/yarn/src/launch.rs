//! The launch of an agent in a container: the command line, its variables and its files.
//!
//! YARN puts the command into double quotes of one shell, which has a second one run it. The agents' configuration contains the
//! application's secret: it is one file for all containers, which only the user may read, and names variables of theirs.

use crate::messages::{ContainerLaunchContext, StringLocalResourceMap, StringStringMap};
use firesteel_cluster::AgentCommand;
use firesteel_cluster::agents::AGENT_VARIABLE;
use firesteel_protocol::handshake::{AgentConfig, LogFiles};

/// The name of the program among a container's files.
pub(crate) const PROGRAM: &str = "firesteel-program";

/// The name of the agents' configuration among a container's files.
pub(crate) const CONFIGURATION: &str = "firesteel-agent.json";

/// The variable with the directory of a container's logs, and what YARN replaces by it.
const LOGS_VARIABLE: &str = "FIRESTEEL_LOGS";
pub(crate) const LOGS: &str = "<LOG_DIR>";

/// Returns the configuration of the agents in all containers, which YARN tells their names and hosts by variables.
pub(crate) fn configuration(agent: &AgentConfig) -> AgentConfig {
    let log = |stream: &str| format!("${{{LOGS_VARIABLE}}}/{stream}").into();
    AgentConfig {
        name: "${CONTAINER_ID}".into(),
        host: "${NM_HOST}".into(),
        bind: "${NM_HOST}:0".into(),
        // The container's own directory, which YARN removes with it.
        directory: "tmp".into(),
        service: None,
        logs: Some(LogFiles { stdout: log("stdout"), stderr: log("stderr") }),
        // A container that is killed has a quarter of a second after SIGTERM.
        notice_ms: None,
        ..agent.clone()
    }
}

/// Returns what nodes are told to run in containers with these files.
pub(crate) fn context(command: &AgentCommand, files: Vec<StringLocalResourceMap>) -> ContainerLaunchContext {
    let is_sent = files.iter().any(|file| file.key.as_deref() == Some(PROGRAM));
    let variables = command.environment.iter().map(|(name, value)| (name.as_str(), for_double_quotes(value)));
    let own = [(AGENT_VARIABLE, CONFIGURATION.to_string()), (LOGS_VARIABLE, LOGS.to_string())];
    let pair = |(name, value): (&str, String)| StringStringMap { key: Some(name.into()), value: Some(value) };
    ContainerLaunchContext {
        local_resources: files,
        environment: variables.chain(own).map(pair).collect(),
        command: vec![for_double_quotes(&line(command, is_sent))],
        ..ContainerLaunchContext::default()
    }
}

/// Returns the command as a line for bash.
fn line(command: &AgentCommand, is_sent: bool) -> String {
    let program = if is_sent { format!("./{PROGRAM}") } else { quoted(&command.program.to_string_lossy()) };
    let arguments: String =
        command.arguments.iter().map(|argument| format!(" {}", quoted(argument))).collect();
    format!("umask 077; exec {program}{arguments} 0</dev/null 1>{LOGS}/stdout 2>{LOGS}/stderr")
}

/// Puts an argument into single quotes.
pub(crate) fn quoted(argument: &str) -> String {
    format!("'{}'", argument.replace('\'', r"'\''"))
}

/// Escapes what a shell would interpret in double quotes.
pub(crate) fn for_double_quotes(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '"' | '$' | '`') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// Runs a container's command as a node does: in double quotes of a shell, which has another run it.
    fn run(command: &AgentCommand) -> (String, String) {
        let container = tempfile::tempdir().unwrap();
        let path = container.path().to_str().unwrap();
        let context = context(command, vec![]);
        let variables: String = context
            .environment
            .iter()
            .map(|pair| {
                format!("export {}=\"{}\"\n", pair.key.as_deref().unwrap(), pair.value.as_deref().unwrap())
            })
            .collect();
        let script = format!("cd {path}\n{variables}exec /bin/bash -c \"{}\"", context.command[0]);
        let status = Command::new("bash").args(["-c", &script.replace(LOGS, path)]).status().unwrap();
        assert!(status.success());
        (std::fs::read_to_string(container.path().join("stdout")).unwrap(), path.to_string())
    }

    #[test]
    fn arguments_and_variables_arrive_as_they_are() {
        let odd = "a 'b' \"c\" $PWD `id` \\d";
        let script = "printf '%s|' \"$@\" \"$V\" \"$FIRESTEEL_AGENT\" \"$FIRESTEEL_LOGS\"";
        let command = AgentCommand {
            program: "bash".into(),
            arguments: ["-c", script, "name", odd, "two"].map(str::to_string).into(),
            environment: vec![("V".into(), odd.into())],
        };
        let (said, path) = run(&command);
        assert_eq!(said, format!("{odd}|two|{odd}|{CONFIGURATION}|{path}|"));
    }

    #[test]
    fn the_secret_is_neither_in_the_command_nor_in_the_environment() {
        let agent = AgentConfig {
            driver: "d:1".into(),
            secret: Some("se-cr-et".into()),
            name: String::new(),
            host: String::new(),
            bind: String::new(),
            cores: 1,
            memory: 1,
            directory: "/x".into(),
            service: None,
            logs: None,
            notice_ms: None,
        };
        let configuration = configuration(&agent);
        assert_eq!(configuration.secret.as_deref(), Some("se-cr-et"));
        assert_eq!(configuration.logs.unwrap().stderr.to_str(), Some("${FIRESTEEL_LOGS}/stderr"));
        let program = StringLocalResourceMap { key: Some(PROGRAM.into()), value: None };
        let context = context(&AgentCommand::own_program(), vec![program]);
        assert!(!format!("{context:?}").contains("se-cr-et"));
        assert!(context.command[0].contains("exec ./firesteel-program 0</dev/null 1><LOG_DIR>/stdout"));
    }
}
