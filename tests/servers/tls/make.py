"""Make the certificates of the judging SMTP server anew: `python -m tests.servers.tls.make`.

Run once; what it made lies beside it. One authority signs `localhost` (valid for a hundred years),
`expired` (for a day of 2020) and `other-name` (for mail.example.org); `self-signed` is nobody's but its own.
The authority's key is thrown away, so that nothing further can be signed with it.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_FOLDER = Path(__file__).parent
_FROM, _TO = dt.datetime(2026, 11, 1, tzinfo=dt.UTC), dt.datetime(2126, 11, 1, tzinfo=dt.UTC)
_OVER = dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.datetime(2020, 1, 2, tzinfo=dt.UTC)
_Key = ec.EllipticCurvePrivateKey


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _certificate(
    name: str,
    key: _Key,
    issuer: str,
    issuer_key: _Key,
    *,
    times: tuple[dt.datetime, dt.datetime] = (_FROM, _TO),
    is_authority: bool = False,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(times[0])
        .not_valid_after(times[1])
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False
        )
    )
    if not is_authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    else:
        usage = dict.fromkeys(
            (
                *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
                *("key_agreement", "encipher_only", "decipher_only"),
            ),
            False,
        )
        builder = builder.add_extension(
            x509.KeyUsage(key_cert_sign=True, crl_sign=True, **usage), critical=True
        )
    return builder.sign(issuer_key, hashes.SHA256())


def _write(file: str, certificate: x509.Certificate, key: _Key | None) -> None:
    text = certificate.public_bytes(serialization.Encoding.PEM)
    if key is not None:
        text += key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    (_FOLDER / f"{file}.pem").write_bytes(text)


def main() -> None:
    authority, authority_key = "Digest test authority", ec.generate_private_key(ec.SECP256R1())
    _write(
        "authority",
        _certificate(authority, authority_key, authority, authority_key, is_authority=True),
        None,
    )
    for file, name, times in (
        ("localhost", "localhost", (_FROM, _TO)),
        ("expired", "localhost", _OVER),
        ("other-name", "mail.example.org", (_FROM, _TO)),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        _write(file, _certificate(name, key, authority, authority_key, times=times), key)
    key = ec.generate_private_key(ec.SECP256R1())
    _write("self-signed", _certificate("localhost", key, "localhost", key), key)


if __name__ == "__main__":
    main()
