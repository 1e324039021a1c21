//! Opens object stores: from a root such as `s3a://bucket`, the settings, the environment and the profiles of a store's
//! own tools, in this order. The only module that knows the names of all these.

use crate::error::IoCause;
use crate::path::Scheme;
use crate::settings::StoreSettings;
use crate::stores::bucket::Bucket;
use object_store::memory::InMemory;
use object_store::multipart::MultipartStore;
use object_store::{ObjectStore, Result};
use std::sync::Arc;

/// A store, and the way to write to it.
type Client = (Arc<dyn ObjectStore>, Option<Arc<dyn MultipartStore>>);

/// Opens the store at a root. Nothing is sent yet.
pub(crate) fn open(
    scheme: Scheme,
    root: &str,
    settings: &StoreSettings,
) -> std::result::Result<Bucket, IoCause> {
    let name = root.split_once("://").map_or("", |(_, name)| name);
    if name.is_empty() {
        let what = format!("there is no {} after {root}", scheme.container());
        return Err(IoCause::BadPath(what));
    }
    let not_open = |error: object_store::Error| IoCause::NotConfigured {
        what: crate::stores::failure::sentence(&error),
        set: scheme.credentials().into(),
    };
    let (store, uploads) = client(scheme, root, name, settings)?.map_err(not_open)?;
    Ok(Bucket { scheme, root: root.into(), store, uploads })
}

/// The client of a scheme; an error when this program was built without it.
fn client(
    scheme: Scheme,
    root: &str,
    name: &str,
    settings: &StoreSettings,
) -> std::result::Result<Result<Client>, IoCause> {
    // Of use only to those clients that the features choose.
    let _ = (root, name, settings);
    Ok(match scheme {
        Scheme::Memory => Ok(writable(InMemory::new())),
        #[cfg(feature = "s3")]
        Scheme::S3 => s3::open(name, settings)?.map(writable),
        #[cfg(feature = "gcs")]
        Scheme::Gcs => gcs::open(name, settings)?.map(writable),
        #[cfg(feature = "azure")]
        Scheme::Azure => azure::open(name, settings)?.map(writable),
        #[cfg(feature = "http")]
        Scheme::Http => http::open(root, settings)?,
        other => return Err(IoCause::SchemeLeftOut(other.to_string())),
    })
}

fn writable<S: ObjectStore + MultipartStore>(store: S) -> Client {
    let store = Arc::new(store);
    (store.clone(), Some(store))
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod patience {
    //! How long and how often a request is tried again.

    use crate::error::IoCause;
    use crate::settings::StoreSettings;
    use firesteel_conf::{STORE_BACKOFF_MS, STORE_MAX_RETRIES, STORE_RETRY_TIMEOUT_MS, Setting};
    use object_store::{BackoffConfig, ClientOptions, RetryConfig};
    use std::time::Duration;

    /// The longest pause between two tries.
    const MAX_BACKOFF_SECONDS: u64 = 15;

    /// How long a server may take to accept a connection.
    const CONNECT_TIMEOUT_SECONDS: u64 = 5;

    /// How long one request may take: a range or a part, over a slow line.
    const REQUEST_TIMEOUT_SECONDS: u64 = 60;

    pub(super) fn retries(settings: &StoreSettings) -> Result<RetryConfig, IoCause> {
        let backoff = Duration::from_millis(value(settings, &STORE_BACKOFF_MS)?);
        Ok(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: backoff,
                max_backoff: Duration::from_secs(MAX_BACKOFF_SECONDS).max(backoff),
                base: 2.0,
            },
            max_retries: value(settings, &STORE_MAX_RETRIES)? as usize,
            retry_timeout: Duration::from_millis(value(settings, &STORE_RETRY_TIMEOUT_MS)?),
        })
    }

    /// Unencrypted connections only to an endpoint that says so itself.
    pub(super) fn options(allow_http: bool) -> ClientOptions {
        ClientOptions::new()
            .with_allow_http(allow_http)
            .with_connect_timeout(Duration::from_secs(CONNECT_TIMEOUT_SECONDS))
            .with_timeout(Duration::from_secs(REQUEST_TIMEOUT_SECONDS))
    }

    fn value<T>(settings: &StoreSettings, setting: &Setting<T>) -> Result<T, IoCause> {
        let text = settings.get(setting.key).unwrap_or(setting.default);
        setting
            .parse(text)
            .map_err(|error| IoCause::NotConfigured { what: error.to_string(), set: String::new() })
    }
}

#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
mod metadata {
    //! Machines in a cloud are given credentials by a server at a fixed address. Elsewhere nobody answers there, and the
    //! clients would wait for minutes before they say so.

    use std::net::{SocketAddr, TcpStream};
    use std::time::Duration;

    const SERVER: ([u8; 4], u16) = ([169, 254, 169, 254], 80);
    const TIMEOUT: Duration = Duration::from_secs(1);

    /// Whether this machine has such a server.
    pub(super) fn answers() -> bool {
        TcpStream::connect_timeout(&SocketAddr::from(SERVER), TIMEOUT).is_ok()
    }

    /// Whether one of these variables is set.
    #[cfg(any(feature = "s3", feature = "azure"))]
    pub(super) fn any_set(variables: &[&str]) -> bool {
        variables.iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    }
}

