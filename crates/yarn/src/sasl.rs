//! DIGEST-MD5 (RFC 2831) as Hadoop does it with a token: the name is the token's identifier, the password its password, both in
//! base64. The server proves in its last message that it knows the password, too.

use crate::YarnError;
use crate::messages::Token;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

/// The answer to a challenge, and the proof that the server has to give for it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) proof: String,
}

/// Answers a challenge. `uri` is the protocol and the server's id of the offer, with a slash between.
pub(crate) fn answer(
    challenge: &str,
    token: &Token,
    uri: &str,
    client_nonce: &str,
) -> Result<Answer, YarnError> {
    let fields = fields_of(challenge);
    let field = |name: &str| fields.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let want = |name: &str| {
        field(name).ok_or_else(|| YarnError::malformed("the server's challenge", format!("it has no {name}")))
    };
    let (realm, nonce) = (want("realm")?, want("nonce")?);
    let protection = field("qop").unwrap_or("auth");
    if !protection.split(',').any(|one| one.trim() == "auth") {
        return Err(YarnError::protection(protection));
    }
    let (user, password) = (STANDARD.encode(&token.identifier), STANDARD.encode(&token.password));
    let secret = md5(&[user.as_bytes(), realm.as_bytes(), password.as_bytes()]);
    let session = hex(&md5(&[&secret, nonce.as_bytes(), client_nonce.as_bytes()]));
    let prove = |method: &str| {
        let target = hex(&md5(&[method.as_bytes(), uri.as_bytes()]));
        let parts = [&session, nonce, "00000001", client_nonce, "auth", &target];
        hex(&md5(&parts.map(str::as_bytes)))
    };
    let text = format!(
        "charset=utf-8,username=\"{user}\",realm=\"{realm}\",nonce=\"{nonce}\",nc=00000001,cnonce=\"{client_nonce}\",\
         digest-uri=\"{uri}\",maxbuf=65536,response={},qop=auth",
        prove("AUTHENTICATE")
    );
    Ok(Answer { text, proof: format!("rspauth={}", prove("")) })
}

/// Returns a nonce of ours.
pub(crate) fn client_nonce() -> Result<String, YarnError> {
    random().map(|bytes| STANDARD.encode(bytes))
}

/// Returns sixteen random bytes.
pub(crate) fn random() -> Result<[u8; 16], YarnError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| YarnError::malformed("the system's randomness", error))?;
    Ok(bytes)
}

/// Returns the keys and values of `key=value,key="value"`.
fn fields_of(challenge: &str) -> Vec<(&str, &str)> {
    let (mut fields, mut rest) = (vec![], challenge);
    while let Some((key, value)) = rest.split_once('=') {
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_once(',').unwrap_or((value, "")),
        };
        fields.push((key.trim(), value));
        rest = after.trim_start_matches([',', ' ']);
    }
    fields
}

/// Returns the hash of parts with colons between them.
fn md5(parts: &[&[u8]]) -> Vec<u8> {
    Md5::digest(parts.join(&b':')).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHALLENGE: &str = "realm=\"default\",nonce=\"abc=\",qop=\"auth\",charset=utf-8,algorithm=md5-sess";

    fn token(identifier: &[u8], password: &[u8]) -> Token {
        Token { identifier: identifier.into(), password: password.into(), ..Token::default() }
    }

    /// The values were computed with Python's `hashlib` by the rules of RFC 2831.
    #[test]
    fn the_answer_by_another_implementation() {
        let answer = answer(CHALLENGE, &token(b"id", b"pw"), "/default", "cn").unwrap();
        let expected = "charset=utf-8,username=\"aWQ=\",realm=\"default\",nonce=\"abc=\",nc=00000001,cnonce=\"cn\",\
                        digest-uri=\"/default\",maxbuf=65536,response=0f745f12a4cbc9ea28326a732cff3369,qop=auth";
        assert_eq!(answer.text, expected);
        assert_eq!(answer.proof, "rspauth=6eef71e7f538e697532c87eb5c0d17d2");
    }

    #[test]
    fn protection_that_is_not_built_is_refused_in_words() {
        let ask = |qop: &str| {
            let challenge = format!("realm=\"default\",nonce=\"n\",qop=\"{qop}\"");
            answer(&challenge, &token(b"i", b"p"), "/default", "c")
        };
        assert!(ask("auth-conf,auth").is_ok());
        for only in ["auth-int", "auth-conf,auth-int"] {
            let refusal = ask(only).unwrap_err().to_string();
            assert!(refusal.contains(only) && refusal.contains("hadoop.rpc.protection"), "{refusal}");
        }
        assert!(
            answer("realm=\"default\"", &token(b"", b""), "/", "").unwrap_err().to_string().contains("nonce")
        );
    }

    proptest! {
        #[test]
        fn no_challenge_breaks_the_reader(challenge: String, inside in "[a-z=\",]*") {
            let _ = answer(&challenge, &token(b"i", b"p"), "/default", "c");
            let _ = answer(&format!("realm=x,nonce=y,{inside}"), &token(b"i", b"p"), "/default", "c");
        }
    }
}
