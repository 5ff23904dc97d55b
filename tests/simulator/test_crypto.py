"""The simulator's own crypto against the reference's vectors (§1.8) and against wechatpy (rules 2 to 4)."""

import pytest
from wechatpy.work.crypto import WeChatCrypto

from simulator.crypto import CryptoError, aes_key, decrypt, encrypt, signature

_SAMPLE = ("hJqcu3uJ9Tn2gXPmxx2w9kkCkCE2EPYo", "6qkdMrq68nTKduznJYO1A37W2oEgpkMUvkttRToqhUt", "ww1436e0e65a779aee")
_DOCUMENTED = ("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
_WECHATPY = ("123456", "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR", "wx49f0ab532d5d035a")

_A = "fsi1xnbH4yQh0+PJxcOdhhK6TDXkjMyhEPA7xB2TGz6b+g7xyAbEkRxN/3cNXW9qdqjnoVzEtpbhnFyq6SVHyA=="
_B = (
    "Kl7kjoSf6DMD1zh7rtrHjFaDapSCkaOnwu3bqLc5tAybhhMl9pFeK8NslNPVdMwmBQTNoW4mY7AIjeLvEl3NyeTkAgGzBhzTtRLN"
    "shw2AEew+kkYcD+Fq72Kt00fT0WnN87hGrW8SqGc+NcT3mu87Ha3dz1pSDi6GaUA6A0sqfde0VJPQbZ9U+3JWcoD4Z5jaU0y9GSh"
    "010wsHF8KZD24YhmZH4ch4Ka7ilEbjbfvhKkNL65HHL0J6EYJIZUC2pFrdkJ7MhmEbU2qARR4iQHE7wy24qy0cRX3Mfp6iELcDNf"
    "SsPGjUQVDGxQDCWjayJOpcwocugux082f49HKYg84EpHSGXAyh+/oxwaWbvL6aSDPOYuPDGOCI8jmnKiypE+"
)
_D = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg"
    "3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+k"
    "DZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6ti"
    "WSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p"
    "8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
)
_F = (
    "9s4gMv99m88kKTh/H8IdkOiMg6bisoy3ypwy9H4hvSPe9nsGaqyw5hhSjdYbcrKk+j3nba4HMOTzHrluLBYqxgNcBqGsL8GqxlhZ"
    "gURnAtObvesEl5nZ+uBE8bviY0LWke8Zy9V/QYKxNV2FqllNXcfmstttyIkMKCCmVbCFM2JTF5wY0nFhHZSjPUL2Q1qvSUCUld+/"
    "WIXrx0oyKQmpB6o8NRrrNrsDf03oxI1p9FxUgMnwKKZeOA/uu+2IEvEBtb7muXsVbwbgX05UPPJvFurDXafG0RQyPR+mf1nDnAtQ"
    "mmNOuiR5MIkdQ39xn1vWwi1O5oazPoQJz0nTYjxxEE8kv3kFxtAGVRe3ypD3WeK2XeFYFMNMpatF9XiKzHo3"
)

_B_PLAIN = (
    "<xml><ToUserName>ww1436e0e65a779aee</ToUserName><FromUserName>ChenJiaShun</FromUserName>"
    "<CreateTime>1476422779</CreateTime><MsgType>text</MsgType><Content>你好</Content>"
    "<MsgId>1456453720</MsgId><AgentID>1000002</AgentID></xml>"
)
_D_PLAIN = (
    "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>\n<FromUserName><![CDATA[mycreate]]></FromUserName>\n"
    "<CreateTime>1409659813</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[hello]]></Content>\n"
    "<MsgId>4561255354251345929</MsgId>\n<AgentID>218</AgentID>\n</xml>"
)
_F_PLAIN = (
    "<xml>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[test]]></Content>\n"
    "<FromUserName><![CDATA[wx49f0ab532d5d035a]]></FromUserName>\n<ToUserName><![CDATA[messense]]></ToUserName>\n"
    "<AgentID>1</AgentID>\n<CreateTime>1411525903</CreateTime>\n</xml>"
)


@pytest.mark.parametrize(
    ("secrets", "signed", "expected_signature", "plain"),
    [
        (_SAMPLE, ("1476416373", "47744683", _A), "012bc692d0a58dd4b10f8dfe5c4ac00ae211ebeb", "1288432023552776189"),
        (_SAMPLE, ("1476422779", "1597212914", _B), "0c3914025cb4b4d68103f6bfc8db550f79dcf48e", _B_PLAIN),
        (_DOCUMENTED, ("1409659813", "1372623149", _D), "477715d11cdb4164915debcba66cb864d751f3e6", _D_PLAIN),
        (_WECHATPY, ("1411525903", "461056294", _F), "407518b7649e86ef23978113f92d27afa9296533", _F_PLAIN),
    ],
    ids=["A", "B", "D", "F"],
)
def test_vectors_of_the_reference_verify_and_decrypt(
    secrets: tuple[str, str, str], signed: tuple[str, str, str], expected_signature: str, plain: str
) -> None:
    token, key, receive_id = secrets
    assert signature(token, *signed) == expected_signature
    opened = decrypt(aes_key(key), signed[-1])
    assert (opened.message.decode(), opened.receive_id) == (plain, receive_id)


def test_vector_f_encrypts_byte_for_byte_with_its_random_part() -> None:
    _, key, receive_id = _WECHATPY
    assert encrypt(aes_key(key), _F_PLAIN.encode(), receive_id, b"1234567890123456") == _F


def test_every_padding_is_read_by_another_implementation() -> None:
    """Rule 3: n takes all of 1..32; each length leaves another n."""
    token, key, receive_id = _SAMPLE
    other = WeChatCrypto(token, key, receive_id)
    for length in range(32):
        encrypted = encrypt(aes_key(key), b"x" * length, receive_id)
        check = signature(token, "1", "2", encrypted)
        assert other.check_signature(check, "1", "2", encrypted) == "x" * length


def test_two_encryptions_of_one_text_differ() -> None:
    _, key, receive_id = _SAMPLE
    assert encrypt(aes_key(key), b"same", receive_id) != encrypt(aes_key(key), b"same", receive_id)


def test_an_empty_receive_id_is_one() -> None:
    """Rule 4, the AI bot's."""
    _, key, _ = _SAMPLE
    opened = decrypt(aes_key(key), encrypt(aes_key(key), b"{}", ""))
    assert (opened.message, opened.receive_id) == (b"{}", "")


@pytest.mark.parametrize("encrypted", ["", "not base64!", "AAAA", "AAAAAAAAAAAAAAAAAAAAAA=="])
def test_what_was_never_encrypted_is_refused(encrypted: str) -> None:
    with pytest.raises(CryptoError):
        decrypt(aes_key(_SAMPLE[1]), encrypted)


@pytest.mark.parametrize("key", ["", "x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "é"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(CryptoError):
        aes_key(key)
