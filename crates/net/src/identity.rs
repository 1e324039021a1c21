//! Identity: derives keys from the secret, and TLS configurations that prove it.
//!
//! All holders of a secret derive the same Ed25519 key pair from it. Both sides of a connection present its
//! public half as a raw public key (RFC 7250), accept no other from the peer, and sign the handshake with its
//! private half, as TLS 1.3 does. So a process without the secret can finish a handshake in neither direction,
//! a recorded handshake is worth nothing, and all cryptography is TLS's own. Sessions are never resumed, and
//! nothing is sent before the handshake ends.
//!
//! All holders are one identity. The layers above ask which of them a peer is.

use crate::Secret;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption};
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider, kx_group, sign::any_eddsa_type};
use rustls::crypto::{CryptoProvider, verify_tls13_signature_with_raw_key};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme, version::TLS13,
};
use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// The context of the key derivation: separates this use of the secret from any other that may come.
const CONTEXT: &str = "firesteel 2026 identity of connections, version 1";

/// The bytes before an Ed25519 seed in PKCS#8 (RFC 8410, section 7).
const PKCS8_BEFORE_SEED: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// The credentials that a process presents to others, and requires of them. Cheap to clone.
///
/// ```
/// use firesteel_net::{Credentials, Secret};
/// assert!(Credentials::of(&Secret::generate()).is_secure());
/// assert!(!Credentials::insecure().is_secure());
/// ```
#[derive(Clone)]
pub struct Credentials(Option<Tls>);

#[derive(Clone)]
struct Tls {
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
}

impl Credentials {
    /// Makes the credentials of the holders of a secret.
    ///
    /// # Panics
    /// Never: a key can be made of any 32 bytes.
    pub fn of(secret: &Secret) -> Self {
        let key = certified_key(secret).expect("any 32 bytes are an Ed25519 seed");
        let same = key.cert[0].clone();
        Credentials::that_show(key, same).expect("the provider has suites for TLS 1.3")
    }

    /// Makes credentials that present one key and accept another; the two are the same everywhere but in tests.
    fn that_show(shown: CertifiedKey, taken: CertificateDer<'static>) -> Result<Self, Error> {
        let (provider, shown) = (Arc::new(provider()), Arc::new(shown));
        let same = Arc::new(SameKey { key: taken, provider: provider.clone() });
        let client = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(same.clone())
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(shown.clone())));
        let server = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13])?
            .with_client_cert_verifier(same)
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(shown)));
        Ok(Credentials(Some(Tls {
            client: Arc::new(client_once(client)),
            server: Arc::new(server_once(server)),
        })))
    }

    /// Makes credentials for plain TCP: every process that reaches the port is admitted, and the traffic can be
    /// read on its way. For a machine without other users.
    pub fn insecure() -> Self {
        Credentials(None)
    }

    /// Returns whether connections are encrypted and authenticated.
    pub fn is_secure(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn client(&self) -> Option<Arc<ClientConfig>> {
        self.0.as_ref().map(|tls| tls.client.clone())
    }

    pub(crate) fn server(&self) -> Option<Arc<ServerConfig>> {
        self.0.as_ref().map(|tls| tls.server.clone())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_secure() { "Credentials(secure)" } else { "Credentials(insecure)" })
    }
}

/// Disables resumption: every connection is authenticated anew.
fn client_once(mut config: ClientConfig) -> ClientConfig {
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config.enable_early_data = false;
    config
}

fn server_once(mut config: ServerConfig) -> ServerConfig {
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    config
}

/// The fastest suite first; the other is for processors without AES. The key exchange withstands quantum
/// computers to come.
fn provider() -> CryptoProvider {
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_128_GCM_SHA256,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519],
        ..default_provider()
    }
}

fn certified_key(secret: &Secret) -> Result<CertifiedKey, Error> {
    let seed = Zeroizing::new(blake3::derive_key(CONTEXT, secret.as_bytes()));
    let mut pkcs8 = Zeroizing::new(PKCS8_BEFORE_SEED.to_vec());
    pkcs8.extend_from_slice(&*seed);
    let key = any_eddsa_type(&PrivatePkcs8KeyDer::from(pkcs8.as_slice()))?;
    let public = key.public_key().ok_or(Error::General("an Ed25519 key has a public half".into()))?;
    let public = CertificateDer::from(public.as_ref().to_vec());
    Ok(CertifiedKey::new(vec![public], key))
}

