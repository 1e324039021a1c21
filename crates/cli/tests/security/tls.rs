//! TLS of strangers: with a certificate, with a key of their own, with nothing, in an old version, by hand.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, ClientConfig};
use rustls::crypto::aws_lc_rs::{default_provider, sign::any_eddsa_type};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned, SupportedProtocolVersion,
};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// What a stranger shows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Shows {
    Nothing,
    Certificate,
    RawKey,
}

/// A certificate for this key, signed by itself. They were made for this test, and protect nothing.
const CERTIFICATE: &str = "\
3082013c3081efa003020102021409a500536e437016afeb8a4cc30970d24da75796300506032b657030133111300f06035504030c08737472616e67\
65723020170d3236313132363232303334365a180f32313236313130323232303334365a30133111300f06035504030c08737472616e676572302a30\
0506032b657003210068f1f7ea83172e130afbb7dd90b78fb317df913ef7df255de26e82b34381c8cea3533051301d0603551d0e04160414bd321ef7\
896f672107ad0be667817c3b7fa410de301f0603551d23041830168014bd321ef7896f672107ad0be667817c3b7fa410de300f0603551d130101ff04\
0530030101ff300506032b657003410008f9e6096ee7fc77dbc25989168c62dd1dc5fa8387de3815c5e0d2f82b2dcea0e5ffe6a8c5ca7b8e6b3ca916\
b7528055189dda92ba177d0f1198880509dddd04";
const KEY: &str = "\
302e020100300506032b657004220420d2fb3fc8072405afc523916248072d0a16b2a59adc5bea26f4be3349efd7e9d9";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// Speaks TLS with whoever is there, sends these bytes as soon as TLS lets it, and gives what it hears before the end.
pub(crate) fn speak(
    to: SocketAddr,
    version: &'static SupportedProtocolVersion,
    shows: Shows,
    say: &[u8],
) -> Vec<u8> {
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let config = config.with_protocol_versions(&[version]).unwrap().dangerous();
    let config = config.with_custom_certificate_verifier(Arc::new(Anybody { raw: shows == Shows::RawKey }));
    let key = bytes(KEY);
    let config = match shows {
        Shows::Nothing => config.with_no_client_auth(),
        Shows::Certificate => {
            let key = PrivatePkcs8KeyDer::from(key).into();
            config.with_client_auth_cert(vec![CertificateDer::from(bytes(CERTIFICATE))], key).unwrap()
        }
        Shows::RawKey => {
            let key = any_eddsa_type(&PrivatePkcs8KeyDer::from(key)).unwrap();
            let public = CertificateDer::from(key.public_key().unwrap().as_ref().to_vec());
            let shown = Arc::new(CertifiedKey::new(vec![public], key));
            config.with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(shown)))
        }
    };
    let client = ClientConnection::new(Arc::new(config), "stranger".try_into().unwrap()).unwrap();
    let socket = TcpStream::connect(to).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut stream = StreamOwned::new(client, socket);
    let mut heard = vec![];
    if stream.write_all(say).and_then(|()| stream.flush()).is_ok() {
        let _ = stream.read_to_end(&mut heard);
    }
    heard
}

/// Takes every server for the right one: a stranger does not care.
#[derive(Debug)]
struct Anybody {
    raw: bool,
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.raw
    }
}

/// Sends a first message of TLS made by hand, which offers these suites in this version at most, and gives what comes back.
pub(crate) fn offer(to: SocketAddr, version: u16, suites: &[u16]) -> Vec<u8> {
    let mut socket = TcpStream::connect(to).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    socket.write_all(&client_hello(version, suites)).unwrap();
    let mut heard = vec![0; 7];
    // A refusal is an alert of seven bytes; an acceptance is longer.
    let mut length = 0;
    while length < heard.len() {
        match socket.read(&mut heard[length..]) {
            Ok(more @ 1..) => length += more,
            _ => break,
        }
    }
    heard.truncate(length);
    heard
}

fn client_hello(version: u16, suites: &[u16]) -> Vec<u8> {
    const TLS13: u16 = 0x0304;
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    let mut extensions = vec![];
    let mut extend = |kind: u16, body: &[u8]| {
        extensions.extend_from_slice(&kind.to_be_bytes());
        extensions.extend_from_slice(&(body.len() as u16).to_be_bytes());
        extensions.extend_from_slice(body);
    };
    extend(10, &[0, 2, 0, 0x1d]); // the group X25519,
    extend(13, &[0, 8, 8, 7, 4, 3, 8, 4, 4, 1]); // signatures of all common kinds,
    extend(19, &[1, 2]); // raw public keys from client
    extend(20, &[1, 2]); // and server,
    if version == TLS13 {
        extend(43, &[2, 3, 4]);
        extend(51, &[&[0, 36, 0, 0x1d, 0, 32][..], &[9; 32]].concat());
    }
    let body = [
        &version.min(0x0303).to_be_bytes()[..],
        &[7; 32],
        &[0],
        &(suites.len() as u16).to_be_bytes(),
        &suites,
        &[1, 0],
        &(extensions.len() as u16).to_be_bytes(),
        &extensions,
    ]
    .concat();
    let length = (body.len() as u32).to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[22, 3, 1][..], &(message.len() as u16).to_be_bytes(), &message].concat()
}
