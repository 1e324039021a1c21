//! Volumes from settings, `spark.kubernetes.executor.volumes.TYPE.NAME.mount.path` and so on, as Spark names them.

use crate::error::{KubernetesError, setting};
use k8s_openapi::api::core::v1::{
    EmptyDirVolumeSource, HostPathVolumeSource, NFSVolumeSource, PersistentVolumeClaimVolumeSource, Volume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::collections::BTreeMap;

/// The beginning of the names of volumes that hold an executor's own files, as in Spark.
pub(crate) const LOCAL_DIR: &str = "spark-local-dir-";

/// A volume, and the place where it is mounted.
#[derive(Clone, Debug, PartialEq)]
pub struct VolumeSetting {
    /// The volume.
    pub volume: Volume,
    /// Its place.
    pub mount: VolumeMount,
}

/// Reads the settings `TYPE.NAME.mount.path`, `TYPE.NAME.options.KEY` and so on of pods of a role.
pub(crate) fn read(
    family: BTreeMap<String, String>,
    role: &str,
) -> Result<Vec<VolumeSetting>, KubernetesError> {
    let mut volumes: BTreeMap<(String, String), BTreeMap<String, String>> = BTreeMap::new();
    for (key, value) in family {
        let mut parts = key.splitn(3, '.');
        let (Some(kind), Some(name), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(setting(&format!(
                "`spark.kubernetes.{role}.volumes.{key}` says nothing: write `spark.kubernetes.{role}.volumes.TYPE.NAME.mount.path`"
            )));
        };
        volumes.entry((kind.into(), name.into())).or_default().insert(rest.into(), value);
    }
    let made = volumes.iter().map(|((kind, name), values)| {
        make(kind, name, values).map_err(|why| {
            setting(&format!(
                "the volume `spark.kubernetes.{role}.volumes.{kind}.{name}` is not understood: {why}"
            ))
        })
    });
    made.collect()
}

fn make(kind: &str, name: &str, values: &BTreeMap<String, String>) -> Result<VolumeSetting, String> {
    let get = |key: &str| values.get(key).cloned();
    let must = |key: &str| get(key).ok_or_else(|| format!("`{key}` is missing"));
    let mut volume = Volume { name: name.into(), ..Volume::default() };
    match kind {
        "hostPath" => {
            volume.host_path =
                Some(HostPathVolumeSource { path: must("options.path")?, type_: get("options.type") });
        }
        "emptyDir" => {
            volume.empty_dir = Some(EmptyDirVolumeSource {
                medium: get("options.medium"),
                size_limit: get("options.sizeLimit").map(Quantity),
            });
        }
        "nfs" => {
            let (server, path) = (must("options.server")?, must("options.path")?);
            volume.nfs = Some(NFSVolumeSource { server, path, read_only: None });
        }
        "persistentVolumeClaim" => {
            let claim_name = must("options.claimName")?;
            if claim_name == "OnDemand" {
                return Err(
                    "claims are not made on demand; make them, or use `ephemeral` volumes in a pod template"
                        .into(),
                );
            }
            volume.persistent_volume_claim =
                Some(PersistentVolumeClaimVolumeSource { claim_name, read_only: None });
        }
        _ => return Err("its type is none of hostPath, emptyDir, nfs, persistentVolumeClaim".into()),
    }
    let mount = VolumeMount {
        name: name.into(),
        mount_path: must("mount.path")?,
        sub_path: get("mount.subPath"),
        read_only: get("mount.readOnly").map(|text| text.eq_ignore_ascii_case("true")),
        ..VolumeMount::default()
    };
    Ok(VolumeSetting { volume, mount })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect()
    }

    #[test]
    fn volumes_of_each_type_are_understood() {
        let volumes = read(
            family(&[
                ("hostPath.data.mount.path", "/data"),
                ("hostPath.data.options.path", "/mnt/disk1"),
                ("hostPath.data.mount.readOnly", "true"),
                ("emptyDir.spark-local-dir-1.mount.path", "/scratch"),
                ("emptyDir.spark-local-dir-1.options.sizeLimit", "5Gi"),
                ("persistentVolumeClaim.in.mount.path", "/in"),
                ("persistentVolumeClaim.in.options.claimName", "input"),
            ]),
            "executor",
        );
        let volumes = volumes.unwrap();
        assert_eq!(volumes.len(), 3);
        let host = volumes.iter().find(|one| one.mount.name == "data").unwrap();
        assert_eq!(host.volume.host_path.as_ref().unwrap().path, "/mnt/disk1");
        assert_eq!((host.mount.mount_path.as_str(), host.mount.read_only), ("/data", Some(true)));
    }

    #[test]
    fn what_is_missing_is_said() {
        let said = |pairs| read(family(pairs), "executor").unwrap_err().to_string();
        assert!(said(&[("hostPath.data.mount.path", "/data")]).contains("options.path"));
        assert!(said(&[("emptyDir.a.options.medium", "Memory")]).contains("mount.path"));
        assert!(said(&[("floppy.a.mount.path", "/a")]).contains("none of hostPath"));
        assert!(said(&[("emptyDir.a", "/a")]).contains("TYPE.NAME.mount.path"));
        let claim = [
            ("persistentVolumeClaim.a.mount.path", "/a"),
            ("persistentVolumeClaim.a.options.claimName", "OnDemand"),
        ];
        assert!(said(&claim).contains("on demand"));
    }
}