/// Accepts one public key and no other, from servers and from clients.
#[derive(Debug)]
struct SameKey {
    key: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl SameKey {
    fn check(&self, presented: &CertificateDer<'_>, more: &[CertificateDer<'_>]) -> Result<(), Error> {
        // Public keys are public: the comparison need not take constant time.
        if presented.as_ref() == self.key.as_ref() && more.is_empty() {
            return Ok(());
        }
        Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
    }

    fn check_signature(
        &self,
        message: &[u8],
        presented: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = SubjectPublicKeyInfoDer::from(presented.as_ref());
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature_with_raw_key(message, &key, signature, algorithms)
    }
}

/// Refuses a TLS 1.2 signature. Never called, since TLS 1.2 is never spoken.
fn no_older_tls() -> Result<HandshakeSignatureValid, Error> {
    Err(Error::PeerIncompatible(rustls::PeerIncompatible::Tls13RequiredForQuic))
}

impl ServerCertVerifier for SameKey {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.check(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_older_tls()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for SameKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.check(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        no_older_tls()
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConnectError, Limits, Listener, Purpose, connect};
    use std::sync::mpsc;
    use std::time::Duration;

    /// Connects with credentials that accept any listener's key, as an attacker without the secret would.
    fn refused(client: &Credentials, server: &Credentials) -> (ConnectError, String) {
        let (tell, told) = mpsc::channel();
        let listener = Listener::bind("127.0.0.1:0", server.clone(), Limits::default()).unwrap();
        let listener = listener.report(move |_, error| drop(tell.send(error.to_string())));
        let serving = listener.serve("identity", |_| panic!("a stranger came in")).unwrap();
        let timeout = Duration::from_secs(60);
        let error = connect(&serving.address().to_string(), client, Purpose::Control, timeout).unwrap_err();
        (error, told.recv_timeout(timeout).unwrap())
    }

    #[test]
    fn a_client_that_does_not_care_who_listens_is_refused_by_the_listener() {
        let (ours, theirs) = (Secret::generate(), Secret::generate());
        let their_key = certified_key(&theirs).unwrap().cert[0].clone();
        let careless = Credentials::that_show(certified_key(&ours).unwrap(), their_key).unwrap();
        let (error, reported) = refused(&careless, &Credentials::of(&theirs));
        assert!(
            matches!(&error, ConnectError::Refused(why) if why == crate::handshake::OUR_KEY),
            "{error:?}"
        );
        assert!(reported.contains(crate::handshake::THEIR_KEY), "{reported}");
    }

    #[test]
    fn one_that_shows_a_key_without_having_it_is_refused() {
        // Their public key, which any process can learn, with a signature by another.
        let (ours, theirs) = (Secret::generate(), Secret::generate());
        let their_key = certified_key(&theirs).unwrap().cert[0].clone();
        let mut shown = certified_key(&ours).unwrap();
        shown.cert = vec![their_key.clone()];
        let thief = Credentials::that_show(shown, their_key).unwrap();
        let (error, _) = refused(&thief, &Credentials::of(&theirs));
        assert!(matches!(error, ConnectError::Refused(_)), "{error:?}");
        // And the other way round: a listener that presents a key that it does not have.
        let (error, _) = refused(&Credentials::of(&theirs), &thief);
        assert!(!matches!(error, ConnectError::Unreachable(_)), "{error:?}");
    }

    #[test]
    fn the_same_secret_gives_the_same_key_for_ever() {
        let secret = Secret::from_text("0123456789abcdef0123456789abcdef").unwrap();
        let key = certified_key(&secret).unwrap().cert[0].clone();
        let digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let known = "f3c027a809c841aa1618b286f31d23618065d83997eecdc73df17d30ec9282e2";
        assert_eq!(digits, format!("302a300506032b6570032100{known}"));
    }
}
