//! Amazon S3, and stores that speak as it does.

use super::aws_profile::Profile;
use super::{metadata, patience};
use crate::error::IoCause;
use crate::scheme::Scheme;
use crate::settings::StoreSettings;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey as Key};

/// The variables of other ways to credentials than keys, all of which the client goes by itself.
const OTHER_WAYS: [&str; 4] = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_METADATA_ENDPOINT",
];

/// Makes the client of a bucket.
pub(crate) fn open(
    bucket: &str,
    settings: &StoreSettings,
) -> Result<object_store::Result<AmazonS3>, IoCause> {
    let setting = |name: &str| settings.get(&format!("firesteel.hadoop.fs.s3a.{name}")).map(str::to_string);
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
