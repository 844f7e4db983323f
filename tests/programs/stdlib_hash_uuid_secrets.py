# SPDX-License-Identifier: MIT
"""hashlib, hmac, base64, zlib, binascii, uuid: digests and encodings."""
import base64
import binascii
import hashlib
import hmac
import uuid
import zlib


def main():
    data = "naïve café".encode()
    digests = {name: hashlib.new(name, data).hexdigest() for name in ("md5", "sha1", "sha256", "sha3_256", "blake2b")}
    key = hashlib.pbkdf2_hmac("sha256", b"password", b"salt", 1000).hex()
    scrypt = hashlib.scrypt(b"p", salt=b"s", n=16, r=1, p=1, dklen=8).hex()
    print(digests["sha256"])
    return {"digests": digests, "key": key, "scrypt": scrypt, "hmac": hmac.new(b"k", data, "sha256").hexdigest(),
            "same": hmac.compare_digest("a", "a"), "b64": base64.urlsafe_b64encode(data).decode(),
            "b85": base64.b85encode(data).decode(), "b32": base64.b32encode(b"hi").decode(),
            "crc": zlib.crc32(data), "hex": binascii.hexlify(data, "-").decode(),
            "uuid5": uuid.uuid5(uuid.NAMESPACE_DNS, "example.org"), "uuid3": str(uuid.uuid3(uuid.NAMESPACE_URL, "x")),
            "uuid4": uuid.uuid4().version, "uuid1": uuid.uuid1().version}