#[cfg(feature = "s3")]
mod s3 {
    use super::{metadata, patience};
    use crate::error::IoCause;
    use crate::path::Scheme;
    use crate::settings::StoreSettings;
    use crate::stores::aws_profile::Profile;
    use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey as Key};

    /// Ways to credentials other than written ones, all of which the client goes by itself.
    const OTHER_WAYS: [&str; 4] = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_METADATA_ENDPOINT",
    ];

    pub(super) fn open(
        bucket: &str,
        settings: &StoreSettings,
    ) -> Result<object_store::Result<AmazonS3>, IoCause> {
        let setting =
            |name: &str| settings.get(&format!("firesteel.hadoop.fs.s3a.{name}")).map(str::to_string);
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
        let profile = Profile::load();
        let known = |builder: &AmazonS3Builder, key: &Key| builder.get_config_value(key);
        // Keys come in pairs: those of two places must not mix.
        let keys = (setting("access.key"), setting("secret.key"), setting("session.token"));
        let profile_keys = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"]
            .map(|key| profile.get(key).map(str::to_string));
        if let (Some(access), Some(secret), token) = keys {
            builder = with_keys(AmazonS3Builder::with_access_key_id(builder, access), secret, token);
        } else if known(&builder, &Key::AccessKeyId).is_none()
            && let [Some(access), Some(secret), token] = profile_keys
        {
            builder = with_keys(builder.with_access_key_id(access), secret, token);
        }
        let endpoint = setting("endpoint").map(with_protocol).or_else(|| known(&builder, &Key::Endpoint));
        let endpoint = endpoint.or_else(|| profile.get("endpoint_url").map(str::to_string));
        let region = setting("endpoint.region").or_else(|| known(&builder, &Key::Region));
        let region = region.or_else(|| profile.get("region").map(str::to_string));
        if let Some(region) = region {
            builder = builder.with_region(region);
        }
        let allow_http = endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http:"));
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(path_style) = setting("path.style.access") {
            builder = builder.with_virtual_hosted_style_request(path_style.eq_ignore_ascii_case("false"));
        }
        let provider = setting("aws.credentials.provider").unwrap_or_default();
        let anonymous =
            provider.contains("Anonymous") || known(&builder, &Key::SkipSignature).as_deref() == Some("true");
        if anonymous {
            builder = builder.with_skip_signature(true);
        } else if known(&builder, &Key::AccessKeyId).is_none()
            && !metadata::any_set(&OTHER_WAYS)
            && !metadata::answers()
        {
            return Err(IoCause::no_credentials(Scheme::S3));
        }
        let builder = builder.with_retry(patience::retries(settings)?);
        Ok(builder.with_client_options(patience::options(allow_http)).build())
    }

    fn with_keys(builder: AmazonS3Builder, secret: String, token: Option<String>) -> AmazonS3Builder {
        let builder = builder.with_secret_access_key(secret);
        match token {
            Some(token) => builder.with_token(token),
            None => builder,
        }
    }

    /// Hadoop's endpoints may leave the protocol out.
    fn with_protocol(endpoint: String) -> String {
        if endpoint.contains("://") { endpoint } else { format!("https://{endpoint}") }
    }
}

#[cfg(feature = "gcs")]
mod gcs {
    use super::{metadata, patience};
    use crate::error::IoCause;
    use crate::path::Scheme;
    use crate::settings::StoreSettings;
    use object_store::gcp::{GoogleCloudStorage, GoogleCloudStorageBuilder, GoogleConfigKey as Key};

    pub(super) fn open(
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

    /// What `gcloud auth application-default login` leaves.
    fn has_default_credentials() -> bool {
        let file = ".config/gcloud/application_default_credentials.json";
        std::env::home_dir().is_some_and(|home| home.join(file).is_file())
    }

    fn with_protocol(host: String) -> String {
        if host.contains("://") { host } else { format!("http://{host}") }
    }
}

#[cfg(feature = "azure")]
mod azure {
    use super::{metadata, patience};
    use crate::error::IoCause;
    use crate::path::Scheme;
    use crate::settings::StoreSettings;
    use object_store::azure::{AzureConfigKey as Key, MicrosoftAzure, MicrosoftAzureBuilder};

    /// `name` is `container`, or `container@account.dfs.core.windows.net`.
    pub(super) fn open(
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
                set: "write abfss://container@account.dfs.core.windows.net/path, or set AZURE_STORAGE_ACCOUNT_NAME".into(),
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
}

#[cfg(feature = "http")]
mod http {
    use super::{Client, patience};
    use crate::error::IoCause;
    use crate::settings::StoreSettings;
    use crate::stores::queries::SendsQueries;
    use object_store::http::HttpBuilder;
    use std::sync::Arc;

    pub(super) fn open(
        root: &str,
        settings: &StoreSettings,
    ) -> Result<object_store::Result<Client>, IoCause> {
        let builder = HttpBuilder::new().with_url(root).with_retry(patience::retries(settings)?);
        let builder = builder.with_http_connector(SendsQueries);
        let store = builder.with_client_options(patience::options(root.starts_with("http:"))).build();
        Ok(store.map(|store| (Arc::new(store) as _, None)))
    }
}
