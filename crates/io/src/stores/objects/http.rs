//! Web servers, whose files can be read.

use super::bucket::Client;
use super::patience;
use super::queries::SendsQueries;
use crate::error::IoCause;
use crate::settings::StoreSettings;
use object_store::http::HttpBuilder;
use std::sync::Arc;

/// Makes the client of a web server, which can read and not write.
pub(crate) fn open(root: &str, settings: &StoreSettings) -> Result<object_store::Result<Client>, IoCause> {
    let builder = HttpBuilder::new().with_url(root).with_retry(patience::retries(settings)?);
    let builder = builder.with_http_connector(SendsQueries);
    let store = builder.with_client_options(patience::options(root.starts_with("http:"))).build();
    Ok(store.map(|store| (Arc::new(store) as _, None)))
}
