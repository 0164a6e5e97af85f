"""Rows of sign-in. Of secrets a hash is kept, or what only this house can open."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from hunmin.db import Base, Json, new_id
from hunmin.signin.rules import Kind


class ChallengeRow(Base):
    """One sign-in, or other proof, that was begun and may be ended once."""

    __tablename__ = "signin_challenges"
    __table_args__ = (
        CheckConstraint("kind IN ('passkey_new', 'passkey', 'oidc', 'second')", name="kind"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[Kind] = mapped_column(Text)
    secret_sha256: Mapped[str] = mapped_column(unique=True)
    data: Mapped[Json]
    """What the way of signing in needs to end it."""
    user_id: Mapped[str | None] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    """Whose account, where that is known already."""
    session_id: Mapped[str | None]
    """The session it was made in; None: outside of any."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    used_at: Mapped[datetime | None]


class IdentityRow(Base):
    """Somebody an OpenID provider knows, and whose account here they open."""

    __tablename__ = "signin_identities"

    issuer: Mapped[str] = mapped_column(Text, primary_key=True)
    subject: Mapped[str] = mapped_column(Text, primary_key=True)
    """The provider's own id of them."""
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    linked_at: Mapped[datetime]


class PlaceRow(Base):
    """What the groups of a provider made somebody in an organization.

    The organization is an id this room does not look into. Memberships made by hand have no row.
    """

    __tablename__ = "signin_places"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), primary_key=True
    )
    organization_id: Mapped[str] = mapped_column(primary_key=True)
    issuer: Mapped[str] = mapped_column(Text, primary_key=True)
    role: Mapped[str] = mapped_column(Text)
    """What they were made last."""


class PasswordRow(Base):
    """The password of one account."""

    __tablename__ = "signin_passwords"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), primary_key=True
    )
    hash: Mapped[str] = mapped_column(Text)
    """argon2id, with its salt and cost, in its usual encoding."""
    changed_at: Mapped[datetime]


class PasskeyRow(Base):
    """One passkey of an account: what its device signs is checked with the public key."""

    __tablename__ = "signin_passkeys"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    credential_id: Mapped[str] = mapped_column(Text, unique=True)
    """What its device knows it by, base64url."""
    public_key: Mapped[bytes]
    """As the device gave it: COSE."""
    sign_count: Mapped[int] = mapped_column(BigInteger)
    """How often it was used, as the device counts; 0 where it does not."""
    name: Mapped[str] = mapped_column(Text)
    backed_up: Mapped[bool]
    """Whether it is kept on more devices than one, as those of phones are."""
    created_at: Mapped[datetime]
    used_on: Mapped[date | None]
    cloned_at: Mapped[datetime | None]
    """When its count went back, which two devices with one key do; it opens nothing since."""


class TotpRow(Base):
    """The authenticator app of one account."""

    __tablename__ = "signin_totp"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), primary_key=True
    )
    secret_sealed: Mapped[bytes]
    confirmed_at: Mapped[datetime | None]
    """When a code of the app was first typed in; until then it asks for nothing."""
    last_step: Mapped[int] = mapped_column(BigInteger)
    """The last step of time whose code was taken: none is taken twice."""


class RecoveryCodeRow(Base):
    """One code that takes the place of the authenticator app, once."""

    __tablename__ = "signin_recovery_codes"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(
        ForeignKey("accounts_users.id", ondelete="CASCADE"), index=True
    )
    code_sha256: Mapped[str] = mapped_column(unique=True)
    used_at: Mapped[datetime | None]


class AttemptRow(Base):
    """Failed tries of one account or from one network, neither of which it names."""

    __tablename__ = "signin_attempts"

    holder: Mapped[str] = mapped_column(primary_key=True)
    """A keyed hash of the name or network."""
    failures: Mapped[int]
    failed_at: Mapped[datetime]
