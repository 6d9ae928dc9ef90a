"""A certificate authority of the test's own, and certificates of it for servers and clients.

    certificate, key = make_certificate(lab.directory / "tls", ["mx.example.net"])
    ca_file = make_ca(lab.directory / "tls")

The directory is the authority: the first call makes it, all others use it. Certificates are what a
public authority gives today: SAN, 90 days, key of the type asked for. `days` below 0 makes one
that has expired, `starts_in_days` above 0 one that is not yet valid.
"""

import datetime
import os
import pathlib
import subprocess

KEY_TYPES = {
    "ec": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:named_curve"],
    "ec384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-pkeyopt", "ec_param_enc:named_curve"],
    "rsa": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ed25519": ["ED25519"],
}
AUTHORITY = """
[ca]
default_ca = authority
[authority]
dir = {dir}
database = $dir/index.txt
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any_name
[any_name]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority_extensions]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
LEAF = """
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = {usage}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
crlDistributionPoints = URI:http://crl.ca.example/list.crl
"""


def make_ca(directory: pathlib.Path) -> pathlib.Path:
    """The file to trust. The authority's key and books stand beside it."""
    certificate = directory / "ca.pem"
    if certificate.exists():
        return certificate
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "index.txt").touch()
    (directory / "ca.cnf").write_text(AUTHORITY.format(dir=directory))
    _make_key(directory / "ca.key", "ec")
    _openssl(
        "req", "-x509", "-new", "-config", directory / "ca.cnf", "-key", directory / "ca.key",
        "-subj", "/CN=Test Authority", "-days", "3650", "-extensions", "authority_extensions",
        "-out", certificate,
    )  # fmt: skip
    return certificate


def make_certificate(
    directory: pathlib.Path,
    names: list[str],
    days: float = 90,
    key_type: str = "ec",
    file: str = "",
    starts_in_days: float = 0,
    usage: str = "serverAuth",
) -> tuple[pathlib.Path, pathlib.Path]:
    """Paths of certificate and key, called `file`.pem and .key, or after the first name.

    The first name is the CN too; an address among the names becomes an IP SAN. `usage` is
    "clientAuth" for a client's. Called again with the same `file`, it makes a new pair in place.
    """
    make_ca(directory)
    stem = file or names[0].replace("*", "any")
    certificate, key = directory / f"{stem}.pem", directory / f"{stem}.key"
    request, extensions = directory / f"{stem}.csr", directory / f"{stem}.cnf"
    san = ", ".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    extensions.write_text(LEAF.format(names=san, usage=usage))
    _make_key(key, key_type)
    _openssl(
        "req", "-new", "-config", directory / "ca.cnf", "-key", key, "-subj", f"/CN={names[0]}",
        "-out", request,
    )  # fmt: skip
    now = datetime.datetime.now(datetime.timezone.utc)
    ends = now + datetime.timedelta(days=days)
    starts = min(now, ends - datetime.timedelta(days=1)) if days < 0 else now
    starts += datetime.timedelta(days=starts_in_days)
    signed = directory / f"{stem}.new"
    _openssl(
        "ca", "-batch", "-notext", "-config", directory / "ca.cnf", "-in", request,
        "-extfile", extensions, "-startdate", starts.strftime("%Y%m%d%H%M%SZ"),
        "-enddate", ends.strftime("%Y%m%d%H%M%SZ"), "-out", signed,
    )  # fmt: skip
    os.replace(signed, certificate)
    return certificate, key


def make_self_signed(
    directory: pathlib.Path, names: list[str], days: int = 90, file: str = "self"
) -> tuple[pathlib.Path, pathlib.Path]:
    """A pair that no authority vouches for."""
    directory.mkdir(parents=True, exist_ok=True)
    certificate, key = directory / f"{file}.pem", directory / f"{file}.key"
    _make_key(key, "ec")
    san = ", ".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
    _openssl(
        "req", "-x509", "-new", "-key", key, "-subj", f"/CN={names[0]}", "-days", str(days),
        "-addext", f"subjectAltName={san}", "-out", certificate,
    )  # fmt: skip
    return certificate, key


def _make_key(path: pathlib.Path, key_type: str) -> None:
    new = path.with_suffix(".newkey")
    with open(new, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)):
        pass
    _openssl("genpkey", "-algorithm", *KEY_TYPES[key_type], "-out", new)
    os.replace(new, path)


def _is_address(name: str) -> bool:
    return ":" in name or name.replace(".", "").isdigit()


def _openssl(*arguments: str | pathlib.Path) -> None:
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr.decode(errors='replace')}"
