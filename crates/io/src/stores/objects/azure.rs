//! Azure Blob Storage and Data Lake.

use super::{metadata, patience};
use crate::error::IoCause;
use crate::scheme::Scheme;
use crate::settings::StoreSettings;
use object_store::azure::{AzureConfigKey as Key, MicrosoftAzure, MicrosoftAzureBuilder};

/// Makes the client of a container. `name` is `container`, or `container@account.dfs.core.windows.net`.
pub(crate) fn open(
    name: &str,
    settings: &StoreSettings,
) -> Result<object_store::Result<MicrosoftAzure>, IoCause> {
    let setting = |name: &str| settings.get(&format!("firesteel.hadoop.fs.azure.{name}"));
    let (container, host) = name.split_once('@').unwrap_or((name, ""));
    let mut builder = MicrosoftAzureBuilder::from_env().with_container_name(container);
    if let Some(account) = host.split('.').next().filter(|account| !account.is_empty()) {
        builder = builder.with_account(account);
    } else if let Some(account) = setting("account.name") {
        builder = builder.with_account(account);
    }
    if builder.get_config_value(&Key::AccountName).is_none() {
        return Err(IoCause::NotConfigured {
            what: "the path names no storage account".into(),
            set:
                "write abfss://container@account.dfs.core.windows.net/path, or set AZURE_STORAGE_ACCOUNT_NAME"
                    .into(),
        });
    }
    if let Some(key) = setting("account.key") {
        builder = builder.with_access_key(key);
    }
    if let Some(token) = setting("sas.fixed.token") {
        builder = builder.with_config(Key::SasKey, token.trim_start_matches('?'));
    }
    let endpoint =
        setting("endpoint").map(str::to_string).or_else(|| builder.get_config_value(&Key::Endpoint));
    let allow_http = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http:"));
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let ways = [Key::AccessKey, Key::SasKey, Key::Token, Key::ClientId, Key::FederatedTokenFile];
    let flags = [Key::UseAzureCli, Key::SkipSignature, Key::UseEmulator];
    let known = ways.iter().any(|key| builder.get_config_value(key).is_some())
        || flags.iter().any(|key| builder.get_config_value(key).as_deref() == Some("true"));
    if !known && !metadata::any_set(&["IDENTITY_ENDPOINT", "MSI_ENDPOINT"]) && !metadata::answers() {
        return Err(IoCause::no_credentials(Scheme::Azure));
    }
    let builder = builder.with_retry(patience::retries(settings)?);
    Ok(builder.with_client_options(patience::options(allow_http)).build())
}
