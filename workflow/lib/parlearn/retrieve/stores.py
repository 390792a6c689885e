"""The place a product is retrieved from: a folder, an address, or its archive."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from urllib.parse import unquote, urlsplit

from parlearn.plan import products
from parlearn.retrieve.access import Access, server_of
from parlearn.retrieve.listing import Listed, ListingError
from parlearn.retrieve.logins import EARTHDATA, find_login, missing, refuse_login_in
from parlearn.retrieve.mirror import FolderStore, parse_checksums
from parlearn.retrieve.web import HttpStore

#: folders within folders that are looked into
DEPTH = 4


def place(product: str, settings: Mapping) -> str:
    """``mirror``, ``url`` or ``archive``: which of them a product comes from."""
    return "mirror" if settings.get("mirror") else "url" if settings.get("url") else "archive"


def base_address(product: str, settings: Mapping) -> str:
    """Address below which a product's files lie; empty where the archive is searched instead."""
    what = products.product(product)
    base = settings.get("url") or what.archive.format(version=products.version(product, settings))
    if base:
        refuse_login_in(base, product)
    elif what.login != "earthdata":
        raise ListingError(
            f"{product}: {what.title} has no fixed address: {missing(what.login)}; write its "
            f"address under source.products.{product}.url, or name under mirror the folder that "
            "you filled by hand"
        )
    return base


def open_store(product: str, settings: Mapping, **options):
    """The place of a product's files, ready to list, ask and fetch; close it at the end.

    Parameters
    ----------
    options : attempts, backoff, of any place on the net
    """
    if settings.get("mirror"):
        return FolderStore(settings["mirror"])
    base = base_address(product, settings)
    what = products.product(product)
    scheme, host = urlsplit(base).scheme, urlsplit(base).hostname or ""
    login, advice = find_login(what.login, host), f"{product}: {missing(what.login, host)}"
    if scheme == "sftp":
        from parlearn.retrieve.sftp import SftpStore

        hint = (
            f"The server may offer other versions only: set source.products.{product}.version to "
            "one it has (GLEAM 4 has taken the place of 3 on its front page), or .url to its folder"
        )
        return SftpStore(base, login, hint=hint, advice=advice, **options)
    if scheme in ("ftp", "ftps"):
        from parlearn.retrieve.ftp import FtpStore

        return FtpStore(base, login, advice=advice, **options)
    if scheme not in ("http", "https", ""):
        raise ListingError(f"{product}: {base}: addresses start with https, http, sftp or ftp")
    return HttpStore(base, access_of(product, base), **options)


def access_of(product: str, base: str) -> Access:
    """The login for a product's files over HTTP, and who may see it."""
    what = products.product(product)
    if what.login == "earthdata":
        return Access(
            find_login("earthdata"),
            EARTHDATA,
            advice=f"{product}: {missing('earthdata')}",
            approve=what.approve,
        )
    host = urlsplit(base).hostname or ""
    return Access(
        find_login(what.login, host),
        server_of(base),
        advice=f"{product}: {missing(what.login, host)}",
        approve=what.approve or "the account may not read it: ask for the data at its site",
    )


def found_in(store, product: str, times: tuple[datetime, datetime]) -> Iterator[Listed]:
    """Files of a product that a place has; folders of other years are not looked into."""
    sums = parse_checksums(store.sums(), f"SHA256SUMS of {product}")
    pattern = products.product(product).pattern
    if sums and isinstance(store, HttpStore):
        paths = ((path, None) for path in sums)
    else:
        paths = _walk(store, "", range(times[0].year, times[1].year + 1), DEPTH)
    for path, size in paths:
        name = path.rpartition("/")[2]
        if pattern.fullmatch(name):
            digest = sums.get(path, "")
            yield Listed(name, store.address(path), size, "sha256" if digest else "", digest)


def _walk(store, folder, years, depth):
    for name, is_folder, size in store.entries(folder):
        path = unquote(folder + name)
        if not is_folder:
            yield path, size
        elif depth > 1 and not (name.isdigit() and len(name) == 4 and int(name) not in years):
            yield from _walk(store, path + "/", years, depth - 1)
