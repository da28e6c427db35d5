//! Messages that tests deliver.

use std::collections::HashMap;

/// The texts that transcripts name.
pub(crate) fn message(name: &str) -> Vec<u8> {
    let messages = HashMap::from([
        ("plain", PLAIN),
        ("multipart", MULTIPART),
        ("nested", NESTED),
        ("latin", LATIN),
    ]);
    let text = messages
        .get(name)
        .unwrap_or_else(|| panic!("no message {name:?}"));
    text.replace('\n', "\r\n").into_bytes()
}

const PLAIN: &str = "Date: Mon, 7 Feb 1994 21:52:25 -0800
From: Fred Foobar <foobar@blurdybloop.example>
Subject: afternoon meeting
To: mooch@owatagu.siam.example
Message-Id: <B27397-0100000@blurdybloop.example>
MIME-Version: 1.0
Content-Type: TEXT/PLAIN; CHARSET=US-ASCII

Hello Joe, do you think we can meet at 3:30 tomorrow?
";

const MULTIPART: &str = "From: \"A. \\\"Quoted\\\" B\" <a@example.test>
To: Group: b@example.test, C <c@example.test>;, d@example.test
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"b\"

preamble
--b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gr=C3=BC=C3=9Fe aus K=C3=B6ln
--b
Content-Type: application/octet-stream; name=\"x.bin\"
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename=\"x.bin\"
Content-Language: en

AAECAw==
--b--
epilogue
";

const NESTED: &str = "From: outer@example.test
Subject: outer
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"o\"

--o
Content-Type: text/plain

cover
--o
Content-Type: message/rfc822

From: inner@example.test
Subject: inner
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary=\"i\"

--i
Content-Type: text/plain

inner plain
--i
Content-Type: text/html

<p>inner html</p>
--i--
--o--
";

const LATIN: &str = "From: a@example.test
Subject: =?iso-8859-1?q?=C4rger?=
Date: 1 Jan 2026 00:00:00 +0000
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe
";
