"""Certificates and files of credentials for a cluster of tests, made by `openssl`.

`cluster.py` makes one authority for each cluster, which signs the server's certificate and those of its clients.
"""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

DAYS = "2"


class Authority:
    """A certificate authority in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.certificate = directory / "ca.crt"
        self._key = directory / "ca.key"
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(self._key))
        self._openssl(
            "req", "-x509", "-new", "-key", str(self._key), "-days", DAYS, "-subj", "/CN=test-authority",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", str(self.certificate),
        )  # fmt: skip

    def sign(self, name: str, subject: str, usage: str, also: str = "") -> tuple[Path, Path]:
        """Returns the files of a certificate and its key; `usage` is `serverAuth` or `clientAuth`."""
        key, request, certificate = (self.directory / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(f"extendedKeyUsage={usage}\n" + (f"subjectAltName={also}\n" if also else ""))
        self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key))
        self._openssl("req", "-new", "-key", str(key), "-subj", subject, "-out", str(request))
        self._openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self._key),
            "-CAcreateserial", "-days", DAYS, "-extfile", str(extensions), "-out", str(certificate),
        )  # fmt: skip
        return certificate, key

    def service_account_key(self) -> tuple[Path, Path]:
        """Returns the files of the private and the public key of tokens."""
        private, public = self.directory / "accounts.key", self.directory / "accounts.pub"
        self._openssl("genrsa", "-out", str(private), "2048")
        self._openssl("rsa", "-in", str(private), "-pubout", "-out", str(public))
        return private, public

    def kubeconfig(self, path: Path, server: str, user: dict[str, str]) -> Path:
        """Writes a kubeconfig, which only its owner can read. JSON is YAML."""
        authority = base64.b64encode(self.certificate.read_bytes()).decode()
        text = json.dumps({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority-data": authority}}],
            "users": [{"name": "user", "user": user}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user", "namespace": "default"}}],
            "current-context": "test",
        })  # fmt: skip
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def client(self, name: str, subject: str, server: str) -> Path:
        """Returns the kubeconfig of a client with a certificate of its own."""
        certificate, key = self.sign(name, subject, "clientAuth")
        encoded = {
            "client-certificate-data": base64.b64encode(certificate.read_bytes()).decode(),
            "client-key-data": base64.b64encode(key.read_bytes()).decode(),
        }
        return self.kubeconfig(self.directory / f"{name}.kubeconfig", server, encoded)

    def _openssl(self, *words: str) -> None:
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"openssl {words[0]}: {done.stderr.strip()}")
