"""Where a permalink may lead."""

from __future__ import annotations

import pytest

from socialnlp_assets.resources.articles.address import PageError, addresses, is_public, parse


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "100.100.100.200", "192.0.0.192", "168.63.129.16", "192.0.2.1", "198.18.0.1", "203.0.113.5"),
        *("224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
        *("::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "fe80::1"),
        *("fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "100::1", "3fff::1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::", "2001:0:1::1", "not an address", ""),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001:800::200e", "::ffff:8.8.8.8"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "file:///etc/passwd",
            "ftp://news.example/",
            "gopher://news.example/",
            "javascript:alert(1)",
            "data:text/html,x",
        ),
        *("//news.example/", "news.example/page", "", "http://", "http:///path", "https://:443/"),
        *("http://user@news.example/", "http://user:pw@news.example/", "http://news.example@127.0.0.1/"),
        *("http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://127.1/"),
        *(
            "http://127.0.0.1./",
            "http://localhost./",
            "http://１２７.0.0.1./",
            "http://127。0。0。1。/",
            "http://%31%32%37.0.0.1/",
        ),
        *(
            "http://news.example:0/",
            "http://news.example:99999/",
            "http://news.example:port/",
            "http://[::1/",
            "http://[::g]/",
        ),
        *(
            "http://news example/",
            "http://news.example/a b",
            "http://news.example/\r\nHost: x",
            "http://news.example\\@x/",
        ),
        *(
            "http://-news.example/",
            "http://news..example/",
            f"http://{'a' * 64}.example/",
            f"http://news.example/{'a' * 5000}",
        ),
    ],
)
def test_urls_that_are_refused_as_written(url: str) -> None:
    with pytest.raises(PageError, match="refused"):
        parse(url)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://169.254.169.254/latest/meta-data",
        ),
        *("http://10.0.0.8:8080/", "http://１２７.0.0.1/", "http://127。0。0。1/"),
    ],
)
def test_private_addresses_are_refused_before_any_connection(url: str) -> None:
    with pytest.raises(PageError, match="refused"):
        addresses(parse(url), lambda host, port: pytest.fail(f"asked for {host}:{port}"))


@pytest.mark.parametrize(
    "found", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["::1", "93.184.216.34"], ["fe80::1%lo"]]
)
def test_a_name_with_one_private_address_is_refused(found: list[str]) -> None:
    with pytest.raises(PageError, match="refused: private address"):
        addresses(parse("http://news.example/"), lambda *_: found)


def test_a_name_with_public_addresses_is_connected_to_by_them() -> None:
    found = ["93.184.216.34", "2606:4700::1111"]
    assert addresses(parse("http://news.example/"), lambda *_: found) == found


@pytest.mark.parametrize("found", [OSError("no such host"), UnicodeError("label too long"), None])
def test_a_name_without_an_address(found: Exception | None) -> None:
    def resolve(host: str, port: int) -> list[str]:
        assert (host, port) == ("news.example", 443)
        if found:
            raise found
        return []

    with pytest.raises(PageError, match="host not found"):
        addresses(parse("https://news.example/"), resolve)


def test_a_host_that_the_settings_allow_may_be_private_on_that_port_only() -> None:
    allowed = frozenset({"127.0.0.1:8099", "[::1]:8099", "intranet:80"})
    assert addresses(parse("http://127.0.0.1:8099/a.html", allowed), lambda *_: []) == ["127.0.0.1"]
    assert addresses(parse("http://[::1]:8099/a.html", allowed), lambda *_: []) == ["::1"]
    assert addresses(parse("http://intranet/", allowed), lambda *_: ["10.0.0.1"]) == ["10.0.0.1"]
    with pytest.raises(PageError, match="private"):
        addresses(parse("http://127.0.0.1:8098/", allowed), lambda *_: [])
    with pytest.raises(PageError, match="private"):
        addresses(parse("https://intranet/", allowed), lambda *_: ["10.0.0.1"])


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("HTTPS://News.Example", "https://news.example/"),
        ("http://news.example:80/a?b=c#part", "http://news.example/a?b=c"),
        ("http://news.example:8080/è/%C3%A8?q=ü&r=[1]", "http://news.example:8080/%C3%A8/%C3%A8?q=%C3%BC&r=[1]"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("http://[2606:4700::1111]:81/x", "http://[2606:4700::1111]:81/x"),
    ],
)
def test_what_is_asked_for(url: str, asked: str) -> None:
    assert parse(url).url == asked
