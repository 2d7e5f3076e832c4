"""A real WordPress on loopback: Debian's own, with a database of its own, in a folder that goes with it.

    with RealWordPress(find()) as site:
        (story,) = site.do({"do": "write", "title": "Rivers", "content": "<p>...</p>", "status": "publish"})
        ... read site.url + "feed/", site.url + "wp-json/wp/v2/posts" ...
        site.do({"do": "trash", "id": story})

It needs the packages wordpress, php-cli, php-mysql and mariadb-server, and root (the database server refuses
to be root, so it runs as mysql). The machine's own WordPress and database, if it has them, are left alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from pathlib import Path
from typing import Any, Self

from tests.servers.ports import free_port
from tests.servers.run import Service
from tests.servers.waiting import HANG, wait_until

TITLE = "The Footbridge"
ZONE = "Asia/Yerevan"
AUTHOR = "Lusine Abelian"

_HERE = Path(__file__).parent
_PACKAGED = Path("/usr/share/wordpress")
_PROGRAMS = ("php", "mariadbd", "mariadb-install-db")
_PLACES = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
_START_SECONDS = 90.0
# Quiet, and nothing of it leaves the machine: it asks no other site for news of itself.
_CONFIG = """<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:{socket}');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('AUTH_KEY', '{key}');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
defined('DISABLE_WP_CRON') || define('DISABLE_WP_CRON', true);
define('WP_DEBUG', false);
define('WP_HOME', '{url}');
define('WP_SITEURL', '{url}');
$table_prefix = 'wp_';
if (!defined('ABSPATH')) {{
    define('ABSPATH', __DIR__ . '/');
}}
require_once ABSPATH . 'wp-settings.php';
"""


def find() -> Service:
    """The version of the packaged WordPress, or why there is none that could be started."""
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_PLACES) is None]
    written = _PACKAGED / "wp-includes" / "version.php"
    if missing or not written.exists():
        what = missing[0] if missing else "wordpress"
        return Service("wordpress", "", f"{what} is not there; install wordpress php-mysql mariadb-server")
    if os.geteuid() != 0:
        return Service("wordpress", "", "only root can start it")
    version = re.search(r"\$wp_version = '([^']+)'", written.read_text(encoding="utf-8"))
    return Service("wordpress", str(_PACKAGED), f"WordPress {version[1] if version else '?'}")


class RealWordPress:
    """The site, from the block's beginning to its end."""

    def __init__(self, found: Service) -> None:
        assert found.url, found.text
        self._folder = Path(tempfile.mkdtemp(prefix="digest-wordpress-"))
        self._port = free_port()
        self._started: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """Its front page, with a slash at the end."""
        return f"http://127.0.0.1:{self._port}/"

    def __enter__(self) -> Self:
        try:
            self._start_database()
            self._lay_out()
            self.do({"do": "install", "title": TITLE, "zone": ZONE, "author": AUTHOR}, installs=True)
            self._serve()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self._started):
            # The web server's own children do not end with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(HANG)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def do(self, *actions: dict[str, Any], installs: bool = False) -> list[Any]:
        """Have the desk do something; see `desk.php` for what there is. The answers, in order."""
        env = {
            **os.environ,
            "DIGEST_TEST_SITE": str(self._site),
            "DIGEST_TEST_HOST": f"127.0.0.1:{self._port}",
            "DIGEST_TEST_INSTALLS": "1" if installs else "0",
        }
        said = subprocess.run(
            [_program("php"), "-d", "display_errors=stderr", _HERE / "desk.php"],
            input=json.dumps(actions).encode(),
            env=env,
            capture_output=True,
            timeout=HANG,
            check=False,
        )
        assert said.returncode == 0, said.stderr.decode()[-3000:] + said.stdout.decode()[-1000:]
        answers: list[Any] = json.loads(said.stdout)
        return answers

    def keep_page(self, slug: str) -> None:
        """From now on a cache gives the page of a post as it is now."""
        with urllib.request.urlopen(f"{self.url}{slug}/", timeout=HANG) as answer:
            page = answer.read()
        folder = self._site / "kept"
        folder.mkdir(exist_ok=True)
        (folder / f"{slug}.html").write_bytes(page)

    @property
    def _site(self) -> Path:
        return self._folder / "site"

    @property
    def _socket(self) -> Path:
        return self._folder / "database" / "socket"

    def _start_database(self) -> None:
        data = self._folder / "database"
        self._folder.chmod(0o711)
        data.mkdir()
        shutil.chown(data, "mysql", "mysql")
        plain = ["--no-defaults", f"--datadir={data}", "--user=mysql"]
        subprocess.run(
            [_program("mariadb-install-db"), *plain, "--auth-root-authentication-method=normal"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=HANG,
            check=True,
        )
        quick = ["--skip-networking", "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin"]
        log = (self._folder / "database.log").open("wb")
        with log:
            command = [_program("mariadbd"), *plain, *quick, f"--socket={self._socket}"]
            self._started.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))
        wait_until(self._database_answers, seconds=_START_SECONDS, what="the database server")

    def _database_answers(self) -> bool:
        assert self._started[-1].poll() is None, (self._folder / "database.log").read_text()[-3000:]
        words = [f"--socket={self._socket}", "--user=root", "-e", "CREATE DATABASE IF NOT EXISTS wordpress"]
        said = subprocess.run(
            [_program("mariadb"), "--no-defaults", *words], capture_output=True, check=False
        )
        return said.returncode == 0

    def _lay_out(self) -> None:
        # A copy, for WordPress takes the folder that its files really lie in for its own.
        shutil.copytree(_PACKAGED, self._site, ignore_dangling_symlinks=True)
        config = _CONFIG.format(socket=self._socket, key=secrets.token_hex(16), url=self.url.rstrip("/"))
        (self._site / "wp-config.php").write_text(config, encoding="utf-8")
        # Debian has its themes in packages of their own; without any, every page is empty.
        themes = self._site / "wp-content" / "themes"
        shutil.copytree(_HERE / "theme", themes / "plain")
        plugins = self._site / "wp-content" / "mu-plugins"
        plugins.mkdir(exist_ok=True)
        shutil.copy(_HERE / "shut.php", plugins)

    def _serve(self) -> None:
        log = (self._folder / "web.log").open("wb")
        with log:
            words = ["-d", "display_errors=stderr", "-S", f"127.0.0.1:{self._port}", "-t", str(self._site)]
            command = [_program("php"), *words, str(_HERE / "router.php")]
            env = {**os.environ, "PHP_CLI_SERVER_WORKERS": "2"}
            self._started.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)
            )
        wait_until(self._web_answers, seconds=_START_SECONDS, what="the web server")

    def _web_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}feed/", timeout=HANG) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def _program(name: str) -> str:
    return shutil.which(name, path=_PLACES) or name
