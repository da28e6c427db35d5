use hyper::Request;
use roost_kit::clock::Clock;

use super::*;

struct Site {
    folder: tempfile::TempDir,
    files: Files,
    clock: Clock,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        Self {
            files: Files::new(folder.path(), clock.clone()),
            folder,
            clock,
        }
    }

    fn write(&self, name: &str, content: &[u8]) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> (Response<()>, Vec<u8>) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let (head, body) = self.files.answer(&head).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(head, ()), body.to_vec())
    }
}

fn header<'a>(response: &'a Response<()>, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn nothing_outside_the_folder_is_served() {
    let site = Site::new();
    site.write("index.html", b"<p>home</p>");
    site.write("sub/index.html", b"<p>sub</p>");
    site.write(".secret", b"x");
    std::os::unix::fs::symlink("/etc/hostname", site.folder.path().join("link")).unwrap();
    for path in [
        "/../etc/passwd",
        "/%2e%2e/etc/passwd",
        "/.secret",
        "/link",
        "/none",
        "/a%00b",
        "/index.html/x",
    ] {
        assert_eq!(site.get(path, &[]).await.0.status(), 404, "{path}");
    }
    assert_eq!(site.get("/", &[]).await.1, b"<p>home</p>");
    assert_eq!(site.get("/sub/", &[]).await.1, b"<p>sub</p>");
    let (folder, _) = site.get("/sub", &[]).await;
    assert_eq!(
        (folder.status().as_u16(), header(&folder, "location")),
        (308, "/sub/")
    );
}

#[tokio::test]
async fn text_is_compressed_as_the_client_likes_and_pictures_are_not() {
    let site = Site::new();
    let text = "all work and no play ".repeat(1000);
    site.write("a.js", text.as_bytes());
    site.write("a.png", text.as_bytes());
    for (accepted, token) in [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=0.5, br;q=0", "gzip"),
        ("deflate", ""),
    ] {
        let (head, body) = site.get("/a.js", &[("accept-encoding", accepted)]).await;
        assert_eq!(header(&head, "content-encoding"), token);
        assert_eq!(header(&head, "vary"), "accept-encoding");
        assert_eq!(body.len().to_string(), header(&head, "content-length"));
        assert_eq!(body.len() < 1000, !token.is_empty());
        let plain = match token {
            "br" => {
                let mut out = Vec::new();
                brotli::BrotliDecompress(&mut &*body, &mut out).unwrap();
                out
            }
            "zstd" => zstd::bulk::decompress(&body, 1 << 20).unwrap(),
            "gzip" => {
                let mut out = Vec::new();
                let mut decoder = flate2::read::GzDecoder::new(&*body);
                std::io::Read::read_to_end(&mut decoder, &mut out).unwrap();
                out
            }
            _ => body,
        };
        assert_eq!(plain, text.as_bytes(), "{token}");
    }
    let (head, body) = site.get("/a.png", &[("accept-encoding", "br")]).await;
    assert_eq!(
        (header(&head, "content-encoding"), body.len()),
        ("", text.len())
    );
}

#[tokio::test]
async fn what_was_compressed_before_is_used() {
    let site = Site::new();
    site.write("a.css", &b"p {} ".repeat(100));
    site.write("a.css.br", b"made by somebody else");
    let (_, body) = site.get("/a.css", &[("accept-encoding", "br")]).await;
    assert_eq!(body, b"made by somebody else");
}

#[tokio::test]
async fn a_client_that_has_it_gets_nothing_until_it_changes() {
    let site = Site::new();
    site.write("a.txt", b"first");
    let (head, _) = site.get("/a.txt", &[]).await;
    let (tag, date) = (
        header(&head, "etag").to_owned(),
        header(&head, "last-modified").to_owned(),
    );
    for conditional in [
        ("if-none-match", tag.as_str()),
        ("if-modified-since", date.as_str()),
    ] {
        let (head, body) = site.get("/a.txt", &[conditional]).await;
        assert_eq!(
            (head.status().as_u16(), body.len()),
            (304, 0),
            "{conditional:?}"
        );
    }
    site.write("a.txt", b"second version");
    site.clock.advance(FILE_FRESH);
    let (head, body) = site.get("/a.txt", &[("if-none-match", &tag)]).await;
    assert_eq!(
        (head.status().as_u16(), body.as_slice()),
        (200, &b"second version"[..])
    );
}

#[tokio::test]
async fn parts_of_small_and_large_files_are_served() {
    let site = Site::new();
    let large: Vec<u8> = (0..CACHED_FILE_MAX + 100_000).map(|at| at as u8).collect();
    site.write("large.bin", &large);
    site.write("small.bin", &large[..1000]);
    for (name, size) in [("large.bin", large.len()), ("small.bin", 1000)] {
        let path = format!("/{name}");
        assert_eq!(site.get(&path, &[]).await.1, &large[..size]);
        let (head, body) = site.get(&path, &[("range", "bytes=300-799")]).await;
        assert_eq!(
            (head.status().as_u16(), body.as_slice()),
            (206, &large[300..800])
        );
        assert_eq!(
            header(&head, "content-range"),
            format!("bytes 300-799/{size}")
        );
        let (head, _) = site.get(&path, &[("range", "bytes=99999999-")]).await;
        assert_eq!(head.status(), 416);
    }
}
