//! Sends the queries of web addresses, `http://host/file?version=2`: the client for web servers knows of
//! none, so a query travels beside the request, and is appended to its address before the request is sent.

use super::bucket::Query;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
    ReqwestConnector,
};

/// Makes clients that send queries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SendsQueries;

impl HttpConnector for SendsQueries {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Sender(ReqwestConnector::default().connect(options)?)))
    }
}

#[derive(Debug)]
struct Sender(HttpClient);

#[async_trait::async_trait]
impl HttpService for Sender {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if let Some(Query(query)) = request.extensions().get() {
            let whole = format!("{}?{query}", request.uri()).parse();
            *request.uri_mut() = whole.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        }
        self.0.execute(request).await
    }
}
