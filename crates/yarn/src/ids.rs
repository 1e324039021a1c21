//! Names of applications and containers, as people and YARN's commands write them.

use crate::YarnError;
use crate::messages::{ApplicationId, ContainerId, NodeId};

/// The bits of a container's number below those that count the ResourceManager's restarts.
const EPOCH_BITS: u32 = 40;

/// Returns `application_TIMESTAMP_NUMBER`.
pub fn application_name(id: &ApplicationId) -> String {
    format!("application_{}_{:04}", id.cluster_timestamp.unwrap_or(0), id.id.unwrap_or(0))
}

/// Reads `application_TIMESTAMP_NUMBER`.
///
/// # Errors
/// When it is not one.
pub fn application_of(name: &str) -> Result<ApplicationId, YarnError> {
    let mut parts = name.strip_prefix("application_").unwrap_or_default().split('_');
    let timestamp = parts.next().and_then(|part| part.parse().ok());
    let number = parts.next().and_then(|part| part.parse().ok());
    match (timestamp, number, parts.next()) {
        (Some(timestamp), Some(number), None) => {
            Ok(ApplicationId { id: Some(number), cluster_timestamp: Some(timestamp) })
        }
        _ => Err(YarnError::malformed(
            &format!("`{name}`"),
            "an application's name is application_TIMESTAMP_NUMBER",
        )),
    }
}

/// Returns `container_[eEPOCH_]TIMESTAMP_APPLICATION_ATTEMPT_NUMBER`.
pub fn container_name(id: &ContainerId) -> String {
    let attempt = id.app_attempt_id.clone().unwrap_or_default();
    let application = attempt.application_id.unwrap_or_default();
    let number = id.id.unwrap_or(0);
    let epoch = match number >> EPOCH_BITS {
        0 => String::new(),
        epoch => format!("e{epoch:02}_"),
    };
    format!(
        "container_{epoch}{}_{:04}_{:02}_{:06}",
        application.cluster_timestamp.unwrap_or(0),
        application.id.unwrap_or(0),
        attempt.attempt_id.unwrap_or(0),
        number & ((1 << EPOCH_BITS) - 1)
    )
}

/// Returns the number of the attempt that a container's name tells of.
pub(crate) fn attempt_in(container: &str) -> Option<u32> {
    container.rsplit('_').nth(1)?.parse().ok()
}

/// Returns a node's address, `host:port`.
pub fn node_address(id: &NodeId) -> String {
    format!("{}:{}", id.host.as_deref().unwrap_or_default(), id.port.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::ApplicationAttemptId;

    #[test]
    fn names_are_those_of_yarns_commands() {
        let id = ApplicationId { id: Some(3), cluster_timestamp: Some(1795936594085) };
        assert_eq!(application_name(&id), "application_1795936594085_0003");
        assert_eq!(application_of("application_1795936594085_0003"), Ok(id.clone()));
        for wrong in ["", "application_1", "application_1_x", "app_1_2", "application_1_2_3"] {
            assert!(application_of(wrong).is_err(), "{wrong}");
        }
        let attempt = ApplicationAttemptId { application_id: Some(id), attempt_id: Some(1) };
        let container = |number| ContainerId { app_attempt_id: Some(attempt.clone()), id: Some(number) };
        assert_eq!(container_name(&container(2)), "container_1795936594085_0003_01_000002");
        assert_eq!(attempt_in("container_e01_1795936594085_0003_02_000001"), Some(2));
        assert_eq!(container_name(&container((1 << 40) | 2)), "container_e01_1795936594085_0003_01_000002");
        assert_eq!(node_address(&NodeId { host: Some("h".into()), port: Some(1) }), "h:1");
    }
}
