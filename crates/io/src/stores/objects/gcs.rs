//! Google Cloud Storage.

use super::{metadata, patience};
use crate::error::IoCause;
use crate::scheme::Scheme;
use crate::settings::StoreSettings;
use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder, GoogleConfigKey as Key};

/// Makes the client of a bucket.
pub(crate) fn open(
    bucket: &str,
    settings: &StoreSettings,
) -> Result<object_store::Result<GoogleCloudStorage>, IoCause> {
    let mut builder = GoogleCloudStorageBuilder::from_env().with_bucket_name(bucket);
    let keyfile = settings.get("firesteel.hadoop.fs.gs.auth.service.account.json.keyfile");
    if let Some(keyfile) = keyfile {
        builder = builder.with_service_account_path(keyfile);
    }
    let emulator = std::env::var("STORAGE_EMULATOR_HOST").ok().filter(|host| !host.is_empty());
    let base = settings.get("firesteel.hadoop.fs.gs.storage.root.url").map(str::to_string);
    let base = base.or_else(|| emulator.map(with_protocol));
    let base = base.or_else(|| builder.get_config_value(&Key::BaseUrl));
    let allow_http = base.as_ref().is_some_and(|base| base.starts_with("http:"));
    let known = |key: &Key| builder.get_config_value(key).is_some();
    let has_keys = known(&Key::ServiceAccount)
        || known(&Key::ServiceAccountKey)
        || known(&Key::ApplicationCredentials)
        || known(&Key::BearerToken)
        || has_default_credentials();
    if let Some(base) = &base {
        builder = builder.with_base_url(base.trim_end_matches('/'));
    }
    let anonymous = settings.get("firesteel.hadoop.fs.gs.auth.type") == Some("UNAUTHENTICATED");
    if anonymous || (allow_http && !has_keys) {
        // Without a token of some kind the client would ask the metadata server for one before each write, signed or not.
        builder = builder.with_skip_signature(true).with_bearer_token("nobody");
    } else if !has_keys && !metadata::answers() {
        return Err(IoCause::no_credentials(Scheme::Gcs));
    }
    let builder = builder.with_retry(patience::retries(settings)?);
    Ok(builder.with_client_options(patience::options(allow_http)).build())
}

/// Returns whether there is the file that `gcloud auth application-default login` writes.
fn has_default_credentials() -> bool {
    let file = ".config/gcloud/application_default_credentials.json";
    std::env::home_dir().is_some_and(|home| home.join(file).is_file())
}

fn with_protocol(host: String) -> String {
    if host.contains("://") { host } else { format!("http://{host}") }
}
