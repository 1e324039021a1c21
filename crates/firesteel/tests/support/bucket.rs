//! A bucket: a server in this process that speaks as much of S3's protocol as stores are spoken to, and counts requests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A bucket that anybody may use, until the process ends.
pub(crate) struct Bucket {
    pub(crate) endpoint: String,
    contents: Arc<Mutex<Contents>>,
}

#[derive(Default)]
struct Contents {
    objects: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    requests: BTreeMap<String, usize>,
    is_down: bool,
}

impl Bucket {
    pub(crate) fn start() -> Bucket {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let contents = Arc::<Mutex<Contents>>::default();
        let served = contents.clone();
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let served = served.clone();
                // A client that went away is none of a server's troubles.
                thread::spawn(move || drop(serve(connection, &served)));
            }
        });
        Bucket { endpoint, contents }
    }

    /// The settings by which it is reached.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("firesteel.hadoop.fs.s3a.endpoint", self.endpoint.clone()),
            ("firesteel.hadoop.fs.s3a.access.key", "key".into()),
            ("firesteel.hadoop.fs.s3a.secret.key", "secret".into()),
            ("firesteel.store.max_retries", "1".into()),
            ("firesteel.store.retry.backoff", "1ms".into()),
        ]
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.contents.lock().unwrap().objects.keys().cloned().collect()
    }

    /// The numbers of requests so far, by method.
    pub(crate) fn requests(&self) -> BTreeMap<String, usize> {
        self.contents.lock().unwrap().requests.clone()
    }

    /// From now on every request fails.
    pub(crate) fn break_down(&self) {
        self.contents.lock().unwrap().is_down = true;
    }
}

fn serve(connection: TcpStream, contents: &Mutex<Contents>) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let mut connection = connection;
    loop {
        let mut first = String::new();
        if reader.read_line(&mut first)? == 0 {
            return Ok(());
        }
        let mut words = first.split(' ');
        let (method, target) =
            (words.next().unwrap_or("").to_string(), words.next().unwrap_or("").to_string());
        let (mut length, mut range) = (0, None);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap(),
                "range" => {
                    let (from, to) = value.trim().trim_start_matches("bytes=").split_once('-').unwrap();
                    range = Some((from.parse::<usize>().unwrap(), to.parse::<usize>().unwrap()));
                }
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let (status, headers, answer) = contents.lock().unwrap().answer(&method, &target, range, body);
        let length = if method == "HEAD" { 0 } else { answer.len() };
        let stated = if method == "HEAD" { String::new() } else { format!("Content-Length: {length}\r\n") };
        write!(connection, "HTTP/1.1 {status} x\r\n{stated}{headers}\r\n")?;
        connection.write_all(&answer[..length])?;
    }
}

impl Contents {
    fn answer(
        &mut self,
        method: &str,
        target: &str,
        range: Option<(usize, usize)>,
        body: Vec<u8>,
    ) -> (u16, String, Vec<u8>) {
        *self.requests.entry(method.into()).or_default() += 1;
        if self.is_down {
            return (403, String::new(), b"<Error><Code>AccessDenied</Code></Error>".to_vec());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key).to_string();
        let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
        let tag = |bytes: &[u8]| {
            format!("ETag: \"{}-{}\"\r\n", bytes.len(), bytes.iter().map(|b| u64::from(*b)).sum::<u64>())
        };
        match method {
            "GET" if key.is_empty() => (200, String::new(), self.list(value("prefix").unwrap_or(""))),
            "GET" | "HEAD" => {
                let Some(object) = self.objects.get(&key) else { return (404, String::new(), vec![]) };
                let dated = format!("{}Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n", tag(object));
                match range {
                    Some((from, to)) => {
                        let part = object[from..=to.min(object.len() - 1)].to_vec();
                        let about = format!("{dated}Content-Range: bytes {from}-{to}/{}\r\n", object.len());
                        (206, about, part)
                    }
                    None if method == "HEAD" => {
                        (200, format!("{dated}Content-Length: {}\r\n", object.len()), vec![])
                    }
                    None => (200, dated, object.clone()),
                }
            }
            "PUT" => match value("uploadId") {
                Some(id) => {
                    let (answer, part) = (tag(&body), value("partNumber").unwrap().parse().unwrap());
                    self.uploads.entry(id.into()).or_default().insert(part, body);
                    (200, answer, vec![])
                }
                None => {
                    let answer = tag(&body);
                    self.objects.insert(key, body);
                    (200, answer, vec![])
                }
            },
            "POST" if query.starts_with("uploads") => {
                let id = format!("upload-{}", self.uploads.len());
                self.uploads.insert(id.clone(), BTreeMap::new());
                (200, String::new(), format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>").into_bytes())
            }
            "POST" if query.starts_with("delete") => {
                let text = String::from_utf8_lossy(&body).into_owned();
                let mut deleted = String::new();
                for (key, _) in text.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>")) {
                    self.objects.remove(key);
                    deleted += &format!("<Deleted><Key>{key}</Key></Deleted>");
                }
                (200, String::new(), format!("<DeleteResult>{deleted}</DeleteResult>").into_bytes())
            }
            "POST" => {
                let parts = self.uploads.remove(value("uploadId").unwrap_or("")).unwrap_or_default();
                self.objects.insert(key, parts.into_values().flatten().collect());
                (
                    200,
                    String::new(),
                    b"<CompleteMultipartUploadResult><ETag>\"x\"</ETag></CompleteMultipartUploadResult>"
                        .to_vec(),
                )
            }
            "DELETE" => {
                self.objects.remove(&key);
                (204, String::new(), vec![])
            }
            _ => (501, String::new(), vec![]),
        }
    }

    fn list(&self, prefix: &str) -> Vec<u8> {
        let prefix = prefix.replace("%2F", "/");
        let listed = self.objects.iter().filter(|(key, _)| key.starts_with(&prefix)).map(|(key, object)| {
            format!(
                "<Contents><Key>{key}</Key><Size>{}</Size><LastModified>2024-01-01T00:00:00.000Z</LastModified><ETag>\"x\"</ETag></Contents>",
                object.len()
            )
        });
        let listed: String = listed.collect();
        format!("<ListBucketResult><IsTruncated>false</IsTruncated>{listed}</ListBucketResult>").into_bytes()
    }
}
