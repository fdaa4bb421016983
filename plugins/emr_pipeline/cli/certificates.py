"""The self-signed certificate with which the nodes of a cluster encrypt their connections.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-encryption-enable.html
"""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

VALID_DAYS = 3650


def zip_file(region: str) -> bytes:
    """Return the zip file that EMR reads from S3, with a new private key, which is only in memory."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    # The private host names of EC2: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html
    domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"*.{domain}")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"*.{domain}")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    private_key = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("privateKey.pem", private_key)
        archive.writestr("certificateChain.pem", certificate)
        archive.writestr("trustedCertificates.pem", certificate)
    return buffer.getvalue()
