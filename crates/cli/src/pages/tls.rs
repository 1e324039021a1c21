//! The files with which pages speak TLS.

use clap::Args;
use firesteel_ui::TlsFiles;
use std::path::PathBuf;

/// The options for pages over TLS.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PageTls {
    /// The certificate for pages over TLS, in PEM, with those that vouch for it after it.
    #[arg(long, value_name = "FILE", requires = "webui_key", env = "FIRESTEEL_WEBUI_CERTIFICATES")]
    webui_certificates: Option<PathBuf>,
    /// Its private key, in PEM.
    #[arg(long, value_name = "FILE", requires = "webui_certificates", env = "FIRESTEEL_WEBUI_KEY")]
    webui_key: Option<PathBuf>,
}

impl PageTls {
    /// Returns the files, if pages are to speak TLS.
    pub(crate) fn files(&self) -> Option<TlsFiles> {
        let (certificates, key) = self.webui_certificates.clone().zip(self.webui_key.clone())?;
        Some(TlsFiles { certificates, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        tls: PageTls,
    }

    #[test]
    fn a_certificate_and_its_key_come_together() {
        let parse = |words: &[&str]| Command::try_parse_from([&["x"], words].concat());
        let both =
            parse(&["--webui-certificates", "a", "--webui-key", "b"]).ok().and_then(|both| both.tls.files());
        assert_eq!(both.map(|files| (files.certificates, files.key)), Some(("a".into(), "b".into())));
        assert!(parse(&["--webui-key", "b"]).is_err() && parse(&["--webui-certificates", "a"]).is_err());
        assert!(parse(&[]).ok().is_some_and(|none| none.tls.files().is_none()));
    }
}
