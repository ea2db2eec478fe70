"""A small SMTP server on a real socket: it takes mail, or fails as mail servers do."""

import asyncio
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.conftest import all_taken

USER, PASSWORD = "proctor", "a long password"


@dataclass
class SmtpServer:
    """What it offers, what it refuses, and what it has seen."""

    tls: str = "starttls"  # what it speaks: also "tls", from the first byte; or "none"
    utf8: bool = False
    refuses: dict[str, int] = field(default_factory=dict)  # a recipient: the number of the answer
    busy: int = 0  # for so many mails: 451
    silent_at: str = ""  # never answers this command, or "greeting"
    dribbles: bool = False  # answers the greeting a byte at a time, and never ends it
    port: int = 0
    context: ssl.SSLContext | None = None
    commands: list[str] = field(default_factory=list)
    in_clear: list[str] = field(default_factory=list)  # of them
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    hushed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has hung up
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        encrypted = self.tls == "tls"
        to = ""

        async def say(*lines: str) -> None:
            writer.write("".join(f"{line}\r\n" for line in lines).encode())
            await writer.drain()

        while self.dribbles:
            writer.write(b"2")
            await writer.drain()
            await asyncio.sleep(0.02)
        await self._hush("greeting")
        await say("220 ready")
        while line := (await reader.readline()).decode().strip():
            self.commands.append(line)
            if not encrypted:
                self.in_clear.append(line)
            verb = line.split(" ")[0].upper()
            await self._hush(verb)
            if verb == "EHLO":
                offers = ["AUTH PLAIN"] if encrypted else []
                offers += ["SMTPUTF8", "8BITMIME"] if self.utf8 else []
                offers += ["STARTTLS"] if self.tls == "starttls" and not encrypted else []
                await say("250-hello", *[f"250-{each}" for each in offers], "250 HELP")
            elif verb == "STARTTLS":
                await say("220 go ahead")
                assert self.context is not None
                await writer.start_tls(self.context)
                encrypted = True
            elif verb == "AUTH":
                shown = b64decode(line.split(" ")[2]).decode().split("\0")[1:]
                right = shown == [USER, PASSWORD]
                await say("235 welcome" if right else f"535 no such user as {shown[0]}")
            elif verb == "RCPT":
                to = line.partition("<")[2].partition(">")[0]
                self.busy -= 1
                code = 451 if self.busy >= 0 else self.refuses.get(to, 250)
                await say(f"{code} {to}")
            elif verb == "DATA":
                await say("354 go on")
                data = await reader.readuntil(b"\r\n.\r\n")
                self.recipients.append(to)
                mail = message_from_bytes(data[:-5].replace(b"\r\n..", b"\r\n."), policy=SMTPUTF8)
                assert isinstance(mail, EmailMessage)
                self.mails.append(mail)
                self.came.set()
                await self._hush("taken")
                await say("250 taken")
            else:
                await say("221 bye" if verb == "QUIT" else "250 ok")

    async def _hush(self, at: str) -> None:
        if at == self.silent_at:
            self.hushed.set()
            await asyncio.Event().wait()


def certificate(folder: Path, *names: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context with a certificate for these names, and one that believes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a mail server")])
    now = datetime.now(UTC)
    alternatives = [
        x509.IPAddress(ip_address(each)) if each[0].isdigit() else x509.DNSName(each)
        for each in names
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    file = folder / "mail-server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + made.public_bytes(Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=made.public_bytes(Encoding.PEM).decode())


@asynccontextmanager
async def smtp(server: SmtpServer) -> AsyncIterator[SmtpServer]:
    """Let a server listen on a free port; hang up on everybody at the end."""
    talks: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    # No coroutine: a task that is cancelled before it has begun would close nothing.
    def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks[asyncio.ensure_future(server.serve(reader, writer))] = writer

    context = server.context if server.tls == "tls" else None
    listening = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        await all_taken()
        listening.close()
        for task, writer in talks.items():
            task.cancel()
            writer.transport.abort()
        await asyncio.gather(*talks, return_exceptions=True)
